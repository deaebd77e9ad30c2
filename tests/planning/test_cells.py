"""Cells, weights, whole counts, and their even layout."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synth.errors import InputError, UsageError
from synth.planning.cells import LONGEST_PERIOD, cells_of, laid_out, period, weights, whole_counts

HALF = Fraction(1, 2)


def worst(counts: list[int], order: np.ndarray) -> Fraction:
    """Return how far any prefix is from its share, exactly."""
    total = sum(counts)
    had = np.cumsum(order[:, None] == np.arange(len(counts)), axis=0, dtype=np.int64)
    off = np.abs(had * total - np.arange(1, total + 1)[:, None] * np.array(counts, np.int64))
    return Fraction(int(off.max(initial=0)), total)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
@example([1, 1, 1000])
@example([1, 2, 4, 8, 16, 32, 64, 128, 256])
@example([999, 1000, 1001])
def test_every_prefix_is_within_one_of_its_share(counts):
    order = laid_out(counts)
    assert np.bincount(order, minlength=len(counts)).tolist() == counts
    assert worst(counts, order) < 1


@given(st.lists(st.integers(1, 40), min_size=2, max_size=12))
def test_no_prefix_is_further_off_than_tijdeman_promises(counts):
    assert worst(counts, laid_out(counts)) <= 1 - Fraction(1, 2 * len(counts) - 2)


@pytest.mark.parametrize("balance", ["nested", "n", "cells"])
@pytest.mark.parametrize(("fewest", "most"), [(0, 0), (0, 3), (1, 1), (1, 3), (2, 5), (4, 4)])
def test_weights_add_up_to_one_over_all_cells(balance, fewest, most):
    shares = weights(balance, fewest, most, HALF)
    assert sum(shares.values()) == 1
    assert list(shares) == cells_of(fewest, most)
    assert list(shares) == [(n, f) for n in range(fewest, most + 1) for f in range(n + 1)]


def test_nested_gives_each_n_the_same_and_within_it_each_f():
    shares = weights("nested", 1, 3, HALF)
    assert shares[(1, 0)] == shares[(1, 1)] == Fraction(1, 6)
    assert {shares[(3, f)] for f in range(4)} == {Fraction(1, 12)}


def test_n_has_the_sexes_of_the_pool():
    shares = weights("n", 1, 3, Fraction(1, 4))
    for n in (1, 2, 3):
        assert sum(shares[(n, f)] for f in range(n + 1)) == Fraction(1, 3)
        assert sum(f * shares[(n, f)] for f in range(n + 1)) == Fraction(1, 3) * n / 4
    assert shares[(3, 1)] == comb(3, 1) * Fraction(1, 4) * Fraction(9, 16) / 3


def test_cells_are_all_alike():
    assert set(weights("cells", 0, 3, HALF).values()) == {Fraction(1, 10)}


def write(tmp_path, text: str, encoding: str = "utf-8") -> str:
    path = tmp_path / "balance.csv"
    path.write_text(text, encoding=encoding)
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_gives_shares(tmp_path, encoding):
    text = "weight,n_female,n_male,remark\n2,1,0,a\n0.5,0,2,b\n1/2,0,2,c\n0,1,1,none\n"
    shares = weights(write(tmp_path, text, encoding), 1, 2, HALF)
    assert shares == {(1, 1): Fraction(2, 3), (2, 0): Fraction(1, 3)}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,x,1", "x"),
        ("1,,1", "wanted two counts and a weight"),
        ("1,1", "wanted two counts and a weight"),
        ("1,1,abc", "abc"),
        ("1,1,1/0", "wanted two counts"),
        ("1,1,nan", "nan"),
        ("-1,2,1", "-1 female"),
        ("1,1,-1", "weight -1"),
        ("3,3,1", "1 to 3 speakers"),
        ("0,0,1", "1 to 3 speakers"),
    ],
)
@pytest.mark.parametrize("before", ["", "1,1,1\n", "1,1,1\n\n\n", '1,1,"1"\n'])
def test_a_wrong_line_of_a_csv_is_named(tmp_path, before, line, says):
    text = f"n_female,n_male,weight\n{before}{line}\n"
    number = text[: text.rindex(line)].count("\n") + 1
    with pytest.raises(InputError) as caught:
        weights(write(tmp_path, text), 1, 3, HALF)
    assert f"balance.csv, line {number}:" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "n_female,n_male\n1,1\n", "n_female;n_male;weight\n1;1;1\n"])
def test_a_csv_without_its_columns_says_which_are_wanted(tmp_path, text):
    with pytest.raises(InputError, match="wanted n_female, n_male, weight"):
        weights(write(tmp_path, text), 1, 3, HALF)


def test_weights_that_add_up_to_nothing_are_refused(tmp_path):
    with pytest.raises(InputError, match="add up to 0"):
        weights(write(tmp_path, "n_female,n_male,weight\n1,1,0\n"), 1, 3, HALF)


def test_a_csv_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "b.csv"
    path.write_bytes(b"n_female,n_male,weight\n1,1,\xff\n")
    with pytest.raises(InputError, match=r"b\.csv"):
        weights(str(path), 1, 3, HALF)


def test_a_missing_csv_says_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        weights(str(tmp_path / "none.csv"), 1, 3, HALF)


def test_an_unknown_balance_is_told_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'nested'"):
        weights("nestd", 1, 3, HALF)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_whole_counts_are_exact_or_rounded_in_at_most_ten_thousand(parts):
    shares = {(k, 0): Fraction(part, sum(parts)) for k, part in enumerate(parts)}
    counts = whole_counts(shares)
    total = sum(counts.values())
    assert total <= LONGEST_PERIOD == 10_000
    rare = sum(share * total < 1 for share in shares.values())  # each is given a row of the most frequent cell
    for cell, share in shares.items():
        assert counts[cell] >= 1, "a rare cell is not dropped"
        assert abs(counts[cell] - share * total) < 1 + rare
    if all((share * total).denominator == 1 for share in shares.values()):
        assert {cell: Fraction(n, total) for cell, n in counts.items()} == shares


def test_shares_that_fit_are_kept_exactly():
    counts = whole_counts(weights("nested", 1, 3, HALF))
    assert sum(counts.values()) == 36
    assert all(
        n == 36 * share for (_, share), n in zip(weights("nested", 1, 3, HALF).items(), counts.values(), strict=True)
    )


@pytest.mark.parametrize(("fewest", "most"), [(1, 3), (0, 2), (2, 4), (1, 6)])
def test_counts_of_a_split_are_exact_at_every_size(fewest, most):
    laid = period(weights("nested", fewest, most, HALF))
    index = laid.cell_index(np.arange(3 * laid.length))
    for clips in (0, 1, 7, laid.length - 1, laid.length, laid.length + 1, 3 * laid.length):
        counted = np.bincount(index[:clips], minlength=len(laid.cells)).tolist()
        assert list(laid.cell_counts(clips).values()) == counted
        for (n, _), had in zip(laid.cells, counted, strict=True):
            share = Fraction(1, (most - fewest + 1) * (n + 1))
            assert abs(had - share * clips) < 1


@pytest.mark.parametrize("sex", [0, 1])
def test_uses_before_a_row_are_those_of_the_rows_before(sex):
    laid = period(weights("nested", 1, 4, HALF))
    rows = np.arange(2 * laid.length + 5)
    taken = np.array([f if sex == 0 else n - f for n, f in laid.cells])[laid.cell_index(rows)]
    assert np.array_equal(laid.used_before(sex, rows), np.concatenate([[0], np.cumsum(taken)[:-1]]))
    assert laid.most(sex) == taken.max() == 4
    assert laid.used_before(sex, np.array([10**9]))[0] == 10**9 // laid.length * taken[: laid.length].sum() + sum(
        taken[: 10**9 % laid.length].tolist()
    )


def test_cells_are_named_by_sexes_in_alphabetic_order():
    assert period(weights("cells", 0, 2, HALF)).names == ["none", "M", "F", "MM", "FM", "FF"]


def test_the_same_weights_are_laid_out_the_same():
    orders = [period(weights("nested", 1, 5, HALF)).order.tolist() for _ in range(2)]
    assert all(a == b for a, b in pairwise(orders))
