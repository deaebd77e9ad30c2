"""Who speaks: distinct in a clip, levelled at every prefix, each row without the others, tied to no cell."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.planning.cells import period
from synth.planning.speakers import Speakers, epoch_orders, levelled, shuffled
from synth.seeds import key
from tests.planning.made import period_of

FEMALE, MALE = 0, 1


def wanted(laid, sex, rows):
    counts = np.array([f if sex == FEMALE else n - f for n, f in laid.cells])
    return counts[laid.cell_index(rows)]


def cast(laid, sex, people, rows, seed=0):
    """Return the speakers and the epochs of rows, and how many each row takes."""
    speakers = Speakers(key(seed, "train", "speaker", sex), laid, sex, people, laid.most(sex))
    many = wanted(laid, sex, rows)
    taken = np.arange(laid.most(sex)) < many[:, None]
    who, epoch = np.full(taken.shape, -1), np.zeros(taken.shape, np.int64)
    who[taken], epoch[taken], begins = speakers.of(rows)
    assert np.array_equal(np.diff(begins), many)
    return who, epoch, many


@lru_cache
def laid_for(most: int):
    return period_of(1, most)


CASES = [(most, people) for most in range(1, 7) for people in range(most, 31)]


@pytest.mark.parametrize("most", range(1, 7))
def test_distinct_levelled_and_numbered_for_every_number_of_speakers(most):
    laid = laid_for(most)
    rows = np.arange(3 * laid.length + 700)
    for people in range(most, 31):
        for sex in (FEMALE, MALE):
            who, epoch, many = cast(laid, sex, people, rows)
            taken = np.arange(most) < many[:, None]
            assert ((who >= 0) == taken).all()
            assert who.max() < people
            ordered = np.sort(np.where(taken, who, -1 - np.arange(most)), axis=1)
            assert (np.diff(ordered, axis=1) != 0).all(), f"{people} speakers: one twice in a clip"
            uses = who[taken]
            own = own_use_number(uses, people)
            assert np.array_equal(epoch[taken], own), f"{people} speakers: an epoch is not the number of the own use"
            assert_level(uses, people, many)


def own_use_number(uses: np.ndarray, people: int) -> np.ndarray:
    """Return how often the speaker of each use was used before it."""
    order = np.argsort(uses, kind="stable")
    counts = np.bincount(uses, minlength=people)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    out = np.empty(len(uses), np.int64)
    out[order] = np.arange(len(uses)) - np.repeat(starts, counts)
    return out


def assert_level(uses: np.ndarray, people: int, many: np.ndarray) -> None:
    """At the end of every clip, no speaker was used more than once oftener than another."""
    had = np.cumsum(uses[:, None] == np.arange(people), axis=0)
    ends = np.cumsum(many)
    at_ends = had[ends[ends > 0] - 1]
    assert (at_ends.max(axis=1) - at_ends.min(axis=1)).max() <= 1, f"{people} speakers: uneven use"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 2**40), st.integers(1, 60), st.integers(0, 5), st.data())
def test_any_range_of_rows_is_the_same_alone(case, first, count, seed, data):
    most, people = case
    laid = laid_for(most)
    rows = np.arange(first, first + count)
    whole = cast(laid, FEMALE, people, rows, seed)
    a = data.draw(st.integers(0, count - 1))
    b = data.draw(st.integers(a + 1, count))
    part = cast(laid, FEMALE, people, rows[a:b], seed)
    for one, other in zip(part, whole, strict=True):
        assert np.array_equal(one, other[a:b])


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda c: c[1] <= c[0]), st.integers(1, 9), min_size=1
    ),
    st.integers(0, 6),
    st.integers(0, 9),
)
def test_any_cells_and_weights_keep_speakers_distinct_and_level(weighted, more, seed):
    from fractions import Fraction

    laid = period({cell: Fraction(n, sum(weighted.values())) for cell, n in sorted(weighted.items())})
    for sex in (FEMALE, MALE):
        most = laid.most(sex)
        if not most:
            continue
        people = most + more
        who, epoch, many = cast(laid, sex, people, np.arange(400), seed)
        taken = np.arange(most) < many[:, None]
        ordered = np.sort(np.where(taken, who, -1 - np.arange(most)), axis=1)
        assert (np.diff(ordered, axis=1) != 0).all()
        assert np.array_equal(epoch[taken], own_use_number(who[taken], people))
        assert_level(who[taken], people, many)


@pytest.mark.parametrize("people", [3, 4, 7, 10])
@pytest.mark.parametrize("sex", [FEMALE, MALE])
def test_a_voice_does_not_tell_its_cell(people, sex):
    laid = laid_for(3)
    rows = np.arange(36_000)
    who, _, many = cast(laid, sex, people, rows)
    taken = np.arange(3) < many[:, None]
    cell = np.broadcast_to(laid.cell_index(rows)[:, None], who.shape)[taken]
    table = np.zeros((people, len(laid.cells)))
    np.add.at(table, (who[taken], cell), 1)
    table = table[:, table.sum(axis=0) > 0]
    expected = table.sum(axis=0)[None] * table.sum(axis=1)[:, None] / table.sum()
    degrees = (people - 1) * (table.shape[1] - 1)
    chi_square = ((table - expected) ** 2 / expected).sum()
    assert chi_square < degrees + 4 * (2 * degrees) ** 0.5
    assert np.abs(table / expected - 1).max() < 0.15


@pytest.mark.parametrize("people", [3, 4, 7])
def test_a_voice_does_not_tell_its_partner(people):
    """Each pair of one sex is heard together about equally often."""
    laid = laid_for(3)
    who, _, many = cast(laid, FEMALE, people, np.arange(36_000))
    pairs = np.sort(who[many == 2][:, :2], axis=1)
    counts = np.bincount(pairs[:, 0] * people + pairs[:, 1], minlength=people**2)
    counts = counts[counts > 0]
    assert len(counts) == people * (people - 1) // 2
    assert counts.max() < 1.5 * counts.mean()
    assert counts.min() > 0.6 * counts.mean()


def test_the_seed_and_the_split_change_who_speaks():
    laid, rows = laid_for(3), np.arange(200)
    casts = [
        Speakers(key(seed, split, "speaker", 0), laid, 0, 7, 3).of(rows)[0]
        for seed in (0, 1)
        for split in ("train", "val")
    ]
    assert len({one.tobytes() for one in casts}) == 4


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(0, 1000))
def test_a_shuffle_is_a_permutation_of_each_owner_alone(sizes, seed):
    owners = np.arange(len(sizes)) * 7
    epochs = np.arange(len(sizes)) % 3
    found, offsets = shuffled(key(seed), owners, epochs, np.array(sizes))
    for k, size in enumerate(sizes):
        own = found[offsets[k] : offsets[k + 1]]
        assert sorted(own.tolist()) == list(range(size))
        alone, _ = shuffled(key(seed), owners[k : k + 1], epochs[k : k + 1], np.array([size]))
        assert np.array_equal(own, alone)


def test_every_order_of_a_few_comes_up_equally_often():
    orders = epoch_orders(key(0, "x"), np.arange(24_000), 4)
    words = orders @ np.array([64, 16, 4, 1])
    counts = np.unique(words, return_counts=True)[1]
    assert len(counts) == 24
    assert ((counts - 1000) ** 2 / 1000).sum() < 23 + 5 * (2 * 23) ** 0.5


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 30), st.integers(0, 50), st.integers(0, 9))
def test_items_are_all_used_once_before_any_is_used_again(sizes, first, count, seed):
    stream, counts = key(seed, "utterance"), np.array(sizes)
    owners = np.tile(np.arange(len(sizes)), first + count)
    turns = np.repeat(np.arange(first + count), len(sizes))
    found = levelled(stream, owners, turns, counts)
    for owner, size in enumerate(sizes):
        own = found[owners == owner]
        for start in range(0, len(own) - size + 1, size):
            assert sorted(own[start : start + size].tolist()) == list(range(size))
        had = np.cumsum(own[:, None] == np.arange(size), axis=0) if len(own) else np.zeros((1, size))
        assert (had.max(axis=1) - had.min(axis=1)).max() <= 1
    later = turns >= first
    assert np.array_equal(levelled(stream, owners[later], turns[later], counts), found[later])


def test_items_do_not_always_come_in_the_same_order():
    turns = np.arange(60)
    found = levelled(key(0, "utterance"), np.zeros(60, np.int64), turns, np.array([6])).reshape(10, 6)
    assert len({tuple(order) for order in found.tolist()}) > 7
