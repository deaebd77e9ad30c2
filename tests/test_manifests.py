"""The published plans: whoever has the corpus renders them, and their claims hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.opened import open_plan
from synth.steps.plan import plan
from synth.steps.render import render
from synth.steps.split import split
from synth.steps.verify import verify
from tests.real_data import DATA, needs_data

FOLDER = Path(__file__).resolve().parents[1] / "manifests" / "mini-librispeech"


def test_the_plan_belongs_to_its_sources():
    opened = open_plan(FOLDER / "plan.parquet")
    assert opened.clips == {"train": 3600, "val": 360, "test": 360}
    assert set(opened.sources.column("root").to_pylist()) == {"train-clean-5"}
    assert len(set(opened.sources.column("speaker_id").to_pylist())) == 23


@needs_data
def test_it_renders_from_the_corpus_and_holds(tmp_path):
    out = tmp_path / "crowd"
    where = {"train-clean-5": DATA / "LibriSpeech" / "train-clean-5"}
    done = render(FOLDER / "plan.parquet", out=out, roots=where)
    assert sum(done.clips.values()) == 4320
    assert audit(out, pictures=False).holds
    assert verify(out).holds


@needs_data
def test_it_is_made_as_its_readme_says(tmp_path):
    sources = split(index([DATA / "LibriSpeech" / "train-clean-5"]).table)
    made = plan(sources.table, out=tmp_path / "plan.parquet")
    assert made.digest == open_plan(FOLDER / "plan.parquet").digest


@pytest.mark.parametrize("name", ["README.md", "plan.parquet", "sources.parquet", "levels.png", "levels.svg"])
def test_it_is_small(name):
    assert (FOLDER / name).stat().st_size < 300_000
