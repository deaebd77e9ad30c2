"""A label's own score and what is heard of the others, with nulls from which the clips that lack the label are weighed out.

In a large class the highest ranks of the null are clips that should carry the label: the labels that were taken for wrong ones
elsewhere. So each clip of a null counts by the chance that the label is not heard in it, which the model gives that it
feeds: a few passes of both. "Lost" labels (Elkan and Noto, KDD 2008; Natarajan and others, "Learning with noisy labels",
NeurIPS 2013) are few, but at 2 % noise they are the top hundredth, where right clips are told from wrong ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth import seeds
from synth.cleaning.features import MOST_FIT
from synth.cleaning.mixture import deviations, normals
from synth.cleaning.null import Bools, Floats, Ints, sampled
from synth.cleaning.ranks import Ranks
from synth.cleaning.shapes import Shapes, first, improve, log_ratio

PASSES = 8
MOST_LEARNT, LEAST_LEARNT = 60_000, 500  # carriers that shapes are learnt from, of all labels and of each
LEAST_ABOVE = 4  # clips of a null above a standing that is told from higher ones
NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Carried:
    """The labels that are judged, and who carries them."""

    labels: tuple[int, ...]
    ranks: tuple[Ranks, ...]
    rows: tuple[Ints, ...]  # scored carriers of each
    fit: tuple[Ints, ...]  # positions in ``rows`` of those that are learnt from
    share: Floats  # (labels,) of all carriers
    free: Bools  # (labels, clips) neither carried nor related to what is
    own: Ints  # (clips,) one of the labels carried, as a position in ``labels``; -1: none
    top: Floats  # (labels,) standings above it are too few to tell apart
    weight: Floats  # (clips,) share of the labels that are free in each clip


@dataclass(frozen=True, slots=True)
class Understood:
    """What the passes came to."""

    shapes: Shapes
    standing: tuple[Floats, ...]  # of each label's places
    ratio: tuple[Floats, ...]  # likelihood ratio of presence at each label's places
    null: tuple[Floats, ...]  # weight of each label's null clips
    heard: Floats  # (clips,) share-weighed sum of the ratios of free labels
    wrong: tuple[Floats, ...]  # P(wrong) of each label's ``rows``


def carried(ranks: Sequence[Ranks | None], carries: Bools, named: Bools, labels: Sequence[int], seed: int) -> Carried:
    """Return what the passes work on; ``ranks`` of all labels, ``labels``: those that are judged."""
    mine = [one for one in (ranks[k] for k in labels) if one is not None]
    rows = [np.nonzero(carries[:, k] & (one.place <= 2 * one.values))[0] for k, one in zip(labels, mine, strict=True)]
    fit = [sampled(np.arange(len(one)), MOST_FIT, seed, "fit", k) for k, one in zip(labels, rows, strict=True)]
    count = np.zeros(len(carries), np.int64)
    for one in rows:
        count[one] += 1
    chosen = seeds.below(
        seeds.draw(seeds.key(seed, "one of the labels"), np.arange(len(carries))), np.maximum(count, 1)
    )
    own, passed = np.full(len(carries), -1, np.int64), np.zeros(len(carries), np.int64)
    for j, one in enumerate(rows):
        own[one[passed[one] == chosen[one]]] = j
        passed[one] += 1
    size = np.array([len(one) for one in rows], float)
    top = deviations(1 - LEAST_ABOVE / np.array([max(len(one.null), LEAST_ABOVE + 1) for one in mine]))
    free = np.ascontiguousarray(~named[:, list(labels)].T)
    share, weight = size / size.sum(), np.zeros(len(carries))
    for part, one in zip(share.tolist(), free, strict=True):
        weight += part * one
    return Carried(
        tuple(labels), tuple(mine), tuple(rows), tuple(fit), share, free, own, np.clip(top, 2.0, 2.5), weight
    )


def understood(these: Carried) -> Understood:
    """Learn shapes, ranks and the nulls' weights from each other."""
    nulls = [np.ones(len(one.null)) for one in these.ranks]
    most = max(LEAST_LEARNT, MOST_LEARNT // len(these.fit))
    some = [one[:: -(-len(one) // most)] for one in these.fit]
    label = np.repeat(np.arange(len(some)), [len(one) for one in some])
    clip = np.concatenate([rows[fit] for rows, fit in zip(these.rows, some, strict=True)])
    weight = these.weight
    shapes = first(
        [
            one.standing(null)[one.place[rows[fit]]]
            for one, null, rows, fit in zip(these.ranks, nulls, these.rows, some, strict=True)
        ]
    )
    for _ in range(PASSES):
        standing = [one.standing(null) for one, null in zip(these.ranks, nulls, strict=True)]
        own = [table[one.place[rows]] for table, one, rows in zip(standing, these.ranks, these.rows, strict=True)]
        mine = [values[fit] for values, fit in zip(own, some, strict=True)]
        ratio = _ratios(shapes, standing)
        heard = _heard(these, ratio)
        improve(shapes, label, np.concatenate(mine), mean_ratio(heard[clip], weight[clip]), these.top)
        wrong = _wrong(these, shapes, own, mean_ratio(heard, weight))
        nulls = _nulls(these, shapes, ratio, heard, weight, _lost(these, wrong))
    standing = [one.standing(null) for one, null in zip(these.ranks, nulls, strict=True)]
    ratio = _ratios(shapes, standing)
    return Understood(shapes, tuple(standing), tuple(ratio), tuple(nulls), _heard(these, ratio), tuple(wrong))


def mean_ratio(heard: Floats, weight: Floats) -> Floats:
    """Return the mean likelihood ratio of free labels; 1 where there are none."""
    return np.where(weight > NOTHING, np.maximum(heard, NOTHING) / np.maximum(weight, NOTHING), 1.0)


def exchanged(these: Carried, what: Understood, j: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return what is heard beside label ``j`` in clips of its null that are given it in place of one of theirs.

    Three (null,): the mean likelihood ratio where that one is not heard (a draw from its null stands in for it), where it is
    heard, and the chance that it truly is.
    """
    clips = these.ranks[j].null
    own = these.own[clips]
    has, one = own >= 0, np.maximum(own, 0)
    place = these.ranks[j].place[clips]
    heard = what.heard[clips] - these.share[j] * what.ratio[j][place]
    weight = these.weight[clips] - these.share[j]
    there, chance, right = np.zeros(len(clips)), np.zeros(len(clips)), np.zeros(len(clips))
    draws = normals(seeds.key(seed, "null of that label", these.labels[j]), (len(clips),))
    for k in np.unique(own[has]).tolist():
        mine = own == k
        there[mine] = what.ratio[k][these.ranks[k].place[clips[mine]]]
        chance[mine] = np.exp(log_ratio(what.shapes.mu[k], what.shapes.sd[k], draws[mine]))
        right[mine] = 1 - what.wrong[k][np.searchsorted(these.rows[k], clips[mine])]
    more = np.where(has, these.share[one], 0.0)
    return (
        mean_ratio(heard + more * chance, weight + more),
        mean_ratio(heard + more * there, weight + more),
        right,
    )


def _ratios(shapes: Shapes, standing: Sequence[Floats]) -> list[Floats]:
    out = []
    for mu, sd, table in zip(shapes.mu.tolist(), shapes.sd.tolist(), standing, strict=True):
        one = np.exp(log_ratio(mu, sd, table))
        one[-1] = 1.0  # no score says nothing
        out.append(one)
    return out


def _heard(these: Carried, ratio: Sequence[Floats]) -> Floats:
    """Return the share-weighed sum of the likelihood ratios of the labels that each clip does not carry (clips,)."""
    out = np.zeros(these.free.shape[1])
    for j, one in enumerate(these.ranks):
        out += (these.share[j] * ratio[j])[one.place] * these.free[j]
    return out


def _wrong(these: Carried, shapes: Shapes, own: Sequence[Floats], heard: Floats) -> list[Floats]:
    out = []
    for j, rows in enumerate(these.rows):
        against = log_ratio(shapes.mu[j], shapes.sd[j], own[j])
        bad = shapes.wrong[j] * np.exp(-against) * shapes.against(heard[rows])
        out.append(bad / (bad + 1 - shapes.wrong[j]))
    return out


def _lost(these: Carried, wrong: Sequence[Floats]) -> Floats:
    """Return the chance that one of the labels that each clip carries is wrong (clips,)."""
    right = np.ones(these.free.shape[1])
    for rows, p in zip(these.rows, wrong, strict=True):
        right[rows] *= 1 - p
    return 1 - right


def _nulls(
    these: Carried, shapes: Shapes, ratio: Sequence[Floats], heard: Floats, weight: Floats, lost: Floats
) -> list[NDArray[np.float64]]:
    """Return the chance that each clip of each label's null is without it."""
    weight = np.maximum(weight, NOTHING)
    instead = lost * shapes.known / ((1 - shapes.known) * weight + shapes.known * heard)
    beside = (1 - lost) * shapes.missing / ((1 - shapes.missing) * weight + shapes.missing * heard)
    out = []
    for j, one in enumerate(these.ranks):
        clips = one.null
        there = these.share[j] * ratio[j][one.place[clips]] * (instead + beside)[clips]
        out.append(1 - np.clip(there, 0, 1))
    return out
