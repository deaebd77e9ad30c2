"""Decibels without logarithms: integer tables made with big integers.

``exp``, ``log`` and ``power`` of numpy differ between processors in the last bit, so nothing that ends in a table may
be decided by them. Here every power of ten comes from integer multiplication in 2**-256 fixed point, and levels are
found by comparison with these tables: the same on every machine.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal, localcontext
from functools import lru_cache
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

GAIN_BITS = 12
UNITY = 1 << GAIN_BITS
FULL_SCALE = 32768
LOWEST_TENTHS, HIGHEST_TENTHS = -2000, 1000  # the range of power ratios, in tenths of a decibel
GAIN_TENTHS = (-600, 600)  # the range of gains

_FIXED = 256
_MANTISSA_BITS = 8  # bins of at most 0.4 %, so that a bin holds at most one threshold (a tenth of a dB is 2.3 %)


def _powers(first: Decimal, step: Decimal, count: int) -> list[int]:
    """Return 10**(first + k * step) for k < count, in 2**-256 fixed point."""
    with localcontext() as context:
        context.prec = 120
        scale = Decimal(2) ** _FIXED
        value = int(Decimal(10) ** first * scale)
        ratio = int(Decimal(10) ** step * scale)
    out = []
    for _ in range(count):
        out.append(value)
        value = value * ratio >> _FIXED
    return out


def _rounded(value: int, factor: int) -> int:
    return (value * factor + (1 << (_FIXED - 1))) >> _FIXED


@lru_cache(maxsize=1)
def gain_table() -> NDArray[np.int32]:
    """Return the gains ``round(4096 * 10**(t / 200))`` for t tenths of a dB in ``GAIN_TENTHS``, inclusive."""
    low, high = GAIN_TENTHS
    powers = _powers(Decimal(low) / 200, Decimal(1) / 200, high - low + 1)
    return np.array([_rounded(power, UNITY) for power in powers], np.int32)


@lru_cache(maxsize=1)
def power_table() -> NDArray[np.float64]:
    """Return 10**(t / 100), the power ratio of t tenths of a dB, from ``LOWEST_TENTHS`` to ``HIGHEST_TENTHS``."""
    powers = _powers(Decimal(LOWEST_TENTHS) / 100, Decimal(1) / 100, HIGHEST_TENTHS - LOWEST_TENTHS + 1)
    return np.array([power / (1 << _FIXED) for power in powers])


@lru_cache(maxsize=1)
def _lookup() -> tuple[NDArray[np.float64], NDArray[np.int16], int]:
    """Return the borders between neighbouring tenths, and per bin of float64 bit patterns how many lie below it."""
    count = HIGHEST_TENTHS - LOWEST_TENTHS
    half = Decimal(1) / 200
    powers = _powers(Decimal(LOWEST_TENTHS) / 100 + half, Decimal(1) / 100, count)
    near = [power / (1 << _FIXED) for power in powers]
    exact = [
        n if n.as_integer_ratio()[0] << _FIXED >= p * n.as_integer_ratio()[1] else nextafter(n, inf)
        for n, p in zip(near, powers, strict=True)
    ]
    borders = np.array([*exact, np.inf])  # the smallest doubles that round up
    shift = 52 - _MANTISSA_BITS
    first = int(np.float64(power_table()[0]).view(np.uint64)) >> shift
    last = int(np.float64(power_table()[-1]).view(np.uint64)) >> shift
    edges = (np.arange(first, last + 1, dtype=np.uint64) << np.uint64(shift)).view(np.float64)
    return borders, np.searchsorted(borders, edges, side="right").astype(np.int16), first


def tenths(ratio: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return 10 * 10 * log10(ratio), rounded, of power ratios of any shape; exact at the borders, clipped at the ends."""
    borders, below, first = _lookup()
    table = power_table()
    clipped = np.maximum(ratio, table[0])
    np.minimum(clipped, table[-1], out=clipped)
    bins = clipped.view(np.int64) >> (52 - _MANTISSA_BITS)  # positive: the sign bit is 0
    bins -= first
    rank = below.take(bins)
    rank += clipped >= borders.take(rank, mode="clip")  # "clip" takes 16-bit indices as they are, which is quicker
    return np.asarray(rank + np.int32(LOWEST_TENTHS), np.int32)


def tenths_of(ratio: float) -> int:
    """Return :func:`tenths` of one power ratio: a search in a list, as arrays of one number are slow."""
    table, borders = _ends_and_borders()
    return bisect_right(borders, min(max(ratio, table[0]), table[1])) + LOWEST_TENTHS


@lru_cache(maxsize=1)
def _ends_and_borders() -> tuple[tuple[float, float], list[float]]:
    table = power_table()
    return (float(table[0]), float(table[-1])), _lookup()[0].tolist()


def power(level_tenths: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the power ratio of levels in tenths of a dB; the inverse of :func:`tenths`."""
    return np.asarray(power_table().take(level_tenths - LOWEST_TENTHS, mode="clip"), np.float64)


def gain_q12(gain_tenths: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return integer gains (4096 is unity) of gains in tenths of a dB, clipped to ``GAIN_TENTHS``."""
    return np.asarray(gain_table().take(gain_tenths - GAIN_TENTHS[0], mode="clip"), np.int32)


@lru_cache(maxsize=16)
def rms_thresholds(frame_n: int) -> NDArray[np.int64]:
    """Return, ascending, the smallest sum of squares in a frame that rounds to each byte 254, 253, …, 0."""
    powers = _powers(Decimal(-1) / 40, Decimal(-1) / 20, 255)  # half a step below byte k, for k = 0 … 254
    full = frame_n * FULL_SCALE**2
    return np.array([-(-power * full >> _FIXED) for power in reversed(powers)], np.int64)


@lru_cache(maxsize=16)
def byte_energies(frame_n: int) -> NDArray[np.int64]:
    """Return the sum of squares in a frame that each envelope byte stands for, shape (256,)."""
    return np.array(
        [_rounded(p, frame_n * FULL_SCALE**2) for p in _powers(Decimal(0), Decimal(-1) / 20, 256)], np.int64
    )


@lru_cache(maxsize=1)
def byte_peaks() -> NDArray[np.int32]:
    """Return the largest absolute sample that each peak byte allows, shape (256,), descending."""
    peaks = [power * FULL_SCALE >> _FIXED for power in _powers(Decimal(0), Decimal(-1) / 40, 255)]
    return np.array([FULL_SCALE, *peaks[1:], 0], np.int32)
