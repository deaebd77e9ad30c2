"""What a few heard clips say of the rejected ones: the failure that scores cannot see.

A judge that is deaf to part of a class scores right clips of that part like clips without the label; no statistic of the
scores tells them from wrong ones. A person who listens to thirty of the rejected does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SURE = 0.95
LEAST_HEARD = 5  # fewer say nothing, even if all of them contradict


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said of one label of one clip: ``verdict`` keep, wrong or doubtful.

    ``rejected``: whether the judge rejects the label; ``by_chance``: whether the clip was heard in the random check.
    """

    label: str
    verdict: str
    rejected: bool
    by_chance: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """How many rejected labels people heard, and how many of them are wrong; doubtful ones are no answer."""

    rejected: int = 0
    wrong: int = 0

    def withdraws(self, precision: float) -> bool:
        """Say whether this rules out that the rejected hold the requested precision."""
        return withdrawn(self.wrong, self.rejected, precision)


def heard(answers: Iterable[Answer]) -> dict[str, Heard]:
    """Return what was heard of the rejected clips of each label."""
    out: dict[str, Heard] = {}
    for one in answers:
        if one.rejected and one.verdict in ("keep", "wrong"):
            before = out.get(one.label, Heard())
            out[one.label] = Heard(before.rejected + 1, before.wrong + (one.verdict == "wrong"))
    return out


def withdrawals(answers: Iterable[Answer], precision: float) -> dict[str, Heard]:
    """Return the labels whose rejections are withdrawn, each with what was heard: **the one rule of clean and review.**

    The random check decides. Clips that are heard worst first flatter the judge: where even all that was heard, together,
    rules the precision out, the rejections are withdrawn as well.
    """
    known = list(answers)
    by_chance, all_heard = heard(one for one in known if one.by_chance), heard(known)
    out = {}
    for label, everything in sorted(all_heard.items()):
        for one in (by_chance.get(label, Heard()), everything):
            if one.withdraws(precision):
                out[label] = one
                break
    return out


def upper_precision(wrong: int, heard: int) -> float:
    """Return the upper 95 % limit of the share of truly wrong ones, when ``wrong`` of ``heard`` were (Clopper and Pearson).

    It is the share p at which a sample with so few wrong ones or fewer has a chance of 5 %.
    """
    if wrong >= heard:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(wrong, heard, middle) > 1 - SURE else (low, middle)
    return high


def lower_precision(wrong: int, heard: int) -> float:
    """Return the lower 95 % limit of the share of truly wrong ones."""
    return 1 - upper_precision(heard - wrong, heard)


def interval(wrong: int, heard: int) -> tuple[float, float]:
    """Return the 90 % interval of a share; (0, 1) where nothing was heard."""
    return (lower_precision(wrong, heard), upper_precision(wrong, heard)) if heard else (0.0, 1.0)


def withdrawn(wrong: int, heard: int, precision: float) -> bool:
    """Say whether a class' rejections are withdrawn: what was heard rules out that they hold the requested precision.

    The exact one-sided binomial test of 5 %: were the share of wrong ones ``precision``, so few or fewer would be found in
    less than 5 of 100 samples. It is the same as an upper limit below ``precision``.
    """
    return heard >= LEAST_HEARD and _at_most(wrong, heard, precision) < 1 - SURE


def _at_most(wrong: int, heard: int, share: float) -> float:
    """Return the chance of ``wrong`` or fewer among ``heard``, each wrong with the chance ``share`` (above 0, below 1)."""
    return sum(math.exp(_log_chance(k, heard, share)) for k in range(wrong + 1))


def _log_chance(wrong: int, heard: int, share: float) -> float:
    ways = math.lgamma(heard + 1) - math.lgamma(wrong + 1) - math.lgamma(heard - wrong + 1)
    return ways + wrong * math.log(share) + (heard - wrong) * math.log1p(-share)
