"""Damaged corpora: one bad file among many is a row with a reason and a count on the screen; nothing good is an error."""

from __future__ import annotations

import os
import shutil
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.end_to_end.commands import rows, synth
from tests.end_to_end.speech import corpus, recordings
from tests.real_data import DATA, needs_data

GOOD = 29  # of the thirty recordings of six voices one is damaged


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    path.write_bytes(bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_frames(path: Path) -> None:
    soundfile.write(path, np.zeros(0, np.int16), 16_000, format="WAV")


def silent(path: Path) -> None:
    soundfile.write(path, np.zeros(40_000, np.int16), 16_000)


def pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d" * 32 + "\nsize 123456\n")


def web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>")


def cut_wav_named_flac(path: Path) -> None:
    samples = soundfile.read(path, dtype="int16")[0]
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 2 * len(samples), b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", 2 * len(samples))  # fmt: skip
    path.write_bytes(header + samples[:1000].tobytes())


def damaged_within(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)


def twin_of_another_speaker(path: Path) -> None:
    shutil.copy(recordings(path.parents[3])[-1], path)


DAMAGE = {
    half: ("truncated", "promises"),
    garbage: ("unreadable", "libsndfile"),
    empty: ("empty", "no bytes"),
    no_frames: ("empty", "without a sample"),
    silent: ("silent", "-90 dBFS"),
    pointer: ("lfs-pointer", "git lfs pull"),
    web_page: ("unreadable", "unknown content"),
    cut_wav_named_flac: ("truncated", "ends after 1,000"),
    damaged_within: ("unreadable", "damaged FLAC"),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_one_bad_file_is_a_row_with_a_reason_and_a_count(tmp_path, damage):
    status, reason = DAMAGE[damage]
    root = corpus(tmp_path / "voices")
    bad = recordings(root)[3]
    damage(bad)
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert f"{GOOD} recordings can be used" in done.says
    assert f"not used: 1 {status}, e.g. voices/{bad.relative_to(root).as_posix()}" in done.says
    (row,) = [row for row in rows(tmp_path / "sources.parquet") if row["status"] != "ok"]
    assert row["status"] == status and reason in row["reason"], row["reason"]
    assert row["source_id"] == f"voices/{bad.relative_to(root).as_posix()}"
    made = tmp_path / "set"
    synth("mix", "--source", root, "--speakers", 1, "--clips", "60/6/6", "--out", made)
    used = {part["source_id"] for row in rows(made / "manifest.parquet", "parts") for part in row["parts"]}
    assert row["source_id"] not in used
    assert f"1 {status}" in (made / "README.md").read_text()


def test_every_kind_at_once_is_counted(tmp_path):
    root = corpus(tmp_path / "voices")
    for damage, path in zip(DAMAGE, recordings(root)[::3], strict=False):
        damage(path)
    done = synth("index", root, "-o", tmp_path / "sources.parquet", "--json")
    wanted = Counter(status for status, _ in DAMAGE.values())
    assert done.json["status"] == {"ok": 30 - len(DAMAGE), **wanted}


def test_the_same_recording_under_two_speakers_is_believed_of_neither(tmp_path):
    root = corpus(tmp_path / "voices")
    twin_of_another_speaker(recordings(root)[0])
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert "not used: 2 conflicting-speakers" in done.says and "under other speakers: demo-voices/" in done.says


def test_nothing_usable_is_an_error_with_the_counts(tmp_path):
    root = corpus(tmp_path / "voices", ("9901",))
    for path in recordings(root):
        pointer(path)
    failed = synth("index", root, "-o", tmp_path / "sources.parquet", code=3)
    assert "none of 5 recordings can be used" in failed.says
    assert "5 lfs-pointer" in failed.says and "git lfs pull" in failed.says
    assert [path.name for path in tmp_path.iterdir()] == ["voices"]


@needs_data
def test_pointers_as_found(tmp_path):
    root = tmp_path / "pointers"
    shutil.copytree(DATA / "librispeech_variants" / "lfs_pointers", root)
    shutil.copy(DATA / "LibriSpeech" / "SPEAKERS.TXT", root)
    failed = synth("index", root, "-o", tmp_path / "sources.parquet", code=3)
    assert "3 lfs-pointer" in failed.says and "git lfs pull" in failed.says


def test_no_table_of_speakers(tmp_path):
    root = corpus(tmp_path / "voices")
    (root / "SPEAKERS.TXT").unlink()
    failed = synth("index", root, "-o", tmp_path / "sources.parquet", code=3)
    assert "there is no SPEAKERS.TXT" in failed.says and "looked in" in failed.says and str(root) in failed.says
    assert "https://www.openslr.org/12" in failed.says and "--csv FILE" in failed.says
    assert not (tmp_path / "sources.parquet").exists()


def test_a_speaker_who_is_in_no_table(tmp_path):
    root = corpus(tmp_path / "voices")
    table = root / "SPEAKERS.TXT"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("9903")))
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert "not used: 5 unknown-speaker" in done.says and "speaker 9903 is not in SPEAKERS.TXT" in done.says
    failed = synth("mix", "--source", root, "--speakers", 1, "--out", tmp_path / "set", code=3)
    assert "2 female speakers are too few" in failed.says and "1 for train, 1 for val, 1 for test make 3" in failed.says


def test_a_folder_without_audio(tmp_path):
    (tmp_path / "texts").mkdir()
    for k in range(3):
        (tmp_path / "texts" / f"{k}.txt").write_text("no sound")
    failed = synth("index", tmp_path / "texts", "-o", tmp_path / "sources.parquet", code=3)
    assert "holds no audio: found 3 .txt" in failed.says and ".flac" in failed.says and "Next:" in failed.says
    (tmp_path / "texts" / "train-clean-5.tar.gz").write_bytes(b"\x1f\x8b")
    failed = synth("index", tmp_path / "texts", "-o", tmp_path / "sources.parquet", code=3)
    assert "unpack train-clean-5.tar.gz first" in failed.says


def test_an_empty_folder_a_file_and_nothing_at_all(tmp_path):
    (tmp_path / "void").mkdir()
    assert "found no files" in synth("index", tmp_path / "void", "-o", tmp_path / "s.parquet", code=3).says
    failed = synth("index", tmp_path / "gone", "-o", tmp_path / "s.parquet", code=3)
    assert f"{tmp_path / 'gone'} does not exist" in failed.says and "wanted a folder of recordings" in failed.says
    (tmp_path / "file.flac").write_bytes(b"fLaC")
    failed = synth("index", tmp_path / "file.flac", "-o", tmp_path / "s.parquet", code=3)
    assert "is a file" in failed.says
    for name in ("gone", "file.flac"):
        synth("mix", "--source", tmp_path / name, "--out", tmp_path / "set", code=3)
    assert not (tmp_path / "set").exists() and not (tmp_path / "s.parquet").exists()


def test_what_macos_leaves_beside_recordings_is_not_read(tmp_path):
    root = corpus(tmp_path / "voices")
    first = recordings(root)[0]
    (first.parent / f"._{first.name}").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(100))
    (root / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert "30 recordings can be used" in done.says and "not used: 1 litter" in done.says
    assert "an operating system left behind" in done.says


@needs_data
def test_litter_as_found(tmp_path):
    """Each utterance twice, as FLAC and as WAV, and files of a Finder."""
    root = tmp_path / "LibriSpeech"
    shutil.copytree(DATA / "librispeech_variants" / "mac_litter", root)
    shutil.copy(DATA / "LibriSpeech" / "SPEAKERS.TXT", root)
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    states = Counter((row["status"], row["path"].rpartition(".")[2]) for row in rows(tmp_path / "sources.parquet"))
    assert states["ok", "flac"] >= 2 and states["ok", "wav"] == 0
    assert "duplicate" in done.says


def test_a_wrong_extension_is_read_by_its_content(tmp_path):
    """The first bytes decide: FLAC named .wav is heard; in capitals likewise."""
    root = corpus(tmp_path / "voices")
    one, two = recordings(root)[:2]
    one.rename(one.with_suffix(".wav"))
    two.rename(two.with_suffix(".FLAC"))
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert "30 recordings can be used" in done.says
    formats = {row["path"].rpartition(".")[2]: row["format"] for row in rows(tmp_path / "sources.parquet")}
    assert formats == {"wav": "FLAC/PCM_16", "FLAC": "FLAC/PCM_16", "flac": "FLAC/PCM_16"}


def test_an_extension_that_is_no_audio_is_not_taken_for_one(tmp_path):
    root = corpus(tmp_path / "voices")
    first = recordings(root)[0]
    first.rename(first.with_suffix(".flac.part"))
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert "29 recordings can be used" in done.says
    assert "lines of transcripts without a recording" in done.says


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_no_utf8(tmp_path):
    root = corpus(tmp_path / "voices")
    first = recordings(root)[0]
    try:
        first.rename(first.with_name(os.fsdecode(b"9901-120037-\xe9\xff.flac")))
    except OSError:
        pytest.skip("this file system takes no such name")
    done = synth("index", root, "-o", tmp_path / "sources.parquet")
    assert "29 recordings can be used" in done.says
    assert "not used: 1 bad-name" in done.says and "\\xe9\\xff" in done.says and "rename" in done.says
    (row,) = [row for row in rows(tmp_path / "sources.parquet") if row["status"] != "ok"]
    assert row["path"].endswith("9901-120037-\\xe9\\xff.flac")


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
@pytest.mark.parametrize("below", ["voices", "."])
def test_a_corpus_in_a_folder_that_is_no_utf8(tmp_path, below):
    """Itself or a folder above: the name is written with backslashes, and where a corpus lies is no part of a data set."""
    plain = corpus(tmp_path / "voices")
    odd = tmp_path / os.fsdecode(b"odd place \xe9\xe8")
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    if below == ".":
        odd.rmdir()
    plain.rename(odd / below if below == "voices" else odd)
    words = ["--source", odd / below, "--speakers", 1, "--clips", "30/3/3", "--out", tmp_path / "set"]
    synth("mix", *words)
    first = rows(tmp_path / "set" / "manifest.parquet", "parts")[0]["parts"][0]["source_id"]
    assert first.startswith("voices/demo/" if below == "voices" else "odd place \\xe9\\xe8/demo/")
    assert not any(b"\xe9\xe8" in path.read_bytes() for path in (tmp_path / "set").glob("*.*"))
    synth("verify", tmp_path / "set")


def test_a_csv_with_rows_that_cannot_be(tmp_path):
    root = corpus(tmp_path / "voices")
    names = [path.relative_to(root).as_posix() for path in recordings(root)]
    table = tmp_path / "mine.csv"
    table.write_text("path,speaker_id,sex\n" + f"{names[0]},a,F\n{names[1]},b,X\n")
    done = synth("index", root, "--csv", table, "-o", tmp_path / "some.parquet")
    assert "1 unknown-sex" in done.says and "row 3 of mine.csv says 'X'" in done.says
    table.write_text("name,speaker_id\nx,a\n")
    failed = synth("index", root, "--csv", table, "-o", tmp_path / "sources.parquet", code=3)
    assert "no column 'path'; found name, speaker_id" in failed.says
    table.write_text("path,sex\nnot/there.flac,F\n")
    failed = synth("index", root, "--csv", table, "-o", tmp_path / "sources.parquet", code=3)
    assert "its only path is not there" in failed.says and "row 2 says not/there.flac" in failed.says
    assert not (tmp_path / "sources.parquet").exists()
