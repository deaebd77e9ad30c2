"""A clip on the disk: as long as its segment, with something to hear, read back after writing, under a safe name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

import numpy as np

from synth.audio import encode
from synth.audio.channels import cancelling
from synth.audio.cut import Cut
from synth.audio.decode import UndecodableError, decode
from synth.audio.envelope import SILENT, measure
from synth.audio.measured import centred
from synth.store.atomic import replacing

LACKING_S = 0.05  # one frame of the coarsest codec in use (2,048 samples of HE-AAC at 44.1 kHz) may lack at the end
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST = 80  # characters of an id in a file name


@dataclass(frozen=True, slots=True)
class Kept:
    """A clip that was written: its ``path`` below the folder with forward slashes, and what its file holds."""

    path: str
    sha256: str
    rate_hz: int
    frames: int
    bytes: int


class Refused(Exception):  # noqa: N818 - a verdict on audio, not a fault of the program
    """Audio that is no clip; ``status`` is one of LEDGER's: "short", "silent", "antiphase", "truncated"."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def name_of(item_id: str) -> str:
    """Return the path of a clip below the folder, e.g. ``audio/31/Y--PJHxphWEs_30000-31a8d704.flac``.

    The hash of the id fans the files out over 256 folders and keeps ids apart that differ in case alone, where the file
    system does not; the Y keeps ``-`` off the front. What has no place in a file name becomes ``~``.
    """
    digest = sha256(item_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"audio/{digest[:2]}/Y{_UNSAFE.sub('~', item_id)[:_LONGEST]}-{digest[:8]}.flac"


def keep(cut: Cut, item_id: str, length_s: float, folder: Path) -> Kept:
    """Write a cut as a mono 16-bit FLAC file of round(length_s · rate) samples, and read it back.

    Up to 50 ms that lack at the end are filled with silence, as the last frame of a codec may be missing.

    Raises:
        Refused: it is "short" by more than that, "silent" (no 20 ms of it reach -90 dBFS, a constant aside), "antiphase" (its
            channels cancel, so that their average is not what is heard), or read
            back from the disk as something else ("truncated").
        InputError: the disk is full.
    """
    wanted = round(length_s * cut.rate_hz)
    lacking = wanted - len(cut.samples)
    if lacking > LACKING_S * cut.rate_hz or not len(cut.samples):
        ends = f"; the sound ends at {cut.stream_s:.3f} s" if cut.heard_s < length_s else ""
        raise Refused("short", f"{len(cut.samples) / cut.rate_hz:.3f} s of {length_s:.3f} s are there{ends}")
    samples = np.pad(cut.samples[:wanted], (0, max(0, lacking)))
    if cut.lost_db is not None:
        raise Refused("antiphase", cancelling(cut.channels, cut.lost_db))
    heard = measure(centred(samples)[0], cut.rate_hz).rms
    if not len(heard) or heard.min() > SILENT:
        raise Refused("silent", f"no 20 ms of its {length_s:.3f} s reach -90 dBFS")
    path = name_of(item_id)
    data = encode.flac(samples, cut.rate_hz)
    with replacing(folder / path) as temporary:
        temporary.write_bytes(data)
        try:
            again = decode(temporary)
        except UndecodableError as error:
            raise Refused("truncated", f"the clip does not decode after writing: {error.reason}") from None
        if again.rate_hz != cut.rate_hz or not np.array_equal(again.samples, samples):
            raise Refused("truncated", "the clip decodes after writing to other samples than were written")
    return Kept(path, sha256(data).hexdigest(), cut.rate_hz, len(samples), len(data))


def still_good(folder: Path, path: str, sha256: str) -> bool:
    """Tell whether a clip lies at ``path`` below ``folder`` with the bytes that were written."""
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        return False
    try:
        with (folder / path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == sha256
    except (OSError, ValueError):
        return False
