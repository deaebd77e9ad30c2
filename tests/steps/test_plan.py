"""Plans as files: the digest, the metadata, the prefix, and levels that come true."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import synth
from synth import demo
from synth.errors import InfeasibleError, InputError
from synth.store import parquet
from synth.tables import PLAN, SOURCES


@pytest.fixture(scope="module")
def split():
    return synth.split(synth.index([demo.folder()]).table).table


def rows(path, split: str) -> list[dict[str, object]]:
    return [row for row in pq.ParquetFile(path).read().to_pylist() if row["split"] == split]


def test_a_longer_plan_begins_with_the_shorter_one(split, tmp_path):
    short = synth.plan(split, out=tmp_path / "a.parquet", clips="50/10/10")
    longer = synth.plan(split, out=tmp_path / "b.parquet", clips="120/20/10")
    for name in ("train", "val", "test"):
        one, other = rows(short.path, name), rows(longer.path, name)
        assert other[: len(one)] == one
    assert short.digest != longer.digest


def test_a_plan_says_what_made_it_and_nothing_of_where(split, tmp_path):
    made = synth.plan(split, out=tmp_path / "p.parquet", clips="12/12/0", seed=9, level_dbfs="-30:-25")
    meta = parquet.file_metadata(pq.ParquetFile(made.path))
    assert meta == made.metadata
    assert meta["seed"] == "9"
    assert meta["digest"] == made.digest == parquet.digest(pq.ParquetFile(made.path).read(), PLAN.names)
    assert meta["sources_digest"] == parquet.digest(split, SOURCES.names)
    assert json.loads(meta["clips"]) == {"train": 12, "val": 12}
    recipe = json.loads(meta["recipe"])
    assert (recipe["level_dbfs"], recipe["codec"], recipe["stems"]) == ("-30:-25", "wav", False)
    assert str(tmp_path) not in json.dumps(meta)
    assert pq.ParquetFile(made.path).read().schema.equals(PLAN.schema())


def test_the_same_plan_is_the_same_bytes(split, tmp_path):
    for name in "ab":
        synth.plan(split, out=tmp_path / name, clips="50/10/10")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_source_more_is_another_plan(split, tmp_path):
    one = synth.plan(split, out=tmp_path / "a", clips="50/10/10")
    other = synth.plan(split.slice(1), out=tmp_path / "b", clips="50/10/10")
    assert one.metadata["sources_digest"] != other.metadata["sources_digest"]


def test_clips_of_a_split_without_sources_name_the_nearest_request(tmp_path):
    table = synth.split(synth.index([demo.folder()]).table, split="80/20/0").table
    with pytest.raises(InfeasibleError, match=r"no source is in test .*Nearest feasible: --clips 50/10/0"):
        synth.plan(table, out=tmp_path / "p", clips="50/10/10")
    synth.plan(table, out=tmp_path / "p", clips="50/10/0")


def test_another_rate_than_was_measured_is_refused(split, tmp_path):
    with pytest.raises(InputError, match="measured for clips at 16000 Hz, the plan asks for 8000 Hz"):
        synth.plan(split, out=tmp_path / "p", rate=8000)
    assert not (tmp_path / "p").exists()


def test_the_rendered_level_is_the_drawn_one(split, tmp_path):
    parquet.write(split, tmp_path / "sources.parquet")
    made = synth.plan(split, out=tmp_path / "p.parquet", clips="300/0/0", sir_db=8.0)
    synth.render(made.path, out=tmp_path / "set", jobs=1)
    plan = pq.ParquetFile(made.path).read().to_pylist()
    done = pq.ParquetFile(tmp_path / "set" / "manifest.parquet").read().to_pylist()
    off = np.array([have["level_dbfs"] - drawn["level_dbfs"] for have, drawn in zip(done, plan, strict=True)])
    alone = np.array([row["n_speakers"] == 1 for row in plan])
    assert np.abs(off[alone]).max() <= 0.25, "the envelope's step is half a decibel"
    assert abs(off.mean()) < 0.05, "what voices have in common by chance cancels out"
    assert np.abs(off).max() < 1
    for have, drawn in zip(done, plan, strict=True):
        assert have["clip_id"] == drawn["clip_id"]
        assert len(have["parts"]) == len(drawn["parts"]) == drawn["n_speakers"]
        for part, promised in zip(have["parts"], drawn["parts"], strict=True):
            assert part["active_s"] == promised["active_s"] >= 0.5
            assert part["sir_db"] == promised["sir_db"]
        levels = [part["level_dbfs"] for part in have["parts"]]
        assert max(levels) - min(levels) <= 8.15
