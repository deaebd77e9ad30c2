"""The published archives: where they lie, their size and checksum, and what is in each.

LibriSpeech: https://www.openslr.org/12 and /31 (mini), with md5sum.txt and the mirrors named there. RAVDESS: Zenodo
record 1188976. The recordings of each archive are counted, so that a folder can be told whole from a part of it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_OPENSLR = (
    "https://www.openslr.org",
    "https://openslr.trmal.net",
    "https://us.openslr.org",
    "https://openslr.elda.org",
    "https://openslr.magicdatatech.com",
)
_ZENODO = (
    "https://zenodo.org/records/1188976/files/{name}?download=1",
    "https://zenodo.org/api/records/1188976/files/{name}/content",
)


@dataclass(frozen=True, slots=True)
class Archive:
    """One published archive, and what the folder of its corpus holds when it is unpacked there.

    ``root`` is the folder within the archive that is the corpus (empty: all of it), ``folder`` the one below the
    corpus' folder that it becomes (empty: that folder itself). A recording's path below the corpus' folder ends in
    ``pattern``, whose first group is the speaker; ``within`` is the folder below which recordings are looked for.
    """

    part: str
    name: str
    urls: tuple[str, ...]
    bytes: int
    md5: str
    unpacked_bytes: int
    recordings: int
    speakers: int | None  # None: nobody published the number
    hours: float
    pattern: str
    root: str = ""
    folder: str = ""
    within: str = ""

    def had(self, corpus: Path) -> Had:
        """Count the recordings that are there below a corpus' folder; empty files and second copies do not count."""
        names: set[str] = set()
        speakers: set[str] = set()
        recording = re.compile(self.pattern)
        for folder, _, files in os.walk(corpus / self.within):
            below = Path(folder).relative_to(corpus).as_posix()
            for name in files:
                found = recording.search(f"/{below}/{name}")
                if found and name not in names and _size(os.path.join(folder, name)):  # noqa: PTH118 - 150,000 files
                    names.add(name)
                    speakers.add(found[1])
        return Had(len(names), len(speakers))

    def whole(self, had: Had) -> bool:
        """Tell whether everything that the archive holds is there."""
        return had.recordings >= self.recordings and had.speakers >= (self.speakers or 1)


@dataclass(frozen=True, slots=True)
class Had:
    """How many recordings of an archive are there, and by how many speakers."""

    recordings: int
    speakers: int


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:  # a link that leads nowhere
        return 0


def _librispeech(
    resource: int, subset: str, size: int, md5: str, recordings: int, speakers: int | None, hours: float
) -> Archive:
    return Archive(
        part=subset,
        name=f"{subset}.tar.gz",
        urls=tuple(f"{server}/resources/{resource}/{subset}.tar.gz" for server in _OPENSLR),
        bytes=size,
        md5=md5,
        unpacked_bytes=size + size // 20,  # FLAC does not shrink again
        recordings=recordings,
        speakers=speakers,
        hours=hours,
        pattern=rf"/{re.escape(subset)}/([0-9]+)/[0-9]+/[0-9]+-[0-9]+-[0-9]{{4}}\.flac$",
        root="LibriSpeech",
        within=subset,
    )


def _ravdess(part: str, title: str, size: int, md5: str, code: str, recordings: int, speakers: int) -> Archive:
    name = f"Audio_{title}_Actors_01-24.zip"
    seconds = {"speech": 3.70, "song": 4.65}[part]
    return Archive(
        part=part,
        name=name,
        urls=tuple(url.format(name=name) for url in _ZENODO),
        bytes=size,
        md5=md5,
        unpacked_bytes=int(recordings * (seconds * 96_000 + 50_000)),  # 16 bit at 48 kHz; 50 kB of notes in each file
        recordings=recordings,
        speakers=speakers,
        hours=recordings * seconds / 3600,
        pattern=rf"/03-{code}-[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}-([0-9]{{2}})\.wav$",
        folder=name.removesuffix(".zip"),  # of its own: speech and song have the same Actor_01, …
    )


LIBRISPEECH = {
    archive.part: archive
    for archive in (
        _librispeech(31, "dev-clean-2", 126046265, "6d7ab67ac6a1d2c993d050e16d61080d", 1089, None, 2.0),
        _librispeech(31, "train-clean-5", 332954390, "5df7d4e78065366204ca6845bb08f490", 1519, 28, 5.3),
        _librispeech(12, "dev-clean", 337926286, "42e2234ba48799c1f50f24a7926300a1", 2703, 40, 5.4),
        _librispeech(12, "dev-other", 314305928, "c8d0bcc9cca99d4f8b62fcc847357931", 2864, 33, 5.1),
        _librispeech(12, "test-clean", 346663984, "32fa31d27d2e1cad72775fee3f4849a9", 2620, 40, 5.4),
        _librispeech(12, "test-other", 328757843, "fb5a50374b501bb3bac4815ee91d3135", 2939, 33, 5.3),
        _librispeech(12, "train-clean-100", 6387309499, "2a93770f6d5c6c964bc36631d331a522", 28539, 251, 100.6),
        _librispeech(12, "train-clean-360", 23049477885, "c0e676e450a7ff2f54aeade5171606fa", 104014, 921, 363.6),
        _librispeech(12, "train-other-500", 30593501606, "d1a0fd59409feb2c614ce4d30c387708", 148688, 1166, 496.9),
    )
}
RAVDESS = {
    archive.part: archive
    for archive in (
        _ravdess("speech", "Speech", 208468073, "bc696df654c87fed845eb13823edef8a", "01", 1440, 24),
        _ravdess("song", "Song", 225505317, "5411230427d67a21e18aa4d466e6d1b9", "02", 1012, 23),
    )
}
