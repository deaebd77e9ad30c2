"""Labelled sets made wrong on purpose: the audit finds each, and names the claim."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.manifest import manifest
from synth.steps.render import render
from synth.steps.verify import verify
from synth.store.parquet import digest, file_metadata
from synth.tables import LABELLED_PLAN
from tests.checking.wrong_sets import audio_edited, copied, failed, found, plan_rows, table_edited
from tests.end_to_end import labelled


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    place = labelled.folder(tmp_path_factory.mktemp("corpus") / "sounds")
    table = index([place], csv=place.with_suffix(".csv")).table
    out = tmp_path_factory.mktemp("labelled") / "set"
    assert manifest(table, out=out, seconds=1, rate=16000, jobs=1).audited.holds
    return out


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """Clips of one label each, so that the manifest has the column ``label``."""
    place = tmp_path_factory.mktemp("corpus") / "single"
    labelled.folder(place)
    lines = [f"{path.name},{'ab'[k % 2]}" for k, path in enumerate(sorted(place.glob("0*")))]
    place.with_suffix(".csv").write_text("\n".join(["path,labels", *lines]))
    table = index([place], csv=place.with_suffix(".csv")).table
    out = tmp_path_factory.mktemp("labelled") / "set"
    assert manifest(table, out=out, seconds=1, rate=16000, jobs=1).audited.holds
    return out


def replanned(honest, rows, out):
    """Render a changed plan as if it had been planned so: its digest and counts agree with its values."""
    work = out.with_name(f"{out.name}-plan")
    work.mkdir()
    shutil.copy(honest / "sources.parquet", work)
    metadata = file_metadata(pq.ParquetFile(honest / "plan.parquet"))
    labels = [label for row in rows for label in row["labels"]]
    metadata["labels"] = json.dumps({name: labels.count(name) for name in sorted(set(labels))})
    table = pa.Table.from_pylist(rows, schema=LABELLED_PLAN.schema({}))
    metadata["digest"] = digest(table, LABELLED_PLAN.names)
    pq.write_table(table.cast(LABELLED_PLAN.schema(metadata)), work / "plan.parquet")
    render(work / "plan.parquet", out=out, jobs=1)
    return out


def everywhere(folder, column, edit):
    """Change a column in the manifest and in all shards alike."""
    first = 0
    for path in sorted(
        (folder / "data").glob("*.parquet"), key=lambda p: ("train", "val", "test").index(p.name.split("-")[0])
    ):
        table_edited(path, column, lambda k, value, first=first: edit(first + k, value))
        first += pq.read_metadata(path).num_rows
    table_edited(folder / "manifest.parquet", column, edit)


def test_a_group_in_two_splits(honest, tmp_path):
    rows = plan_rows(honest)
    group = {
        row["source_id"]: row["group_id"]
        for row in pq.read_table(honest / "sources.parquet", columns=["source_id", "group_id"]).to_pylist()
    }
    of_test = next(row for row in rows if row["split"] == "test")
    torn = next(
        row for row in rows
        if row is not of_test and group[row["parts"][0]["source_id"]] == group[of_test["parts"][0]["source_id"]]
    )  # fmt: skip
    train = next(row for row in rows if row["split"] == "train")
    for name in ("parts", "labels", "labels_mask"):
        train[name], torn[name] = torn[name], train[name]
    result = audit(replanned(honest, rows, tmp_path / "set"), pictures=False)
    assert "groups-disjoint" in failed(result)
    assert group[of_test["parts"][0]["source_id"]] in found(result, "groups-disjoint").says


def test_the_same_recording_in_two_splits(honest, tmp_path):
    rows = plan_rows(honest)
    train, test = (next(row for row in rows if row["split"] == split) for split in ("train", "test"))
    for name in ("parts", "labels", "labels_mask"):
        train[name] = test[name]
    result = audit(replanned(honest, rows, tmp_path / "set"), pictures=False)
    assert {"groups-disjoint", "files-disjoint", "samples-disjoint", "duplicates"} <= failed(result)


def test_a_label_changed_in_the_plan_and_all_that_follows(honest, tmp_path):
    rows = plan_rows(honest)
    rows[3]["labels"], rows[3]["labels_mask"] = ["meow"], [True]
    result = audit(replanned(honest, rows, tmp_path / "set"), pictures=False)
    assert failed(result) == {"labels"}
    assert "train-00000003" in found(result, "labels").says


@pytest.mark.parametrize("value", [["saw"], ["bark", "bell", "saw"], [], None])
def test_a_label_changed_in_manifest_and_shards(honest, tmp_path, value):
    folder = copied(honest, tmp_path / "set")
    before = pq.read_table(folder / "manifest.parquet", columns=["labels"]).column(0).to_pylist()
    row = next(k for k, labels in enumerate(before) if labels not in (["saw"], ["bark", "bell", "saw"]))
    everywhere(folder, "labels", lambda k, old: value if k == row else old)
    result = audit(folder, pictures=False)
    assert {"labels", "counts", "card"} >= failed(result) >= {"labels"}
    assert f"train-{row:08d}" in found(result, "labels").says


def test_a_label_changed_in_the_manifest_alone(honest, tmp_path):
    folder = copied(honest, tmp_path / "set")
    table_edited(folder / "manifest.parquet", "labels", lambda k, old: ["saw", "bell"] if k == 5 else old)
    assert {"labels", "manifest"} <= failed(audit(folder, pictures=False))
    assert not verify(folder).holds


@pytest.mark.parametrize("value", [[False], [True, True, True], None])
def test_a_mask_that_is_not_the_plans(honest, tmp_path, value):
    folder = copied(honest, tmp_path / "set")
    everywhere(folder, "labels_mask", lambda k, old: value if k == 0 else old)
    result = audit(folder, pictures=False)
    assert failed(result) == {"labels"}
    assert "labels_mask" in found(result, "labels").says


def test_a_class_that_is_not_the_label(single, tmp_path):
    folder = copied(single, tmp_path / "set")
    everywhere(folder, "label", lambda k, old: 1 - old if k == 2 else old)
    result = audit(folder, pictures=False)
    assert failed(result) == {"labels"}
    assert "label is not the clip's one label" in found(result, "labels").says


def test_a_clip_that_is_silent(honest, tmp_path):
    folder = copied(honest, tmp_path / "set")
    numbers = iter(range(100))
    audio_edited(folder, lambda _, pcm: np.zeros_like(pcm) if next(numbers) == 0 else None)
    assert {"render", "levels"} <= failed(audit(folder, pictures=False))
    rows = plan_rows(honest)
    late = next(row for row in pq.read_table(honest / "sources.parquet").to_pylist() if row["path"] == "late.wav")
    rows[0]["parts"][0] |= {"source_id": late["source_id"], "start_n": 0, "length_n": 16000, "active_s": 0.0}
    rows[0]["labels"], rows[0]["labels_mask"] = late["labels"], [True]
    result = audit(replanned(honest, rows, tmp_path / "silent"), pictures=False)
    assert "active" in failed(result)
    assert "train-00000000" in found(result, "active").says


def test_a_lost_shard_and_a_clip_too_few(honest, tmp_path):
    folder = copied(honest, tmp_path / "set")
    next((folder / "data").glob("val-*")).unlink()
    assert "shards" in failed(audit(folder, pictures=False))
    rows = plan_rows(honest)
    result = audit(replanned(honest, rows[1:], tmp_path / "fewer"), pictures=False)
    assert "counts" in failed(result)


def test_without_the_corpus_the_tables_still_tell(honest, tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "empty"))
    result = audit(honest, pictures=False)
    assert result.holds
    assert found(result, "render").holds is None
    assert found(result, "labels").holds is True
