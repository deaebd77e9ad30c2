"""The rule that was there before, of one label by itself: rank-normal scores, a censored normal mixture, a bootstrap.

Written down plainly, to be compared with; scipy is not needed.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

CDF = np.vectorize(NormalDist().cdf)
PI = np.r_[1e-3, np.geomspace(0.004, 0.95, 56)]
MU, SD = np.linspace(0.5, 4.5, 33), np.array([0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5])
EDGES = np.linspace(-2.4, 2.0, 30)
NULL = np.diff(np.r_[0, CDF(EDGES), 1])
RIGHT = np.array([np.diff(np.r_[0, CDF((EDGES - mu) / sd), 1]) for mu in MU for sd in SD])
MIX = PI[:, None, None] * NULL + (1 - PI[:, None, None]) * RIGHT
LOG = np.log(MIX + 1e-12).reshape(-1, len(NULL))
WRONG = np.minimum.accumulate((PI[:, None, None] * NULL / (MIX + 1e-12)).reshape(-1, len(NULL)), axis=1)
SHARES = np.repeat(PI, len(RIGHT))
PRIOR = 0.25 * np.log(SHARES) + 2 * np.log(1 - SHARES)
AT = CDF(EDGES)
RESAMPLES = 60


def ranks(carriers, others):
    others = np.sort(others)
    low, high = (np.searchsorted(others, carriers, side) for side in ("left", "right"))
    return (low + high + 1) / (2 * len(others) + 2)


def rule(carriers, others, seed, precision=0.9):
    """Return whether the label was judged, its noise rate with a 90 % interval, and which carriers are flagged."""
    random = np.random.default_rng(seed)
    p = ranks(carriers, others)
    flags = np.zeros(len(p), bool)
    if p.mean() - 2.33 * p.std() / np.sqrt(len(p)) < 0.75:
        return False, np.nan, np.nan, np.nan, flags
    counts, every = np.zeros((len(NULL), RESAMPLES + 1)), []
    for k in range(RESAMPLES + 1):
        again = ranks(carriers, random.choice(others, len(others))) if k else p
        bins = np.searchsorted(AT, again, "right")
        every.append(bins)
        counts[:, k] = np.bincount(random.choice(bins, len(bins)) if k else bins, minlength=len(NULL))
    best = (LOG @ counts + PRIOR[:, None]).argmax(axis=0)
    order = np.argsort(p)
    size = np.arange(1, len(p) + 1)
    held = np.array([np.cumsum(WRONG[best[k]][every[k][order]]) / size for k in range(1, RESAMPLES + 1)])
    enough = np.nonzero(np.quantile(held, 0.2, axis=0) >= precision)[0]
    flags[order[: enough[-1] + 1 if len(enough) else 0]] = True
    low, high = np.quantile(SHARES[best[1:]], [0.05, 0.95])
    return True, SHARES[best[0]], low, high, flags
