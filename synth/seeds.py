"""The one door for chance: a counter-based hash.

Every drawn number is a pure function of (seed, stream, counter, purpose). There is no generator whose state could
depend on the order of work, so any row of a plan can be made by anyone, alone, and comes out the same. The mixer is
the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = (np.uint64(n) for n in (30, 27, 31, 32))


def key(*names: object) -> np.uint64:
    """Return a 64-bit key for a seed, a stream and a purpose, e.g. ``key(seed, "train", "level")``."""
    text = "\x1f".join(str(name) for name in names)
    return np.uint64(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little"))


def _mixed(x: U64) -> U64:
    """Mix in place; ``x`` is a fresh array of the caller's."""
    shifted = x >> _S30
    x ^= shifted
    x *= _M1
    np.right_shift(x, _S27, out=shifted)
    x ^= shifted
    x *= _M2
    np.right_shift(x, _S31, out=shifted)
    x ^= shifted
    return x


def draw(stream: np.uint64 | U64, counter: NDArray[np.integer]) -> U64:
    """Return one uniform 64-bit number per counter, shape of ``counter``; ``stream`` comes from :func:`key`.

    Several streams are broadcast against the counters.
    """
    x = counter.astype(np.uint64)
    x *= _GOLDEN
    x += stream
    return _mixed(x)


def chain(stream: np.uint64, *counters: NDArray[np.integer]) -> U64:
    """Return one uniform 64-bit number per tuple of counters (e.g. epoch and position), broadcast together."""
    x = draw(stream, counters[0])
    for counter in counters[1:]:
        x = chained(x, counter)
    return x


def chained(numbers: U64, counter: NDArray[np.integer]) -> U64:
    """Return the numbers of tuples that are longer by one counter; ``numbers`` are those of the shorter ones."""
    x = counter.astype(np.uint64)
    x *= _GOLDEN
    x += _M1
    return _mixed(np.asarray(numbers + x, np.uint64))


def below(numbers: U64, n: int | NDArray[np.integer]) -> NDArray[np.int64]:
    """Map uniform 64-bit numbers to integers in [0, n) by multiplication of the upper half (n < 2**32).

    The bias is below n / 2**32 (Lemire: "Fast random integer generation in an interval", TOMACS 2019).
    """
    wide: U64 = (numbers >> _S32) * np.asarray(n, np.uint64)
    return (wide >> _S32).astype(np.int64)
