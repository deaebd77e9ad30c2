"""Gains: relative levels from what is measured in the windows, then one level for the sum.

The level of the sum is drawn from the same distribution for every class, so it cannot tell the class; the speakers'
levels differ by what was drawn for them, whatever the levels of their recordings. Levels are whole tenths of a dB and
energies IEEE products and sums in a fixed order: the same gains on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, GAIN_TENTHS, LOWEST_TENTHS, UNITY, gain_q12, power, tenths

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LARGEST = 32767


@dataclass(frozen=True, slots=True)
class Heard:
    """What the windows of some clips hold: energies (sums of squares) and peaks, shape (clips, slots); empty slots 0.

    The last slot is noise where there is noise.
    """

    energy: Floats
    active_energy: Floats
    active_n: Floats
    peak: NDArray[np.int32]
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Gains:
    """Integer gains, shape (clips, slots), the bound of the sum of peaks and whether the level is met, shape (clips,)."""

    tenths: Ints
    q12: NDArray[np.int32]
    peak: Ints
    met: NDArray[np.bool_]

    @property
    def fits(self) -> NDArray[np.bool_]:
        """Which clips have their level without passing full scale."""
        return np.asarray((self.peak <= LARGEST) & self.met)


def mean_level(energy: Floats, samples: float | Floats) -> Ints:
    """Return levels in tenths of a dB of mean squares; of no samples, which have no energy, the lowest level there is."""
    return tenths(energy / (np.maximum(samples, 1) * float(FULL_SCALE**2))).astype(np.int64)


def balanced(heard: Heard, offset: Ints, level: Ints, snr: Ints | None, length_n: int) -> Gains:
    """Return the gains that give each speaker its relative level and the sum its level.

    ``offset`` (clips, slots): relative active levels of the speakers; ``level`` (clips,): RMS of the sum over the whole
    clip; ``snr`` (clips,): speech over noise, or None without noise; all in tenths of a dB.
    """
    voices = heard.energy.shape[1] - (snr is not None)
    relative = np.zeros(heard.energy.shape, np.int64)
    at = np.flatnonzero(heard.present)
    relative.reshape(-1)[at] = offset.take(at) - mean_level(heard.active_energy.take(at), heard.active_n.take(at))
    speech = _summed(heard.energy[:, :voices], relative[:, :voices], heard.present[:, :voices])
    total = speech
    if snr is not None:
        own = mean_level(heard.energy[:, -1], length_n)
        spoken = _any(heard.present[:, :voices])
        relative[:, -1] = np.where(spoken, mean_level(speech, length_n) - snr, 0) - own
        total = speech + heard.energy[:, -1] * power(relative[:, -1])
    wanted = relative + (level - mean_level(total, length_n))[:, None]
    gains = np.clip(wanted, *GAIN_TENTHS)
    met = ~_any((gains != wanted) & heard.present)
    q12 = np.where(heard.present, gain_q12(gains), 0).astype(np.int32)
    return Gains(gains, q12, peak_bound(heard.peak, q12), met)


def peak_bound(peak: NDArray[np.int32], q12: NDArray[np.int32]) -> Ints:
    """Return the largest absolute sample that the sum can have, shape (clips,), from the peaks of its parts."""
    parts = scaled(peak, q12)
    total = np.zeros(len(parts), np.int64)
    for slot in range(parts.shape[1]):
        total += parts[:, slot]
    return total


def scaled(peak: NDArray[np.int32], q12: NDArray[np.int32]) -> Ints:
    """Return absolute samples after their gains, as the mixer computes them."""
    return np.asarray((peak.astype(np.int64) * q12 + (UNITY >> 1)) >> 12, np.int64)


def lowered(gains: Gains, present: NDArray[np.bool_], bound: Callable[[NDArray[np.int32]], Ints]) -> tuple[Gains, Ints]:
    """Lower all gains of each clip until its peak fits; return them and by how many tenths, shape (clips,).

    ``bound`` gives the largest absolute sample of each clip, shape (clips,), for integer gains (clips, slots).
    """
    down = np.zeros(len(gains.peak), np.int64)
    current = gains
    while (over := current.peak > LARGEST).any():
        excess = tenths((np.maximum(current.peak, 1) / LARGEST) ** 2)
        down += np.where(over, np.maximum(excess, 1), 0)
        step = np.clip(gains.tenths - down[:, None], *GAIN_TENTHS)
        q12 = np.where(present, gain_q12(step), 0).astype(np.int32)
        current = Gains(step, q12, bound(q12), gains.met)
    return current, down


def achieved(energy: Floats, gain: Ints, present: NDArray[np.bool_], length_n: int) -> Ints:
    """Return the level of the sum that gains lead to, shape (clips,), for clips that could not get the level drawn."""
    return mean_level(_summed(energy, gain, present), length_n)


def ratios(energy: Floats, gain: Ints, present: NDArray[np.bool_]) -> Ints:
    """Return each speaker's energy over that of the others together, in tenths of a dB, shape (clips, slots)."""
    heard = np.where(present, energy * power(gain), 0.0)
    total = np.zeros(len(heard))
    for slot in range(heard.shape[1]):
        total = total + heard[:, slot]
    others = np.maximum(total[:, None] - heard, 1e-200)  # a speaker alone is as far above the others as can be
    at = np.flatnonzero(present)
    out = np.full(heard.shape, LOWEST_TENTHS)
    out.reshape(-1)[at] = tenths(heard.take(at) / others.take(at))
    return out


def _any(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return in which rows a flag is set: slot by slot, as numpy is slow along an axis of three."""
    out = np.zeros(len(flags), np.bool_)
    for slot in range(flags.shape[1]):
        out |= flags[:, slot]
    return out


def _summed(energy: Floats, gain: Ints, present: NDArray[np.bool_]) -> Floats:
    """Add the energies after their gains, slot by slot, so that the order of addition is fixed."""
    total = np.zeros(len(energy))
    for slot in range(energy.shape[1]):
        total = total + np.where(present[:, slot], energy[:, slot] * power(gain[:, slot]), 0.0)
    return total
