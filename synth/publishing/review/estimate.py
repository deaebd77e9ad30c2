"""What the heard clips say of the judge's real precision, with an interval.

**Only the random check counts.** Clips that are heard worst first are the ones that the judge is surest of: they would
flatter it. Of each class a number of rejected and of kept clips is drawn by chance and heard in the order of the draw,
with the judge's opinion hidden; a clip that is heard both ways counts once the random check has come to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

TAIL = 0.025  # a side: intervals of 95 %
REJECTED, KEPT = "rejected", "kept"


@dataclass(frozen=True, slots=True)
class Estimate:
    """How often the judge was right about the ``population`` labels that it ``kept`` or ``rejected`` in one class.

    ``heard`` clips could be told, ``right`` of them agree with the judge, ``doubtful`` ones could not be told.
    ``value``, ``low`` and ``high`` are shares (0 to 1), with an interval of 95 %; None before anything was heard.
    """

    label: str
    of: str
    population: int
    right: int
    heard: int
    doubtful: int
    value: float | None
    low: float
    high: float


def estimate(label: str, of: str, population: int, sample: Sequence[str | None]) -> Estimate:
    """Return the estimate of one class from what people said of its sample (``keep``, ``wrong``, ``doubtful``, None)."""
    agrees = {REJECTED: "wrong", KEPT: "keep"}[of]
    heard, right = sum(said in ("keep", "wrong") for said in sample), sum(said == agrees for said in sample)
    doubtful = sum(said == "doubtful" for said in sample)
    low, high = interval(right, heard, population)  # doubtful ones are as unknown as those not heard
    return Estimate(label, of, population, right, heard, doubtful, right / heard if heard else None, low, high)


def reached(verdicts: Sequence[str | None], by_chance: Sequence[bool]) -> list[str | None]:
    """Return what counts of a sample in the order of its draw: all up to the last clip heard in the random check.

    What lies behind it was heard for another reason, if at all. A sample heard as a whole counts as a whole.

    Args:
        verdicts: what people said of each clip, None for those not heard.
        by_chance: whether each was heard in the random check.
    """
    if all(said is not None for said in verdicts):
        return list(verdicts)
    end = max((k + 1 for k, chance in enumerate(by_chance) if chance and verdicts[k] is not None), default=0)
    return list(verdicts[:end])


@lru_cache(maxsize=1 << 14)  # a page asks for those of all classes after every decision
def interval(right: int, heard: int, population: int) -> tuple[float, float]:
    """Return the exact interval of 95 % of a share, from ``heard`` of ``population`` drawn without replacement.

    Clopper and Pearson's construction with the hypergeometric distribution (Konijn: "Statistical theory of sample survey
    design and analysis", 1973, ch. 2): the shares that a test of 2.5 % on either side does not reject. A population that
    was heard as a whole has an interval of no width.
    """
    if not heard:
        return 0.0, 1.0
    low = _first(right, population - heard + right, lambda k: _tail(right, heard, heard, k, population) > TAIL)
    high = _first(right, population - heard + right, lambda k: _tail(0, right, heard, k, population) <= TAIL)
    rejected = _tail(0, right, heard, high, population) <= TAIL
    return low / population, (high - 1 if rejected else high) / population


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from ``low`` for which something holds that stays true from there on, at most ``high``."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _tail(first: int, last: int, drawn: int, marked: int, population: int) -> float:
    """Return the probability of ``first`` to ``last`` marked ones among ``drawn`` of a population."""

    def ways(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    total = ways(population, drawn)
    most, least = min(last, marked, drawn), max(first, drawn - (population - marked), 0)
    return sum(math.exp(ways(marked, k) + ways(population - marked, drawn - k) - total) for k in range(least, most + 1))


def together(estimates: Iterable[Estimate]) -> Estimate | None:
    """Return the estimate over several classes, each with its share of the population; None before anything was heard.

    The classes' intervals are combined by recovered variances (Zou and Donner: "Construction of confidence limits about
    effect measures", Statistics in Medicine 27 (2008) 1693-1702). Classes of which nothing was heard are left out.
    """
    parts = [(one, one.value) for one in estimates if one.value is not None]
    if not parts:
        return None
    population = sum(one.population for one, _ in parts)
    shares = [one.population / population for one, _ in parts]
    value = sum(share * found for share, (_, found) in zip(shares, parts, strict=True))
    down = math.hypot(*(share * (found - one.low) for share, (one, found) in zip(shares, parts, strict=True)))
    up = math.hypot(*(share * (one.high - found) for share, (one, found) in zip(shares, parts, strict=True)))
    right, heard, doubtful = (sum(getattr(one, name) for one, _ in parts) for name in ("right", "heard", "doubtful"))
    low, high = max(0.0, value - down), min(1.0, value + up)
    return Estimate("", parts[0][0].of, population, right, heard, doubtful, value, low, high)
