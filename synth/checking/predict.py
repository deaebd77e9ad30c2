"""Small cross-validated predictors: can one number tell the class?

A number is cut into bins at its own quantiles, and each bin says the class that is commonest in it among the other
folds. That is all a shortcut needs, and it finds any relation, rising or not, without a model to tune. Classes count
alike, however many clips they have (balanced accuracy: the mean of the classes' recalls), so chance is one over their
number and a shortcut into a small class counts as much as one into a large class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.seeds import draw, key

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FOLDS = 5
MOST_BINS = 8
PER_BIN = 60  # training clips that a bin should have, so that what is commonest in it means something
FEWEST = 30  # clips of a class, or it is left out
SIGMAS = 3.5
# the folds' majorities are alike, so guessing spreads 1.2 to 1.4 times as a binomial would, with a heavier tail: of 30,000
# simulated sets without a shortcut one passed 5.25 binomial errors
SHARED = 1.5


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well a class is told: balanced accuracy over all folds, chance, standard error of guessing, clips, classes."""

    accuracy: float
    chance: float
    error: float
    clips: int
    classes: int

    def bar(self, margin: float, inherent: float | None = None) -> float:
        """Return the accuracy that is allowed over chance (or over what is ``inherent``): ``margin`` or 3.5 errors."""
        return max(self.chance, inherent or 0.0) + max(margin, SIGMAS * self.error)


def accuracy(values: Floats, classes: Ints, rows: Ints, *, kinds: bool = False) -> Accuracy | None:
    """Tell ``classes`` (n,) from ``values`` (n,); the fold of a clip is a hash of its row in the data set.

    With ``kinds`` the values are codes of a few kinds, each a bin of its own. Values that are not finite do not take part.
    None when fewer than two classes have 30 clips.
    """
    there = np.isfinite(values)
    found, counts = np.unique(classes[there], return_counts=True)
    taken = there & np.isin(classes, found[counts >= FEWEST])
    found, label = np.unique(classes[taken], return_inverse=True)
    size = np.bincount(label)
    if len(found) < 2:
        return None
    value, fold = values[taken], (draw(key("audit", "fold"), rows[taken]) % np.uint64(FOLDS)).astype(np.int64)
    right = np.zeros(len(found), np.int64)
    for k in range(FOLDS):
        test = fold == k
        told = _told(value[~test], label[~test], value[test], len(found), kinds)
        right += np.bincount(label[test][told == label[test]], minlength=len(found))
    chance = 1 / len(found)
    error = SHARED * math.sqrt(float((chance * (1 - chance) / size).sum())) / len(found)
    return Accuracy(float((right / size).mean()), chance, error, len(label), len(found))


def pooled(several: list[Accuracy | None]) -> Accuracy | None:
    """Return the accuracy over several groups of clips that were told apart each on its own, by their sizes."""
    one = [a for a in several if a is not None]
    total = sum(a.clips for a in one)
    if not total:
        return None
    share = [a.clips / total for a in one]
    return Accuracy(
        sum(s * a.accuracy for s, a in zip(share, one, strict=True)),
        sum(s * a.chance for s, a in zip(share, one, strict=True)),
        math.sqrt(sum((s * a.error) ** 2 for s, a in zip(share, one, strict=True))),
        total,
        max(a.classes for a in one),
    )


def _told(values: Floats, label: Ints, asked: Floats, classes: int, kinds: bool) -> Ints:
    if kinds:
        edges = np.unique(values)
    else:
        bins = int(np.clip(len(values) // PER_BIN, 2, MOST_BINS))
        edges = np.unique(np.sort(values)[np.arange(1, bins) * len(values) // bins])
    table = np.bincount(
        np.searchsorted(edges, values, side="right") * classes + label, minlength=(len(edges) + 1) * classes
    ).reshape(-1, classes)
    share = table / np.maximum(table.sum(axis=0), 1)  # of each class, so that classes count alike
    best = share.argmax(axis=1)
    return np.asarray(best[np.searchsorted(edges, asked, side="right")], np.int64)
