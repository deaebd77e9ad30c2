from __future__ import annotations

import numpy as np
import pytest

from synth.checking.statistics import chi_square_tail, independence, normal_tail, wilson


@pytest.mark.parametrize(
    ("x", "degrees", "p"),
    [
        (7.815, 3, 0.05),
        (18.307, 10, 0.05),
        (29.588, 10, 0.001),
        (76.154, 50, 0.01),
        (51.179, 24, 0.001),
    ],
)
def test_the_tail_agrees_with_the_tables(x, degrees, p):
    assert chi_square_tail(x, degrees) == pytest.approx(p, rel=0.1)


def test_the_far_tail_errs_on_the_forgiving_side():
    assert 1e-4 <= chi_square_tail(21.108, 3) <= 1.4e-4


def test_the_normal_tail():
    assert normal_tail(1.959964) == pytest.approx(0.025, rel=1e-5)


def test_nothing_to_compare():
    assert chi_square_tail(3.0, 0) == 1.0
    assert independence(np.zeros((3, 4), np.int64))[:2] == (0.0, 0)


def test_independence_of_a_known_table():
    x, degrees, residuals = independence(np.array([[20, 30, 0], [30, 20, 0]], np.int64))
    assert (x, degrees) == (pytest.approx(4.0), 1)
    assert residuals.shape == (2, 3)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_agrees_with_newcombe(hits, trials, low, high):
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-4)
    assert wilson(trials - hits, trials) == pytest.approx((1 - high, 1 - low), abs=1e-4)


def test_nothing_was_tried():
    assert wilson(0, 0) == (0.0, 1.0)
