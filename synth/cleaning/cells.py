"""P(wrong) of each clip from two views in bins: its own score, and what is heard of the labels that it does not carry.

Wrong clips score like the null, right ones like a normal; what is heard beside wrong ones is seen in clips of the null that
are given the label in place of one of theirs, what is heard beside right ones in the carriers, each counted by the chance
that it is right. Nothing is assumed of how the ratios are spread, only that both views are independent given the truth and
that more of another label never makes the own one likelier. Resamples of the carriers and of the null say how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth import seeds
from synth.cleaning import mixture
from synth.cleaning.fits import PSEUDO, Posterior
from synth.cleaning.joint import Carried, Understood, exchanged, mean_ratio
from synth.cleaning.null import Floats, Ints
from synth.cleaning.shapes import LEAN, LEAN_RATE, beyond, cdf, leaning, moments

SCORE = np.linspace(-2.4, 2.55, 34)  # edges of the bins of the own score, in standard deviations of the null
OTHERS = np.linspace(-4, 8, 41)  # edges of the bins of the log mean likelihood ratio of other labels
WIDTH, DEPTH = len(SCORE) + 1, len(OTHERS) + 1
STEP = SCORE[1] - SCORE[0]
MIDDLES = np.r_[SCORE[0] - 0.35, (SCORE[1:] + SCORE[:-1]) / 2, SCORE[-1]]  # means of the bins, nearly
ENDLESS = 20.0  # standard deviations that no score reaches
ROUNDS = 25
TINY = 1e-12
MISSED = 2.0  # how much wider shares spread than resamples show: these keep the null that one fit has weighed
FEW_WRONG = 20.0  # wrong clips of a label: a fit of fewer leans on other labels in ways that resamples do not show
SURELY = 4.0  # of the mean variance of a class, over the number of classes: so much they may differ unseen
AT_ONCE = 4_000_000  # numbers of an array


@dataclass(frozen=True, slots=True)
class Binned:
    """One class in bins, (resamples + 1, …): the first is the data as they are."""

    which: Ints  # (rows,) bins of each row: score * DEPTH + others
    counts: Floats  # (resamples + 1, WIDTH, DEPTH) of the clips that are learnt from
    null: Floats  # (resamples + 1, WIDTH) shares of the null
    foreign: Floats  # (resamples + 1, DEPTH) shares of wrong clips in which no label is heard
    known: Floats  # (resamples + 1, DEPTH) shares of those in which another label is heard
    right: Floats  # (DEPTH,) shares of right clips, to begin with


@dataclass(slots=True)
class State:
    """What is fitted: (labels, resamples) or (labels, resamples, DEPTH), and ``share`` (resamples,)."""

    wrong: Floats
    mu: Floats
    sd: Floats
    right: Floats
    share: Floats  # of the wrong clips in which another label is heard


@dataclass(frozen=True, slots=True)
class Leans:
    """How many clips of all classes stand beside those of one, in its share of wrong clips and in the shape of right ones."""

    rate: float
    shape: float


LOOSELY = Leans(LEAN_RATE, LEAN)


def fitted(these: Carried, what: Understood, groups: Ints, seed: int) -> tuple[list[Posterior], float]:
    """Return the posteriors of the classes, and the share of wrong clips in which another label is heard."""
    seen = [_others(these, what, j, seed) for j in range(len(these.labels))]
    pool = np.sum(seen, axis=0) + TINY
    pool /= pool.sum(axis=1, keepdims=True)
    out: list[Posterior] = []
    shares: list[Floats] = []
    for part in _parts(len(these.labels)):
        classes = [_binned(these, what, groups, j, seen[j], pool, seed) for j in part]
        known = shares[0] if shares else None
        alike = leans(_fit(these, what, part, classes, pool, known, LOOSELY))
        state = _fit(these, what, part, classes, pool, known, alike)
        shares = shares or [state.share]
        good = _good(state, _edges(these.top[part]))
        out += [_posterior(one, good[k], state, k) for k, one in enumerate(classes)]
    return out, float(shares[0][0])


def _parts(labels: int) -> Iterator[list[int]]:
    """Share the labels out evenly: as many at once as memory allows, near and far ones together."""
    parts = -(-labels * (mixture.RESAMPLES + 1) * WIDTH * DEPTH // AT_ONCE)
    for k in range(parts):
        yield list(range(labels))[k * labels // parts : (k + 1) * labels // parts]


def _others(these: Carried, what: Understood, j: int, seed: int) -> Floats:
    """Return the histograms (3, DEPTH) of what is heard beside foreign, known and right clips of a label."""
    foreign, known, right = exchanged(these, what, j, seed)
    right = right * what.null[j]
    rows = these.rows[j][these.fit[j]]
    beside = mean_ratio(what.heard[rows], these.weight[rows])
    seen = ((foreign, right), (known, right), (beside, 1 - what.wrong[j][these.fit[j]]))
    return np.array([np.bincount(_deep(one), times, DEPTH) for one, times in seen])


def _deep(heard: Floats) -> Ints:
    return np.searchsorted(OTHERS, np.log(heard), "right")


def _binned(these: Carried, what: Understood, groups: Ints, j: int, seen: Floats, pool: Floats, seed: int) -> Binned:
    label, rows = these.labels[j], these.rows[j]
    most = int(np.searchsorted(SCORE, these.top[j], "right"))
    score = np.minimum(np.searchsorted(SCORE, what.standing[j][these.ranks[j].place[rows]], "right"), most)
    which = score * DEPTH + _deep(mean_ratio(what.heard[rows], these.weight[rows]))
    fit = these.fit[j]
    times = mixture.weights(groups[rows[fit]], seeds.key(seed, "clips again", label))
    counts = np.array([np.bincount(which[fit], one, WIDTH * DEPTH) for one in times]).reshape(-1, WIDTH, DEPTH)
    null = np.diff(np.where(these.top[j] < SCORE, 1.0, cdf(SCORE)), prepend=0, append=1)
    foreign, known, right = seen
    stream = "null again"
    return Binned(
        which,
        counts,
        _again(null * what.null[j].sum(), seeds.key(seed, stream, label), 0.0 * null),
        _again(foreign, seeds.key(seed, stream, "foreign", label), PSEUDO * pool[0]),
        _again(known, seeds.key(seed, stream, "known", label), PSEUDO * pool[1]),
        (right + PSEUDO * pool[2]) / (right.sum() + PSEUDO),
    )


def _again(counts: Floats, stream: np.uint64, lean: Floats) -> Floats:
    """Return shares of a histogram, and of resamples of it (nearly Poisson), leaning on ``lean`` clips."""
    noise = mixture.normals(stream, (mixture.RESAMPLES, len(counts)))
    drawn = np.r_[counts[None], np.maximum(counts + np.sqrt(counts) * noise, 0)] + lean
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _fit(
    these: Carried,
    what: Understood,
    part: list[int],
    classes: Sequence[Binned],
    pool: Floats,
    share: Floats | None,
    lean: Leans,
) -> State:
    """Fit all resamples of some classes by expectation maximisation, from where the passes ended."""
    counts = np.array([one.counts for one in classes], np.float32)
    null, foreign, known = (np.array([getattr(one, name) for one in classes]) for name in ("null", "foreign", "known"))
    each = counts.shape[:2]
    shapes = what.shapes
    wrong, mu, sd = (np.repeat(values[part, None], each[1], axis=1) for values in (shapes.wrong, shapes.mu, shapes.sd))
    state = State(
        wrong,
        mu,
        sd,
        np.repeat(np.array([one.right for one in classes])[:, None], each[1], axis=1),
        np.full(each[1], shapes.known) if share is None else share,
    )
    top = these.top[part]
    last = np.searchsorted(SCORE, top, "right")
    by_score, by_others, total = counts.sum(axis=3), counts.sum(axis=2), counts.sum(axis=(2, 3))
    edges = _edges(top)
    score = np.broadcast_to(MIDDLES, by_score.shape).copy()
    square = score**2 + STEP**2 / 12
    here = np.arange(len(part))
    highest = SCORE[last - 1][:, None]
    for _ in range(ROUNDS):
        good = _good(state, edges)
        others = (1 - state.share[:, None]) * foreign + state.share[:, None] * known
        bad = _outer(state.wrong[..., None] * null, others)
        fine = _outer((1 - state.wrong[..., None]) * good, state.right)
        fine += bad
        fine += np.float32(1e-30)
        bad /= fine
        bad *= counts
        wrong_score, wrong_others = bad.sum(axis=3), bad.sum(axis=2, dtype=np.float64)
        count = wrong_others.sum(axis=2)
        state.wrong = leaning(count, total, count.sum(axis=0) / total.sum(axis=0), lean.rate)
        if share is None:
            part_known = wrong_others * state.share[:, None] * known / np.maximum(others, TINY)
            state.share = np.clip((part_known.sum(axis=(0, 2)) + 0.5) / (count.sum(axis=0) + 1), 0.01, 0.99)
        state.right = np.maximum(by_others - wrong_others, 0) + PSEUDO * pool[2]
        state.right /= state.right.sum(axis=2, keepdims=True)
        right = np.maximum(by_score - wrong_score, 0)
        at = (highest - state.mu) / state.sd
        mean, variance = beyond(state.mu, state.sd, at, np.maximum(1 - cdf(at), 1e-9))
        score[here, :, last], square[here, :, last] = mean, mean**2 + variance
        weight, sums, squares = right.sum(axis=2), (right * score).sum(axis=2), (right * square).sum(axis=2)
        middle, spread = (values.sum(axis=0) / weight.sum(axis=0) for values in (sums, squares))
        state.mu, state.sd = moments(weight, sums, squares, middle, spread, lean.shape)
    return state


def leans(state: State) -> Leans:
    """Return how much classes lean on all, by how alike they are: their spread beyond that of their resamples.

    Method of moments (DerSimonian and Laird, "Meta-analysis in clinical trials", 1986); a few classes that look alike may
    differ nevertheless, so the spread is never taken for less than their number can show.
    """
    if len(state.mu) < 2:
        return LOOSELY
    rate, mu, sd = (_between(one) for one in (np.log(state.wrong), state.mu, np.log(state.sd)))
    size = float((state.sd[:, 0] ** 2).mean())
    shape = min(size / mu, 1 / (2 * sd))
    return Leans(max(1 / (rate * float(state.wrong[:, 0].mean())), LOOSELY.rate), max(shape, LOOSELY.shape))


def _between(values: Floats) -> float:
    """Return the variance between classes of something fitted in all resamples, (labels, resamples + 1)."""
    own = np.maximum(values[:, 1:].var(axis=1), TINY)
    weight, free = 1 / own, len(own) - 1
    off = (weight * (values[:, 0] - (weight * values[:, 0]).sum() / weight.sum()) ** 2).sum()
    found = max(off - free, 0) / (weight.sum() - (weight**2).sum() / weight.sum())
    return float(found + SURELY * own.mean() / free)


def _outer(score: Floats, others: Floats) -> NDArray[np.float32]:
    return score.astype(np.float32)[..., None] * others.astype(np.float32)[..., None, :]


def _edges(top: Floats) -> Floats:
    """Return the edges of the own score (labels, 1, edges); above ``top`` (labels,) is one bin."""
    return np.where(top[:, None, None] < SCORE, ENDLESS, SCORE)


def _good(state: State, edges: Floats) -> Floats:
    """Return the shares of right clips in the bins of the own score (labels, resamples, WIDTH); ``edges`` of :func:`_edges`."""
    below = cdf((edges - state.mu[..., None]) / state.sd[..., None])
    return np.asarray(np.diff(below, axis=2, prepend=0, append=1))


def _posterior(one: Binned, good: Floats, state: State, k: int) -> Posterior:
    """Return P(wrong) in the bins that a class has: it falls with the own score and rises with what else is heard."""
    share = state.share[:, None]
    bad = (1 - share) * one.foreign + share * one.known
    others = rising(bad, state.right[k])
    score = rising(good, one.null)
    cells, which = np.unique(one.which, return_inverse=True)
    own, deep = np.divmod(cells, DEPTH)
    wrong = _wider(state.wrong[k], 1 + (MISSED - 1) * _missed(len(which), state, k))[:, None]
    bad = wrong * others[:, deep] * (1 - score[:, own])
    odds = bad / (bad + (1 - wrong) * (1 - others[:, deep]) * score[:, own] + TINY)
    return Posterior(which, odds, _wider(state.wrong[k], MISSED))


def _missed(clips: int, state: State, k: int) -> float:
    """Return how much of what resamples may miss concerns the verdicts on a label of so many clips, 0 to 1.

    They miss wrong clips in the null, and clips in which no listed label is heard are in none: where most wrong ones are
    such, only the smallness of their number is left. The ranges of the shares are as wide as they can be in any case.
    """
    heard = 2 * float(state.share[0])
    few = FEW_WRONG / (clips * float(state.wrong[k, 0]))
    return min(1.0, max(heard, few))


def _wider(share: Floats, times: float) -> Floats:
    """Return shares (resamples + 1,) whose log odds lie so many times as far from those of the data as they are."""
    odds = np.log(share) - np.log1p(-share)
    return np.asarray(1 / (1 + np.exp(-(odds[0] + times * (odds - odds[0])))))


def rising(one: Floats, other: Floats) -> Floats:
    """Return one / (one + other) (…, n) by the rising steps that come nearest (isotonic regression), weighted by the sum."""
    n = one.shape[-1]
    part, whole = (
        np.concatenate([np.zeros((*one.shape[:-1], 1)), np.cumsum(x, axis=-1)], axis=-1) for x in (one, one + other)
    )
    from_, to = np.arange(n)[:, None], np.arange(1, n + 1)
    share = _spans(part) / np.maximum(_spans(whole), TINY)
    share = np.where(to > from_, share, np.inf)  # the mean of all from one position to another
    least = np.minimum.accumulate(share[..., ::-1], axis=-1)[..., ::-1]  # to that or further
    least = np.where(to > from_, least, -np.inf)
    return np.asarray(np.clip(least.max(axis=-2), TINY, 1 - 1e-9))


def _spans(cumulative: Floats) -> Floats:
    """Return the sums from one position (rows) up to and with another (columns), (…, n, n)."""
    return np.asarray(cumulative[..., None, 1:] - cumulative[..., :-1, None])
