"""Ten-second windows over the whole of a clip, cut alike every time.

The original package takes one random crop of what is longer than ten seconds; here every second is heard, by a window
each five seconds and one that ends with the clip. What is shorter is one window; the engines repeat it to full length.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio.decode import decode
from synth.audio.measured import resampled

RATE_HZ = 48_000
WINDOW_N = 480_000
HOP_N = 240_000
OVERHANG_N = 4_800  # 0.1 s: what decoders add to a clip of ten seconds is not worth a second window
VERSION = 1  # of windows and front end together; embeddings of another version are made anew


def starts(length_n: int) -> list[int]:
    """Return where the windows of a clip of so many samples at 48 kHz begin; the last one ends with the clip."""
    last = length_n - WINDOW_N
    if last <= OVERHANG_N:
        return [0]
    return [*range(0, last - OVERHANG_N, HOP_N), last]


def cut(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Return the windows of a clip at 48 kHz, shape (480000,) each; a shorter clip is one window of its own length."""
    return [samples[start : start + WINDOW_N] for start in starts(len(samples))]


def read(path: Path) -> tuple[NDArray[np.int16], int, NDArray[np.int16]]:
    """Decode a file; return its mono samples, their rate in Hz, and the same at 48 kHz.

    Raises UndecodableError as ``synth.audio.decode.decode``.
    """
    decoded = decode(path)
    return decoded.samples, decoded.rate_hz, resampled(decoded.samples, decoded.rate_hz, RATE_HZ)
