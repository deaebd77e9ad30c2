"""What a trial says in words, and what it says that it cannot show."""

from __future__ import annotations

import numpy as np
import pytest

from synth.cleaning.decision import WRONG, judge
from synth.cleaning.trial import CANNOT_SHOW, Trial, compare, plant
from tests.cleaning import simulated

PLAIN = {
    "share": 0.1, "planted": 20, "judged": 20, "found": 18, "anew": 0, "right": 0, "precision": 1.0, "precision_interval": (0.92, 1.0),
    "recall": 0.9, "recall_interval": (0.7, 0.98), "calibration": 0.01, "hidden_suggested": 1, "asked": 0.9,
}  # fmt: skip


@pytest.mark.parametrize(
    ("anew", "right", "says"),
    [
        (0, 0, "No other label was rejected besides."),
        (1, 0, "1 other label was rejected besides, probably rightly."),
        (1, 1, "1 other label was rejected besides, probably wrongly."),
        (4, 0, "4 other labels were rejected besides, probably all rightly."),
        (4, 1, "4 other labels were rejected besides, about 1 of them wrongly."),
        (1200, 1200, "1,200 other labels were rejected besides, probably all wrongly."),
    ],
)
def test_other_labels_in_words(anew, right, says):
    said = Trial(**PLAIN | {"anew": anew, "right": right}).sentences()
    assert any(one.startswith(says) for one in said)
    assert "1 hidden label is suggested as missing, of 20" in " ".join(said)
    assert said[-1] == CANNOT_SHOW


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ((0.5, 0.8), "raise --precision"),
        ((0.8, 0.95), "Too few were planted"),
        ((0.92, 1.0), "By this count the rejected hold"),
    ],
)
def test_what_to_do(interval, says):
    said = Trial(**PLAIN | {"precision_interval": interval}).sentences()
    assert any(says in one for one in said)


def test_a_trial_does_not_see_that_the_judge_is_deaf():
    """As its words say: over a quarter of the rejected are right clips that the judge does not hear, and its count is above 0.8."""
    scores, given, wrong = simulated.together(500, 3, 4.0, 0.05, 1.0, 3)
    random = np.random.default_rng(0)
    deaf = ~wrong & (random.random(len(given)) < 0.06)
    scores[deaf, given[deaf]] = random.normal(0, 1, deaf.sum())
    carries = np.eye(3, dtype=bool)[given]
    before = judge(scores, carries, None, 0.8, 0)
    assert wrong[before.clip[before.verdict == WRONG]].mean() < 0.75
    planted = plant(carries, carries, 0.1, 0)
    found = compare(before, judge(scores, planted.carries, None, 0.8, 0), planted, 0.1, 0.8)
    assert found.precision >= 0.8
    assert found.sentences()[-1] == CANNOT_SHOW
