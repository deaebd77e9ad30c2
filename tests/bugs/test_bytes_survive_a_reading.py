"""A table that was read and written again had other bytes: its metadata came backwards, its lists had another name inside."""

from __future__ import annotations

from synth import index, plan, render, split
from synth.store import parquet
from synth.tables import SOURCES


def test_sources(tmp_path):
    index(["demo-voices"], out=tmp_path / "one.parquet")
    parquet.write(parquet.read(tmp_path / "one.parquet", SOURCES, ""), tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_a_plan_that_is_copied_with_its_data_set(tmp_path):
    index(["demo-voices"], out=tmp_path / "indexed.parquet")
    split(tmp_path / "indexed.parquet", split="100/0/0", speakers="1", out=tmp_path / "sources.parquet")
    plan(tmp_path / "sources.parquet", out=tmp_path / "plan.parquet", speakers="1", clips="10/0/0")
    render(tmp_path / "plan.parquet", out=tmp_path / "one")
    render(tmp_path / "one" / "plan.parquet", out=tmp_path / "two")
    plans = {(tmp_path / name / "plan.parquet").read_bytes() for name in ("one", "two")}
    assert len(plans) == 1


def test_the_split_stands_in_the_recipe(tmp_path):
    index(["demo-voices"], out=tmp_path / "indexed.parquet")
    split(tmp_path / "indexed.parquet", split="70/30/0", speakers="1", out=tmp_path / "sources.parquet")
    plan(tmp_path / "sources.parquet", out=tmp_path / "plan.parquet", speakers="1", clips="10/10/0")
    render(tmp_path / "plan.parquet", out=tmp_path / "set")
    assert 'split = "70/30/0"' in (tmp_path / "set" / "recipe.toml").read_text()
