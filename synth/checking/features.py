"""Numbers of a clip that should not tell its class, and some that do because they belong to the thing itself."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE

Floats = NDArray[np.float64]
Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Features:
    """One number per clip, shape (clips,); NaN where it cannot be measured."""

    level: Floats
    dc: Floats
    peak: Floats
    crest: Floats
    active: Floats

    def __len__(self) -> int:
        return len(self.level)


def measured(mix: Pcm, voices: NDArray[np.int64]) -> Features:
    """Measure clips (clips, samples); ``voices`` (clips, frames) says how many speak in each 20 ms."""
    count = len(mix)
    energy = np.empty(count)
    for k in range(count):
        wide = mix[k].astype(np.float64)
        energy[k] = np.dot(wide, wide)
    length = mix.shape[1]
    level = 10 * np.log10(np.maximum(energy / length, 1e-3) / FULL_SCALE**2)
    highest = np.maximum(mix.max(axis=1).astype(np.int64), -mix.min(axis=1).astype(np.int64))
    peak = 20 * np.log10(np.maximum(highest, 1e-3) / FULL_SCALE)
    return Features(
        level=level,
        dc=mix.mean(axis=1, dtype=np.float64),
        peak=peak,
        crest=peak - level,
        active=(voices > 0).mean(axis=1) if voices.size else np.zeros(count),
    )


def joined(batches: list[Features]) -> Features:
    """Return the features of all batches in one."""
    return Features(**{f.name: np.concatenate([getattr(one, f.name) for one in batches]) for f in fields(Features)})
