"""The heard sample corrects the judge: p_wrong of the rejected that nobody heard, and the precision that is claimed.

Of each class and kind of rejection a random sample was heard. What the judge expected of them counts like ten heard clips
(a beta prior with its mean), so that three heard clips move little and thirty decide. The unheard of the same class and kind
get new odds, all by the same factor: their order stays, and their mean becomes that of the posterior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from synth.cleaning.decision import JUDGED, WRONG, Judged
from synth.cleaning.hearing import Heard, interval
from synth.cleaning.null import Bools, Floats, Ints

PRIOR_HEARD = 10.0  # heard clips that the judge's own expectation weighs as much as
_LEAST = 1e-4  # of p_wrong and of its complement: odds of 0 would never move
_MOST_SHIFT = 40.0  # of log odds


@dataclass(frozen=True, slots=True)
class Check:
    """What the random check found among the rejected of a label (by number): counts, and the 90 % interval of the precision."""

    heard: Heard
    low: float
    high: float


def posterior(p_wrong: Floats, heard: Heard) -> float:
    """Return the share of wrong ones to expect among rejected clips with these ``p_wrong``, of which some were heard."""
    return float((PRIOR_HEARD * p_wrong.mean() + heard.wrong) / (PRIOR_HEARD + heard.rejected))


def moved(p_wrong: Floats, mean: float) -> Floats:
    """Return probabilities whose odds are all multiplied by one factor, so that their mean is ``mean`` (to 1e-9)."""
    odds = np.log(np.clip(p_wrong, _LEAST, 1 - _LEAST)) - np.log1p(-np.clip(p_wrong, _LEAST, 1 - _LEAST))
    low, high = -_MOST_SHIFT, _MOST_SHIFT
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _logistic(odds + middle).mean() < mean else (low, middle)
    return _logistic(odds + (low + high) / 2)


def recalibrated(judged: Judged, where: Ints, said: Sequence[str], by_chance: Bools) -> tuple[Judged, dict[int, Check]]:
    """Return the verdicts with p_wrong and expected precision corrected, and what the random check found of each label.

    ``where``: the row that each answer is about, -1 for none; ``said``: keep, wrong or doubtful; ``by_chance``: whether it
    belongs to the random check. Answers that do not belong to it correct nothing: they were chosen.
    """
    p_wrong, classes = judged.p_wrong.copy(), list(judged.classes)
    rejected = judged.verdict == WRONG
    answered = np.zeros(len(p_wrong), np.bool_)
    answered[where[where >= 0]] = True
    counts: dict[tuple[int, bool], Heard] = {}
    for row, word, chance in zip(where.tolist(), said, by_chance.tolist(), strict=True):
        if row >= 0 and chance and rejected[row] and word in ("keep", "wrong"):
            group = int(judged.label[row]), bool(judged.instead[row])
            before = counts.get(group, Heard())
            counts[group] = Heard(before.rejected + 1, before.wrong + (word == "wrong"))
    checks: dict[int, Check] = {}
    for label in sorted({label for label, _ in counts}):
        mine = rejected & (judged.label == label)
        total = Heard()
        for instead in (False, True):
            one = counts.get((label, instead))
            if one is None:
                continue
            group = mine & (judged.instead == instead)
            mean = posterior(judged.p_wrong[group], one)
            rest = group & ~answered
            if rest.any():
                p_wrong[rest] = moved(p_wrong[rest], mean)
            total = Heard(total.rejected + one.rejected, total.wrong + one.wrong)
        checks[label] = Check(total, *interval(total.wrong, total.rejected))
        if classes[label].decision == JUDGED:
            expected = _expected(p_wrong, mine, where, said)
            low, high = checks[label].low, checks[label].high
            classes[label] = replace(classes[label], expected=min(max(expected, low), high))
    return replace(judged, p_wrong=p_wrong, classes=tuple(classes)), checks


def _expected(p_wrong: Floats, mine: Bools, where: Ints, said: Sequence[str]) -> float:
    """Return the precision of the rejected ``mine``: those that were heard are known."""
    known = p_wrong.copy()
    for row, word in zip(where.tolist(), said, strict=True):
        if row >= 0 and word in ("keep", "wrong"):
            known[row] = float(word == "wrong")
    return float(known[mine].mean())


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
