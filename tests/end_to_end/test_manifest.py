"""``synth manifest``: labelled clips are the recordings themselves, split by group, rendered and checked like mixtures."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from synth.recipe import ManifestOptions, of_folder
from synth.tables import SOURCES, VERDICTS
from tests.end_to_end import labelled
from tests.end_to_end.commands import SYNTH, clips, files, litter, rows, samples, synth, values
from tests.real_data import DATA, needs_data

CONTRACT = {
    "README.md",
    "attribution.txt",
    "audit.json",
    "data",
    "manifest.parquet",
    "plan.parquet",
    "recipe.toml",
    "sources.parquet",
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """Sources as ``synth index`` writes them when nobody thinks of rates."""
    place = tmp_path_factory.mktemp("corpus") / "sounds"
    labelled.folder(place)
    out = place.parent / "sources.parquet"
    synth("index", place, "--csv", place.with_suffix(".csv"), "-o", out)
    return out


@pytest.fixture(scope="module")
def made(sources, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "set"
    synth("manifest", sources, "--seconds", 1, "--rate", 16000, "-o", out)
    return out


def groups_of(folder: Path) -> dict[str, str]:
    return {row["source_id"]: row["group_id"] for row in rows(folder / "sources.parquet", "source_id", "group_id")}


def own(path: Path) -> tuple[np.ndarray, int]:
    return soundfile.read(path, dtype="int16")


def test_the_folder_is_what_the_contract_says(made):
    assert {path.name for path in made.iterdir()} == CONTRACT
    assert litter(made) == []
    assert json.loads((made / "audit.json").read_text())["holds"] is True
    assert of_folder(made / "recipe.toml") == ManifestOptions(
        sources="sources.parquet", seconds=1.0, rate=16000, split="80/10/10"
    )


def test_a_clip_is_its_recording_and_then_zeros(made, sources):
    compared = Counter()
    for row in clips(made, "clip_id", "audio", "parts", "labels", "level_dbfs", "duration_s", "rate_hz"):
        (part,) = row["parts"]
        sound, rate = own(sources.parent / part["source_id"])
        n = round(part["duration_s"] * 16000)
        assert len(row["audio"]) == 16000 == row["duration_s"] * row["rate_hz"]
        assert not row["audio"][n:].any()
        assert (part["onset_s"], part["gain_db"]) == (0, 0)
        if rate == 16000:
            assert n == min(len(sound), 16000)
            mean = int(np.floor(sound.mean() + 0.5))
            assert np.array_equal(row["audio"][:n], sound[:n] - mean), "not a sample is changed but by the mean"
            compared["same"] += 1
        else:
            assert abs(n - min(len(sound) * 16000 / rate, 16000)) <= 1
            compared["resampled"] += 1
        power = (row["audio"].astype(float) ** 2).mean() / 32768**2
        assert abs(10 * np.log10(power) - row["level_dbfs"]) < 0.06
    assert compared == {"same": 30, "resampled": 60}


def test_labels_are_those_of_the_table_and_nothing_is_lost_without_a_word(made, sources):
    with (sources.parent / "sounds.csv").open(newline="") as file:
        wanted = {f"sounds/{r['path']}": sorted(r["labels"].split(";")) for r in csv.DictReader(file)}
    found = rows(made / "manifest.parquet")
    for row in found:
        assert row["labels"] == wanted.pop(row["parts"][0]["source_id"])
        assert row["labels_mask"] == [True] * len(row["labels"])
        assert row["n_speakers"] is row["cell"] is row["speakers_sex"] is row["overlap"] is None
    assert sorted(wanted) == [f"sounds/{n}" for n in ("broken.flac", "hush.wav", "late.wav", "nameless.wav")]
    left = json.loads(pq.read_schema(made / "plan.parquet").metadata[b"left_out"])
    assert sum(left.values()) == 4
    assert left["recordings without a label"] == 1
    assert left["silent"] == left["windows in which nothing is heard"] == 1
    card = (made / "README.md").read_text()
    assert "1 recording without a label" in card
    assert "no judge was asked" in card
    assert "30 recordings are shorter than a clip" in card


def test_groups_are_whole_and_labels_alike(made):
    group = groups_of(made)
    split_of = defaultdict(set)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    sizes: Counter[str] = Counter()
    for row in rows(made / "manifest.parquet", "split", "labels", "parts"):
        split_of[group[row["parts"][0]["source_id"]]].add(row["split"])
        sizes[row["split"]] += 1
        for label in row["labels"]:
            counts[label][row["split"]] += 1
    assert all(len(splits) == 1 for splits in split_of.values())
    for counted in [sizes, *counts.values()]:
        for split, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
            assert abs(counted[split] - share * counted.total()) < 4, (
                "a group holds three clips, some with a second label"
            )
            assert counted[split]


def test_audit_and_verify_hold_and_draw(made):
    done = synth("audit", made, "--all", "--json")
    claims = {finding["claim"]: finding["holds"] for finding in done.json["findings"]}
    for claim in ("counts", "labels", "groups-disjoint", "samples-disjoint", "active", "render", "licence", "levels"):
        assert claims[claim] is True, claim
    assert claims["shortcut-level"] is None, "how loud a sound is may belong to it"
    assert {"classes.png", "examples.png"} <= {path.name for path in (made / "pictures").iterdir()}
    assert synth("verify", made, "--all", "--json").json["checked"] == 90
    for path in (made / "pictures").iterdir():
        path.unlink()
    (made / "pictures").rmdir()


@pytest.mark.parametrize(("jobs", "more"), [(1, ()), (2, ()), (3, ("--store", "files", "--codec", "flac"))])
def test_48_khz_from_sources_measured_at_16(sources, tmp_path, jobs, more):
    """Nobody has to know at which rate the sources were measured; the bytes are those of any number of workers."""
    out = tmp_path / "set"
    synth("manifest", sources, "--seconds", 0.5, "-j", jobs, *more, "-o", out)
    assert synth("verify", out, "--all").code == 0
    assert json.loads(pq.read_schema(out / "sources.parquet").metadata[b"rate_hz"]) == 48000
    table = pq.read_table(out / "sources.parquet", columns=["envelope", "status"]).to_pylist()
    assert all(row["envelope"] for row in table if row["status"] == "ok")
    if not more:
        reference = tmp_path / "reference"
        synth("manifest", sources, "--seconds", 0.5, "-j", 4, "-o", reference)
        assert files(out) == files(reference)
        return
    for row in rows(out / "manifest.parquet", "file_name", "parts"):
        sound, rate = own(sources.parent / row["parts"][0]["source_id"])
        if rate == 48000:
            mean = int(np.floor(sound.mean() + 0.5))
            assert np.array_equal(samples(out / row["file_name"]), sound[:24000] - mean)


def test_an_empty_cache_and_a_folder_that_moved(made, sources, tmp_path):
    elsewhere = tmp_path / "else where"
    elsewhere.symlink_to(sources.parent / "sounds")
    out = tmp_path / "set"
    words = ("--seconds", 1, "--rate", 16000, "--root", f"sounds={elsewhere}", "-o", out)
    synth("manifest", sources, *words, SYNTH_CACHE_DIR=str(tmp_path / "cache"))
    assert files(out) == files(made)
    copy = tmp_path / "copy"
    synth("render", made / "plan.parquet", "-o", copy, "-j", 2)
    assert files(copy) == files(made, skip=("audit.json",))
    again = tmp_path / "again"  # what goes along with a data set is enough to make it again
    synth("manifest", made / "sources.parquet", "--seconds", 1, "--rate", 16000, "-o", again)
    assert files(again / "data") == files(made / "data")


def test_a_plan_of_labelled_clips_has_no_stems(made, tmp_path):
    done = synth("render", made / "plan.parquet", "--stems", "-o", tmp_path / "set", code=2)
    assert "--stems" in done.says
    flac = tmp_path / "flac"
    synth("render", made / "plan.parquet", "--codec", "flac", "--store", "files", "-o", flac)
    assert synth("verify", flac, "--all").code == synth("audit", flac).code == 0
    assert (flac / "attribution.txt").read_text() == (made / "attribution.txt").read_text()


def test_every_window_of_long_recordings(sources, tmp_path):
    out = tmp_path / "set"
    done = synth("manifest", sources, "--seconds", 1, "--rate", 16000, "--windows", "all", "-o", out, "--json").json
    per_source = Counter(row["parts"][0]["source_id"] for row in rows(out / "manifest.parquet", "parts"))
    assert Counter(per_source.values()) == {1: 61, 2: 30}, "30 last 2.5 s; of one only the fourth second is heard"
    assert done["left_out"]["windows in which nothing is heard"] == 3
    assert done["beyond_s"] == pytest.approx(30 * 0.5, abs=0.1)
    split_of = defaultdict(set)
    group = groups_of(out)
    for row in rows(out / "manifest.parquet", "split", "parts"):
        split_of[group[row["parts"][0]["source_id"]]].add(row["split"])
    assert all(len(splits) == 1 for splits in split_of.values())
    assert synth("verify", out, "--all").code == 0


def test_clips_of_one_label_each_have_a_class(sources, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "set"
    words = ("--label", "RAIN, light", "--label", "saw", "--seconds", 1, "--rate", 16000)
    done = synth("manifest", sources, *words, "-o", out, "--json").json
    assert done["left_out"]["recordings without a requested label"] > 0
    assert set(done["labels"]["train"]) == {"rain, light", "saw"}
    several = [row for row in rows(out / "manifest.parquet", "labels") if len(row["labels"]) > 1]
    assert several, "some clips have both"
    assert "label" not in pq.read_schema(out / "manifest.parquet").names
    single = tmp_path / "single"
    synth("manifest", sources, "--label", "saw", "--seconds", 1, "--rate", 16000, "-o", single)
    loaded = datasets.load_dataset(str(single), cache_dir=str(tmp_path / "hf"))
    assert loaded["train"].features["label"].names == ["saw"]
    assert loaded["train"].remove_columns("audio")[0]["labels"] == ["saw"]
    assert loaded["train"].features["audio"].sampling_rate == 16000
    both = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "hf"))
    assert {tuple(row) for part in both.values() for row in part["labels"]} >= {("saw",), ("rain, light", "saw")}


def verdict(source: str, label: str, what: str, by: str = "model") -> dict[str, object]:
    return {"source_id": source, "label": label, "verdict": what, "by": by, "score": 0.1, "p_wrong": 0.5}


def test_verdicts_take_labels_away(sources, tmp_path):
    table = [row for row in rows(sources, "source_id", "labels", "status") if row["status"] == "ok" and row["labels"]]
    one, two = ([row for row in table if len(row["labels"]) == n] for n in (1, 2))
    said = [
        verdict(one[0]["source_id"], one[0]["labels"][0], "wrong"),
        verdict(one[1]["source_id"], one[1]["labels"][0], "doubtful"),
        verdict(one[2]["source_id"], one[2]["labels"][0], "unjudged"),
        verdict(one[3]["source_id"], one[3]["labels"][0], "keep"),
        verdict(one[4]["source_id"], one[4]["labels"][0], "keep", "human"),
        verdict(one[4]["source_id"], one[4]["labels"][0], "wrong"),
        verdict(two[0]["source_id"], two[0]["labels"][0], "wrong", "human"),
        verdict(two[0]["source_id"], two[0]["labels"][1], "keep"),
    ]
    pq.write_table(pa.Table.from_pylist(said, schema=VERDICTS.schema()), tmp_path / "verdicts.parquet")
    words = (sources, "--seconds", 1, "--rate", 16000, "--verdicts", tmp_path / "verdicts.parquet")
    done = synth("manifest", *words, "-o", tmp_path / "keep", "--json").json
    found = {r["parts"][0]["source_id"]: r for r in rows(tmp_path / "keep" / "manifest.parquet")}
    assert one[0]["source_id"] not in found
    assert one[1]["source_id"] not in found
    assert done["left_out"]["recordings with every label below --min-verdict keep"] == 2
    assert done["labels_dropped"] == 3
    assert [found[one[k]["source_id"]]["labels_mask"] for k in (2, 3, 4)] == [[False], [True], [True]]
    assert found[two[0]["source_id"]]["labels"] == [two[0]["labels"][1]]
    assert found[two[0]["source_id"]]["labels_mask"] == [True]
    card = (tmp_path / "keep" / "README.md").read_text()
    assert "Labels removed because their verdict is below --min-verdict: 3." in card
    masks = [mask for row in rows(tmp_path / "keep" / "manifest.parquet", "labels_mask") for mask in row["labels_mask"]]
    assert f"A judge was asked: {sum(masks)} of {len(masks)} labels are verified" in card
    done = synth("manifest", *words, "--min-verdict", "doubtful", "-o", tmp_path / "doubtful", "--json").json
    found = {r["parts"][0]["source_id"]: r for r in rows(tmp_path / "doubtful" / "manifest.parquet")}
    assert found[one[1]["source_id"]]["labels_mask"] == [False]
    assert done["labels_dropped"] == 2
    assert synth("audit", tmp_path / "keep").code == synth("verify", tmp_path / "keep").code == 0


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--label", "sawn"), 2, "did you mean 'saw'"),
        (("--seconds", "0.501"), 2, "multiple of 0.02 s"),
        (("--rate", "44101"), 2, "--rate 44101"),
        (("--split", "80/20"), 2, "three shares"),
        (("--split", "subset:balanced=train"), 3, "no subset balanced"),
        (("--windows", "some"), 2, "some"),
        (("--min-verdict", "good"), 2, "good"),
        (("--verdicts", "none.parquet"), 3, "none.parquet does not exist"),
        (("--root", "other=/"), 2, "--root other"),
        (("--split", "given"), 3, "no clip is left"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(sources, tmp_path, words, code, text):
    done = synth("manifest", sources, "--seconds", 1, *words, "-o", tmp_path / "set", code=code, cwd=tmp_path)
    assert text in done.says
    assert not (tmp_path / "set").exists()


def test_too_few_groups_and_sources_without_labels(sources, tmp_path):
    table = pq.read_table(sources)
    few = table.filter(
        pa.array([group in ("sounds/video0", "sounds/video4") for group in table.column("group_id").to_pylist()])
    )
    pq.write_table(few, tmp_path / "few.parquet")
    done = synth("manifest", tmp_path / "few.parquet", "--seconds", 1, "-o", tmp_path / "set", code=3)
    assert "2 groups of clips for 3 splits" in done.says
    done = synth("index", "demo-voices", "-o", tmp_path / "voices.parquet")
    assert "Next: synth split" in done.says
    done = synth("manifest", tmp_path / "voices.parquet", "-o", tmp_path / "set", code=3)
    assert "100 recordings without a label" in done.says
    assert "--csv" in done.says
    missing = synth("manifest", tmp_path / "none.parquet", "-o", tmp_path / "set", code=3)
    assert "synth index" in missing.says


def test_a_changed_recording_is_refused_by_name(sources, tmp_path):
    import shutil

    copy = tmp_path / "sounds"
    shutil.copytree(sources.parent / "sounds", copy)
    soundfile.write(copy / "004.wav", labelled.tone(5000, 1, 16000), 16000)
    words = ("--seconds", 1, "--root", f"sounds={copy}", "-o", tmp_path / "set")
    for rate in (16000, 32000):
        done = synth("manifest", sources, "--rate", rate, *words, code=3, SYNTH_CACHE_DIR=str(tmp_path / "cache"))
        assert "sounds/004.wav" in done.says


def test_splits_that_are_given(sources, tmp_path):
    table = pq.read_table(sources)
    names = [
        "test" if int(group[12:]) < 6 else "train"
        for group in (
            value if value.startswith("sounds/video") else "sounds/video99"
            for value in table.column("group_id").to_pylist()
        )
    ]
    column = table.schema.get_field_index("split")
    given = table.set_column(column, table.schema.field("split"), pa.array(names, pa.string()))
    pq.write_table(given, tmp_path / "given.parquet")
    done = synth("manifest", tmp_path / "given.parquet", "--split", "given", "--seconds", 1, "--rate", 16000,
                 "-o", tmp_path / "set", "--json").json  # fmt: skip
    assert done["clips"] == {"train": 72, "test": 18}
    subset = ["eval" if name == "test" else "balanced" for name in names]
    column = table.schema.get_field_index("subset")
    named = table.set_column(column, table.schema.field("subset"), pa.array(subset, pa.string()))
    pq.write_table(named, tmp_path / "subsets.parquet")
    done = synth("manifest", tmp_path / "subsets.parquet", "--split", "subset:balanced=train,eval=test", "--seconds", 1,
                 "--rate", 16000, "-o", tmp_path / "named", "--json").json  # fmt: skip
    assert done["clips"] == {"train": 72, "test": 18}
    assert values(tmp_path / "named" / "manifest.parquet") == values(tmp_path / "set" / "manifest.parquet")
    torn = ["val" if k == 0 else name for k, name in enumerate(names)]
    column = table.schema.get_field_index("split")
    pq.write_table(
        table.set_column(column, table.schema.field("split"), pa.array(torn, pa.string())), tmp_path / "torn.parquet"
    )
    refused = synth("manifest", tmp_path / "torn.parquet", "--split", "given", "-o", tmp_path / "torn", code=3)
    assert "video0 (val, test)" in refused.says


def test_killed_at_any_moment_the_next_run_ends_with_the_same_bytes(sources, tmp_path):
    """At 48 kHz and 8 s a shard holds fifty clips, so that there are several to be killed between."""
    words = ["manifest", sources, "--seconds", 8, "-j", 2]
    whole = tmp_path / "whole" / "set"
    synth(*words, "-o", whole)
    assert len(list((whole / "data").iterdir())) >= 4
    out = tmp_path / "killed" / "set"
    moments = [
        (out / "plan.parquet").exists,
        lambda: any((out / "data").glob("train-*.parquet")),
        lambda: len(list((out / "data").glob("*.parquet"))) >= 3,
    ]
    for moment in moments:
        running = subprocess.Popen(
            [*SYNTH, *map(str, words), "-o", str(out)],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None and not moment():
            time.sleep(0.001)
        assert running.poll() is None, "the run ended before it could be killed"
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    kept = {path.name: path.stat().st_ino for path in (out / "data").glob("[!.]*.parquet")}
    synth(*words, "-o", out)
    assert kept.items() <= {path.name: path.stat().st_ino for path in (out / "data").iterdir()}.items()
    assert files(out) == files(whole)
    assert litter(out) == []


def test_an_output_of_other_options_is_refused(made, sources):
    before = files(made)
    done = synth("manifest", sources, "--seconds", 1, "--rate", 16000, "--seed", 1, "-o", made, code=3)
    assert "another recipe" in done.says
    done = synth("manifest", sources, "--seconds", 1, "--rate", 16000, "--codec", "flac", "-o", made, code=3)
    assert "another --codec" in done.says
    assert files(made) == before


def test_full_scale_stays_full_scale(tmp_path):
    """A clipped recording holds -32768 many times: a mixture may not, a recording that is used as it is may."""
    place = tmp_path / "loud"
    place.mkdir()
    square = np.where(np.arange(16000) // 50 % 2, 32767, -32768).astype(np.int16)
    for k in range(3):
        sound = square.copy()
        sound[[k, 50 + k]] = 0  # one at either end, so that the mean stays
        soundfile.write(place / f"{k}.wav", sound, 16000)
    (tmp_path / "loud.csv").write_text("path,labels\n0.wav,a\n1.wav,a\n2.wav,a\n")
    done = synth("index", place, "--csv", tmp_path / "loud.csv", "-o", tmp_path / "sources.parquet")
    assert "Next: synth manifest" in done.says, "not what is done with speakers"
    synth("manifest", tmp_path / "sources.parquet", "--seconds", 1, "--rate", 16000, "-o", tmp_path / "set")
    for row in clips(tmp_path / "set", "audio", "level_dbfs", "parts"):
        sound, _ = own(place / Path(row["parts"][0]["source_id"]).name)
        assert np.array_equal(row["audio"], sound)
        assert row["audio"].min() == -32768
        assert row["level_dbfs"] == 0
    assert synth("verify", tmp_path / "set", "--all").code == 0


@needs_data
@pytest.mark.parametrize("rate", [16000, pytest.param(48000, marks=pytest.mark.slow)])
def test_esc_10(tmp_path, monkeypatch, rate):
    """The clips of ESC-10 with their fold as group, and with the recording they were cut from."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets")
    assert DATA
    place = DATA / "esc10" / "audio"
    with (DATA / "esc10" / "esc50.csv").open(newline="") as file:
        table = [row for row in csv.DictReader(file) if (place / f"{Path(row['filename']).stem}.ogg").exists()]
    category = {f"audio/{Path(row['filename']).stem}.ogg": row["category"] for row in table}
    for column, wanted in (("fold", {"train": 16, "val": 8, "test": 8}), ("src_file", None)):
        with (tmp_path / f"{column}.csv").open("w", newline="") as file:
            lines = [(f"{Path(row['filename']).stem}.ogg", row["category"], row[column]) for row in table]
            csv.writer(file).writerows([("path", "labels", "group_id"), *lines])
        synth("index", place, "--csv", tmp_path / f"{column}.csv", "-o", tmp_path / f"{column}.parquet")
        out = tmp_path / column
        synth("manifest", tmp_path / f"{column}.parquet", "--seconds", 5, "--rate", rate, "-o", out)
        assert synth("audit", out).code == synth("verify", out).code == 0
        group = groups_of(out)
        where: dict[str, set[str]] = defaultdict(set)
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows(out / "manifest.parquet", "split", "labels", "parts"):
            source = row["parts"][0]["source_id"]
            assert row["labels"] == [category[source]]
            where[source].add(row["split"])
            where[group[source]].add(row["split"])
            counts[category[source]][row["split"]] += 1
        assert all(len(splits) == 1 for splits in where.values())
        assert len(counts) == 10
        for counted in counts.values():
            if wanted:
                assert counted == wanted, "four folds of eight clips of each label make 2/1/1"
            else:
                assert all(abs(counted[s] - p * 32) <= 2 for s, p in (("train", 0.8), ("val", 0.1), ("test", 0.1)))
        loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "hf"))
        assert loaded["train"].features["label"].names == sorted(set(category.values()))
        first = loaded["test"].remove_columns("audio")[0]
        assert first["labels"] == [loaded["test"].features["label"].names[first["label"]]]
        assert loaded["test"].features["audio"].sampling_rate == rate


@needs_data
def test_emotions_of_ravdess(tmp_path):
    """41 clips at 48 kHz to 16 kHz, an actor as group; with so few actors a label may be missing from a split."""
    assert DATA
    place = DATA / "ravdess"
    emotions = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    found = sorted(path for path in place.rglob("03-*") if path.suffix in (".wav", ".flac"))
    with (tmp_path / "emotions.csv").open("w", newline="") as file:
        lines = [
            (path.relative_to(place).as_posix(), emotions[int(path.name[6:8]) - 1], path.parent.name) for path in found
        ]
        csv.writer(file).writerows([("path", "labels", "speaker_id"), *lines])
    # a file --csv of one's own makes it a plain folder, whatever its layout is
    synth("index", place, "--csv", tmp_path / "emotions.csv", "-o", tmp_path / "sources.parquet")
    words = ("--split", "60/20/20", "--seconds", 4, "--rate", 16000)
    done = synth("manifest", tmp_path / "sources.parquet", *words, "-o", tmp_path / "set", "--json").json
    assert sum(done["clips"].values()) == len(found)
    assert set(done["labels"]["train"]) == set(emotions)
    assert synth("audit", tmp_path / "set", "--all").code == synth("verify", tmp_path / "set", "--all").code == 0
    assert SOURCES.names == pq.read_schema(tmp_path / "set" / "sources.parquet").names


def test_the_card_of_a_set_without_train_loads_a_split_that_is_there(sources, tmp_path):
    synth("manifest", sources, "--label", "bark", "--split", "0/0/100", "--seconds", 1, "-o", tmp_path / "set")
    card = (tmp_path / "set" / "README.md").read_text()
    assert [path.name for path in (tmp_path / "set" / "data").iterdir()] == ["test-00000-of-00001.parquet"]
    assert 'names = clips["test"].features["label"].names' in card and '["train"]' not in card
