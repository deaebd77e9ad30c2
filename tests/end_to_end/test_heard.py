"""Every claimed speaker is heard, by a judge that shares no code with synth; and loudness does not tell how many there are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.end_to_end.commands import clips, planned, synth
from tests.end_to_end.judges import predicted
from tests.real_data import DATA, needs_data

FRAME_N = 480  # 30 ms at 16 kHz
HEARD_S = 0.2


@pytest.fixture(scope="module", params=["LibriSpeech", "demo-voices"])
def folder(request, tmp_path_factory):
    """The usual recipe: 4,320 clips of 1 s with one to three speakers, here with stems."""
    if request.param == "LibriSpeech" and DATA is None:
        pytest.skip("no real recordings")
    source = DATA / "LibriSpeech" if request.param == "LibriSpeech" else "demo-voices"
    plan = planned(tmp_path_factory.mktemp("heard"), source, plan=("--clips", "3600/360/360"))
    synth("render", plan, "-o", plan.parent / "set", "--stems")
    return plan.parent / "set"


def test_a_voice_activity_detector_hears_every_speaker(folder):
    pytest.importorskip("webrtcvad", reason="needs webrtcvad-wheels")
    heard = _clips_of_three(folder)
    assert len(heard) == 1440
    assert sum(heard) / len(heard) >= 0.99


def _clips_of_three(folder) -> list[bool]:
    """Return of each clip of three whether the detector hears all of them."""
    import webrtcvad

    def active_s(stem: np.ndarray) -> float:
        detector = webrtcvad.Vad(3)  # the strictest mode; a new one per stem, because it remembers
        frames = stem[: len(stem) // FRAME_N * FRAME_N].reshape(-1, FRAME_N)
        return 0.03 * sum(detector.is_speech(frame.tobytes(), 16000) for frame in frames)

    return [
        min(active_s(stem) for stem in row["stems"]) >= HEARD_S
        for row in clips(folder, "n_speakers", "stems")
        if row["n_speakers"] == 3
    ]


@needs_data
def test_speakers_of_one_split_are_heard_too(tmp_path):
    """All speakers in one split: at least 98 % of the clips of three have nobody whom the detector misses."""
    pytest.importorskip("webrtcvad", reason="needs webrtcvad-wheels")
    plan = planned(tmp_path, DATA / "LibriSpeech", split="100/0/0", plan=("--clips", "2400/0/0"))
    synth("render", plan, "-o", tmp_path / "set", "--stems")
    heard = _clips_of_three(tmp_path / "set")
    assert len(heard) == 800
    assert sum(heard) / len(heard) >= 0.98


def test_silence_and_noise_are_not_heard():
    """The judge of the test above can say no."""
    webrtcvad = pytest.importorskip("webrtcvad")
    rng = np.random.default_rng(0)
    for samples in (np.zeros(16000), rng.normal(0, 3, 16000)):
        detector = webrtcvad.Vad(3)
        frames = samples.astype(np.int16)[: 33 * FRAME_N].reshape(-1, FRAME_N)
        assert 0.03 * sum(detector.is_speech(frame.tobytes(), 16000) for frame in frames) < HEARD_S


def test_the_level_does_not_tell_how_many_speak(folder):
    levels, counts = _levels(folder)
    accuracy = predicted(levels, counts)
    assert accuracy <= 0.37


def test_the_predictor_finds_a_level_that_tells(folder):
    """One dB more a speaker is a shortcut, and seen as one: the test above can fail."""
    levels, counts = _levels(folder)
    assert predicted(levels + 1.5 * counts, counts) > 0.40


def test_levels_are_the_recorded_ones_and_nothing_clips(folder):
    for row in clips(folder, "clip_id", "audio", "level_dbfs"):
        samples = row["audio"].astype(np.float64)
        assert abs(10 * np.log10(np.mean(samples**2) / 32768**2) - row["level_dbfs"]) < 0.06, row["clip_id"]
        assert abs(samples).max() < 32767
        assert abs(samples.mean()) < 150, "no offset to speak of"


def test_stems_lie_within_the_range_that_was_drawn(folder):
    """Levels of active speech differ by at most --sir-db, measured here over the loud half of each stem."""
    spread = []
    for row in clips(folder, "n_speakers", "stems", "parts"):
        if row["n_speakers"] > 1:
            said = [part["level_dbfs"] for part in row["parts"]]
            spread.append(max(said) - min(said))
            for stem, level in zip(row["stems"], said, strict=True):
                power = np.sort((stem[: len(stem) // 320 * 320].reshape(-1, 320).astype(np.float64) ** 2).mean(axis=1))
                measured = 10 * np.log10(power[len(power) // 2 :].mean() / 32768**2)
                assert abs(measured - level) < 3.5, (row["parts"], measured)
    assert max(spread) <= 5.2  # 5 dB and the rounding of two gains
    assert max(spread) > 4, "the whole range is used"


def _levels(folder) -> tuple[np.ndarray, np.ndarray]:
    """Return the RMS in dBFS and the number of speakers of every clip."""
    levels, counts = [], []
    for row in clips(folder, "audio", "n_speakers"):
        levels.append(10 * np.log10(np.mean(row["audio"].astype(np.float64) ** 2) / 32768**2))
        counts.append(row["n_speakers"])
    return np.array(levels), np.array(counts)
