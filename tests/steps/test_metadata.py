"""What a table says beside its rows is needed by the next command: a key that is gone or renamed is refused, and named."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from synth.errors import InputError
from synth.steps.index import index
from synth.steps.manifest import manifest
from synth.steps.plan import plan
from synth.steps.render import render
from synth.steps.split import split
from tests.checking.noisy import demo_voices, written

OTHER_NAMES = {"rate_hz": ("rate-hz", "RATE_HZ", "rate", "rate_hzz"), "csv": ("CSV", "csvs", "cvs")}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Each table on the way of a data set of one's own voices, and one of labelled sounds."""
    place = tmp_path_factory.mktemp("tables")
    root, table = written(place / "voices", demo_voices(lambda voice: voice, takes=1))
    index([root], csv=table, out=place / "sources.parquet", jobs=1)
    split(place / "sources.parquet", split="60/20/20", speakers="1-2", out=place / "split.parquet")
    plan(place / "split.parquet", speakers="1-2", clips="12/2/2", out=place / "plan.parquet")
    (place / "sounds").mkdir()
    with (place / "sounds.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "labels"], *([f"{k}.wav", "ab"[k % 2]] for k in range(12))])
    for k in range(12):
        soundfile.write(place / "sounds" / f"{k}.wav", np.random.default_rng(k).normal(0, 0.1, 16_000), 16_000)
    index([place / "sounds"], csv=place / "sounds.csv", out=place / "sounds.parquet", jobs=1)
    return place


def rewritten(path, out, change) -> None:
    table = pq.ParquetFile(path).read()
    said = {k.decode(): v.decode() for k, v in pq.ParquetFile(path).schema_arrow.metadata.items()}
    pq.write_table(table.replace_schema_metadata(change(said)), out)


def commands(place, out):
    """Return what reads each table, by the table's name."""
    return {
        "sources": lambda path: split(path, split="60/20/20", speakers="1-2", out=out / "other.parquet"),
        "split": lambda path: plan(path, speakers="1-2", clips="12/2/2", out=out / "plan.parquet"),
        "plan": lambda path: render(path, out=out / "set", sources=place / "split.parquet", jobs=1),
        "sounds": lambda path: manifest(path, out=out / "clips", seconds=0.6, jobs=1),
    }


@pytest.mark.parametrize("name", ["sources", "split", "sounds"])
@pytest.mark.parametrize("key", OTHER_NAMES)
def test_a_key_of_the_sources(tables, tmp_path, name, key):
    changed = tmp_path / f"{name}.parquet"
    read = commands(tables, tmp_path)[name]
    rewritten(tables / f"{name}.parquet", changed, lambda said: {k: v for k, v in said.items() if k != key})
    with pytest.raises(InputError, match=rf"{name}\.parquet lacks {key} in its metadata"):
        read(changed)
    for other in OTHER_NAMES[key]:
        rewritten(
            tables / f"{name}.parquet",
            changed,
            lambda said, to=other: {to if k == key else k: v for k, v in said.items()},
        )
        with pytest.raises(InputError, match=rf"lacks {key} in its metadata \(it has {other}\)"):
            read(changed)


def test_each_key_of_a_plan(tables, tmp_path):
    """But for those that tell only where it comes from."""
    read = commands(tables, tmp_path)["plan"]
    said = pq.ParquetFile(tables / "plan.parquet").metadata.metadata
    keys = [k.decode() for k in said if k != b"ARROW:schema"]
    assert {"lowered", "noise", "seed"} < set(keys)
    for key in keys:
        changed = tmp_path / "plan.parquet"
        rewritten(tables / "plan.parquet", changed, lambda said, key=key: {k: v for k, v in said.items() if k != key})
        if key in ("table", "format_version", "synth_version"):
            continue
        with pytest.raises(InputError, match=rf"'?{key}"):
            read(changed)
        assert not (tmp_path / "set").exists()


def test_a_table_that_another_program_wrote_again(tables, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(tables / "sounds.parquet")
    frame[frame["path"] != "3.wav"].to_parquet(tmp_path / "fewer.parquet")
    with pytest.raises(InputError, match="lacks rate_hz, csv in its metadata") as error:
        manifest(tmp_path / "fewer.parquet", out=tmp_path / "clips", seconds=0.6, jobs=1)
    assert "synth index" in str(error.value)


def test_keys_of_ones_own_are_nobodys_business(tables, tmp_path):
    changed = tmp_path / "split.parquet"
    rewritten(tables / "split.parquet", changed, lambda said: {**said, "author": "me", "pandas": json.dumps({})})
    done = plan(changed, speakers="1-2", clips="12/2/2", out=tmp_path / "plan.parquet")
    assert sum(done.clips.values()) == 16
