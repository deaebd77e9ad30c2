"""When rejections are withdrawn: one rule, which ``clean`` applies and ``review`` announces."""

from __future__ import annotations

from collections import Counter
from math import comb

import numpy as np
import pytest

from synth.cleaning import rows as verdicts
from synth.cleaning.decision import WITHDRAWN, WRONG, judge
from synth.cleaning.hearing import LEAST_HEARD, Answer, withdrawals, withdrawn
from synth.cleaning.material import Material
from synth.cleaning.names import Clips
from synth.publishing.review import decisions
from synth.publishing.review.decisions import Decision
from synth.publishing.review.lists import Lists
from synth.steps import heard as people
from tests.cleaning import simulated

PERCENTS = (50, 60, 70, 80, 85, 90, 95, 99)  # precisions


def most_withdrawn(heard: int, percent: int) -> int:
    """Return the largest number of wrong ones among ``heard`` that rules the precision out, in whole numbers; -1: none.

    20 times the chance of so few or fewer, with the denominator 100 ** heard, is below that denominator.
    """
    total = 0
    for wrong in range(heard + 1):
        total += comb(heard, wrong) * percent**wrong * (100 - percent) ** (heard - wrong)
        if 20 * total >= 100**heard:
            return wrong - 1
    return heard


@pytest.mark.parametrize("percent", PERCENTS)
def test_the_rule_is_the_exact_binomial_test(percent):
    for heard in range(1, 101):
        last = most_withdrawn(heard, percent) if heard >= LEAST_HEARD else -1
        assert [withdrawn(wrong, heard, percent / 100) for wrong in range(heard + 1)] == [
            wrong <= last for wrong in range(heard + 1)
        ], heard


@pytest.fixture(scope="module")
def judged():
    """Verdicts on 1,350 clips of three labels, of the first of which more than 100 are rejected; their table too."""
    scores, given, _ = simulated.together(450, 3, 6.0, 0.3, 0.0, 3)
    ids = [f"s/{k}.wav" for k in range(len(given))]
    carries = np.eye(3, dtype=bool)[given]
    stuff = Material(Clips(ids, ids), ("cat", "dog", "owl"), carries, np.arange(len(ids)), Counter())
    found = judge(scores, carries, None, 0.9, 0)
    gone = [ids[k] for k in found.clip[(found.label == 0) & (found.verdict == WRONG)]]
    assert len(gone) >= 100
    return stuff, found, gone, Lists(verdicts.table(stuff, found, scores, {}), set(ids))


def announced(judged, said: list[Decision], precision: float) -> tuple[list[str], list[str]]:
    """Return the labels that ``clean`` withdraws and those that ``review`` announces."""
    stuff, found, _, lists = judged
    decided = decisions.latest(said)
    after = people.with_people(found, stuff, decided, precision).judged
    lists.decided = decided
    return (
        [name for name, one in zip(stuff.labels, after.classes, strict=True) if one.decision == WITHDRAWN],
        people.withdrawn(lists, precision),
    )


def heard_clips(judged, wrong: int, heard: int, how: str = decisions.RANDOM_CHECK) -> list[Decision]:
    gone = judged[2]
    return [Decision(gone[k], "cat", "wrong" if k < wrong else "keep", how, seed=0) for k in range(heard)]


@pytest.mark.parametrize("how", [decisions.RANDOM_CHECK, decisions.WORST_FIRST])
@pytest.mark.parametrize("percent", PERCENTS)
def test_clean_and_review_say_the_same_of_every_outcome_at_the_limit(judged, percent, how):
    for heard in range(1, 101):
        last = most_withdrawn(heard, percent) if heard >= LEAST_HEARD else -1
        for wrong in {max(last, 0), min(last + 1, heard)}:
            expected = ["cat"] if wrong <= last else []
            said = heard_clips(judged, wrong, heard, how)
            assert announced(judged, said, percent / 100) == (expected, expected), (wrong, heard)


def test_clean_and_review_say_the_same_of_every_outcome_of_a_usual_check(judged):
    """Thirteen wrong ones of 18 rule out a precision of 0.9: the chance of so few is 0.047."""
    assert withdrawn(13, 18, 0.9)
    for heard in range(31):
        for wrong in range(heard + 1):
            clean, review = announced(judged, heard_clips(judged, wrong, heard), 0.9)
            assert clean == review == (["cat"] if withdrawn(wrong, heard, 0.9) else [])


def test_the_random_check_decides_and_the_worst_first_do_not_hide_it(judged):
    by_chance = heard_clips(judged, 5, 12)
    flattering = [Decision(one, "cat", "wrong", decisions.WORST_FIRST) for one in judged[2][12:100]]
    assert not withdrawn(93, 100, 0.9)
    assert announced(judged, [*flattering, *by_chance], 0.9) == (["cat"], ["cat"])


def test_what_is_not_about_a_rejected_label_says_nothing_of_the_rejected():
    kept = [Answer("cat", "keep", False, True)] * 50
    doubtful = [Answer("cat", "doubtful", True, True)] * 50
    assert withdrawals([*kept, *doubtful], 0.9) == {}
    assert list(withdrawals([*kept, *[Answer("owl", "keep", True, False)] * 5], 0.9)) == ["owl"]
