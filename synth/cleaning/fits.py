"""The mixture of each class, in the scale of the learnt statistic; small classes lean on the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synth import seeds
from synth.cleaning import mixture
from synth.cleaning.features import Compared, learnt
from synth.cleaning.mixture import BINS, grid
from synth.cleaning.null import Floats, Ints

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the wrong clips in which another label is heard
PSEUDO = 30.0  # clips of all classes that stand beside those of one in the shape of its known wrong clips
OWN = 1.0  # weight of the flat prior beside the posteriors of the other classes
MOST_CLASSES = 40  # that the share is estimated from
CASES = 24  # amounts of chance competition
MOST_VALUES = 1_000  # different values of a class' statistic for which posteriors are computed


@dataclass(frozen=True, slots=True)
class Binned:
    """One class in bins of the learnt statistic (larger = more right)."""

    value: Floats  # (rows,)
    cuts: Floats  # (resamples + 1, edges)
    counts: Floats  # (BINS, resamples + 1)
    nulls: Floats  # (2, BINS): shares of foreign and of known wrong clips
    met: Floats  # (cases, edges): the edges as right clips meet them, see mixture.right

    def null(self, known: float) -> Floats:
        """Return the shares (BINS,) of wrong clips, of which ``known`` have another label."""
        mixed: Floats = np.array([1 - known, known]) @ self.nulls
        return mixed


@dataclass(frozen=True, slots=True)
class Posterior:
    """P(wrong) of one class in each resample, for ``at`` (values,) of its statistic; ``which``: that of each row."""

    which: Ints  # (rows,)
    wrong: Floats  # (resamples + 1, values)
    share: Floats  # (resamples + 1,) fitted share of wrong clips

    @property
    def mean(self) -> Floats:
        """Return P(wrong) of each row (rows,)."""
        found: Floats = self.wrong[1:].mean(axis=0)[self.which]
        return found


def fitted(classes: Sequence[Compared], groups: Ints, seed: int) -> tuple[list[Posterior], float]:
    """Return the posteriors of the classes, and the share of the wrong clips in which another label is heard."""
    some = classes[:: -(-len(classes) // MOST_CLASSES)]
    beta = learnt(some, 1.0)
    known, rate = _known(_binned(some, beta, groups, seed, 0, 0.0))
    known, rate = _known(_binned(some, beta, groups, seed, 0, rate))
    if known < 0.5:  # competitors tell little: better without the chance in them
        beta = learnt(some, 0.0)
    binned = _binned(classes, beta, groups, seed, mixture.RESAMPLES, rate)
    priors = _priors(binned, known)
    return [_posterior(one, prior, known) for one, prior in zip(binned, priors, strict=True)], known


def _binned(
    classes: Sequence[Compared], beta: Floats, groups: Ints, seed: int, resamples: int, rate: float
) -> list[Binned]:
    """Return the classes in bins; ``rate``: share of all labels that are wrong.

    In so many of the known wrong clips the label that was taken from them is not heard either: their part is taken out.
    """
    out, histograms = [], []
    for one in classes:
        foreign = np.sort(one.foreign @ beta)
        value = one.carried @ beta
        cuts = mixture.edges(foreign, seeds.key(seed, "null again", one.label), resamples)
        times = mixture.weights(groups[one.rows[one.fit]], seeds.key(seed, "clips again", one.label), resamples)
        counts = mixture.histograms(mixture.binned(value[one.fit], cuts), times)
        seen = [np.bincount(mixture.binned(rows, cuts[:1])[0], minlength=BINS) for rows in (foreign, one.known @ beta)]
        histograms.append(seen[1])
        out.append(Binned(value, cuts, counts, np.array(seen, np.float64), _met(one, beta, cuts[0], rate)))
    pool = np.sum(histograms, axis=0) + mixture.standard_null()
    pool = pool / pool.sum()
    for made in out:
        made.nulls[0] = (made.nulls[0] + mixture.standard_null()) / (made.nulls[0].sum() + 1)
        mixed = (made.nulls[1] + PSEUDO * pool) / (made.nulls[1].sum() + PSEUDO)
        heard = np.maximum(mixed - rate * made.nulls[0], 0.1 * mixed)
        made.nulls[1] = heard / heard.sum()
    return out


def _met(one: Compared, beta: Floats, edges: Floats, rate: float) -> Floats:
    """Return bin edges as right clips meet them: what a chance competitor takes away, the evidence must make up for."""
    against = np.where(beta < 0, beta, 0)
    if not against.any():
        return mixture.EDGES[None]
    own = np.sort(one.foreign @ (beta - against))
    chance = np.quantile(-(one.foreign @ against), (1 - rate) * (np.arange(CASES) + 0.5) / CASES)
    needed = edges + chance[:, None]
    share = (np.searchsorted(own, needed, "left") + np.searchsorted(own, needed, "right") + 1) / (2 * len(own) + 2)
    return np.where(needed > own[-1], 8.0, mixture.deviations(share))


def _known(classes: Sequence[Binned]) -> tuple[float, float]:
    """Return the share of wrong clips in which another label is heard, the likeliest over all classes, and the rate.

    The rate is the mean share of wrong labels of a class.
    """
    cells = grid(coarse=True)
    totals, rates = [], []
    for share in SHARES:
        total, rate = 0.0, 0.0
        for one in classes:
            found = (
                mixture.likelihoods(
                    one.counts[:, :1], one.null(share), mixture.right(one.met, coarse=True), coarse=True
                )[..., 0]
                + cells.base[:, None]
            )
            weight = np.exp(found - found.max())
            total += found.max() + np.log(weight.mean())
            rate += float(cells.pi @ weight.sum(axis=1) / weight.sum())
        totals.append(total)
        rates.append(rate / len(classes))
    best = int(np.argmax(totals))
    return SHARES[best], rates[best]


def _priors(classes: Sequence[Binned], known: float) -> list[Floats]:
    """Return the log prior (P, S) of each class: flat in shape, and what the others found (empirical Bayes)."""
    cells = grid()
    flat = np.exp(cells.base - cells.base.max())
    flat /= flat.sum()
    even = np.full(cells.shape[1], 1 / cells.shape[1])
    shares, shapes = [], []
    for one in classes if len(classes) > 1 else []:
        found = (
            mixture.likelihoods(one.counts[:, :1], one.null(known), mixture.right(one.met))[..., 0]
            + cells.base[:, None]
        )
        found = np.exp(found - found.max())
        found /= found.sum()
        shares.append(found.sum(axis=1))
        shapes.append(found.sum(axis=0))
    if not shares:
        return [np.log(flat)[:, None] + np.log(even)]
    all_shares, all_shapes = np.sum(shares, axis=0), np.sum(shapes, axis=0)
    return [
        np.log(OWN * flat + all_shares - share + 1e-12)[:, None] + np.log(OWN * even + all_shapes - shape + 1e-12)
        for share, shape in zip(shares, shapes, strict=True)
    ]


def _posterior(one: Binned, prior: Floats, known: float) -> Posterior:
    null, good = one.null(known), mixture.right(one.met)
    found = mixture.likelihoods(one.counts, null, good) + prior[..., None]
    best = found.reshape(-1, found.shape[-1]).argmax(axis=0)
    pi, shape = np.divmod(best, found.shape[1])
    in_bins = mixture.wrong(pi, shape, null, good)
    values, which = _values(one.value)
    bins = mixture.binned(values, one.cuts)
    return Posterior(which, np.take_along_axis(in_bins, bins, axis=1), grid().pi[pi])


def _values(value: Floats) -> tuple[Floats, Ints]:
    """Return at most so many different values, and which of them stands for each."""
    if len(value) <= MOST_VALUES:
        return value, np.arange(len(value))
    at = np.quantile(value, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
    middles = (at[1:] + at[:-1]) / 2
    return at, np.searchsorted(middles, value)
