"""The mixer: exact integer arithmetic, one clip at a time.

A stem is ``(s * G + 2**11) >> 12`` in int32 with the plan's integer gain G, a ramp a second Q12 multiplication, the
mixture the integer sum of its stems: stems add up to the mixture bit for bit, on any machine. The plan bounds the sum
of peaks, so nothing overflows and nothing is ever clipped or rescaled here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import GAIN_BITS, UNITY
from synth.errors import ClaimError

RAMP_S = 0.01
LARGEST = 32767
Part = tuple[NDArray[np.int16], int, int]  # window of the source, onset in the clip (samples), integer gain

_HALF = np.int32(UNITY >> 1)
_SHIFT = np.int32(GAIN_BITS)


@lru_cache(maxsize=4)
def ramp(rate_hz: int) -> NDArray[np.int32]:
    """Return the 10-ms fade-in, 3x**2 - 2x**3 in Q12, shape (rate_hz / 100,)."""
    n = max(round(rate_hz * RAMP_S), 1)
    return np.array([(UNITY * (3 * k * k * n - 2 * k**3) + n**3 // 2) // n**3 for k in range(1, n + 1)], np.int32)


class Mixer:
    """Mixes clips of ``length_n`` samples; holds its scratch memory, so one mixer serves one thread."""

    def __init__(self, length_n: int, rate_hz: int) -> None:
        self._sum = np.empty(length_n, np.int32)
        self._stem = np.empty(length_n, np.int32)
        self._length_n = length_n
        self._fade = ramp(rate_hz)

    def mix(self, parts: Sequence[Part], out: NDArray[np.int16], stems: NDArray[np.int16] | None = None) -> int:
        """Write the sum of the parts to ``out`` (length_n,), each part to a row of ``stems`` if given.

        Returns the exact sum of squares of the mixture. Raises ClaimError when the sum passes 16 bits, which a sound plan
        rules out.
        """
        total = self._sum
        if not parts:
            total[:] = 0
        for k, (window, onset, gain) in enumerate(parts):
            stem = self._stem if k else total
            if len(window) == self._length_n:
                np.multiply(window, np.int32(gain), out=stem)
                np.add(stem, _HALF, out=stem)
                np.right_shift(stem, _SHIFT, out=stem)
            else:
                self._place(window, onset, gain, stem)
            if stems is not None:
                np.copyto(stems[k], stem, casting="unsafe")
            if k:
                np.add(total, stem, out=total)
        if total.max() > LARGEST or total.min() < -LARGEST:
            raise ClaimError(
                "a mixture passes 16 bits: the plan was changed or its sources are not those it was made for"
            )
        np.copyto(out, total, casting="unsafe")
        return self._energy(total)

    def _energy(self, samples: NDArray[np.int32]) -> int:
        """Return the sum of squares; four squares of 15 bits fit into 32 bits, which quarters the slow wide sum."""
        squares = np.multiply(samples, samples, out=self._stem).view(np.uint32)
        quarter = len(squares) // 4
        fours = squares[:quarter]
        for k in (1, 2, 3):
            np.add(fours, squares[k * quarter : (k + 1) * quarter], out=fours)
        return int(fours.sum(dtype=np.uint64)) + int(squares[4 * quarter :].sum(dtype=np.uint64))

    def _place(self, window: NDArray[np.int16], onset: int, gain: int, stem: NDArray[np.int32]) -> None:
        """Put a part that does not fill the clip; its ends inside the clip are ramped, or each would click."""
        end = onset + len(window)
        stem[:onset] = 0
        stem[end:] = 0
        here = stem[onset:end]
        np.multiply(window, np.int32(gain), out=here)
        np.add(here, _HALF, out=here)
        np.right_shift(here, _SHIFT, out=here)
        fade = self._fade[: len(here) // 2]
        if onset > 0 and len(fade):
            _scale(here[: len(fade)], fade)
        if end < self._length_n and len(fade):
            _scale(here[len(here) - len(fade) :], fade[::-1])


def _scale(samples: NDArray[np.int32], factors: NDArray[np.int32]) -> None:
    samples *= factors
    samples += _HALF
    samples >>= _SHIFT
