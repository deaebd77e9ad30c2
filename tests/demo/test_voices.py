"""The demo voices that are shipped: complete, well formed, and as different as real speakers would be."""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import webrtcvad

from synth.demo import folder, make_voices, measure


@dataclass(frozen=True)
class Recording:
    path: Path
    speaker: int
    samples: np.ndarray  # int16

    @property
    def sound(self):
        return self.samples / 32768.0


@pytest.fixture(scope="module")
def recordings():
    paths = sorted((folder() / "demo").rglob("*.flac"))
    return [Recording(path, int(path.name.split("-")[0]), sf.read(path, dtype="int16")[0]) for path in paths]


@pytest.fixture(scope="module")
def speakers():
    rows = [line.split("|", 4) for line in read("SPEAKERS.TXT").splitlines() if not line.startswith(";")]
    return {int(row[0]): [field.strip() for field in row[1:]] for row in rows}


@pytest.fixture(scope="module")
def vectors(recordings):
    return np.stack([measure.features(recording.sound) for recording in recordings])


@pytest.fixture(scope="module")
def voices(recordings):
    return np.array([recording.speaker for recording in recordings])


def read(name):
    return (folder() / name).read_text(encoding="ascii")


def test_ten_women_and_ten_men(speakers, recordings):
    assert sorted(speakers) == list(range(9901, 9921))
    assert [row[0] for row in speakers.values()].count("F") == 10
    assert [row[0] for row in speakers.values()].count("M") == 10
    assert {row[1] for row in speakers.values()} == {"demo"}
    assert {recording.speaker for recording in recordings} == set(speakers)


def test_the_tables_are_those_of_the_recordings(speakers, recordings):
    chapters = [line.split("|") for line in read("CHAPTERS.TXT").splitlines() if not line.startswith(";")]
    assert len({int(row[0]) for row in chapters}) == 20
    for speaker, (_, _, minutes, name) in speakers.items():
        own = [recording for recording in recordings if recording.speaker == speaker]
        assert float(minutes) == pytest.approx(sum(len(r.samples) for r in own) / 16000 / 60, abs=0.006)
        assert name == f"Demo voice {speaker} ({make_voices.VOICES[speaker].espeak})"
        (chapter,) = (int(row[0]) for row in chapters if int(row[1]) == speaker)
        assert {r.path.parent for r in own} == {folder() / "demo" / str(speaker) / str(chapter)}


def test_every_recording_has_its_transcript(recordings):
    lines = [line for path in sorted(folder().rglob("*.trans.txt")) for line in path.read_text("ascii").splitlines()]
    texts = dict(line.split(" ", 1) for line in lines)
    assert len(texts) == len(lines) == len(recordings)
    assert set(texts) == {recording.path.stem for recording in recordings}
    assert all(re.fullmatch(r"[A-Z']+( [A-Z']+)*", text) for text in texts.values())
    assert len(set(texts.values())) == len(texts), "a sentence is spoken by one voice only"
    for path in folder().rglob("*.trans.txt"):
        assert path.name == f"{path.parent.parent.name}-{path.parent.name}.trans.txt"


def test_names_and_numbers_are_those_of_librispeech(recordings):
    for recording in recordings:
        speaker, chapter, number = recording.path.stem.split("-")
        assert re.fullmatch(r"\d{4}", number)
        assert recording.path.relative_to(folder()).parts[:3] == ("demo", speaker, chapter)
    for speaker in range(9901, 9921):
        numbers = [int(r.path.stem[-4:]) for r in recordings if r.speaker == speaker]
        assert numbers == [0, 1, 2, 3, 4]


def test_the_corpus_says_its_licence():
    about = tomllib.loads(read("corpus.toml"))
    assert about == {
        "name": "demo-voices",
        "title": "20 synthetic demo voices",
        "licence": "CC0-1.0",
        "attribution": "synth demo voices, made with espeak-ng",
    }
    assert "CC0 1.0" in read("LICENSE.TXT")
    assert "synthetic" in read("README.TXT")


def test_nothing_else_lies_in_the_folder_and_it_is_small():
    files = [path for path in folder().rglob("*") if path.is_file()]
    extra = {path.name for path in files if not path.name.endswith((".flac", ".trans.txt"))}
    assert extra == {"SPEAKERS.TXT", "CHAPTERS.TXT", "LICENSE.TXT", "README.TXT", "corpus.toml"}
    assert sum(path.stat().st_size for path in files) < 4_600_000


def test_format_and_duration(recordings):
    for recording in recordings:
        info = sf.info(recording.path)
        assert (info.format, info.subtype, info.samplerate, info.channels) == ("FLAC", "PCM_16", 16000, 1)
        assert 2.6 <= len(recording.samples) / 16000 <= 5.0, recording.path.name
        assert measure.active_s(recording.sound) >= 2.0, recording.path.name


def test_windows_of_one_and_two_seconds_are_full_of_speech(recordings):
    for recording in recordings:
        frames = measure.frames(recording.sound, 320, 320)
        active = measure.active(frames).astype(int)
        in_one_second = np.convolve(active, np.ones(50, int), "valid") / 50
        in_two_seconds = np.convolve(active, np.ones(100, int), "valid") / 50
        assert in_one_second.max() >= 0.8, recording.path.name
        assert in_two_seconds.min() >= 1.0, recording.path.name


def test_no_clipping_no_offset_no_digital_silence(recordings):
    for recording in recordings:
        samples = recording.samples.astype(np.int64)
        assert np.abs(samples).max() < 0.97 * 32768, recording.path.name
        assert abs(samples.mean()) < 1.0, recording.path.name
        still = np.flatnonzero(np.diff(np.flatnonzero(np.diff(samples, prepend=samples[0] + 1))) > 80)
        assert len(still) == 0, f"{recording.path.name} stands still for 5 ms"


def test_no_two_recordings_are_the_same(recordings):
    assert len({recording.samples.tobytes() for recording in recordings}) == len(recordings)


def test_level_and_noise_do_not_tell_who_speaks(recordings, speakers):
    levels = {speaker: [] for speaker in speakers}
    noises = {"F": [], "M": []}
    for recording in recordings:
        levels[recording.speaker].append(measure.active_level_dbfs(recording.sound))
        before = recording.sound[:640]
        noises[speakers[recording.speaker][0]].append(10 * np.log10(np.mean((before - before.mean()) ** 2)))
    for own in levels.values():
        assert sorted(own) == pytest.approx([-30.0, -28.75, -27.5, -26.25, -25.0], abs=0.2)
    assert np.median(noises["F"]) == pytest.approx(np.median(noises["M"]), abs=1.0)
    assert np.median(noises["F"]) == pytest.approx(-66.0, abs=3.0)


def test_pitch_separates_the_sexes(vectors, voices, speakers):
    f0_hz = 2 ** (vectors[:, 0] / 12)
    female = np.array([speakers[voice][0] == "F" for voice in voices])
    assert f0_hz[female].min() >= 160
    assert f0_hz[female].max() <= 265
    assert f0_hz[~female].min() >= 80
    assert f0_hz[~female].max() <= 148


def test_every_voice_is_known_by_its_sound(vectors, voices):
    guesses = measure.nearest_voice(vectors, voices)
    assert np.mean(guesses == voices) >= 0.95
    timbre_alone = measure.nearest_voice(vectors[:, 2:], voices)
    assert np.mean(timbre_alone == voices) >= 0.85, "voices must differ in more than pitch"


def test_a_voice_activity_detector_hears_speech(recordings):
    detector = webrtcvad.Vad(3)
    for recording in recordings:
        whole = recording.samples[: len(recording.samples) // 480 * 480].astype("<i2").reshape(-1, 480)
        heard = np.mean([detector.is_speech(frame.tobytes(), 16000) for frame in whole])
        assert heard >= 0.6, f"{recording.path.name}: {heard:.0%}"


@pytest.mark.parametrize("f0_hz", [85.0, 120.0, 180.0, 250.0])
def test_the_pitch_meter_reads_a_known_pitch(f0_hz):
    time_s = np.arange(16000) / 16000
    buzz = sum(np.cos(2 * np.pi * f0_hz * k * time_s) / k for k in range(1, 20))
    assert np.median(measure.f0_track_hz(0.1 * buzz)) == pytest.approx(f0_hz, rel=0.01)


def test_the_classifier_finds_nothing_where_there_is_nothing():
    rng = np.random.default_rng(1)
    voices = np.repeat(np.arange(20), 5)
    assert np.mean(measure.nearest_voice(rng.standard_normal((100, 26)), voices) == voices) < 0.2


def test_without_espeak_the_maker_says_what_to_install(tmp_path):
    command = [sys.executable, "-m", "synth.demo.make_voices", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "espeak-ng is not on the PATH" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_maker_overwrites_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(make_voices.shutil, "which", lambda name: name)
    with pytest.raises(SystemExit, match="exists already"):
        make_voices.main([str(tmp_path)])


def test_the_sentences_are_enough_and_different():
    assert len(make_voices.sentences()) == 20 * 5
