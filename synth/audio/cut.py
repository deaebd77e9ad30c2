"""Segments out of a recording or a video, exact to the sample of the decoded stream.

The stream is decoded from its beginning and its samples are counted; nothing seeks, and no time stamp places anything.
Samples that the encoder put before the sound are dropped where the file declares them (an edit list, a codec delay).
AAC in MP4 without an edit list does not declare them: its clips begin 1,024 samples (23 ms) early, by a constant that
the file does not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import gcd, isfinite
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from synth.audio.channels import mixed_down, mono
from synth.audio.measured import resampled
from synth.audio.stream import CutError, opened

__all__ = ["Cut", "CutError", "cut"]

_CONTEXT_S = 0.1  # on either side of what is resampled; soxr's filter is shorter


@dataclass(frozen=True, slots=True)
class Cut:
    """One segment of a stream.

    ``samples``, shape (n,), is mono at ``rate_hz``; ``codec`` is FFmpeg's name (aac, opus, mp3, vorbis, flac).
    ``priming`` says what the file declared of the samples before the sound: "edit list", "codec delay", "none declared".
    ``heard_s`` is how much of the segment the stream held, ``stream_s`` how much of the stream was decoded. ``lost_db`` is
    how far its ``channels`` cancel, else None (channels.py).
    """

    samples: NDArray[np.int16]
    rate_hz: int
    codec: str
    priming: str
    heard_s: float
    stream_s: float
    channels: int = 1
    lost_db: float | None = None


def cut(file: Path | BinaryIO, segments: Sequence[tuple[float, float]], rate_hz: int) -> list[Cut]:
    """Cut segments (start and end in seconds) out of a file, in one decoding pass that ends with the last of them.

    A segment is round((end - start)·r) samples from round(start·r) on, at the stream's own rate r; channels are averaged
    as ``decode`` does. Where ``rate_hz`` is another rate, at least 0.1 s of context on either side (silence beyond the
    ends of the stream) are resampled with it and cut off at samples that both rates share; the result is
    round((end - start)·rate_hz) samples. A segment that goes past the end of the stream gives what there was of it.
    Only the samples of segments are held in memory.

    Raises:
        CutError: no audio; or before the end of the last segment and its context an error of the decoder, a hole in the
            stream, or an end that comes before the declared one.
        ValueError: a segment that is no interval of non-negative numbers, or a rate that is not positive.
        OSError: the file cannot be read.
    """
    for start_s, end_s in segments:
        if not (0 <= start_s < end_s and isfinite(end_s)):
            raise ValueError(f"a segment starts at 0 or later and ends after its start; got {start_s} to {end_s}")
    if rate_hz <= 0:
        raise ValueError(f"a sample rate is positive; got {rate_hz}")
    if not segments:
        return []
    windows: list[_Window] = []
    with file.open("rb") if isinstance(file, Path) else nullcontext(file) as source, opened(source) as stream:
        for position, frame in stream.frames():
            if not windows:
                windows = [_Window.of(*segment, stream.rate_hz, rate_hz) for segment in segments]
            touched = [w for w in windows if w.first < stream.position and position < w.last]
            if touched:
                samples = stream.samples(frame)
                for window in touched:
                    window.take(samples, position)
            if all(window.last <= stream.position for window in windows):
                break
        return [
            Cut(
                samples=window.at(rate_hz),
                rate_hz=rate_hz,
                codec=stream.codec,
                priming=stream.priming,
                heard_s=window.heard / stream.rate_hz,
                stream_s=stream.decoded_s,
                channels=window.channels,
                lost_db=window.lost_db,
            )
            for window in windows
        ]


@dataclass(slots=True)
class _Window:
    """The samples ``start`` to ``end`` of a stream of ``own_hz``; ``wanted`` of them at the output rate.

    ``context`` more on either side are kept, as far as there are any: a number of samples that is whole at both rates.
    """

    start: int
    end: int
    own_hz: int
    context: int
    wanted: int
    heard: int = 0
    channels: int = 1
    lost_db: float | None = None
    pieces: list[NDArray[np.int16]] = field(default_factory=list)

    @classmethod
    def of(cls, start_s: float, end_s: float, own_hz: int, rate_hz: int) -> _Window:
        start, length = round(start_s * own_hz), round((end_s - start_s) * own_hz)
        step = own_hz // gcd(own_hz, rate_hz)  # so many samples last as long as a whole number at the other rate
        context = 0 if own_hz == rate_hz else step * (1 + round(_CONTEXT_S * own_hz) // step)
        return cls(start, start + length, own_hz, context, round((end_s - start_s) * rate_hz))

    @property
    def first(self) -> int:
        return self.start - self.context

    @property
    def last(self) -> int:
        return self.end + self.context

    def take(self, samples: NDArray[np.int16], position: int) -> None:
        """Keep what belongs here of samples (n, C) that begin at ``position`` of the stream."""
        self.pieces.append(samples[max(self.first - position, 0) : self.last - position].copy())
        self.heard = max(0, min(self.end, position + len(samples)) - self.start)

    def at(self, rate_hz: int) -> NDArray[np.int16]:
        """Return the average of the channels at ``rate_hz``; note whether they cancel."""
        if not self.heard:
            return np.zeros(0, np.int16)
        if len({piece.shape[1] for piece in self.pieces}) == 1:
            read = mixed_down(np.concatenate(self.pieces))
            whole, self.channels, self.lost_db = read.samples, self.pieces[0].shape[1], read.lost_db
        else:  # a broadcast that turns from stereo to surround: what is whole cannot be compared as a whole
            whole = np.concatenate([mono(piece) for piece in self.pieces])
        self.pieces.clear()
        if self.own_hz == rate_hz:
            return whole
        before = max(0, -self.first)
        after = self.last - self.first - before - len(whole)
        wide = resampled(np.pad(whole, (before, after)), self.own_hz, rate_hz)
        skipped = self.context * rate_hz // self.own_hz
        all_heard = self.heard == self.end - self.start
        length = self.wanted if all_heard else round(self.heard * rate_hz / self.own_hz)
        return wide[skipped : skipped + length].copy()
