"""Which segments are taken: what was asked for, rare labels first, and what a larger limit never takes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.planning.selection import Chosen, Pool, Wish, choose

A, B, C, D = range(4)


def pool(rows: list[tuple[str, int, set[int]]]) -> Pool:
    labels = [sorted(codes) for _, _, codes in rows]
    return Pool(
        np.array([ytid.encode() for ytid, _, _ in rows], "S11"),
        np.array([start for _, start, _ in rows], np.int64),
        np.concatenate([[0], np.cumsum([len(one) for one in labels], dtype=np.int64)]),
        np.array([code for one in labels for code in one], np.int32),
    )


def wish(*labels: int, **more: object) -> Wish:
    return Wish(frozenset(labels), **more)


def keys(given: Pool, chosen: Chosen) -> list[tuple[bytes, int]]:
    return [(bytes(given.ytid[row]), int(given.start_ms[row])) for row in chosen.rows]


SEGMENTS = st.lists(
    st.tuples(
        st.integers(0, 30).map(lambda n: f"{n:011d}"),
        st.sampled_from([0, 30_000]),
        st.sets(st.integers(0, 5), min_size=1, max_size=4),
    ),
    max_size=60,
).map(pool)
ASKED = st.sets(st.integers(0, 5), min_size=1, max_size=4)
LIMITS = st.one_of(st.none(), st.integers(0, 30))


def no_less(a: int | None, b: int | None) -> bool:
    return a is None or (b is not None and a >= b)


@given(SEGMENTS, ASKED, LIMITS, LIMITS, LIMITS, LIMITS, st.integers(0, 3))
def test_raising_a_limit_keeps_what_was_chosen(given, asked, limit, more, most, most_more, seed):
    small = choose(given, wish(*asked, limit=limit, max_per_label=most, seed=seed))
    if no_less(more, limit):
        large = choose(given, wish(*asked, limit=more, max_per_label=most, seed=seed))
        if more is None and most is None:
            assert set(keys(given, small)) <= set(keys(given, large)), "all of them, in another order"
        else:
            assert keys(given, large)[: len(small.rows)] == keys(given, small)
    if no_less(most_more, most):
        large = choose(given, wish(*asked, limit=limit, max_per_label=most_more, seed=seed))
        if limit is None and most_more is None:
            assert set(keys(given, small)) <= set(keys(given, large)), "all of them, in another order"
        else:
            assert keys(given, large)[: len(small.rows)] == keys(given, small)


@given(SEGMENTS, ASKED, LIMITS, LIMITS)
def test_every_limit_holds_and_every_segment_carries_what_was_asked(given, asked, limit, most):
    found = choose(given, wish(*asked, limit=limit, max_per_label=most))
    carried = [set(given.codes[given.offsets[row] : given.offsets[row + 1]].tolist()) for row in found.rows]
    assert all(codes & asked for codes in carried)
    assert len(found.rows) <= (len(given.ytid) if limit is None else limit)
    for label in asked:
        count = sum(label in codes for codes in carried)
        assert found.chosen[label] == count
        assert most is None or count <= most
    assert len(set(keys(given, found))) == len(found.rows), "a clip once"


@given(SEGMENTS, ASKED)
def test_without_limits_all_that_carry_a_label_are_taken(given, asked):
    found = choose(given, wish(*asked))
    wanted = {
        (bytes(given.ytid[k]), int(given.start_ms[k]))
        for k in range(len(given.ytid))
        if set(given.codes[given.offsets[k] : given.offsets[k + 1]].tolist()) & asked
    }
    assert len(found.rows) + found.left_out.get("listed twice", 0) <= len(given.ytid)
    assert set(keys(given, found)) <= wanted
    if len(set(zip(given.ytid.tolist(), given.start_ms.tolist(), strict=True))) == len(given.ytid):
        assert set(keys(given, found)) == wanted


@given(SEGMENTS, ASKED, st.data())
def test_the_order_does_not_depend_on_other_segments_of_one_label(given, asked, data):
    label = min(asked)
    whole = keys(given, choose(given, wish(label)))
    part = sorted(data.draw(st.sets(st.integers(0, max(len(given.ytid) - 1, 0))))) if len(given.ytid) else []
    rows = [
        (
            given.ytid[k].decode(),
            int(given.start_ms[k]),
            set(given.codes[given.offsets[k] : given.offsets[k + 1]].tolist()),
        )
        for k in part
    ]
    fewer = pool(rows)
    assert (found := keys(fewer, choose(fewer, wish(label)))) == [one for one in whole if one in set(found)]


def test_rare_labels_come_first_and_share_what_they_can():
    """Five clips of a rare label carry the frequent one as well: with 5 of each, no other frequent one is needed."""
    rare = [(f"r{k:010d}", 0, {A, B}) for k in range(5)]
    frequent = [(f"f{k:010d}", 0, {B}) for k in range(1000)]
    given = pool(frequent + rare)
    found = choose(given, wish(A, B, max_per_label=5))
    assert found.chosen == {A: 5, B: 5}
    assert {one for one, _ in keys(given, found)} == {ytid.encode() for ytid, _, _ in rare}
    assert found.candidates == {A: 5, B: 1005}


def test_a_limit_is_shared_among_labels():
    given = pool([(f"r{k:010d}", 0, {A}) for k in range(20)] + [(f"f{k:010d}", 0, {B}) for k in range(1000)])
    assert choose(given, wish(A, B, limit=30)).chosen == {A: 15, B: 15}
    assert choose(given, wish(A, B, limit=100)).chosen == {A: 20, B: 80}


def test_seeds_give_other_choices():
    given = pool([(f"{k:011d}", 0, {A}) for k in range(200)])
    one, other = (set(keys(given, choose(given, wish(A, limit=20, seed=seed)))) for seed in (0, 1))
    assert len(one & other) < 10
    assert keys(given, choose(given, wish(A, limit=20))) == keys(given, choose(given, wish(A, limit=20)))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"a", "ab", "ac"}),
        ({"without": frozenset({B})}, {"a", "ac"}),
        ({"without": frozenset({B, C})}, {"a"}),
        ({"single_label": True}, {"a"}),
        ({"excluded": frozenset({b"a" * 11, b"x" * 11})}, {"ab", "ac"}),
    ],
)
def test_filters(more, expected):
    rows = {"a": {A}, "ab": {A, B}, "ac": {A, C}, "b": {B}, "d": {D}}
    given = pool([((name * 11)[:11], 0, codes) for name, codes in rows.items()])
    found = choose(given, wish(A, **more))
    assert {one for one, _ in keys(given, found)} == {(name * 11)[:11].encode() for name in expected}


@given(SEGMENTS, ASKED, st.integers(0, 30))
def test_the_rarest_label_gets_all_that_it_may(given, asked, most):
    found = choose(given, wish(*asked, max_per_label=most))
    rarest = min(asked, key=lambda label: (found.candidates[label], label))
    assert found.chosen[rarest] == min(most, found.candidates[rarest])


@given(SEGMENTS, ASKED, LIMITS, LIMITS)
def test_every_segment_of_an_asked_label_is_chosen_or_counted_with_a_reason(given, asked, limit, most):
    found = choose(given, wish(*asked, without=frozenset({5} - asked), limit=limit, max_per_label=most))
    carry = sum(
        bool(set(given.codes[given.offsets[k] : given.offsets[k + 1]].tolist()) & asked) for k in range(len(given.ytid))
    )
    assert len(found.rows) + sum(found.left_out.values()) == carry


def test_a_single_segment_of_a_video_can_be_excluded():
    given = pool([("a" * 11, 0, {A}), ("a" * 11, 30_000, {A}), ("b" * 11, 0, {A})])
    found = choose(given, wish(A, excluded_segments=frozenset({(b"a" * 11, 30_000)})))
    assert sorted(found.rows.tolist()) == [0, 2]
    assert found.left_out == {"excluded by their ids": 1}


def test_a_clip_that_is_listed_twice_is_taken_once_by_its_first_row():
    given = pool([("a" * 11, 0, {A}), ("a" * 11, 30_000, {A}), ("a" * 11, 0, {A, B})])
    found = choose(given, wish(A))
    assert sorted(found.rows.tolist()) == [0, 1]
    assert found.left_out == {"listed twice": 1}


def test_where_clips_overlap_the_cap_holds_and_almost_all_of_it_is_filled():
    n, kinds = 20_000, 60
    given = Pool(
        np.array([f"{k:011d}".encode() for k in range(n)], "S11"),
        np.zeros(n, np.int64),
        np.arange(n + 1, dtype=np.int64) * 3,
        np.arange(n * 3, dtype=np.int32) * 7919 % kinds,
    )
    found = choose(given, wish(*range(20), max_per_label=300))
    assert max(found.chosen.values()) == 300
    assert min(found.chosen.values()) > 280
