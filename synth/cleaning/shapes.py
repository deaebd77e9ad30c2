"""What right clips look like: the normal that their scores follow, and how much likelier a score makes the label.

All in standard deviations of the null of a label. Two groups, as in :mod:`synth.cleaning.mixture`, with a second view: what is
heard of the labels that a clip does not carry. Given that a label is right or wrong, the two views are taken as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synth.cleaning import mixture
from synth.cleaning.null import Floats, Ints

CAP = 8.0  # of a log likelihood ratio: no score is proof
SATURATED = 2.5  # ranks above are "at least that"
LEAN = 30.0  # clips of all classes that stand beside those of one in the shape of its right clips
LEAN_RATE = 3.0  # and in the share of its wrong ones
SPREAD_HELD = 50.0  # clips that spread as the null does: a spread that few scores tell of is that of the other clips
ROUNDS = 25
MISSING_HELD = 50.0  # clips without a missing label that stand beside those seen
GRID = np.linspace(-4, 4.2, 821)
LOWEST_SD, HIGHEST_SD, LOWEST_MU, HIGHEST_MU = 0.6, 1.5, 0.5, 4.5


@dataclass(slots=True)
class Shapes:
    """The parameters: each (labels,), and two for all labels together."""

    wrong: Floats  # share of the label's clips that are wrong
    mu: Floats
    sd: Floats
    known: float = 0.5  # share of the wrong clips in which another label is heard
    missing: float = 0.01  # share of the right clips in which another label is heard that nobody gave them

    def against(self, heard: Floats) -> Floats:
        """Return how much likelier what is heard of the other labels makes "wrong"; ``heard``: their mean likelihood ratio."""
        return np.asarray((1 - self.known + self.known * heard) / (1 - self.missing + self.missing * heard))


def cdf(x: Floats) -> Floats:
    """Return the cumulative distribution of the standard normal, interpolated."""
    return np.asarray(np.interp(x, mixture._FINE, mixture._FINE_CDF, 0, 1))


def density(x: Floats) -> Floats:
    """Return the density of the standard normal."""
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


def log_ratio(mu: float, sd: float, at: Floats) -> Floats:
    """Return the log likelihood ratio of presence at standings ``at``: it never falls with the score."""
    ratio = -np.log(sd) - 0.5 * ((GRID - mu) / sd) ** 2 + 0.5 * GRID**2
    lowest = int(np.argmin(ratio[: int(np.searchsorted(GRID, mu)) + 1]))
    ratio[:lowest] = ratio[lowest]
    return np.asarray(np.interp(at, GRID, np.clip(np.maximum.accumulate(ratio), -CAP, CAP)))


def first(standing: Sequence[Floats]) -> Shapes:
    """Return the shapes that each label's own scores suggest, ``standing`` (clips,) of its carriers; labels lean on all."""
    cells, good = mixture.grid(), mixture.right(mixture.EDGES[None])
    each = []
    for mine in standing:
        counts = np.bincount(np.searchsorted(mixture.EDGES, mine, "right"), minlength=mixture.BINS).astype(float)
        found = mixture.likelihoods(counts[:, None], mixture.standard_null(), good)[..., 0] + cells.base[:, None]
        found = np.exp(found - found.max())
        each.append(found / found.sum())
    together = np.sum(each, axis=0)
    wrong, shape = [], []
    for one in each:
        found = one * ((together - one).sum(axis=0) + 1 / cells.shape[1])
        found /= found.sum()
        wrong.append(found.sum(axis=1) @ cells.pi)
        shape.append(found.sum(axis=0) @ cells.shapes)
    mu, sd = np.array(shape).T
    return Shapes(np.array(wrong), mu.copy(), sd.copy())


def improve(shapes: Shapes, label: Ints, standing: Floats, heard: Floats, top: Floats) -> None:
    """Fit the parameters to carriers by expectation maximisation, in place.

    ``label``, ``standing``, ``heard`` (carriers,): which label, its score, and the mean likelihood ratio of the labels that
    the clip does not carry. ``top`` (labels,): standings above are "at least that".
    """
    n = len(shapes.mu)
    size = np.bincount(label, minlength=n).astype(float)
    limit = np.minimum(top, SATURATED)
    above = standing >= limit[label]
    score = np.minimum(standing, limit[label])
    null = np.where(above, 1 - cdf(limit)[label], density(score))
    for _ in range(ROUNDS):
        at = (limit - shapes.mu) / shapes.sd
        tail = np.maximum(1 - cdf(at), 1e-9)
        good = np.where(above, tail[label], density((score - shapes.mu[label]) / shapes.sd[label]) / shapes.sd[label])
        named, lacking = shapes.known * heard, shapes.missing * heard
        bad = shapes.wrong[label] * null * (1 - shapes.known + named)
        p = bad / (bad + (1 - shapes.wrong[label]) * good * (1 - shapes.missing + lacking) + 1e-300)
        count = counted(label, p, n)
        shapes.wrong[:] = leaning(count, size, count.sum() / size.sum())
        right = 1 - p
        shapes.known = float(
            np.clip(((p * named / (1 - shapes.known + named)).sum() + 0.5) / (p.sum() + 1), 0.01, 0.99)
        )
        absent = (right * lacking / (1 - shapes.missing + lacking)).sum()
        shapes.missing = float(np.clip((absent + 0.5) / (right.sum() + MISSING_HELD), 0, 0.3))
        mean, variance = beyond(shapes.mu, shapes.sd, at, tail)
        one = np.where(above, mean[label], score)
        two = np.where(above, (mean**2 + variance)[label], score * score)
        weight, sums, squares = (counted(label, right * value, n) for value in (1.0, one, two))
        shapes.mu[:], shapes.sd[:] = moments(
            weight, sums, squares, sums.sum() / weight.sum(), squares.sum() / weight.sum()
        )


def counted(label: Ints, weight: Floats, labels: int) -> Floats:
    """Return the sum of weights of each label (labels,)."""
    return np.asarray(np.bincount(label, weight, labels), np.float64)


def beyond(mu: Floats, sd: Floats, at: Floats, tail: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of a normal above mu + at * sd, of which ``tail`` lies there."""
    hazard = density(at) / tail
    return mu + sd * hazard, sd**2 * np.maximum(1 + at * hazard - hazard * hazard, 0.01)


def leaning(count: Floats, size: Floats, pool: float | Floats, lean: float = LEAN_RATE) -> Floats:
    """Return the share of wrong clips; a small class leans on all (``pool``) as on so many clips."""
    return np.asarray((count + lean * pool + 0.25) / (size + lean + 2.25))


def moments(
    weight: Floats,
    sums: Floats,
    squares: Floats,
    pool: float | Floats,
    pool_squares: float | Floats,
    lean: float = LEAN,
) -> tuple[Floats, Floats]:
    """Return mean and standard deviation; a small class leans on all as on so many clips, and its spread on that of the null."""
    held = weight + lean
    mu = (sums + lean * pool) / held
    variance = np.maximum((squares + lean * pool_squares) / held - mu * mu, 0.09)
    sd = np.sqrt((held * np.minimum(variance, HIGHEST_SD**2) + SPREAD_HELD) / (held + SPREAD_HELD))
    return np.clip(mu, LOWEST_MU, HIGHEST_MU), np.clip(sd, LOWEST_SD, HIGHEST_SD)
