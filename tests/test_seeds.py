"""The one door for chance: pure, without an order, without collisions, even, and the same for ever."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.seeds import below, chain, draw, key

MASK = (1 << 64) - 1
SEEDS = st.integers(0, 2**63)
NAMES = st.text(max_size=10)


def splitmix(stream: int, counter: int) -> int:
    """The finaliser of SplitMix64 as its paper has it, in whole numbers of any size."""
    x = (counter * 0x9E3779B97F4A7C15 + stream) & MASK
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


@given(SEEDS, NAMES, st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_a_draw_is_the_published_mixer(seed, purpose, counters):
    stream = key(seed, "train", purpose)
    found = draw(stream, np.array(counters, np.int64))
    assert found.tolist() == [splitmix(int(stream), counter) for counter in counters]


@given(SEEDS, st.integers(0, 2**30), st.integers(1, 200), st.data())
def test_any_row_alone_is_the_row_among_others(seed, first, count, data):
    stream = key(seed, "val", "level")
    rows = np.arange(first, first + count)
    whole = draw(stream, rows)
    one = data.draw(st.integers(0, count - 1))
    assert draw(stream, rows[one : one + 1])[0] == whole[one]
    order = np.array(data.draw(st.permutations(range(count))))
    assert np.array_equal(draw(stream, rows[order]), whole[order])


def test_drawing_leaves_the_counters_alone():
    rows = np.arange(5)
    draw(key(0), rows)
    chain(key(0), rows, rows)
    assert rows.tolist() == [0, 1, 2, 3, 4]


def test_no_two_purposes_or_counters_share_a_number():
    rows = np.arange(20_000)
    streams = [
        key(seed, split, purpose)
        for seed in (0, 1, 2)
        for split in ("train", "val", "test")
        for purpose in ("level", "snr", "order", "overlap", "window")
    ]
    numbers = np.concatenate([draw(stream, rows) for stream in streams])
    assert len(np.unique(numbers)) == len(numbers)


def test_a_chain_tells_its_counters_apart_and_their_order():
    a, b = np.arange(300)[:, None], np.arange(300)[None]
    numbers = chain(key(7, "x"), a, b)
    assert numbers.shape == (300, 300)
    assert len(np.unique(numbers)) == numbers.size
    assert chain(key(7, "x"), a, b)[3, 5] != chain(key(7, "x"), b, a)[3, 5] or numbers[3, 5] != numbers[5, 3]
    assert chain(key(7, "x"), np.array([3]), np.array([5]))[0] == numbers[3, 5]


def test_names_are_not_run_together():
    assert key(1, "23") != key(12, "3")
    assert key("a", "b") != key("ab")
    assert len({int(key(seed, name)) for seed in range(100) for name in "abc"}) == 300


@given(st.lists(st.integers(0, MASK), min_size=1), st.integers(1, 2**32 - 1))
def test_below_stays_below_and_keeps_the_order(numbers, n):
    found = below(np.array(sorted(numbers), np.uint64), n)
    assert found.min() >= 0
    assert found.max() < n
    assert (np.diff(found) >= 0).all()
    assert below(np.array([0, MASK], np.uint64), n).tolist() == [0, n - 1]


def test_below_takes_a_limit_for_each_number():
    limits = np.array([1, 2, 1000, 2**32 - 1])
    found = below(np.full(4, MASK, np.uint64), limits)
    assert found.tolist() == (limits - 1).tolist()


@pytest.mark.parametrize("n", [2, 3, 7, 10, 100])
@pytest.mark.parametrize("seed", [0, 1, 2024])
def test_below_is_even(n, seed):
    counts = np.bincount(below(draw(key(seed, "train", "window"), np.arange(100 * n * n)), n), minlength=n)
    chi_square = float(((counts - 100 * n) ** 2 / (100 * n)).sum())
    assert chi_square < n - 1 + 5 * (2 * (n - 1)) ** 0.5 + 5, "the mean and five deviations of chi-square"


@pytest.mark.parametrize("lag", [1, 2, 3, 36])
def test_neighbouring_rows_have_nothing_in_common(lag):
    numbers = below(draw(key(0, "train", "level"), np.arange(36_000 + lag)), 8)
    table = np.zeros((8, 8))
    np.add.at(table, (numbers[:-lag], numbers[lag:]), 1)
    expected = table.sum() / 64
    assert ((table - expected) ** 2 / expected).sum() < 63 + 5 * (2 * 63) ** 0.5


def test_the_numbers_are_these_for_ever():
    """Any change here changes every published plan."""
    assert int(key()) == 13020603013274838756
    assert int(key(0, "train", "level")) == 11603275713796060351
    assert draw(key(0, "train", "level"), np.array([0, 1, 2, 10**9])).tolist() == [
        10046251996054773441,
        6518549747305193807,
        15300931210907089919,
        11321553245642834708,
    ]
    assert chain(key(1, "val", "speaker", 0), np.array([0, 3]), np.array([2, 2])).tolist() == [
        16043721591829635192,
        3239473184903358798,
    ]
    assert below(draw(key(0), np.arange(6)), 100).tolist() == [80, 45, 51, 58, 10, 0]
