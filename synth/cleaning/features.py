"""One number for "this label is right", learnt from the labels themselves.

Carriers of a label are told apart from clips that are given it wrongly, by logistic regression on the evidence for the
label and that for its strongest competitor, over all labels together. That some carriers are wrong does no harm: the odds
learnt are still a rising function of those between right and wrong (Elkan and Noto, "Learning classifiers from only
positive and unlabeled data", KDD 2008); what they are worth is the mixture's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.margins import Competition
from synth.cleaning.null import MOST_NULL, Bools, Floats, Ints, sampled

MOST_FIT = 5_000  # clips of a class that anything is learnt from
ROUNDS = 30
KNOTS = (2.2,)  # log odds of being among the highest tenth: a competitor below speaks for nothing
RIDGE = 1e-2  # of the weights' squares; only keeps them finite where the groups do not overlap


@dataclass(frozen=True, slots=True)
class Compared:
    """The clips of one label, and wrong ones to compare them with; features are (…, 2 a judge): evidence, competitor."""

    label: int
    rows: Ints  # scored clips that carry it
    fit: Ints  # positions in ``rows`` of those that are learnt from
    carried: Floats  # (rows, features)
    foreign: Floats  # (null, features): wrong clips in which no label is heard
    known: Floats  # (null, features): wrong clips in which another label is heard


def compared(
    heard: Sequence[NDArray[np.float32]],
    rivals: Sequence[Competition],
    carries: Bools,
    named: Bools,
    label: int,
    seed: int,
) -> Compared:
    """Return the features of one label: ``heard`` (clips, labels) and ``rivals``, one a judge, the main one first.

    ``named``: as ``carries``, and the labels related to those carried.
    """
    scored = ~np.isnan(heard[0][:, label])
    rows = np.nonzero(scored & carries[:, label])[0]
    null = sampled(np.nonzero(scored & ~named[:, label])[0], MOST_NULL, seed, "compared", label)
    fit = sampled(np.arange(len(rows)), MOST_FIT, seed, "fit", label)

    def columns(which: Ints, strongest: list[NDArray[np.float32]]) -> Floats:
        out = []
        for one, rival in zip(heard, strongest, strict=True):
            out += [np.nan_to_num(one[which, label]), *(np.maximum(rival - knot, 0) for knot in KNOTS)]
        return np.stack(out, axis=1).astype(np.float64)

    return Compared(
        label,
        rows,
        fit,
        columns(rows, [one.carried(rows) for one in rivals]),
        columns(null, [one.foreign(null, label) for one in rivals]),
        columns(null, [one.known(null, label) for one in rivals]),
    )


def learnt(classes: Sequence[Compared], known: float) -> Floats:
    """Return the weights (features,) of the statistic; ``known``: share of the wrong clips in which a label is heard.

    Carriers and wrong clips of each label weigh alike.
    """
    parts: list[Floats] = []
    targets: list[Floats] = []
    counts: list[Floats] = []
    for one in classes:
        carried = one.carried[one.fit]
        for rows, target, share in ((carried, 1, 1.0), (one.foreign, 0, 1 - known), (one.known, 0, known)):
            parts.append(rows)
            targets.append(np.full(len(rows), target, np.float64))
            counts.append(np.full(len(rows), share * len(carried) / max(len(rows), 1)))
    x = np.concatenate(parts)
    aim, count = np.concatenate(targets), np.concatenate(counts)
    evidence = np.arange(x.shape[1]) % (len(KNOTS) + 1) == 0
    use = np.ones(x.shape[1], np.bool_)
    while True:  # evidence for a label never speaks against it, nor a competitor for it
        beta = _logistic(x[:, use], aim, count, RIDGE * len(classes))
        against = np.where(evidence[use], beta < 0, beta > 0)
        if not against.any():
            break
        use[np.nonzero(use)[0][against]] = False
    out = np.zeros(len(use))
    out[use] = beta
    return out if out.any() else evidence.astype(np.float64)


def _logistic(x: Floats, aim: Floats, count: Floats, ridge: float) -> Floats:
    """Return the weights of a logistic regression of ``aim`` (n,), 0 or 1, on ``x`` (n, features), rows counted so often."""
    x = np.c_[x, np.ones(len(x))]
    beta = np.zeros(x.shape[1])
    penalty = ridge * np.r_[np.ones(x.shape[1] - 1), 0]
    for _ in range(ROUNDS):
        odds = np.clip(x @ beta, -30, 30)
        chance = 1 / (1 + np.exp(-odds))
        curve = count * np.maximum(chance * (1 - chance), 1e-6)
        step = np.linalg.solve(
            (x * curve[:, None]).T @ x + np.diag(penalty + 1e-9), x.T @ (count * (aim - chance)) - penalty * beta
        )
        beta += step
        if np.abs(step).max() < 1e-6:
            break
    return beta[:-1]
