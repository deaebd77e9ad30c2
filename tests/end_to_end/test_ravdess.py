"""RAVDESS: few actors, a rate of 48 kHz, some files in stereo, a strict licence, and emotions worth keeping."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import soundfile
import soxr

from tests.end_to_end.commands import cell_names, clips, planned, rows, synth
from tests.real_data import DATA, needs_data

pytestmark = needs_data

STEREO = "Actor_01/03-01-02-01-01-02-01.wav"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """RAVDESS alone: five women, five men."""
    out = tmp_path_factory.mktemp("alone") / "emotions"
    options = ["--speakers", "1-2", "--split", "60/40/0", "--clips", "600/120/0", "--stems"]
    synth("mix", "--source", DATA / "ravdess", *options, "--out", out)
    return out


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """RAVDESS with LibriSpeech."""
    folder = tmp_path_factory.mktemp("both")
    plan = planned(folder, DATA / "LibriSpeech", DATA / "ravdess", plan=("--clips", "900/90/90", "--speakers", "1-3"))
    synth("render", plan, "-o", folder / "set")
    return folder / "set"


def test_two_splits_of_ten_actors_work(alone):
    counts = Counter(
        (row["split"], row["n_speakers"]) for row in rows(alone / "manifest.parquet", "split", "n_speakers")
    )
    assert counts == {("train", 1): 300, ("train", 2): 300, ("val", 1): 60, ("val", 2): 60}
    assert sorted(path.name.split("-")[0] for path in (alone / "data").iterdir()) == ["train", "val"]


def test_three_splits_of_ten_actors_are_refused_with_the_numbers(tmp_path):
    refused = synth("mix", "--source", DATA / "ravdess", "--speakers", "1-2", "--out", tmp_path / "set", code=3)
    assert "5 female speakers are too few" in refused.says
    assert "2 for train, 2 for val, 2 for test make 6" in refused.says
    assert "Nearest feasible" in refused.says and "--speakers up to 1" in refused.says
    assert not (tmp_path / "set").exists()


def test_the_nearest_feasible_request_is_feasible(tmp_path):
    """What the refusal above names can be typed."""
    options = ("--source", DATA / "ravdess", "--clips", "60/12/12", "--out", tmp_path / "set")
    synth("mix", "--speakers", "1", *options)
    synth(
        "mix", "--speakers", "1-2", "--split", "60/40/0", *options[:2], "--clips", "60/12/0", "--out", tmp_path / "two"
    )


def test_the_manifest_keeps_what_the_corpus_knows(both):
    by_name = {s["source_id"]: s for s in rows(both / "sources.parquet")}
    emotions = Counter()
    for row in rows(both / "manifest.parquet", "parts", "licence", "attribution"):
        for part in row["parts"]:
            name = part["source_id"].rpartition("/")[2].partition(".")[0]
            if part["corpus"] == "ravdess":
                _, channel, emotion, intensity, statement, repetition, actor = map(int, name.split("-"))
                known = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
                assert part["emotion"] == known[emotion - 1]
                assert part["intensity"] == ["normal", "strong"][intensity - 1]
                assert part["statement"].startswith(["Kids", "Dogs"][statement - 1])
                assert part["utterance_text"] == part["statement"]
                assert part["repetition"] == str(repetition)
                assert part["vocal_channel"] == ["speech", "song"][channel - 1]
                assert part["speaker_id"] == f"ravdess/{actor:02d}"
                assert part["sex"] == "FM"[actor % 2]
                emotions[part["emotion"]] += 1
            else:
                assert part["emotion"] is part["intensity"] is part["statement"] is part["repetition"] is None
                assert part["utterance_text"] == by_name[part["source_id"]]["utterance_text"]
        mixed = any(part["corpus"] == "ravdess" for part in row["parts"])
        assert row["licence"] == ("CC-BY-NC-SA-4.0" if mixed else "CC-BY-4.0")
        assert ("Livingstone" in row["attribution"]) == mixed
        assert ("Panayotov" in row["attribution"]) == any(part["corpus"] == "librispeech" for part in row["parts"])
    assert len(emotions) == 8, "all eight emotions are drawn"


def test_the_licence_of_the_whole_is_the_strictest(both, alone):
    for folder in (both, alone):
        card = (folder / "README.md").read_text()
        assert "license: cc-by-nc-sa-4.0" in card
        assert "CC-BY-NC-SA-4.0" in card
        credit = (folder / "attribution.txt").read_text()
        assert "Livingstone" in credit
    assert "Panayotov" in (both / "attribution.txt").read_text()


def test_the_corpus_is_no_class(both):
    """Both corpora are in every class, as their voices are in the pool: the corpus does not tell the class."""
    names = cell_names(both)
    share = {}
    for row in rows(both / "manifest.parquet", "cell", "parts"):
        for part in row["parts"]:
            share.setdefault(names[row["cell"]], Counter())[part["corpus"]] += 1
    assert set(share) == set(names)
    for name, counts in share.items():
        assert 0.12 < counts["ravdess"] / counts.total() < 0.45, (name, counts)


def test_the_stereo_file_is_right(tmp_path):
    """Decoded, downmixed, resampled and centred here by other means: the stem is that, times its gain."""
    path = DATA / "ravdess" / STEREO
    stereo, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert stereo.shape[1] == 2 and rate == 48000
    mono = np.floor(stereo.astype(np.int64).sum(axis=1) / 2 + 0.5)
    wide = np.rint(soxr.resample(mono.astype(np.float32), 48000, 16000, quality="HQ")).astype(np.int64)
    wanted = wide - int(np.floor(wide.sum() / len(wide) + 0.5))

    used = _stems_of(tmp_path, STEREO)
    assert used, "the file is drawn"
    for stem, start, gain in used:
        assert np.array_equal(stem, (wanted[start : start + len(stem)] * gain + 2048) >> 12)


def test_a_mono_file_of_the_output_rate_is_right(tmp_path):
    """At 48 kHz nothing is resampled."""
    path = next((DATA / "ravdess").rglob("*.wav"))
    relative = path.relative_to(DATA / "ravdess").as_posix()
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    mono = np.floor(samples.astype(np.int64).mean(axis=1) + 0.5).astype(np.int64)
    wanted = mono - int(np.floor(mono.sum() / len(mono) + 0.5))
    used = _stems_of(tmp_path, relative, rate)
    assert used
    for stem, start, gain in used:
        assert np.array_equal(stem, (wanted[start : start + len(stem)] * gain + 2048) >> 12)


def test_actors_with_odd_numbers_are_men(alone):
    for row in rows(alone / "sources.parquet", "speaker_id", "sex", "rate_hz", "channels", "path"):
        assert row["sex"] == "FM"[int(row["speaker_id"][-2:]) % 2]
        assert row["rate_hz"] == 48000
        assert row["channels"] == (2 if row["path"] == STEREO else 1)


def _stems_of(tmp_path, path: str, rate: int = 16000) -> list[tuple[np.ndarray, int, int]]:
    """Render clips of one speaker; return the samples, window starts and gains of those from one recording."""
    plan = planned(
        tmp_path,
        DATA / "ravdess",
        split="100/0/0",
        plan=("--speakers", "1", "--clips", "120/0/0", "--rate", rate),
        index=("--rate", rate),
    )
    synth("render", plan, "-o", tmp_path / "set", "--stems")
    used = []
    for row, made in zip(rows(plan), clips(tmp_path / "set", "stems"), strict=True):
        part = row["parts"][0]
        if part["source_id"] == f"ravdess/{path}":
            used.append((made["stems"][0].astype(np.int64), part["start_n"], part["gain_q12"]))
    return used
