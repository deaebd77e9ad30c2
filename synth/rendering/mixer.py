"""The mixer: exact integer arithmetic, one clip at a time.

A stem is ``(s * G + 2**11) >> 12`` in int32 with the plan's integer gain G, a ramp a second Q12 multiplication, the
mixture the integer sum of its stems: stems add up to the mixture bit for bit, on any machine. The plan bounds the sum
of peaks, so nothing overflows and nothing is ever clipped or rescaled here. A recording that is used as it is goes the
same way with the gain 1, which leaves every sample what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import GAIN_BITS, UNITY
from synth.errors import ClaimError

RAMP_S = 0.01
TILE_BYTES, TILE_CLIPS = 1 << 19, 64  # of 32-bit samples, and clips, mixed at a time: both tiles fit into 1 MB of cache
LARGEST = 32767
SAFE_GAIN = 65535  # no 16-bit sample times it passes 32 bits
WIDEST = (1 << 31) - 1 - (UNITY >> 1)
TOO_LOUD = "a mixture passes 16 bits: the plan was changed or its sources are not those it was made for"
Part = tuple[NDArray[np.int16], int, np.int32]  # window of the source, onset in the clip (samples), integer gain

# looked up once: a clip is about thirty calls of half a microsecond each
multiply, add, right_shift, copyto = np.multiply, np.add, np.right_shift, np.copyto
highest, lowest = np.maximum.reduce, np.minimum.reduce

_HALF = np.int32(UNITY >> 1)
_SHIFT = np.int32(GAIN_BITS)


@lru_cache(maxsize=4)
def ramp(rate_hz: int) -> NDArray[np.int32]:
    """Return the 10-ms fade-in, 3x**2 - 2x**3 in Q12, shape (rate_hz / 100,)."""
    n = max(round(rate_hz * RAMP_S), 1)
    return np.array([(UNITY * (3 * k * k * n - 2 * k**3) + n**3 // 2) // n**3 for k in range(1, n + 1)], np.int32)


class Mixer:
    """Mixes clips of ``length_n`` samples; holds its scratch memory, so one mixer serves one thread.

    ``as_is``: a part that ends before the clip does ends there by itself, so it is not ramped; and a recording may hold
    the sample -32768.
    """

    def __init__(self, length_n: int, rate_hz: int, as_is: bool = False) -> None:
        self._sum = np.empty(length_n, np.int32)
        self._stem = np.empty(length_n, np.int32)
        tall = max(1, min(TILE_CLIPS, TILE_BYTES // (4 * max(length_n, 1))))
        self._tile = np.empty((2, tall, length_n), np.int32)
        self._rows = tuple(list(tile) for tile in self._tile)
        self._length_n = length_n
        self._fade = ramp(rate_hz)[: 0 if as_is else None]
        self._lowest = -LARGEST - as_is

    def mix(self, parts: Sequence[Part], out: NDArray[np.int16], stems: NDArray[np.int16] | None = None) -> int:
        """Write the sum of the parts to ``out`` (length_n,), each part to a row of ``stems`` if given.

        Returns the exact sum of squares of the mixture. Raises ClaimError when the sum passes 16 bits, which a sound plan
        rules out.
        """
        total = self._sum
        if not parts:
            total[:] = 0
        stem, number = total, 0
        for window, onset, gain in parts:
            if gain > SAFE_GAIN and max(int(highest(window)), -int(lowest(window))) * int(gain) > WIDEST:
                raise ClaimError(TOO_LOUD)
            if len(window) == self._length_n:
                copyto(stem, window)
                multiply(stem, gain, stem)
                add(stem, _HALF, stem)
                right_shift(stem, _SHIFT, stem)
            else:
                self._place(window, onset, gain, stem)
            if stems is not None:
                copyto(stems[number], stem, casting="unsafe")
                number += 1
            if stem is total:
                stem = self._stem
            else:
                add(total, stem, total)
        wide = self._checked(total)
        copyto(out, total, casting="unsafe")
        multiply(total, total, self._stem)
        return int(_summed(self._stem.view(np.uint32)[None], wide)[0])

    def mix_full(
        self,
        windows: Sequence[NDArray[np.int16]],
        gains: NDArray[np.int32],
        offsets: NDArray[np.int64],
        out: NDArray[np.int16],
    ) -> NDArray[np.uint64]:
        """Mix clips whose parts all fill them: part k is ``windows[k]`` (length_n,) with ``gains[k]``, at most SAFE_GAIN;
        the parts of clip i are ``offsets[i]`` to ``offsets[i + 1]``; ``out`` is (clips, length_n).

        The same samples and sums of squares (clips,) as :meth:`mix`, for a fourth less time: a step of the arithmetic is
        one call for all clips of a tile, which stays in the processor's caches from step to step.
        """
        parts = np.diff(offsets)
        energy = np.empty(len(parts), np.uint64)
        order = np.argsort(-parts, kind="stable")  # clips of a tile that have a part more are its first rows
        for first in range(0, len(order), self._tile.shape[1]):
            clips = order[first : first + self._tile.shape[1]]
            at, count = offsets[clips], parts[clips]
            total, stem = self._tile[:, : len(clips)]
            if count[-1] == 0:
                total[:] = 0
            for slot in range(count[0]):
                left = int(np.count_nonzero(count > slot))
                tile, rows = (stem, self._rows[1]) if slot else (total, self._rows[0])
                tile = tile[:left]
                for row, part in zip(rows, at[:left].tolist(), strict=False):
                    copyto(row, windows[part + slot])
                multiply(tile, gains[at[:left] + slot, None], tile)
                add(tile, _HALF, tile)
                right_shift(tile, _SHIFT, tile)
                if slot:
                    add(total[:left], tile, total[:left])
            wide = self._checked(total)
            for row, clip in zip(self._rows[0], clips.tolist(), strict=False):
                copyto(out[clip], row, casting="unsafe")
            multiply(total, total, stem)
            energy[clips] = _summed(stem.view(np.uint32), wide)
        return energy

    def _checked(self, total: NDArray[np.int32]) -> bool:
        """Return whether a sample has more than 15 bits. Raises ClaimError for one that has more than a clip may hold."""
        low = lowest(total, axis=None)
        if highest(total, axis=None) > LARGEST or low < self._lowest:
            raise ClaimError(TOO_LOUD)
        return bool(low < -LARGEST)

    def _place(self, window: NDArray[np.int16], onset: int, gain: np.int32, stem: NDArray[np.int32]) -> None:
        """Put a part that does not fill the clip; its ends inside the clip are ramped, or each would click."""
        end = onset + len(window)
        stem[:onset] = 0
        stem[end:] = 0
        here = stem[onset:end]
        np.multiply(window, gain, out=here, dtype=np.int32)  # a plain int would leave it to int16, which wraps
        np.add(here, _HALF, out=here)
        np.right_shift(here, _SHIFT, out=here)
        fade = self._fade[: len(here) // 2]
        if onset > 0 and len(fade):
            _scale(here[: len(fade)], fade)
        if end < self._length_n and len(fade):
            _scale(here[len(here) - len(fade) :], fade[::-1])


def _summed(squares: NDArray[np.uint32], wide: bool) -> NDArray[np.uint64]:
    """Return the sum of each row, whose memory is used up.

    Four squares of 15 bits fit into 32 bits, which quarters the slow wide sum; ``wide``: there is one of 16.
    """
    if wide:
        return np.asarray(add.reduce(squares, axis=1, dtype=np.uint64))
    quarter = squares.shape[1] // 4
    half, fours, rest = squares[:, : 2 * quarter], squares[:, :quarter], squares[:, 4 * quarter :]
    add(half, squares[:, 2 * quarter : 4 * quarter], half)
    add(fours, squares[:, quarter : 2 * quarter], fours)
    return np.asarray(add.reduce(fours, axis=1, dtype=np.uint64) + add.reduce(rest, axis=1, dtype=np.uint64))


def _scale(samples: NDArray[np.int32], factors: NDArray[np.int32]) -> None:
    samples *= factors
    samples += _HALF
    samples >>= _SHIFT
