"""What lies in data/ is what loads: other files, other types and other class names are found, however alike they are made."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.steps.audit import audit
from synth.steps.verify import verify
from tests.checking.wrong_sets import copied, found

KINDS = {"parquet": {"stems": True}, "files": {"store": "files", "codec": "flac", "stems": True}}


@pytest.fixture(scope="module", params=KINDS)
def small(made, request):
    return made(f"loaded-{request.param}", clips="24/6/6", seconds=0.6, speakers="1-2", rendering=KINDS[request.param])


@pytest.fixture
def folder(small, tmp_path):
    return copied(small, tmp_path / "set")


def said(folder) -> str:
    """Return what the audit says of the files; it and ``verify`` agree that they are wrong."""
    finding = found(audit(folder, pictures=False), "loaded")
    assert finding.holds is False
    assert not verify(folder).holds
    return finding.says


def shards(folder):
    return sorted((folder / "data").rglob("*.parquet"))


def tables(folder):
    return [*shards(folder), folder / "manifest.parquet"]


def features_edited(folder, edit) -> None:
    """Change what all tables say of their columns, alike in all of them."""
    for path in tables(folder):
        table = pq.ParquetFile(path).read()
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        edit(features)
        metadata = {**table.schema.metadata, b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        pq.write_table(table.replace_schema_metadata(metadata), path)


def test_an_honest_folder(small):
    finding = found(audit(small, pictures=False), "loaded")
    assert finding.holds
    assert "16,000 Hz" in finding.says


@pytest.mark.parametrize(
    "name",
    [
        "train-00001-of-00002.parquet",
        "train-00000-of-00009.parquet",
        "copy of train.parquet",
        "sub/val-00000-of-00001.parquet",
        ".partial-77-train-00000-of-00001.parquet",
        "notes.txt",
        "train/readme.wav",
    ],
)
def test_a_file_that_the_plan_does_not_have(folder, name):
    stray = folder / "data" / name
    stray.parent.mkdir(exist_ok=True)
    shutil.copy(shards(folder)[0], stray)
    assert f"data/{name}" in said(folder) or "columns" in said(folder)


def test_a_shard_under_another_name(folder):
    path = next(path for path in shards(folder) if "train" in path.as_posix())
    path = path if path.name != "metadata.parquet" else path.parent
    path.rename(path.with_name(path.name.replace("of-00001", "of-00002")))
    assert "of-00002" in said(folder)


def test_a_sound_that_is_gone(folder):
    sounds = sorted((folder / "data").rglob("*.flac"))
    if not sounds:
        pytest.skip("sounds lie in the tables")
    sounds[3].unlink()
    assert sounds[3].name in said(folder)


def test_classes_in_another_order(folder):
    features_edited(folder, lambda features: features["cell"]["names"].reverse())
    assert "metadata of column cell" in said(folder)


def test_a_class_with_another_name(folder):
    features_edited(folder, lambda features: features["cell"]["names"].append("X"))
    assert "metadata of column cell" in said(folder)


@pytest.mark.parametrize("column", ["n_speakers", "labels", "parts", "cell", "level_dbfs"])
def test_types_that_the_metadata_get_wrong(folder, column):
    features_edited(folder, lambda features: features.update({column: {"dtype": "int16", "_type": "Value"}}))
    assert f"metadata of column {column}" in said(folder)


def test_metadata_that_name_other_columns(folder):
    features_edited(folder, lambda features: features.pop("split"))
    assert "name other columns" in said(folder)


@pytest.mark.parametrize("column", ["audio", "stems"])
@pytest.mark.parametrize("rate", [8000, 44100, None])
def test_another_sampling_rate(folder, column, rate):
    if "metadata.parquet" in str(shards(folder)[0]):
        pytest.skip("files say their own rate")

    def edit(features):
        if column in features:
            (features["audio"] if column == "audio" else features["stems"][0])["sampling_rate"] = rate

    features_edited(folder, edit)
    assert f"metadata of column {column} say sampling_rate = {rate}, wanted 16000" in said(folder)


def test_lists_as_version_4_of_the_library_wrote_them(folder):
    """Data sets of version 0.1.0 say List: that is as true, where it can be read."""

    def older(feature):
        if isinstance(feature, list):
            return {"feature": older(feature[0]), "_type": "List"}
        if isinstance(feature, dict):
            return {name: older(value) if name != "names" else value for name, value in feature.items()}
        return feature

    features_edited(folder, lambda features: features.update(older(features)))
    assert found(audit(folder, pictures=False), "loaded").holds


@pytest.mark.parametrize("kind", [pa.int32(), pa.float64()])
def test_a_column_of_another_type_in_one_shard(folder, kind):
    path = shards(folder)[0]
    table = pq.ParquetFile(path).read()
    position = table.schema.get_field_index("n_speakers")
    pq.write_table(table.set_column(position, "n_speakers", table.column("n_speakers").cast(kind)), path)
    assert f"column n_speakers is {kind}" in said(folder)


def test_a_column_more_and_a_column_less(folder):
    path = shards(folder)[0]
    table = pq.ParquetFile(path).read()
    pq.write_table(table.append_column("mood", pa.nulls(len(table), pa.string())), path)
    assert "mood" in said(folder)
    pq.write_table(table.drop_columns(["licence"]), path)
    assert "licence" in said(folder)


@pytest.mark.parametrize("column", ["audio", "stems"])
def test_names_of_sounds(folder, column):
    path = shards(folder)[0]
    table = pq.ParquetFile(path).read()
    if column not in table.column_names:
        column = "file_name"
    rows = table.to_pylist()
    if column == "stems":
        rows[1][column] = (
            rows[1][column][::-1] if len(rows[1][column]) > 1 else [{**rows[1][column][0], "path": "x.wav"}]
        )
    elif column == "audio":
        rows[1][column]["path"], rows[2][column]["path"] = rows[2][column]["path"], rows[1][column]["path"]
    else:
        rows[1][column], rows[2][column] = rows[2][column], rows[1][column]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    assert column in said(folder)
