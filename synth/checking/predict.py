"""Small cross-validated predictors: can one number tell the class?

A number is cut into bins at its own quantiles, and each bin says the class that is commonest in it among the other
folds. That is all a shortcut needs, and it finds any relation, rising or not, without a model to tune.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.seeds import draw, key

Ints = NDArray[np.int64]

FOLDS = 5
MOST_BINS = 12
PER_BIN = 40  # training clips that a bin should have, so that its majority means something
SIGMAS = 3.5


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well a class is told from a number: accuracy over all folds, share of the largest class, standard error."""

    accuracy: float
    chance: float
    error: float
    clips: int
    classes: int

    def bar(self, margin: float) -> float:
        """Return the accuracy that is allowed: chance and ``margin``, or chance and 3.5 standard errors."""
        return self.chance + max(margin, SIGMAS * self.error)


def accuracy(values: NDArray[np.float64], classes: Ints, rows: Ints) -> Accuracy | None:
    """Tell ``classes`` (n,) from ``values`` (n,); the fold of a clip is a hash of its row in the data set.

    Values that are not finite are a bin of their own. None when there are fewer than two classes or 50 clips.
    """
    found, label = np.unique(classes, return_inverse=True)
    count, kinds = len(label), len(found)
    if kinds < 2 or count < 50:
        return None
    fold = (draw(key("audit", "fold"), rows) % np.uint64(FOLDS)).astype(np.int64)
    right = 0
    for k in range(FOLDS):
        test = fold == k
        right += int((_told(values[~test], label[~test], values[test], kinds) == label[test]).sum())
    chance = float(np.bincount(label).max() / count)
    return Accuracy(right / count, chance, math.sqrt(chance * (1 - chance) / count), count, kinds)


def _told(values: NDArray[np.float64], label: Ints, asked: NDArray[np.float64], kinds: int) -> Ints:
    finite = np.sort(values[np.isfinite(values)])
    bins = int(np.clip(len(values) // PER_BIN, 2, MOST_BINS))
    edges = np.unique(finite[np.arange(1, bins) * len(finite) // bins]) if len(finite) else np.empty(0)
    width = len(edges) + 2  # the last bin is for what is not finite
    table = np.bincount(_bin(values, edges) * kinds + label, minlength=width * kinds).reshape(width, kinds)
    share = np.bincount(label, minlength=kinds)
    best = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), share.argmax())
    return np.asarray(best[_bin(asked, edges)], np.int64)


def _bin(values: NDArray[np.float64], edges: NDArray[np.float64]) -> Ints:
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1).astype(np.int64)
