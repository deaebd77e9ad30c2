"""A split along the corpus' own subsets."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.end_to_end.commands import planned, rows, synth
from tests.real_data import DATA, needs_data

pytestmark = needs_data

SPLIT = "subset:train-clean-5=train,train-clean-100=test"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("subsets") / "set"
    synth(
        "mix", "--source", DATA / "LibriSpeech", "--split", SPLIT, "--clips", "300/0/90", "--speakers", 1, "--out", out
    )
    return out


def test_clips_come_from_the_subset_of_their_split(folder):
    subset = {row["source_id"]: row["subset"] for row in rows(folder / "sources.parquet")}
    found = Counter()
    for row in rows(folder / "manifest.parquet"):
        for part in row["parts"]:
            found[row["split"], subset[part["source_id"]]] += 1
    assert found == {("train", "train-clean-5"): 300, ("test", "train-clean-100"): 90}


def test_a_zero_means_that_there_is_no_such_split(folder):
    assert {row["split"] for row in rows(folder / "manifest.parquet", "split")} == {"train", "test"}
    assert not list((folder / "data").glob("val*"))
    assert "val" not in (folder / "README.md").read_text().split("configs:")[1].split("---")[0]


def test_few_speakers_of_a_sex_are_refused_with_the_numbers(tmp_path):
    """train-clean-100 has one woman here: no clip can hold two."""
    words = ["--source", DATA / "LibriSpeech", "--split", SPLIT, "--clips", "300/0/90", "--speakers", "1-2"]
    refused = synth("mix", *words, "--out", tmp_path / "set", code=3)
    assert "split test: 1 female speaker" in refused.says and "a clip may hold 2" in refused.says
    assert "Nearest feasible: --speakers 1-1" in refused.says
    assert not (tmp_path / "set").exists()


def test_a_subset_that_is_not_there_is_named_with_those_that_are(tmp_path):
    words = ["--source", DATA / "LibriSpeech", "--split", "subset:train-clean-5=train,dev-clean=val"]
    refused = synth("mix", *words, "--speakers", 1, "--out", tmp_path / "set", code=3)
    assert "no subset dev-clean" in refused.says
    assert "train-clean-100" in refused.says and "train-clean-5" in refused.says


def test_clips_for_a_split_without_a_subset_are_refused(tmp_path):
    words = ["--source", DATA / "LibriSpeech", "--split", SPLIT, "--clips", "300/30/90", "--speakers", 1]
    refused = synth("mix", *words, "--out", tmp_path / "set", code=3)
    assert "30 clips in val" in refused.says and "--clips 300/0/90" in refused.says


@pytest.mark.parametrize("split", ["subset:train-clean-5=learn", "subset:train-clean-5", "subset:a=train,a=test"])
def test_a_split_that_cannot_be_read_is_a_usage_error(tmp_path, split):
    index = planned_index(tmp_path)
    refused = synth("split", index, "--split", split, "-o", tmp_path / "out.parquet", code=2)
    assert "is not understood" in refused.says and "train, val, test" in refused.says
    assert not (tmp_path / "out.parquet").exists()


def test_speakers_outside_the_named_subsets_are_in_no_split(tmp_path):
    said = synth(
        "split", planned_index(tmp_path), "--split", "subset:train-clean-5=train", "-o", tmp_path / "out.parquet"
    )
    assert "in no split: 1 female, 2 male" in said.says
    found = {(row["subset"], row["split"]) for row in rows(tmp_path / "out.parquet")}
    assert found == {("train-clean-5", "train"), ("train-clean-100", None)}


def test_the_same_split_twice_is_the_same_plan(tmp_path):
    one, two = (
        planned(tmp_path / name, DATA / "LibriSpeech", split=SPLIT, plan=("--speakers", 1, "--clips", "60/0/30"))
        for name in ("one", "two")
    )
    assert one.read_bytes() == two.read_bytes()


def planned_index(tmp_path):
    synth("index", DATA / "LibriSpeech", "-o", tmp_path / "index.parquet")
    return tmp_path / "index.parquet"
