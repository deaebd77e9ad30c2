"""How a job is cut into shards and row groups: a function of the clips alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.rendering.job import Job

JOB = Job(
    plan=Path("p"),
    sources=Path("s"),
    out=Path("o"),
    digest="d",
    rate_hz=16_000,
    length_n=16_000,
    store="parquet",
    codec="wav",
    stems=False,
    cells=("F", "M"),
    places={},
    files={},
)


@given(
    st.dictionaries(st.sampled_from(["train", "val", "test"]), st.integers(1, 20_000), min_size=1),
    st.sampled_from([320, 8000, 16_000, 48_000, 480_000]),
)
def test_shards_cover_every_row_once(clips, length_n):
    job = replace(JOB, length_n=length_n)
    shards = job.shards(clips)
    row = 0
    for split, count in clips.items():
        own = [shard for shard in shards if shard.split == split]
        assert [shard.number for shard in own] == list(range(len(own)))
        assert {shard.of for shard in own} == {len(own)}
        at = 0
        for shard in own:
            assert shard.first == at < shard.end
            assert shard.row == row + at
            assert shard.end - shard.first <= job.per_shard
            at = shard.end
        assert at == count
        row += count
    assert len({job.path(shard) for shard in shards}) == len(shards)


@given(st.integers(1, 3600 * 50), st.sampled_from([4000, 16_000, 48_000, 192_000]))
def test_a_row_group_can_be_addressed_and_held_in_memory(frames, rate):
    """Offsets into a row group are 32-bit; the longest clip that may be asked for is an hour."""
    job = replace(JOB, length_n=frames * (rate // 50), rate_hz=rate)
    assert job.per_shard >= 1
    assert job.per_shard * (44 + 2 * job.length_n) < 1 << 31


@pytest.mark.parametrize(("seconds", "fewest", "most"), [(1, 100, 1000), (2, 100, 1000), (5, 50, 1000)])
def test_row_groups_of_short_clips_stay_small_enough_to_stream(seconds, fewest, most):
    assert fewest <= replace(JOB, length_n=seconds * 16_000).per_shard <= most


def test_names_sort_in_the_order_of_the_rows():
    names = [shard.name for shard in JOB.shards({"train": 200_000})]
    assert names == sorted(names)
    assert names[0] == f"train-00000-of-{len(names):05d}"
    assert JOB.path(JOB.shards({"val": 1})[0]) == Path("o/data/val-00000-of-00001.parquet")
