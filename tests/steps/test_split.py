"""Splitting SOURCES: whole groups, nothing shared, and the proof of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

import synth
from synth import demo
from synth.errors import InfeasibleError, InputError
from synth.steps.split import shared
from synth.store import parquet
from synth.tables import SOURCES


@pytest.fixture(scope="module")
def voices() -> pa.Table:
    return synth.index([demo.folder()]).table


def changed(table: pa.Table, **columns: list[object]) -> pa.Table:
    values = {**table.to_pydict(), **columns}
    return pa.Table.from_pydict(values, schema=table.schema)


def test_the_twenty_demo_voices_are_four_three_three_of_each_sex(voices):
    done = synth.split(voices)
    wanted = {"train": 4, "val": 3, "test": 3}
    assert done.groups == {(split, sex): n for split, n in wanted.items() for sex in "FM"}
    assert done.without == 0
    assert not any(done.shared.values())
    by_group = {}
    for group, split in zip(*(done.table.column(c).to_pylist() for c in ("group_id", "split")), strict=True):
        assert by_group.setdefault(group, split) == split


def test_the_same_seed_gives_the_same_split_and_another_another(voices):
    splits = [synth.split(voices, seed=seed).table.column("split").to_pylist() for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


def test_a_written_split_is_the_returned_one(voices, tmp_path):
    parquet.write(voices, tmp_path / "s.parquet")
    done = synth.split(tmp_path / "s.parquet", out=tmp_path / "sp.parquet")
    again = parquet.read(tmp_path / "sp.parquet", SOURCES, "synth split")
    assert again.equals(done.table)
    assert parquet.metadata(again.schema) == parquet.metadata(done.table.schema)
    assert parquet.metadata(voices.schema).items() <= parquet.metadata(again.schema).items()


def test_what_is_not_ok_is_in_no_split(voices):
    status = ["silent", *voices.column("status").to_pylist()[1:]]
    done = synth.split(changed(voices, status=status))
    assert done.table.column("split").to_pylist()[0] is None
    assert done.without == 1


def test_what_splits_share_is_named(voices):
    split = synth.split(voices).table
    names = split.column("split").to_pylist()
    speakers = split.column("speaker_id").to_pylist()
    torn = changed(split, split=["val" if names[0] != "val" else "test", *names[1:]])
    assert shared(torn)["speaker_id"] == [speakers[0]]
    assert len(shared(torn)["group_id"]) == 1
    twice = changed(split, pcm_sha256=["x"] * len(names))
    assert shared(twice)["pcm_sha256"] == ["x"]


def test_a_given_split_that_tears_a_speaker_is_refused(voices):
    torn = ["train" if k % 2 else "test" for k in range(voices.num_rows)]
    groups = [f"g{k}" for k in range(voices.num_rows)]
    with pytest.raises(InfeasibleError, match=r"--split given puts the same \d+ speaker_id"):
        synth.split(changed(voices, split=torn, group_id=groups), split="given")


def test_a_given_split_is_kept(voices):
    before = synth.split(voices, seed=3).table
    assert synth.split(before, split="given").table.equals(before)


def test_subsets_that_do_not_exist_are_named(voices):
    with pytest.raises(InputError, match="no subset dev-clean"):
        synth.split(voices, split="subset:dev-clean=val")


@pytest.mark.parametrize("speakers", ["1-4", "5", "1-10"])
def test_too_few_voices_are_refused_with_a_request_that_works(voices, speakers):
    with pytest.raises(InfeasibleError, match=r"--speakers up to 3 with these 3 splits"):
        synth.split(voices, speakers=speakers)
    synth.split(voices, speakers="1-3")


def test_splits_without_clips_need_no_speakers(voices):
    done = synth.split(voices, split="98/1/1", speakers="1-8", clips="100/0/0")
    assert done.groups[("train", "F")] >= 8
