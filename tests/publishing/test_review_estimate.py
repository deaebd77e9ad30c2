"""Intervals of a share from a sample without replacement, and which heard clips may count."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.publishing.review.estimate import KEPT, REJECTED, Estimate, estimate, interval, reached, together


@pytest.mark.parametrize(
    ("right", "heard", "low", "high"),  # Clopper and Pearson (1934), as any table has them
    [(0, 30, 0.0, 0.1157), (30, 30, 0.8843, 1.0), (15, 30, 0.3130, 0.6870), (27, 30, 0.7347, 0.9789), (1, 1, 0.025, 1)],
)
def test_of_a_large_class_as_clopper_and_pearson(right, heard, low, high):
    assert interval(right, heard, 2_000_000) == pytest.approx((low, high), abs=2e-4)


@pytest.mark.parametrize(("population", "heard"), [(10, 4), (40, 30), (60, 7), (31, 30)])
def test_it_covers_the_truth_in_95_of_100_samples_whatever_the_truth(population, heard):
    for marked in range(population + 1):
        covered = 0
        for right in range(max(0, heard - population + marked), min(heard, marked) + 1):
            low, high = interval(right, heard, population)
            if low - 1e-12 <= marked / population <= high + 1e-12:
                covered += comb(marked, right) * comb(population - marked, heard - right)
        assert covered / comb(population, heard) >= 0.95 - 1e-9, marked


@given(st.integers(1, 200), st.data())
def test_it_is_no_wider_than_what_was_seen_allows(population, data):
    heard = data.draw(st.integers(1, population))
    right = data.draw(st.integers(0, heard))
    low, high = interval(right, heard, population)
    assert right / population <= low + 1e-12
    assert low <= right / heard + 1e-12
    assert right / heard <= high + 1e-12
    assert high <= (population - heard + right) / population + 1e-12


def test_a_class_heard_as_a_whole_is_known():
    assert interval(20, 25, 25) == (0.8, 0.8)
    assert interval(0, 0, 25) == (0.0, 1.0)


def test_doubtful_clips_are_told_and_do_not_count():
    found = estimate("dog", REJECTED, 100, ["wrong", "wrong", "keep", "doubtful", None])
    assert (found.right, found.heard, found.doubtful, found.value) == (2, 3, 1, pytest.approx(2 / 3))
    assert estimate("dog", KEPT, 100, ["wrong", "keep", "keep", None]).right == 2
    assert estimate("dog", KEPT, 100, [None]).value is None
    whole = estimate("dog", KEPT, 3, ["keep", "wrong", "doubtful"])
    assert (whole.low, whole.high) == (pytest.approx(1 / 3), pytest.approx(2 / 3)), "the doubtful one may be either"


def test_only_what_the_random_check_has_come_to_counts():
    said = ["wrong", None, "keep", "wrong", "wrong"]
    assert reached(said, [False] * 5) == []  # heard worst first: says nothing of the others
    assert reached(said, [True, False, False, False, False]) == ["wrong"]
    assert reached(said, [True, False, True, False, False]) == ["wrong", None, "keep"]
    whole = ["wrong", "keep", "doubtful"]
    assert reached(whole, [False] * 3) == whole


def test_classes_weigh_as_much_as_they_hold():
    large, small = (
        Estimate("a", REJECTED, 900, 9, 10, 0, 0.9, 0.6, 1.0),
        Estimate("b", REJECTED, 100, 0, 5, 1, 0.0, 0.0, 0.5),
    )
    silent = Estimate("c", REJECTED, 5000, 0, 0, 0, None, 0.0, 1.0)
    found = together([large, small, silent])
    assert found.value == pytest.approx(0.81)
    assert found.population == 1000
    assert found.low == pytest.approx(0.81 - 0.27)
    assert found.high == pytest.approx(0.81 + (0.09**2 + 0.05**2) ** 0.5)
    assert together([large]).low == pytest.approx(0.6)
    assert together([silent]) is None
