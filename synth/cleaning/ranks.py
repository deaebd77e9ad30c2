"""Where each score lies among those of the clips without the label, kept so that these clips may be weighed anew.

The rank of a score is looked up once; what it is worth depends on which clips of the null are believed to lack the label,
and that changes as more is learnt about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.mixture import deviations
from synth.cleaning.null import MOST_NULL, Bools, Floats, Ints, sampled

SCORES = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The scores of one label: twice the number of different values of the null that lie below, one more on a value."""

    null: Ints  # (size,) the clips of the null
    step: Ints  # (size,) which of its different values each of them has
    values: int
    place: NDArray[np.uint16]  # (clips,) 0 to 2 * values; 2 * values + 1: no score

    def counted(self, weight: Floats | None = None) -> tuple[Floats, float]:
        """Return twice the weight of the null below each place, (places,), and the weight of all of it."""
        below = np.r_[0, np.cumsum(np.bincount(self.step, weight, self.values))]
        out = np.empty(2 * self.values + 1)
        out[::2], out[1::2] = 2 * below, below[:-1] + below[1:]
        return out, float(below[-1])

    def log_odds(self) -> NDArray[np.float32]:
        """Return the log odds of each clip's rank (clips,); NaN where there is no score."""
        below, size = self.counted()
        return np.append(np.log((below + 1) / (2 * size + 1 - below)), np.nan).astype(np.float32)[self.place]

    def standing(self, weight: Floats) -> Floats:
        """Return the rank of each place in standard deviations of the weighed null, (places + 1,); 0 for no score."""
        below, size = self.counted(weight)
        return np.append(deviations((below + 1) / (2 * size + 2)), 0.0)


def ranked(scores: SCORES, named: Bools, seed: int) -> list[Ranks | None]:
    """Return the ranks of each label's scores among a sample of at most 10,000 clips without it.

    ``scores``: larger = more present, NaN = no score; ``named``: whether a clip carries the label, or a related one; both
    (clips, labels). None where there is no score of a clip without the label.
    """
    return [_ranked(scores[:, label], named[:, label], seed, label) for label in range(scores.shape[1])]


def evidence(ranks: Sequence[Ranks | None], clips: int) -> NDArray[np.float32]:
    """Return the log odds of each score's rank (clips, labels); 0 = like any other clip, NaN = no score, or no null."""
    out = np.full((clips, len(ranks)), np.nan, np.float32)
    for label, one in enumerate(ranks):
        if one is not None:
            out[:, label] = one.log_odds()
    return out


def _ranked(column: SCORES, named: Bools, seed: int, label: int) -> Ranks | None:
    scored = ~np.isnan(column)
    null = sampled(np.nonzero(scored & ~named)[0], MOST_NULL, seed, "null", label)
    if not len(null):
        return None
    different, step = np.unique(column[null], return_inverse=True)
    below = np.searchsorted(different, column)
    last = np.minimum(below, len(different) - 1)
    place = 2 * below + (different[last] == column)
    place[~scored] = 2 * len(different) + 1
    return Ranks(null, step.astype(np.int64), len(different), place.astype(np.uint16))
