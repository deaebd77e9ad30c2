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
