"""Small archives in the form of the published ones, and what is known of them."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from synth import demo
from synth.fetching.known import LIBRISPEECH, RAVDESS, Archive
from tests.fetching.loopback import Site


def tar_gz(members: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def zip_of(members: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def voices(subset: str) -> dict[str, bytes]:
    """The demo voices as an archive of LibriSpeech holds them: the tables above, the recordings in a subset."""
    folder = demo.folder()
    members = {f"LibriSpeech/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.TXT"))}
    for path in sorted((folder / "demo").rglob("*.*")):
        members[f"LibriSpeech/{subset}/{path.relative_to(folder / 'demo').as_posix()}"] = path.read_bytes()
    return members


def noise(subset: str, files: int, size: int) -> dict[str, bytes]:
    """Files named like recordings, of random bytes: large enough to be interrupted."""
    chance = random.Random(files)
    return {
        f"LibriSpeech/{subset}/{1 + k % 7}/{k % 3}/{1 + k % 7}-{k % 3}-{k:04}.flac": chance.randbytes(size)
        for k in range(files)
    }


def acted() -> dict[str, bytes]:
    """Recordings of two actors, as an archive of RAVDESS holds them: demo voices at 48 kHz."""
    members = {}
    for k, path in enumerate(sorted(demo.folder().rglob("*-0000.flac"))[:4]):
        samples, rate = soundfile.read(path, dtype="int16")
        content = io.BytesIO()
        soundfile.write(content, np.repeat(samples, 48000 // rate), 48000, format="WAV")
        actor = 1 + k % 2
        members[f"Actor_{actor:02}/03-01-05-01-02-{1 + k // 2:02}-{actor:02}.wav"] = content.getvalue()
    return members


def _known(
    like: Archive, content: bytes, recordings: int, speakers: int, site: Site, paths: tuple[str, ...]
) -> Archive:
    for path in paths:
        site.files[path] = content
    return replace(
        like,
        urls=tuple(site.url(path) for path in paths),
        bytes=len(content),
        md5=hashlib.md5(content).hexdigest(),
        unpacked_bytes=2 * len(content),
        recordings=recordings,
        speakers=speakers,
    )


def subset(site: Site, members: Mapping[str, bytes], part: str = "train-clean-5", mirrors: int = 1) -> Archive:
    """Publish an archive of LibriSpeech on a site, below so many addresses; return what is known of it."""
    recordings = [name for name in members if name.endswith(".flac")]
    speakers = {name.split("/")[2] for name in recordings}
    paths = tuple(f"/{k}/{part}.tar.gz" for k in range(mirrors))
    return _known(LIBRISPEECH[part], tar_gz(members), len(recordings), len(speakers), site, paths)


def actors(site: Site, members: Mapping[str, bytes]) -> Archive:
    """Publish an archive of RAVDESS on a site; return what is known of it."""
    speakers = {name.split("/")[0] for name in members}
    return _known(RAVDESS["speech"], zip_of(members), len(members), len(speakers), site, ("/speech.zip",))


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
