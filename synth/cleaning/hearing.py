"""What a few heard clips say of the rejected ones: the failure that scores cannot see.

A judge that is deaf to part of a class scores right clips of that part like clips without the label; no statistic of the
scores tells them from wrong ones. A person who listens to thirty of the rejected does.
"""

from __future__ import annotations

import math

SURE = 0.95
LEAST_HEARD = 5  # fewer say nothing, even if all of them contradict


def upper_precision(wrong: int, heard: int) -> float:
    """Return the upper 95 % limit of the share of truly wrong ones, when ``wrong`` of ``heard`` were (Clopper and Pearson).

    It is the share p at which a sample with so few wrong ones or fewer has a chance of 5 %.
    """
    if wrong >= heard:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(math.exp(_log_chance(k, heard, middle)) for k in range(wrong + 1))
        low, high = (middle, high) if tail > 1 - SURE else (low, middle)
    return high


def lower_precision(wrong: int, heard: int) -> float:
    """Return the lower 95 % limit of the share of truly wrong ones."""
    return 1 - upper_precision(heard - wrong, heard)


def interval(wrong: int, heard: int) -> tuple[float, float]:
    """Return the 90 % interval of a share; (0, 1) where nothing was heard."""
    return (lower_precision(wrong, heard), upper_precision(wrong, heard)) if heard else (0.0, 1.0)


def withdrawn(wrong: int, heard: int, precision: float) -> bool:
    """Say whether a class' rejections are withdrawn: what was heard rules out that they hold the requested precision."""
    return heard >= LEAST_HEARD and upper_precision(wrong, heard) < precision


def _log_chance(wrong: int, heard: int, share: float) -> float:
    ways = math.lgamma(heard + 1) - math.lgamma(wrong + 1) - math.lgamma(heard - wrong + 1)
    return ways + wrong * math.log(share) + (heard - wrong) * math.log1p(-share)
