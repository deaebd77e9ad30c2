"""How many of a label's clips are wrong, and which: two groups in one histogram.

The scores of the clips that carry a label are a mixture g = pi f0 + (1 - pi) f1. f0 is known: it is what clips without
the label score (Efron, "Microarrays, empirical Bayes and the two-groups model", Statistical Science 2008). In the scale
in which f0 is N(0, 1), f1 is N(mu, sd); everything above 2 is one bin, because ranks saturate there. The fit is the
largest posterior on a grid; resamples of both groups say how sure it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from synth import seeds
from synth.cleaning.null import Floats, Ints, normal_cdf

EDGES = np.linspace(-2.4, 2.0, 30)  # of the bins, in standard deviations of the null
BINS = len(EDGES) + 1
AT = normal_cdf(EDGES)  # the same as shares of the null
RESAMPLES = 60
_FINE = np.linspace(-8, 8, 3201)
_FINE_CDF = normal_cdf(_FINE)
BUCKETS = 500  # groups are resampled as wholes, or as so many heaps of groups


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of the fit: shares wrong ``pi`` (P,), and shapes (mu, sd) of the right clips, (S, 2)."""

    pi: Floats
    shapes: Floats
    base: Floats  # (P,) log prior of pi: pi^.25 (1 - pi)^2

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of shares and of shapes."""
        return len(self.pi), len(self.shapes)


@cache
def grid(coarse: bool = False) -> Grid:
    """Return the grid: pi .001-.95, mu .5-4.5, sd .6-1.5."""
    pi = np.r_[1e-3, np.geomspace(0.004, 0.95, 19 if coarse else 56)]
    mu, sd = np.linspace(0.5, 4.5, 9 if coarse else 33), np.array([0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5])
    shapes = np.stack([one.ravel() for one in np.meshgrid(mu, sd, indexing="ij")], axis=1)
    return Grid(pi, shapes, 0.25 * np.log(pi) + 2 * np.log(1 - pi))


def right(at: Floats, coarse: bool = False) -> Floats:
    """Return the shares (S, BINS) of right clips in the bins, for each shape of the grid.

    ``at`` (cases, edges): the edges as a right clip meets them, in standard deviations of the null of the evidence for its
    label; one row for each amount, all alike frequent, by which competitors that are heard by chance hold it back.
    """
    mu, sd = grid(coarse).shapes.T
    z = (at - mu[:, None, None]) / sd[:, None, None]
    cdf = np.interp(z, _FINE, _FINE_CDF, 0, 1).mean(axis=1)
    return np.asarray(np.diff(cdf, axis=1, prepend=0, append=1))


def deviations(share: Floats) -> Floats:
    """Return standard deviations of the normal for shares below them, 0 to 1; beyond 8 is 8."""
    return np.asarray(np.interp(share, _FINE_CDF, _FINE, -8, 8))


def standard_null() -> Floats:
    """Return the shares (BINS,) of the null in the bins, when it is the one that the bins were made of."""
    return np.diff(AT, prepend=0, append=1)


def likelihoods(counts: Floats, null: Floats, good: Floats, coarse: bool = False) -> Floats:
    """Return the log likelihood (P, S, columns) of histograms ``counts`` (BINS, columns).

    ``null``: shares (BINS,) of the wrong clips; ``good``: those of the right ones, for each shape (S, BINS).
    """
    cells = grid(coarse)
    mix = cells.pi[:, None, None] * null + (1 - cells.pi[:, None, None]) * good
    found: Floats = np.log(mix + 1e-12).reshape(-1, BINS) @ counts
    return found.reshape(*cells.shape, -1)


def wrong(pi: Ints, shape: Ints, null: Floats, good: Floats) -> Floats:
    """Return P(wrong | bin) (…, BINS) for cells of the grid, never rising with the score."""
    share = grid().pi[pi][..., None]
    bad = share * null
    return np.asarray(np.minimum.accumulate(bad / (bad + (1 - share) * good[shape] + 1e-12), axis=-1))


def edges(null: NDArray[np.floating], stream: np.uint64, resamples: int = RESAMPLES) -> Floats:
    """Return bin edges (resamples + 1, len(EDGES)): quantiles of the sorted ``null`` and of resamples of it."""
    size = len(null)
    expected = np.diff(AT, prepend=0, append=1) * size
    drawn = np.maximum(expected + np.sqrt(expected) * normals(stream, (resamples, BINS)), 0)  # Poisson, nearly
    share = np.cumsum(drawn, axis=1)[:, :-1] / drawn.sum(axis=1, keepdims=True)
    # where a resample has more below an edge than the null, its quantile lies lower by as much
    at = np.r_[AT[None], np.clip(2 * AT - share, 0, 1)]
    return np.asarray(null[np.clip(np.rint(at * (size + 1) - 1).astype(np.int64), 0, size - 1)], np.float64)


def weights(groups: Ints, stream: np.uint64, resamples: int = RESAMPLES) -> Floats:
    """Return how often each clip (n,) is in each resample: (resamples + 1, n), the first all ones; groups stay whole."""
    _, heap = np.unique(groups, return_inverse=True)
    heap = heap % BUCKETS
    heaps = int(heap.max(initial=0)) + 1
    counter = np.arange(resamples * heaps).reshape(resamples, heaps)
    drawn = seeds.draw(stream, counter) / 2.0**64
    times = np.searchsorted(np.cumsum([0.36788, 0.36788, 0.18394, 0.06131, 0.01533, 0.00307]), drawn)  # Poisson(1)
    return np.asarray(np.r_[np.ones((1, len(groups))), times[:, heap]])


def binned(values: NDArray[np.floating], cuts: Floats) -> Ints:
    """Return the bin of each value (n,) for each row of edges: (rows, n)."""
    return np.stack([np.searchsorted(row, values, "right") for row in cuts])


def histograms(bins: Ints, times: Floats) -> Floats:
    """Return the histograms (BINS, rows) of bins (rows, n), each clip counted so many times (rows, n)."""
    rows = zip(bins, times, strict=True)
    return np.stack([np.bincount(row, weights=time, minlength=BINS) for row, time in rows], axis=1)


def normals(stream: np.uint64, shape: tuple[int, ...]) -> Floats:
    """Return standard normal numbers by Box and Muller."""
    counter = np.arange(int(np.prod(shape))).reshape(shape)
    radius, angle = ((seeds.chain(stream, counter, np.full_like(counter, k)) + 0.5) / 2.0**64 for k in (0, 1))
    return np.asarray(np.sqrt(-2 * np.log(np.maximum(radius, 1e-18))) * np.cos(2 * np.pi * angle), np.float64)
