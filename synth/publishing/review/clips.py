"""What a page needs of a recording: its sound as WAV, whatever its format, and its spectrogram as PNG."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from synth.audio import encode
from synth.audio.decode import Decoded, UndecodableError, decode
from synth.publishing.pictures import FLOOR_DB, Floats, spectrogram

MOST_KEPT = 6  # decoded recordings: the one that is heard, its neighbours, and what a browser asks for again
HEIGHT, LOWEST_HZ = 288, 40.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of SOURCES: where it lies, and what a page says of it."""

    source_id: str
    root: Path
    path: str
    labels: tuple[str, ...]
    duration_s: float | None
    rate_hz: int | None


class GoneError(Exception):
    """A recording that cannot be heard; the message says where it was looked for, or what is wrong with it."""


class Clips:
    """Decodes recordings by their ids and keeps the last few. For several threads."""

    def __init__(self, recordings: Mapping[str, Recording]) -> None:
        self.recordings = recordings
        self.gone: dict[str, str] = {}
        self._kept: OrderedDict[str, Decoded] = OrderedDict()
        self._lock = threading.Lock()

    def wav(self, source_id: str) -> bytes:
        """Return a recording as mono 16-bit WAV at its own rate. Raises GoneError."""
        found = self._decoded(source_id)
        return encode.wav(found.samples, found.rate_hz)

    def picture(self, source_id: str) -> bytes:
        """Return the spectrogram of a recording as PNG, without axes: time to the right, mel frequency upwards.

        Raises GoneError.
        """
        import matplotlib.image

        found = self._decoded(source_id)
        level = on_mel_scale(spectrogram(found.samples, found.rate_hz), found.rate_hz)
        out = io.BytesIO()
        matplotlib.image.imsave(out, level, cmap="magma", vmin=-FLOOR_DB, vmax=0, origin="lower", format="png")
        return out.getvalue()

    def check(self, source_id: str) -> None:
        """Raise GoneError for a recording whose file is not there any more."""
        recording = self.recordings[source_id]
        path = PurePosixPath(recording.path)
        if path.is_absolute() or ".." in path.parts:
            raise self._gone(source_id, f"its path {recording.path} leads out of the folder of '{recording.root.name}'")
        if not (recording.root / path).is_file():
            raise self._gone(
                source_id,
                f"there is no file {recording.root / path} any more; put it back, or leave this clip undecided",
            )

    def _decoded(self, source_id: str) -> Decoded:
        with self._lock:  # one at a time: a browser asks for the sound and the picture at once
            if source_id in self._kept:
                self._kept.move_to_end(source_id)
                return self._kept[source_id]
            self.check(source_id)
            recording = self.recordings[source_id]
            try:
                found = decode(recording.root / recording.path)
            except UndecodableError as error:
                raise self._gone(source_id, str(error)) from None
            self.gone.pop(source_id, None)
            self._kept[source_id] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return found

    def _gone(self, source_id: str, why: str) -> GoneError:
        self.gone[source_id] = why
        return GoneError(f"{source_id} cannot be heard: {why}")


def on_mel_scale(level: Floats, rate_hz: int) -> Floats:
    """Return a spectrogram (frequencies, times) with rows equally spaced in mel, from 40 Hz to half the rate.

    Mel as in O'Shaughnessy: "Speech communication" (1987): 2595 log10(1 + f / 700). Where rows are wider than the bins
    of the spectrogram, the loudest bin of each shows.
    """
    edges_mel = np.linspace(_mel(min(LOWEST_HZ, rate_hz / 4)), _mel(rate_hz / 2), HEIGHT + 1)
    bins = (700 * (10 ** (edges_mel / 2595) - 1)) / (rate_hz / 2) * (len(level) - 1)
    first = np.clip(np.floor(bins[:-1]).astype(np.int64), 0, len(level) - 1)
    last = np.clip(np.ceil(bins[1:]).astype(np.int64), first + 1, len(level))
    return np.stack([level[low:high].max(axis=0) for low, high in zip(first, last, strict=True)])


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
