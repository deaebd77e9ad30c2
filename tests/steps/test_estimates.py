"""What is announced before the work is what is made: bytes with stems, clips of all windows; sizes in a fitting unit."""

from __future__ import annotations

import re
import shutil

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from synth import demo
from synth.recipe import MixOptions
from synth.steps import second_opinion
from synth.steps.audit import SAMPLE
from synth.steps.estimates import ASKED, LISTENED, OPINION_AUDIO_S, OPINION_S, audio_bytes, expected, of_mix, windows
from synth.units import size
from tests.end_to_end.commands import rows, synth


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1400, "1.4 kB"),
        (30_000, "30 kB"),
        (999_600, "1 MB"),
        (1_370_000, "1.4 MB"),
        (138_900_000, "139 MB"),
        (6.4e9, "6.4 GB"),
        (2e12, "2 TB"),
        (3e18, "3,000 PB"),
    ],
)
def test_a_size_is_in_the_unit_that_fits(count, text):
    assert size(count) == text


@given(st.integers(1, 10**17))
def test_a_size_is_true_and_short(count):
    number, unit = size(count).split()
    factor = 1000 ** ("bytes", "kB", "MB", "GB", "TB", "PB").index(unit)
    assert float(number.replace(",", "")) * factor == pytest.approx(count, rel=0.06)
    assert 1 <= float(number) < 1000
    assert len(size(count)) <= 9


@pytest.mark.parametrize(
    "options", [MixOptions(), MixOptions(stems=True), MixOptions(speakers="3", stems=True, seconds=2.0, rate=8000)]
)
def test_the_bytes_of_a_mix_are_those_it_makes(tmp_path, options):
    small = options.with_changes({"clips": "180/18/18"})
    words = ["--speakers", small.speakers, "--seconds", small.seconds, "--rate", small.rate, "--clips", small.clips]
    done = synth("mix", *words, *(["--stems"] if small.stems else []), "-j", 1, "--out", tmp_path / "set", "--json")
    assert of_mix(small, 1).bytes == pytest.approx(done.json["bytes"], rel=0.15)
    assert size(of_mix(small, 1).bytes) in done.err


def test_flac_is_smaller_and_more_processes_are_quicker():
    assert expected(1000, 1, 16000, "flac", 1).bytes < expected(1000, 1, 16000, "wav", 1).bytes
    assert expected(10**6, 1, 16000, "wav", 4).render_s < expected(10**6, 1, 16000, "wav", 1).render_s / 3


def test_reading_and_checking_are_part_of_the_time():
    with_corpus = expected(120_000, 1, 16000, "wav", 1, to_read={"flac": 10**9})
    without = expected(120_000, 1, 16000, "wav", 1)
    assert with_corpus.total_s > without.total_s + 30
    assert without.total_s > 2 * without.render_s - without.seconds
    assert LISTENED == SAMPLE


def test_the_second_opinion_is_part_of_the_time():
    mixtures, sounds = (expected(1000, 2, 16000, "wav", 1, speakers=n) for n in (2, 0))
    assert mixtures.audit_s == pytest.approx(sounds.audit_s + ASKED * OPINION_AUDIO_S * OPINION_S)
    few = expected(10, 2, 16000, "wav", 1, speakers=2).audit_s - expected(10, 2, 16000, "wav", 1).audit_s
    assert few == pytest.approx(20 * OPINION_AUDIO_S * OPINION_S), "of twenty speakers no more than twenty are asked"
    assert second_opinion.ASKED == ASKED


@pytest.mark.parametrize(
    ("words", "at"),
    [
        (["--source", "voices here"], "voices here"),
        (["--source", "named=voices here"], "voices here"),
        (["--source", "named", "--root", "named=voices here"], "voices here"),
        (["--source", "seen before"], "other/seen before"),
    ],
)
def test_what_is_to_be_read_is_found_as_the_recordings_are(tmp_path, words, at):
    shutil.copytree(demo.folder(), tmp_path / at)
    if words == ["--source", "seen before"]:
        synth("index", at, "-o", "s.parquet", cwd=tmp_path)
    done = synth("mix", *words, "--speakers", "1-2", "--clips", "24/12/12", "-j", 1, "--out", "set", cwd=tmp_path)
    total = size(sum(path.stat().st_size for path in demo.folder().rglob("*.flac")))
    assert f"recordings not read before: up to {total}" in done.says


def test_recordings_of_a_folder_are_counted(tmp_path):
    voices = sorted(demo.folder().rglob("*.flac"))
    found = audio_bytes([str(demo.folder()), str(tmp_path / "nowhere"), "LibriSpeech"])
    assert found == {"flac": sum(path.stat().st_size for path in voices)}


def test_plain_samples_are_read_faster_than_packed_ones(tmp_path):
    for name, count in (("a.WAV", 300), ("b.flac", 200), ("c.txt", 900)):
        (tmp_path / name).write_bytes(bytes(count))
    assert audio_bytes([tmp_path]) == {"wav": 300, "flac": 200}
    plain, packed = (expected(10, 1, 16000, "wav", 2, to_read={kind: 6 * 10**8}).index_s for kind in ("wav", "flac"))
    assert packed == 30 and plain < packed / 2
    both = expected(10, 1, 16000, "wav", 2, to_read={"wav": 6 * 10**8, "flac": 6 * 10**8})
    assert both.index_s == plain + packed and both.to_read_bytes == 12 * 10**8


def test_all_windows_are_announced_before_they_are_made(tmp_path):
    (tmp_path / "sounds").mkdir()
    lines = ["path,labels"]
    for number, seconds in enumerate((0.5, 1.0, 2.5, 7.0, 3.0, 4.2)):
        samples, rate = soundfile.read(sorted(demo.folder().rglob("*.flac"))[number], dtype="int16")
        long = [samples] * (1 + int(seconds * rate / len(samples)))
        import numpy as np

        soundfile.write(tmp_path / "sounds" / f"{number}.wav", np.concatenate(long)[: int(seconds * rate)], rate)
        lines.append(f"{number}.wav,{'ab'[number % 2]}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    synth("index", "sounds", "--csv", "t.csv", "-o", "my sounds.parquet", cwd=tmp_path)
    for which, clips in (("start", 6), ("all", 1 + 1 + 2 + 7 + 3 + 4)):
        words = ("--windows", which, "--seconds", 1, "--rate", 16000, "--split", "1/0/0", "-j", 1)
        done = synth("manifest", "my sounds.parquet", *words, "-o", which, cwd=tmp_path)
        assert re.search(rf"\b{clips} clips of 1 s: about", done.says), done.says
        assert len(rows(tmp_path / which / "manifest.parquet", "clip_id")) == clips


def test_windows_are_counted():
    assert windows([0.3, 1.0, 2.5, None], 1.0, "all") == 5
    assert windows([0.3, 1.0, 2.5, None], 1.0, "start") == 4
