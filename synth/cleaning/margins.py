"""Margins: what a judge says of a clip's label beside what it says of the labels that the clip does not carry.

A wrong label is the label of another clip: the null of a margin is made by giving clips without the label that label in
place of one of theirs. Then either that one competes ("known" wrong clips: what is heard has a name among the labels), or
a draw from its null stands in for it ("foreign" ones: what is heard has none).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth import seeds
from synth.cleaning.null import Bools, Ints, sampled

F32 = NDArray[np.float32]
BLOCK = 65_536
MOST_CLIPS, MOST_LABELS = 20_000, 40  # that a correlation is estimated from
LEAST_CLIPS = 50  # with neither of two labels


@dataclass(frozen=True, slots=True)
class Competition:
    """Of each clip the strongest label that it does not carry, the second strongest, and one that it carries.

    All (clips,); evidence is that of :func:`synth.cleaning.null.evidence`, 0 at least: a label that is less likely than in
    any other clip does not speak for one that is carried.
    """

    first: F32
    which: Ints
    second: F32
    own: F32  # evidence of a label drawn among those that are carried; 0 for none
    chance: F32  # what that label would be given in a clip without it

    def carried(self, rows: Ints) -> F32:
        """Return the strongest competitor of labels that clips carry."""
        return self.first[rows]

    def foreign(self, rows: Ints, label: int) -> F32:
        """Return the strongest competitor of a label that clips are given in place of one that is not heard in them."""
        return np.maximum(self._others(rows, label), self.chance[rows])

    def known(self, rows: Ints, label: int) -> F32:
        """Return the strongest competitor of a label that clips are given in place of one of theirs."""
        return np.maximum(self._others(rows, label), self.own[rows])

    def _others(self, rows: Ints, label: int) -> F32:
        return np.where(self.which[rows] == label, self.second[rows], self.first[rows])


def competition(evidence: F32, carries: Bools, named: Bools, seed: int) -> Competition:
    """Return the competitors of each clip; ``evidence`` and ``carries`` (clips, labels).

    ``named``: as ``carries``, and the labels related to those carried, which do not compete.
    """
    n = len(evidence)
    first, second, own, chance = (np.zeros(n, np.float32) for _ in range(4))
    which = np.full(n, -1, np.int64)
    stream = seeds.key(seed, "one of the labels")
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        mine = carries[rows]
        heard = np.nan_to_num(evidence[rows], nan=0.0)
        rivals = np.where(named[rows], np.float32(0), np.maximum(heard, 0))
        which[rows] = rivals.argmax(axis=1)
        here = np.arange(len(rows))
        first[rows] = rivals[here, which[rows]]
        rivals[here, which[rows]] = 0
        second[rows] = rivals.max(axis=1, initial=0)
        count = mine.sum(axis=1)
        position = seeds.below(seeds.draw(stream, rows), np.maximum(count, 1))
        one = (mine & (mine.cumsum(axis=1) == position[:, None] + 1)).argmax(axis=1)
        own[rows] = np.where(count > 0, np.maximum(heard[here, one], 0), 0)
        share = (seeds.draw(seeds.key(seed, "null of that label"), rows) / 2.0**64).clip(1e-4, 1 - 1e-4)
        chance[rows] = np.where(count > 0, np.maximum(np.log(share / (1 - share)), 0), 0)
    return Competition(first, which, second, own, chance)


def correlation(evidence: F32, named: Bools, seed: int) -> float:
    """Return how much the scores of two labels rise and fall together where neither is carried: the mean over pairs.

    ``evidence`` and ``named`` (clips, labels), see :func:`competition`. Judges whose scores share a factor, such as the
    loudness of a clip, lie far above 0; 0 where no two labels have enough clips without both.
    """
    rows = sampled(np.arange(len(evidence)), MOST_CLIPS, seed, "correlation")
    some = slice(None, None, -(-evidence.shape[1] // MOST_LABELS))
    free = ~named[rows, some] & ~np.isnan(evidence[rows, some])
    there = free.astype(np.float64)
    values = np.where(free, evidence[rows, some], 0).astype(np.float64)
    count, sums, squares, product = there.T @ there, values.T @ there, (values**2).T @ there, values.T @ values
    count = np.maximum(count, 1)
    spread = np.maximum(squares / count - (sums / count) ** 2, 1e-12)
    found = (product / count - sums * sums.T / count**2) / np.sqrt(spread * spread.T)
    pairs = np.triu(count >= LEAST_CLIPS, 1)
    return float(found[pairs].mean()) if pairs.any() else 0.0
