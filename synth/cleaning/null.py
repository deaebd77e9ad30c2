"""What a score means: its rank among the clips that do not carry the label, the data's own null.

A cosine of .3 says nothing by itself; that 99 of 100 clips without the label score lower does. Ranks need no assumption
on the scale of a judge, and every monotone change of its scores leaves them as they are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth import seeds

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_NULL = 10_000  # clips of a null: more would not move a rank by a hundredth of a standard deviation


def sampled(rows: Ints, most: int, *names: object) -> Ints:
    """Return at most ``most`` of some rows, drawn without replacement by (seed, purpose, …), in their order."""
    if len(rows) <= most:
        return rows
    order = np.argpartition(seeds.draw(seeds.key(*names), rows), most)[:most]
    return np.sort(rows[order])


def normal_cdf(x: Floats) -> Floats:
    """Return the cumulative distribution of the standard normal; for tables, not for millions."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x.ravel()]).reshape(x.shape)


def named(carries: Bools, above: Bools | None) -> Bools:
    """Return which labels each clip carries, or is no evidence against, (clips, labels) as ``carries``.

    ``above`` (labels, labels), parents in rows: a clip is no evidence against the labels above those that it carries, nor
    against one below if nothing says which of those below it is. ``Music, Guitar`` is evidence against ``Accordion``, and
    ``Music`` is not; were neither, an instrument would be compared with everything but instruments. Two labels that are
    each above the other are two words for one thing.
    """
    if above is None or not above.any():
        return carries
    unspecified = carries & ~_any(carries, (above & ~above.T).T)
    return carries | _any(carries, above.T) | _any(unspecified, above)


def _any(carries: Bools, way: Bools) -> Bools:
    """Return to which labels a way (labels, labels) leads from any of those that each clip carries (clips, labels)."""
    found: Bools = carries.astype(np.float32) @ way.astype(np.float32) > 0
    return found


def evidence(scores: NDArray[np.floating], named: Bools, seed: int) -> NDArray[np.float32]:
    """Return the log odds of each score's rank among the clips without the label; 0 = like any other clip.

    ``scores``, ``named`` (whether a clip carries the label, or a related one) and the result are (clips, labels); NaN (no score, or no clip without the label) stays NaN.
    The null of a label is a sample of at most 10,000 clips.
    """
    out = np.full(scores.shape, np.nan, np.float32)
    for label in range(scores.shape[1]):
        column = scores[:, label]
        scored = ~np.isnan(column)
        null = sampled(np.nonzero(scored & ~named[:, label])[0], MOST_NULL, seed, "null", label)
        if not len(null) or not scored.any():
            continue
        different, counts = np.unique(column[null], return_counts=True)
        above = np.cumsum(counts)
        size = int(above[-1])
        table = np.log(np.arange(1, 2 * size + 2) / np.arange(2 * size + 1, 0, -1)).astype(np.float32)  # odds of a rank
        between = table[2 * np.r_[0, above]]  # by how many different values lie below
        on = table[2 * above - counts]  # of a value that the null has too: the middle of its ranks
        values = column[scored]
        below = np.searchsorted(different, values)
        last = np.minimum(below, len(different) - 1)
        out[scored, label] = np.where(different[last] == values, on[last], between[below])
    return out
