"""The folder opens in the tools that people train with, without a conversion and without a word about its types."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from tests.end_to_end.commands import cell_names, clips, samples, synth

COUNTS = {"train": 180, "val": 18, "test": 18}
NAMES = ["F", "FF", "FFF", "FFM", "FM", "FMM", "M", "MM", "MMM"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("loaders") / "crowd"
    synth("mix", "--clips", "180/18/18", "--stems", "--out", out)
    return out


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """The same clips, one file each."""
    out = tmp_path_factory.mktemp("loaders") / "crowd"
    synth("mix", "--clips", "180/18/18", "--store", "files", "--codec", "flac", "--out", out)
    return out


def run(code: str, *words: object, home: Path) -> str:
    """Run a script in a process of its own, with no network and no cache but ``home``; return what it prints."""
    alone = {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "HOME": str(home)}
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, words)],
        env={**os.environ, **alone},
        capture_output=True,
        text=True,
        timeout=300,
        cwd=home,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_datasets_knows_audio_classes_and_splits(folder, tmp_path):
    pytest.importorskip("datasets")
    said = run(
        """
        import io, json, sys
        import soundfile
        from datasets import Audio, ClassLabel, load_dataset

        clips = load_dataset(sys.argv[1], cache_dir=sys.argv[2])
        features = clips["train"].features
        assert isinstance(features["audio"], Audio) and features["audio"].sampling_rate == 16000
        assert isinstance(features["cell"], ClassLabel), features["cell"]
        inner = features["stems"].feature
        assert isinstance(inner, Audio) and inner.sampling_rate == 16000
        plain = clips.cast_column("audio", Audio(decode=False)).remove_columns("stems")  # bytes, without a decoder
        first = plain["train"][0]
        sound, rate = soundfile.read(io.BytesIO(first["audio"]["bytes"]))
        assert rate == 16000 and len(sound) == 16000
        assert first["parts"][0]["speaker_id"].startswith("demo-voices/")
        by_class = clips["train"].remove_columns(["audio", "stems"]).filter(lambda row: row["n_speakers"] == 2)
        print(json.dumps({
            "counts": {split: len(rows) for split, rows in clips.items()},
            "names": sorted(features["cell"].names),
            "first": features["cell"].int2str(first["cell"]) == "".join(sorted(first["speakers_sex"])),
            "pairs": len(by_class),
        }))
        """,
        folder,
        tmp_path,
        home=tmp_path,
    )
    assert said.splitlines()[-1] == str(
        {"counts": COUNTS, "names": NAMES, "first": True, "pairs": 60}
    ).replace("'", '"').replace("True", "true")  # fmt: skip


TYPES_OF_3_6 = {
    "Value", "ClassLabel", "Translation", "TranslationVariableLanguages", "LargeList", "Sequence",
    "Array2D", "Array3D", "Array4D", "Array5D", "Audio", "Image", "Video", "Pdf",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "sounds"])
def test_the_metadata_name_no_type_that_came_later(kind, request):
    """Many stay with datasets 3.6, as 4.0 wants torchcodec; it refuses a file for one type that it does not know."""

    def types(found):
        if isinstance(found, dict):
            here = {found["_type"]} if isinstance(found.get("_type"), str) else set()
            return here.union(*(types(one) for one in found.values()))
        return set().union(*(types(one) for one in found)) if isinstance(found, list) else set()

    where = request.getfixturevalue(kind)
    for path in [where / "manifest.parquet", *(where / "data").rglob("*.parquet")]:
        features = json.loads(pq.read_schema(path).metadata[b"huggingface"])["info"]["features"]
        assert {"Value", "ClassLabel"} <= types(features) <= TYPES_OF_3_6


def test_datasets_streams_it(folder, tmp_path):
    pytest.importorskip("datasets")
    said = run(
        """
        import sys
        from datasets import load_dataset

        clips = load_dataset(sys.argv[1], split="test", streaming=True).decode(False)
        rows = list(clips)
        print(len(rows), rows[0]["clip_id"], rows[0]["audio"]["bytes"][:4], rows[0]["audio"]["path"])
        """,
        folder,
        home=tmp_path,
    )
    assert said.split() == ["18", "test-00000000", "b'RIFF'", "test-00000000.wav"]


def test_datasets_reads_audio_files_with_their_labels(sounds, tmp_path):
    """As the card of a folder of files says: audiofolder, with the metadata beside the sounds."""
    pytest.importorskip("datasets")
    assert 'load_dataset("audiofolder", data_dir="data")' in (sounds / "README.md").read_text()
    said = run(
        """
        import sys, types
        from datasets import Audio, load_dataset

        encoders = types.ModuleType("torchcodec.encoders")  # imported even for sounds that are only named, never called
        encoders.AudioEncoder = None
        sys.modules |= {"torchcodec": types.ModuleType("torchcodec"), "torchcodec.encoders": encoders}

        clips = load_dataset("audiofolder", data_dir=sys.argv[1] + "/data", cache_dir=sys.argv[2])
        plain = clips.cast_column("audio", Audio(decode=False))
        print({split: len(rows) for split, rows in clips.items()})
        row = plain["train"][0]
        print(row["n_speakers"], row["speakers_sex"], row["clip_id"])
        """,
        sounds,
        tmp_path,
        home=tmp_path,
    )
    first = pq.read_table(sounds / "manifest.parquet").slice(0, 1).to_pylist()[0]
    counts, row = said.splitlines()[-2:]
    assert sorted(eval(counts).items()) in (
        sorted(COUNTS.items()),
        sorted({"train": 180, "validation": 18, "test": 18}.items()),
    )
    assert row.split() == [str(first["n_speakers"]), first["speakers_sex"], first["clip_id"]]


def test_pandas(folder):
    pandas = pytest.importorskip("pandas")
    labels = pandas.read_parquet(folder / "manifest.parquet")
    assert len(labels) == 216
    assert labels.groupby(["split", "n_speakers"]).size()["train", 3] == 60
    assert labels.loc[0, "parts"][0]["speaker_id"].startswith("demo-voices/")
    assert labels["cell"].map(dict(enumerate(cell_names(folder)))).eq(
        labels["speakers_sex"].map(lambda sexes: "".join(sorted(sexes)))
    ).all()  # fmt: skip


def test_polars(folder):
    polars = pytest.importorskip("polars")
    labels = polars.read_parquet(folder / "manifest.parquet")
    assert labels.height == 216
    speakers = labels.select("parts").explode("parts").unnest("parts")["speaker_id"].n_unique()
    assert speakers == 20
    lazy = polars.scan_parquet(folder / "data" / "train-*.parquet").select("clip_id", "n_speakers").collect()
    assert lazy.height == 180


def test_duckdb(folder):
    duckdb = pytest.importorskip("duckdb")
    query = f"SELECT split, count(*) FROM '{folder}/manifest.parquet' GROUP BY split ORDER BY split"
    assert duckdb.sql(query).fetchall() == [("test", 18), ("train", 180), ("val", 18)]
    query = f"""
        SELECT part.sex, count(DISTINCT part.speaker_id)
        FROM (SELECT unnest(parts) AS part FROM '{folder}/manifest.parquet') GROUP BY 1 ORDER BY 1
    """
    assert duckdb.sql(query).fetchall() == [("F", 10), ("M", 10)]


def _readme(word: str) -> str:
    """Return the README's Python example that holds a word."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in block]
    return block


def test_the_readme_for_torch_gives_every_clip_with_its_count(folder, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "demo-speakers-1-3").symlink_to(folder)
    script = _readme("DataLoader") + textwrap.dedent(
        """
        import collections, json

        counted, sums = collections.Counter(), []
        for waveforms, counts in loader:
            assert waveforms.dtype == torch.float32 and waveforms.shape == (len(counts), 16000)
            assert counts.dtype == torch.int64
            counted.update(counts.tolist())
            sums += [float(abs(waveform).mean()) for waveform in waveforms]
        workers = DataLoader(loader.dataset, batch_size=32, num_workers=2)
        assert sum(len(counts) for _, counts in workers) == 180
        print(json.dumps([sorted(counted.items()), sorted(sums)]))
        """
    )
    counted, sums = json.loads(run(script, home=tmp_path).splitlines()[-1])
    assert counted == [[1, 60], [2, 60], [3, 60]]
    made = [np.abs(row["audio"] / 32768).mean() for row in clips(folder, "split", "audio") if row["split"] == "train"]
    assert sums == pytest.approx(sorted(made), rel=1e-4)


def test_the_readme_for_datasets_and_pandas_runs(folder, tmp_path):
    pytest.importorskip("datasets")
    (tmp_path / "demo-speakers-1-3").symlink_to(folder)
    said = run(_readme("load_dataset"), home=tmp_path)
    assert "sampling_rate=16000" in said and "'FFM'" in said
    said = run(_readme("read_parquet"), home=tmp_path)
    assert ["train", "1", "60"] in [line.split() for line in said.splitlines()]


def test_soundfile_reads_the_bytes(folder):
    for path in sorted((folder / "data").glob("*.parquet")):
        for row in pq.read_table(path, columns=["audio", "clip_id", "stems"]).to_pylist():
            sound, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
            assert (rate, sound.shape, sound.dtype) == (16000, (16000,), np.int16)
            assert row["audio"]["path"] == f"{row['clip_id']}.wav"
            assert [stem["path"] for stem in row["stems"]] == [
                f"{row['clip_id']}.{k}.wav" for k in range(len(row["stems"]))
            ]


def test_files_are_plain_sounds(sounds, folder):
    named = pq.read_table(sounds / "manifest.parquet", columns=["clip_id", "file_name"]).to_pylist()
    wanted = {row["clip_id"]: row["audio"] for row in clips(folder, "clip_id", "audio")}
    assert len(named) == 216
    for row in named:
        assert soundfile.info(sounds / row["file_name"]).format == "FLAC"
        assert np.array_equal(samples(sounds / row["file_name"]), wanted[row["clip_id"]])
    beside = list((sounds / "data").rglob("*.flac"))
    assert len(beside) == 216


def test_row_groups_are_small_enough_to_stream(folder):
    for path in (folder / "data").glob("*.parquet"):
        metadata = pq.ParquetFile(path).metadata
        assert all(metadata.row_group(k).num_rows <= 1000 for k in range(metadata.num_row_groups))
