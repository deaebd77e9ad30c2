"""The plan is a function of the index: of the seed, the split and the sources, and of nothing else."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import InfeasibleError
from synth.planning.plan import SMALL_BLOCK, Block
from synth.planning.rows import batch
from synth.tables import PLAN
from tests.planning.made import period_of, planner, sources

MODES = {
    "full": {},
    "overlap": {"overlap": "0:0.9", "min_active": 0.3, "seconds": 1.4},
    "loud": {"level_dbfs": "-9:-6"},
    "noise": {"speakers": "0-3"},
    "noise and overlap": {"speakers": "0-2", "overlap": "0.25", "min_active": 0.2},
    "one": {"speakers": "1"},
}


@lru_cache
def table_for(noise: bool, people: int = 4) -> pa.Table:
    return sources(speakers=people, noise=3 if noise else 0, seed=people)


@lru_cache(maxsize=64)
def made_for(mode: str, seed: int, split: str, people: int = 4):
    return planner(table_for("noise" in mode, people), split, seed=seed, **MODES[mode])


def cut(block: Block, a: int, b: int) -> dict[str, np.ndarray | None]:
    values = {field.name: getattr(block, field.name) for field in fields(Block)}
    return {name: None if value is None else value[a:b] for name, value in values.items()}


def assert_same(one: dict[str, np.ndarray | None], other: dict[str, np.ndarray | None]) -> None:
    for name, value in one.items():
        if value is None or other[name] is None:
            assert value is other[name] is None
        else:
            assert np.array_equal(value, other[name]), name


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(MODES)), st.integers(0, 3), st.sampled_from(["train", "val", "test"]), st.integers(1, 150))
def test_a_longer_plan_begins_with_the_shorter_one(mode, seed, split, rows):
    made, _, _ = made_for(mode, seed, split)
    assert_same(cut(made.rows(0, rows), 0, rows), cut(made.rows(0, 2 * rows), 0, rows))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(MODES)),
    st.sampled_from([3, 4, 6]),
    st.one_of(st.integers(0, 300), st.integers(0, 10**8)),
    st.integers(1, 120),
    st.data(),
)
def test_any_range_can_be_made_alone(mode, people, first, count, data):
    made, _, _ = made_for(mode, 0, "train", people)
    whole = made.rows(first, first + count)
    a = data.draw(st.integers(0, count - 1))
    b = data.draw(st.integers(a + 1, count))
    assert_same(cut(whole, a, b), cut(made.rows(first + a, first + b), 0, b - a))


@pytest.mark.parametrize("mode", ["full", "noise and overlap"])
def test_blocks_are_the_rows_in_order(mode):
    made, _, _ = made_for(mode, 1, "val")
    blocks = list(made.blocks(SMALL_BLOCK + 50))
    assert [len(block.cell) for block in blocks] == [SMALL_BLOCK, 50]
    assert_same(cut(blocks[1], 0, 50), cut(made.rows(SMALL_BLOCK, SMALL_BLOCK + 50), 0, 50))
    assert list(made.blocks(0)) == []


@pytest.mark.parametrize("mode", ["full", "noise"])
def test_a_new_planner_makes_the_same_rows(mode):
    one, _, _ = made_for(mode, 0, "train")
    one.rows(0, 500)  # whatever was asked before leaves nothing behind
    again, _, _ = planner(table_for("noise" in mode), "train", seed=0, **MODES[mode])
    assert_same(cut(one.rows(100, 200), 0, 100), cut(again.rows(100, 200), 0, 100))


def test_the_seed_and_the_split_change_every_column_that_is_drawn():
    blocks = [made_for("noise", seed, split)[0].rows(0, 300) for seed in (0, 1) for split in ("train", "val")]
    for name in ("level", "snr", "source", "start", "gain_q12"):
        assert len({getattr(block, name).tobytes() for block in blocks}) == 4, name
    assert len({block.cell.tobytes() for block in blocks}) == 1


@pytest.mark.parametrize("people", [3, 4, 5, 7])
def test_no_clip_holds_a_speaker_twice_and_utterances_are_level(people):
    made, _, pool = made_for("full", 0, "train", people)
    block = made.rows(0, 2000)
    who = np.where(block.source >= 0, pool.speaker[block.source], -1 - np.arange(block.source.shape[1]))
    assert (np.diff(np.sort(who, axis=1), axis=1) != 0).all()
    present = block.source >= 0
    utterances = block.source[present]
    for speaker in np.unique(pool.speaker[utterances]):
        own = utterances[pool.speaker[utterances] == speaker]
        items = np.unique(own)
        had = np.cumsum(own[:, None] == items, axis=0)
        assert (had.max(axis=1) - had.min(axis=1)).max() <= 1
    for sex in (0, 1):
        counts = np.bincount(pool.speaker[utterances][pool.sex[utterances] == sex])
        assert np.ptp(counts[counts > 0]) <= 1


def test_speakers_come_first_and_noise_last():
    made, _, pool = made_for("noise", 0, "train")
    block = made.rows(0, 500)
    present = block.source[:, :-1] >= 0
    assert (np.diff(present.astype(int), axis=1) <= 0).all(), "no empty slot before a speaker"
    assert pool.noise[block.source[:, -1]].all()
    assert not pool.noise[block.source[:, :-1][present]].any()
    assert set(pool.split[block.source[block.source >= 0]].tolist()) == {0}


def test_the_order_of_the_sexes_tells_nothing():
    made, _, pool = made_for("full", 0, "train")
    block = made.rows(0, 36_000)
    mixed = (block.source >= 0).sum(axis=1) == 2
    first, second = pool.sex[block.source[mixed, 0]], pool.sex[block.source[mixed, 1]]
    both = first != second
    assert abs(first[both].mean() - 0.5) < 0.03


@pytest.mark.parametrize("mode", MODES)
def test_rows_of_the_table_say_what_the_block_says(mode):
    made, request, pool = made_for(mode, 0, "train")
    laid = period_of(request.fewest, request.most)
    block = made.rows(7, 60)
    table = pa.Table.from_batches([batch(block, "train", 7, laid, request, pool.ids)]).cast(PLAN.schema())
    table.validate(full=True)
    for k, row in enumerate(table.to_pylist()):
        n, f = laid.cells[block.cell[k]]
        assert (row["n_speakers"], row["n_female"], row["n_male"]) == (n, f, n - f)
        assert row["cell"] == ("F" * f + "M" * (n - f) or "none")
        assert row["clip_id"] == f"train-{7 + k:08d}"
        assert row["level_dbfs"] == pytest.approx(block.level[k] / 10)
        present = np.flatnonzero(block.source[k] >= 0)
        assert len(row["parts"]) == len(present) == n + ("noise" in mode)
        for slot, part in zip(present.tolist(), row["parts"], strict=True):
            assert part["source_id"] == pool.ids[block.source[k, slot]]
            frames = (block.start[k, slot], block.onset[k, slot], block.length[k, slot])
            assert (part["start_n"], part["onset_n"], part["length_n"]) == tuple(320 * int(x) for x in frames)
            assert part["gain_q12"] == block.gain_q12[k, slot]
            is_noise = "noise" in mode and slot == block.source.shape[1] - 1
            assert (part["active_s"] is None) == is_noise
            assert (part["sir_db"] is None) == (is_noise or n < 2)
        assert (row["snr_db"] is None) == ("noise" not in mode or n == 0)


def test_too_few_speakers_name_the_numbers_and_a_request_that_works():
    import re

    table = sources(speakers=2)
    made, _, _ = planner(table, "val", speakers="1-5")
    with pytest.raises(InfeasibleError) as caught:
        made.check(2)
    text = str(caught.value)
    assert "split val: 2 female speakers" in text
    assert "may hold 5" in text
    asked = re.search(r"--speakers (\d-\d)", text)
    assert asked
    for split in ("train", "val", "test"):
        again, _, _ = planner(table, split, speakers=asked.group(1))
        again.check(2)
        again.rows(0, 200)


def test_noise_that_is_too_short_is_refused():
    made, _, _ = planner(sources(noise=2, frames=(60, 70)), seconds=5.0, overlap="0:1", min_active=0.2)
    with pytest.raises(InfeasibleError, match="no noise recording of at least 5 s"):
        made.check(4)
