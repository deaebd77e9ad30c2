"""Decoded channels to mono 16-bit samples: floats scaled and rounded, channels averaged, and what is lost in doing so.

Floats. Full scale is 1. A file of floats can hold more than that; it is scaled as a whole, so that its highest sample is
full scale, and says so: nothing is clipped. Values hundreds of times full scale are integers that were stored as floats:
they are divided by the full scale of 16, 24 or 32 bits, whichever is the first to hold them, which keeps their level.
Lossy codecs overshoot full scale by up to 3 dB where the music was at it; that is clipped, as every player does.

Channels. Averages of channels lose what is opposite in them. Of C unrelated channels the average has 1/C of their mean
power; where it has less, they cancel. Constants are no sound and are left out of it: a DC offset of one channel neither
hides nor makes what cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10

import numpy as np
from numpy.typing import NDArray

from synth.audio.undecodable import UndecodableError

_FULL = 32768
_OVERSHOOT = 2.0**0.5  # times full scale, of lossy codecs
_INTEGERS_AS_FLOATS = 256.0  # times full scale: no recording, but integers that were stored as floats
_DEPTHS = (16, 24, 32)
_ROOM = 4.0  # times their full scale that such integers may reach, after some processing
_BLOCK = 1 << 13  # samples whose channels are compared at a time: 0.2 to 1 s
_SOUND = 1.0  # mean square, in steps of 16 bits, from which on a block is one that sounds: about -90 dBFS
_CANCEL = 4  # the average has less than a quarter of the power that unrelated channels leave: 6 dB
_SHARE = 0.25  # of the power of a recording, in blocks that cancel: beyond it the recording does


@dataclass(frozen=True, slots=True)
class Mono:
    """``samples`` (n,) of 16 bits; ``scaled_db`` is what floats were scaled by, None where they were not; ``lost_db`` is
    how much less power the average has than that of unrelated channels, where they cancel; None where they do not,
    infinite where nothing is left.
    """

    samples: NDArray[np.int16]
    scaled_db: float | None = None
    lost_db: float | None = None


def mixed_down(samples: NDArray[np.int16], scaled_db: float | None = None) -> Mono:
    """Average channels, (n, C) or (n,), and tell what is lost where they cancel."""
    average = mono(samples)
    if samples.ndim == 1 or samples.shape[1] == 1:
        return Mono(average, scaled_db)
    return Mono(average, scaled_db, _lost_db(samples))


def cancelling(channels: int, lost_db: float) -> str:
    """Say that channels cancel, and by how much, for a reason."""
    left = f"their average has lost {lost_db:.0f} dB" if isfinite(lost_db) else "nothing is left of their average"
    return f"its {channels} channels cancel: {left}; one of them saved alone can be used"


def mono(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Average channels, shape (n, C), exactly: floor((2·sum + C) / 2C); (n,) is returned as it is."""
    if samples.ndim == 1:
        return samples
    channels = samples.shape[1]
    if channels == 1:
        return samples[:, 0]
    total: NDArray[np.int32] = samples[:, 0].astype(np.int32)
    for channel in range(1, channels):
        total += samples[:, channel]
    mean: NDArray[np.int32] = (2 * total + channels) // (2 * channels)
    return mean.astype(np.int16)


def scaled(samples: NDArray[np.float32], lossy: bool) -> tuple[NDArray[np.int16], float | None]:
    """Round floats, full scale at 1, to 16-bit integers; return also the dB that they were scaled by, if they were.

    Raises UndecodableError for values that are no finite numbers, or beyond integers of 32 bits.
    """
    highest = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(highest):
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise UndecodableError("unreadable", f"{bad} of {samples.size} samples are not finite numbers")
    if highest * _FULL <= _FULL + 0.5 or (lossy and highest <= _OVERSHOOT):
        return _integers(samples), None
    factor = _factor(highest)
    out: NDArray[np.float32] = samples * np.float32(factor)
    return _integers(out), round(20 * log10(factor), 2)


def rounded(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round floats of a lossy stream, full scale at 1, to 16-bit integers, clipped.

    Raises:
        UndecodableError: values that are no finite numbers, or hundreds of times full scale.
    """
    highest = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(highest):
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise UndecodableError("unreadable", f"{bad} of {samples.size} samples are not finite numbers")
    if highest > _INTEGERS_AS_FLOATS:
        reason = f"its floats reach {highest:.0f} times full scale, as if integers had been stored unscaled"
        raise UndecodableError("unreadable", reason)
    return _integers(samples)


def _integers(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    whole: NDArray[np.float32] = np.clip(np.rint(samples * np.float32(_FULL)), -_FULL, _FULL - 1)
    return whole.astype(np.int16)


def _factor(highest: float) -> float:
    """Return what to multiply floats by that reach ``highest``, more than full scale."""
    if highest > _INTEGERS_AS_FLOATS:
        for bits in _DEPTHS:
            full = 2.0 ** (bits - 1)
            if highest <= full:
                return 1 / full
            if highest <= full * _ROOM:
                break
        else:
            reason = f"its floats reach {highest:.3g} times full scale, more than integers of 32 bits"
            raise UndecodableError("unreadable", reason)
    return (_FULL - 1) / (_FULL * highest)


def _lost_db(samples: NDArray[np.int16]) -> float | None:
    all_power = opposed = left = 0.0
    for start in range(0, len(samples), _BLOCK):
        block = samples[start : start + _BLOCK].astype(np.int64)
        power = _moving(block)
        if power < _SOUND * block.size:
            continue
        all_power += power
        sums = _moving(block.sum(axis=1, keepdims=True))  # of unrelated channels: the same as power
        if sums * _CANCEL < power:
            opposed, left = opposed + power, left + sums
    if not all_power or opposed < _SHARE * all_power:
        return None
    return 10 * log10(opposed / left) if left else float("inf")


def _moving(block: NDArray[np.int64]) -> float:
    """Return the sum of squares of a block (n, C) about the mean of each channel."""
    means = np.square(block.sum(axis=0), dtype=np.float64) / len(block)
    return float(np.square(block).sum() - means.sum())
