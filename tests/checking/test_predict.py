from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.checking.predict import accuracy, pooled

RNG = np.random.default_rng(7)


def test_a_number_that_tells_the_class():
    classes = RNG.integers(0, 3, 900)
    told = accuracy(classes + RNG.normal(0, 0.1, 900), classes, np.arange(900))
    assert told.accuracy > 0.9
    assert told.chance == pytest.approx(1 / 3)


def test_a_relation_that_does_not_rise():
    """The middle class is at both ends: no line tells it, bins do."""
    classes = RNG.integers(0, 2, 1000)
    values = np.where(classes == 1, RNG.choice([-3.0, 3.0], 1000), 0) + RNG.normal(0, 0.5, 1000)
    assert accuracy(values, classes, np.arange(1000)).accuracy > 0.95


def test_guessing_stays_under_the_bar():
    over = 0
    for trial in range(200):
        classes = RNG.choice(4, 600, p=[0.4, 0.3, 0.2, 0.1])
        told = accuracy(RNG.normal(size=600), classes, np.arange(600) + 1000 * trial)
        over += told.accuracy > told.bar(0.03)
    assert over <= 1


def test_a_shortcut_into_a_rare_class_counts():
    """Classes count alike: one clip in twenty that is told for certain raises the accuracy of two classes by half."""
    classes = (RNG.random(2000) < 0.05).astype(int)
    told = accuracy(np.where(classes == 1, 9.0, RNG.normal(size=2000)), classes, np.arange(2000))
    assert told.accuracy > 0.9


def test_a_constant_tells_nothing():
    classes = RNG.integers(0, 3, 300)
    assert accuracy(np.zeros(300), classes, np.arange(300)).accuracy == pytest.approx(1 / 3, abs=0.01)


def test_kinds_are_not_cut_into_bins():
    classes = RNG.integers(0, 3, 600)
    kinds = np.array([5.0, 1.0, 3.0])[classes]
    assert accuracy(kinds, classes, np.arange(600), kinds=True).accuracy == 1


def test_too_few():
    assert accuracy(np.arange(30.0), np.arange(30) % 2, np.arange(30)) is None
    assert accuracy(np.full(100, np.nan), np.arange(100) % 2, np.arange(100)) is None
    assert accuracy(np.arange(100.0), np.zeros(100, np.int64), np.arange(100)) is None
    assert pooled([None, None]) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(0, 2**32))
def test_it_does_not_depend_on_the_order_of_the_clips(kinds, seed):
    rng = np.random.default_rng(seed)
    classes, values, rows = rng.integers(0, kinds, 300), rng.normal(size=300), np.arange(300)
    order = rng.permutation(300)
    assert accuracy(values, classes, rows) == accuracy(values[order], classes[order], rows[order])
