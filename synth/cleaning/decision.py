"""The decision: from the scores of a judge to a verdict on each label of each clip.

For each label, the clips that carry it are compared with what wrong ones would look like (the data's own null, and
margins against competing labels). A mixture fitted to both gives the share of wrong labels and a probability for each
clip; small classes lean on the others. In large classes the null is first weighed by which of its clips lack the label
(:mod:`synth.cleaning.joint`, :mod:`synth.cleaning.cells`). A label is rejected only as part of a set that holds the requested precision even
in unlucky resamples, and a judge that cannot tell a label's clips from others rejects nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth import seeds
from synth.cleaning import cells, joint
from synth.cleaning.ability import LEAST_AUC, LIMIT_SPREAD, able
from synth.cleaning.features import compared, learnt
from synth.cleaning.fits import Posterior, fitted
from synth.cleaning.kinds import another_is_heard
from synth.cleaning.margins import Competition, competition, correlation
from synth.cleaning.missing import suspects
from synth.cleaning.mixture import normals
from synth.cleaning.null import Bools, Floats, Ints
from synth.cleaning.null import named as named_by
from synth.cleaning.ranks import Ranks, evidence, ranked

LEAST = 10  # scored clips of a class; fewer are too few to judge
LEAST_NULL = 20  # scored clips without the label
LEAST_LIKELY = 0.3  # P(wrong) of a rejected label: less is not rejected in whatever company
UNLUCKY = 0.2  # the share of resamples in which the rejected may hold less than the requested precision
STANDS_OUT = np.log(9)  # evidence of a competitor that is named in a reason: among the highest tenth
LARGE = 150  # scored clips a label, on average: from there on a null is mended by what its clips carry
ALIKE = 0.35  # correlation of two labels' scores in clips with neither: from there on they are not taken as independent
WORDS = ("keep", "doubtful", "wrong", "unjudged")
KEEP, DOUBTFUL, WRONG, UNJUDGED = range(4)
JUDGED, SMALL, CANNOT, NO_SCORE = "judged", "too small", "cannot judge", "no score"
EVERYWHERE = "no clip without it"  # nothing to compare with
WITHDRAWN = "withdrawn"  # people heard that too many of the rejected are right


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What was found out about one label; NaN and 0 where it was not judged."""

    clips: int  # that carry it
    scored: int
    null: int  # scored clips that do not carry it
    auc: float = np.nan  # that the judge puts a clip with the label above one without
    noise: float = np.nan  # share of its scored clips that are wrong
    low: float = np.nan
    high: float = np.nan  # 90 % interval of ``noise``
    rejected: int = 0
    expected: float = np.nan  # precision to expect of the rejected
    decision: str = JUDGED  # or SMALL, CANNOT, NO_SCORE, EVERYWHERE


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is known of every label before a precision is asked for; ``clip`` and ``label`` are (pairs,)."""

    clip: Ints
    label: Ints
    rival: Ints  # (pairs,) see Judged
    rows: tuple[Ints, ...]  # scored clips of each judged label
    pairs: tuple[Ints, ...]  # and where each of them is among all pairs
    found: tuple[Posterior, ...]  # of each judged label
    judged: tuple[int, ...]  # the labels
    classes: tuple[ClassFacts, ...]  # of all labels
    known: float
    heard: NDArray[np.float32]  # (clips, labels) evidence of the main judge
    scores: NDArray[np.floating]
    named: Bools
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict on every label of every clip; ``clip``, ``label``, ``p_wrong`` and ``verdict`` are (pairs,)."""

    clip: Ints
    label: Ints
    p_wrong: Floats
    verdict: NDArray[np.int8]  # index of WORDS
    rival: Ints  # (pairs,) the label that is heard most of those that the clip does not carry; -1: none stands out
    missing: tuple[Ints, Ints]  # clips and labels that they probably should carry
    classes: tuple[ClassFacts, ...]
    known: float  # share of the wrong clips in which another label is heard; NaN where nothing was judged
    instead: Bools  # (pairs,) whether a label that the clip does not carry stands out: see ``cleaning.kinds``


def judge(
    scores: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    carries: Bools,
    groups: Ints | None = None,
    precision: float = 0.9,
    seed: int = 0,
    above: Bools | None = None,
) -> Judged:
    """Judge every label that a clip carries.

    ``scores`` (clips, labels): larger = more present, any scale, NaN = no score; or several of them, one a judge, the main
    one first. ``carries`` (clips, labels): which clip carries which label. ``groups`` (clips,): clips that are not
    independent, such as those of one video, share a number. ``precision``: share of truly wrong ones to hold among the
    rejected. ``above`` (labels, labels): which label is a parent of which, see :func:`synth.cleaning.null.named`.
    """
    return decided(weighed(scores, carries, groups, seed, above), precision)


def weighed(
    scores: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    carries: Bools,
    groups: Ints | None = None,
    seed: int = 0,
    above: Bools | None = None,
) -> Weighed:
    """Return the chance that each label is wrong, as :func:`judge` does, for whatever precision will be asked."""
    several = [scores] if isinstance(scores, np.ndarray) else list(scores)
    groups = np.arange(len(carries)) if groups is None else groups
    named = named_by(carries, above)
    ranks = [ranked(one, named, seed) for one in several]
    heard = [evidence(one, len(carries)) for one in ranks]
    facts = [_counted(several[0][:, k], carries[:, k], named[:, k]) for k in range(carries.shape[1])]
    enough = [k for k, one in enumerate(facts) if one.decision == JUDGED]
    areas, errors = _areas(heard[0], carries, groups, enough)
    for k, area, limit in zip(enough, areas.tolist(), able(areas, errors).tolist(), strict=True):
        facts[k] = replace(facts[k], auc=area, decision=JUDGED if limit >= LEAST_AUC else CANNOT)
    clip, label = np.nonzero(carries)
    judged = [k for k in enough if facts[k].decision == JUDGED]
    known, rival = np.nan, np.full(len(clip), -1, np.int64)
    rows: list[Ints] = []
    found: list[Posterior] = []
    if judged:
        rivals = [competition(one, carries, named, seed) for one in heard]
        rows, found, known = _found(ranks[0], heard, rivals, carries, named, judged, groups, seed)
        rival = np.where(rivals[0].first >= STANDS_OUT, rivals[0].which, -1)[clip]
    starts = np.r_[0, np.cumsum(carries.sum(axis=1))]
    pairs = [starts[mine] + carries[mine, :k].sum(axis=1) for k, mine in zip(judged, rows, strict=True)]
    return Weighed(
        clip, label, rival, tuple(rows), tuple(pairs), tuple(found), tuple(judged), tuple(facts), known,
        heard[0], several[0], named, seed,
    )  # fmt: skip


def decided(known: Weighed, precision: float) -> Judged:
    """Return the verdicts that hold the requested precision."""
    p_wrong = np.full(len(known.clip), np.nan)
    verdict = np.full(len(known.clip), UNJUDGED, np.int8)
    facts = list(known.classes)
    missing = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    taken = rejected(known.found, precision) if known.found else []
    for k, rows, pairs, posterior, gone in zip(known.judged, known.rows, known.pairs, known.found, taken, strict=True):
        mean = posterior.mean
        p_wrong[pairs] = mean
        verdict[pairs] = np.where(gone, WRONG, np.where(mean <= 1 - precision, KEEP, DOUBTFUL))
        suspected = suspects(known.heard[:, k], known.scores[:, k], known.named[:, k], rows[mean <= 1 - precision])
        missing.append((suspected, np.full(len(suspected), k)))
        facts[k] = _with_rates(facts[k], posterior, gone, seeds.key(known.seed, "wrong", k))
    clips, labels = (np.concatenate(part) for part in zip(*missing, strict=True))
    instead = another_is_heard(known.heard, known.named)[known.clip]
    return Judged(
        known.clip, known.label, p_wrong, verdict, known.rival, (clips, labels), tuple(facts), known.known, instead
    )


def _found(
    ranks: list[Ranks | None],
    heard: list[NDArray[np.float32]],
    rivals: list[Competition],
    carries: Bools,
    named: Bools,
    judged: list[int],
    groups: Ints,
    seed: int,
) -> tuple[list[Ints], list[Posterior], float]:
    """Return the clips of each judged label, their posteriors, and the share of wrong clips in which another label is heard.

    Small classes, a label by itself, and labels whose scores rise and fall together by the odds that are learnt of a label and
    its strongest competitor; large ones by the joint model, several judges as one: evidence is added up, weighed by what it tells.
    """
    large = len(judged) > 1 and sum(int(carries[:, k].sum()) for k in judged) >= LARGE * len(judged)
    large = large and correlation(heard[0][:, judged], named[:, judged], seed) < ALIKE
    if large and len(heard) == 1:
        these = joint.carried(ranks, carries, named, judged, seed)
        return list(these.rows), *cells.fitted(these, joint.understood(these), groups, seed)
    classes = [compared(heard, rivals, carries, named, k, seed) for k in judged]
    if not large:
        return [one.rows for one in classes], *fitted(classes, groups, seed)
    weights = learnt(classes, 0.5).reshape(len(heard), -1)[:, 0]
    together = sum(weight * np.nan_to_num(one) for weight, one in zip(weights.tolist(), heard, strict=True))
    together = np.where(np.isnan(heard[0]), np.nan, together).astype(np.float32)
    these = joint.carried(ranked(together, named, seed), carries, named, judged, seed)
    return list(these.rows), *cells.fitted(these, joint.understood(these), groups, seed)


def rejected(classes: Sequence[Posterior], precision: float) -> list[Bools]:
    """Return which rows of each class are rejected: those likeliest wrong, as many as hold the requested precision.

    The set over all classes holds it in all but the unluckiest fifth of the resamples, and the rows of each class by
    themselves on average.
    """
    taken, where, chances, means = [], [], [], []
    for k, one in enumerate(classes):
        mean = one.mean
        taken.append(np.zeros(len(mean), np.bool_))
        likely = np.nonzero(mean >= LEAST_LIKELY)[0]
        likely = likely[np.argsort(-mean[likely], kind="stable")]
        hold = np.nonzero(np.cumsum(mean[likely]) / np.arange(1, len(likely) + 1) >= precision)[0]
        likely = likely[: hold[-1] + 1 if len(hold) else 0]
        where.append(np.stack([np.full(len(likely), k), likely], axis=1))
        chances.append(one.wrong[1:, one.which[likely]].astype(np.float32))
        means.append(mean[likely])
    rows, chance, mean = np.concatenate(where), np.concatenate(chances, axis=1), np.concatenate(means)
    order = np.argsort(-mean, kind="stable")
    if not len(order):
        return taken
    held = np.cumsum(chance[:, order], axis=1, dtype=np.float64) / np.arange(1, len(order) + 1)
    enough = np.nonzero(np.quantile(held, UNLUCKY, axis=0) >= precision)[0]
    for k, row in rows[order[: enough[-1] + 1 if len(enough) else 0]]:
        taken[k][row] = True
    return taken


def _counted(scores: NDArray[np.floating], carries: Bools, named: Bools) -> ClassFacts:
    scored = ~np.isnan(scores)
    mine, null = int((scored & carries).sum()), int((scored & ~named).sum())
    decision = JUDGED if mine >= LEAST and null >= LEAST_NULL else SMALL
    if carries.any() and not (mine and null):
        decision = EVERYWHERE if mine else NO_SCORE
    return ClassFacts(int(carries.sum()), mine, null, decision=decision)


def _areas(heard: NDArray[np.float32], carries: Bools, groups: Ints, labels: list[int]) -> tuple[Floats, Floats]:
    """Return the AUC of each label and its standard error; clips of one group count as one."""
    areas, errors = [], []
    for k in labels:
        rows = np.nonzero(carries[:, k] & ~np.isnan(heard[:, k]))[0]
        rank = 1 / (1 + np.exp(-heard[rows, k].astype(np.float64)))
        area = rank.mean()
        _, group = np.unique(groups[rows], return_inverse=True)
        error = np.sqrt((np.bincount(group, rank - area) ** 2).sum()) / len(rows)
        errors.append(max(error, LIMIT_SPREAD / np.sqrt(group.max() + 1)))
        areas.append(area)
    return np.array(areas), np.array(errors)


def _with_rates(facts: ClassFacts, found: Posterior, gone: Bools, stream: np.uint64) -> ClassFacts:
    """Add the share of wrong clips and its 90 % interval: that of these clips, not of a population they come from."""
    n = len(found.which)
    count = np.bincount(found.which, minlength=found.wrong.shape[1])
    mean = found.wrong[1:] @ count
    spread = np.sqrt((found.wrong[1:] * (1 - found.wrong[1:])) @ count)
    drawn = mean + spread * normals(stream, mean.shape)
    low, high = np.quantile(np.clip(drawn / n, 0, 1), [0.05, 0.95])
    expected = found.mean[gone].mean() if gone.any() else np.nan
    least, most = np.quantile(found.share[1:], [0.05, 0.95])  # of the population: the wider of the two is honest
    return replace(
        facts,
        noise=float(mean.mean() / n),
        low=float(min(low, least)),
        high=float(max(high, most)),
        rejected=int(gone.sum()),
        expected=float(expected),
    )
