"""Scores made up: right clips lie d standard deviations above the null; wrong ones are of the null or of another label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synth.cleaning.decision import WRONG, judge

AUC_70 = 0.7416  # standard deviations at which a right clip is above another one in 70 of 100 pairs


def alone(n: int, d: float, share: float, seed: int, deaf: float = 0.0):
    """Return scores of n carriers of one label and of ten times as many others, and which carriers are wrong.

    ``deaf``: share of the right clips that the judge scores nearly like any other clip.
    """
    random = np.random.default_rng([seed, n, round(100 * share)])
    wrong = np.arange(n) < round(n * share)
    carriers = random.normal(np.where(wrong, 0, d), 1)
    unheard = ~wrong & (random.random(n) < deaf)
    carriers[unheard] = random.normal(0.5, 1, unheard.sum())
    return carriers, random.normal(0, 1, min(10 * n, 20_000)), wrong


def judged_alone(carriers, others, seed, precision=0.9):
    """Return the facts of the label, and which carriers are rejected."""
    scores = np.r_[carriers, others][:, None]
    carries = (np.arange(len(scores)) < len(carriers))[:, None]
    found = judge(scores, carries, None, precision, seed)
    return found.classes[0], found.verdict == WRONG


def together(
    n: int, labels: int, d: float, share: float, foreign: float, seed: int, shuffled: bool = False, alike: float = 0.0
):
    """Return scores (clips, labels), labels given, and which are wrong, of n clips a label.

    ``foreign``: share of the wrong clips in which no label is heard; ``shuffled``: labels tell nothing of the clips.
    ``alike``: share of the variance that all scores of a clip have in common.
    """
    random = np.random.default_rng([seed, n, labels])
    truth = np.arange(n * labels) % labels
    wrong = random.random(len(truth)) < share
    nothing = wrong & (random.random(len(truth)) < foreign)
    scores = random.normal(0, 1, (len(truth), labels))
    if alike:
        factor = np.random.default_rng([seed, n, labels, 1]).normal(0, 1, (len(truth), 1))
        scores = np.sqrt(1 - alike) * scores + np.sqrt(alike) * factor
    scores[~nothing, truth[~nothing]] += d
    given = np.where(wrong & ~nothing, (truth + random.integers(1, labels, len(truth))) % labels, truth)
    return scores, random.permutation(given) if shuffled else given, wrong


def _one(n: int, d: float, shuffled: bool = False) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    def make(seed: int) -> tuple[np.ndarray, np.ndarray]:
        carriers, others, _ = alone(n, d, 0.1 if d != AUC_70 else 0.0, seed)
        scores = np.r_[carriers, others]
        if shuffled:
            scores = np.random.default_rng(seed).permutation(scores)
        return scores[:, None], (np.arange(len(scores)) < n)[:, None]

    return make


def _ten(n: int, d: float, shuffled: bool = False) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    def make(seed: int) -> tuple[np.ndarray, np.ndarray]:
        scores, given, _ = together(n, 10, d, 0.1 if d != AUC_70 else 0.0, 0.0, seed, shuffled)
        return scores, np.eye(10, dtype=bool)[given]

    return make


WITHOUT_KNOWLEDGE = {
    f"{kind}, {n} clips a label, {labels}": make(n, d, shuffled)
    for n in (30, 100, 500)
    for labels, make in (("one label", _one), ("ten labels", _ten))
    for kind, d, shuffled in (("labels shuffled", 3, True), ("only noise", 0, False), ("AUC .70", AUC_70, False))
}


def large(n: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels of n clips with two labels each, of which a tenth of the first ones are wrong."""
    random = np.random.default_rng(0)
    scores = random.standard_normal((n, labels), dtype=np.float32)
    carries = np.zeros((n, labels), bool)
    rows = np.arange(n)
    first = random.integers(0, labels, n)
    second = (first + random.integers(1, labels, n)) % labels
    carries[rows, first] = carries[rows, second] = True
    right = random.random(n) >= 0.1
    scores[rows[right], first[right]] += 3
    scores[rows, second] += 3
    return scores, carries
