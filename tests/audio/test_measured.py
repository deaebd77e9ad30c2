"""What is known of one file: its mean removed, resampled where need be, channels averaged, never an exception."""

from __future__ import annotations

import math
from hashlib import sha256

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.audio.envelope import measure
from synth.audio.measured import centred, measured, resampled, without_dc
from synth.audio.speech import packed, spoken

RATE = 16_000
SPEECH = (np.random.default_rng(7).standard_normal(RATE) * 2000).astype(np.int16)
PCM = arrays(np.int16, st.integers(1, 60), elements=st.integers(-32768, 32767))


def saved(tmp_path, samples, rate=RATE, name="a.wav"):
    path = tmp_path / name
    sf.write(path, samples, rate, subtype="PCM_16")
    return path


@given(PCM)
def test_the_mean_is_rounded_and_subtracted_within_sixteen_bits(samples):
    found, dc = centred(samples)
    exact = sum(samples.tolist()) / len(samples)
    assert dc == math.floor(exact + 0.5)
    assert found.tolist() == [max(-32768, min(32767, x - dc)) for x in samples.tolist()]
    assert np.array_equal(found, without_dc(samples, dc))
    assert found.dtype == np.int16


def test_nothing_has_no_mean():
    assert centred(np.zeros(0, np.int16))[1] == 0


@pytest.mark.parametrize("dc", [-3000, -1, 0, 1, 500])
def test_an_offset_is_removed_and_told(tmp_path, dc):
    facts, samples = measured(saved(tmp_path, SPEECH + np.int16(dc)), RATE)
    plain, without = measured(saved(tmp_path, SPEECH, name="b.wav"), RATE)
    assert facts.dc_n == plain.dc_n + dc
    assert np.array_equal(samples, without)
    assert (facts.rms, facts.peaks, facts.level_tenths) == (plain.rms, plain.peaks, plain.level_tenths)
    assert facts.pcm_sha256 == sha256((SPEECH + np.int16(dc)).tobytes()).hexdigest(), "of the samples in the file"


def test_levels_are_those_of_the_samples(tmp_path):
    facts, samples = measured(saved(tmp_path, SPEECH), RATE)
    wide = samples.astype(np.float64) / 32768
    assert facts.status == "ok"
    assert facts.level_tenths == round(100 * math.log10((wide**2).mean()))
    assert facts.peak_tenths == round(200 * math.log10(np.abs(wide).max()))
    assert (facts.frames, facts.active_frames, facts.rate_hz, facts.channels) == (RATE, 50, RATE, 1)
    assert facts.sha256 == sha256((tmp_path / "a.wav").read_bytes()).hexdigest()


def test_another_rate_is_resampled_whole(tmp_path):
    facts, samples = measured(saved(tmp_path, SPEECH, 48_000), RATE)
    assert len(samples) == round(len(SPEECH) / 3)
    assert np.array_equal(samples, centred(resampled(SPEECH, 48_000, RATE))[0])
    assert (facts.rate_hz, facts.frames) == (48_000, len(SPEECH))
    assert len(facts.rms) == len(samples) // 320


def test_a_tone_keeps_its_level_when_resampled():
    t = np.arange(48_000) / 48_000
    tone = np.rint(8000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16)
    found = resampled(tone, 48_000, RATE)[1600:-1600].astype(np.float64)
    assert 20 * math.log10(found.std() / (8000 / 2**0.5)) == pytest.approx(0, abs=0.01)
    high = np.rint(8000 * np.sin(2 * np.pi * 9000 * t)).astype(np.int16)
    assert np.abs(resampled(high, 48_000, RATE)[1600:-1600]).max() < 10, "what the new rate cannot hold is gone"


def test_resampling_clips_and_does_not_wrap():
    square = np.where(np.arange(9600) // 24 % 2, 32767, -32768).astype(np.int16)
    found = resampled(square, 48_000, RATE)
    assert found.max() == 32767
    assert found.min() == -32768
    assert (np.abs(np.diff(found.astype(int))) < 65536).all()
    assert resampled(square, RATE, RATE) is square


def test_channels_are_averaged(tmp_path):
    other = (SPEECH // 3).astype(np.int16)
    facts, samples = measured(saved(tmp_path, np.stack([SPEECH, other], axis=1)), RATE)
    assert facts.channels == 2
    mean = (2 * (SPEECH.astype(int) + other) + 2) // 4
    assert np.array_equal(samples, mean - facts.dc_n)
    opposite, none = measured(saved(tmp_path, np.stack([SPEECH, -SPEECH], axis=1), name="b.wav"), RATE)
    assert (opposite.status, none) == ("antiphase", None)


@pytest.mark.parametrize(
    ("samples", "status"),
    [
        (np.zeros(RATE, np.int16), "silent"),
        (np.full(RATE, 900, np.int16), "silent"),
        (SPEECH[:319], "empty"),
        (SPEECH[:320], "ok"),
    ],
)
def test_what_cannot_be_used_says_why(tmp_path, samples, status):
    facts, found = measured(saved(tmp_path, samples), RATE)
    assert facts.status == status
    assert (found is None) == (status != "ok") == (facts.reason is not None)


@pytest.mark.parametrize(
    ("data", "status"), [(b"", "empty"), (b"nonsense" * 20, "unreadable"), (b"RIFF\x10\0\0\0WAVE", "unreadable")]
)
def test_a_damaged_file_is_a_status_and_no_exception(tmp_path, data, status):
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    facts, samples = measured(path, RATE)
    assert samples is None
    assert facts.status == status
    assert facts.reason
    assert facts.sha256 == sha256(data).hexdigest()


def test_a_file_that_is_not_there_is_a_status(tmp_path):
    facts, samples = measured(tmp_path / "none.wav", RATE)
    assert (facts.status, facts.sha256, samples) == ("unreadable", "", None)
    assert str(tmp_path) not in facts.reason, "where a folder lies is no part of a table"


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int16, st.integers(0, 2500), elements=st.integers(-900, 900)),
    st.sampled_from([0, 7, -3000, 32_000, -32_700]),
    st.integers(0, 4),
    st.sampled_from([4000, 8000, 11_050, 16_000, 22_050, 44_100]),
)
def test_measures_are_those_of_the_samples_that_are_rendered(tmp_path_factory, samples, dc, loud, rate):
    """Some of it is measured before the mean is taken off: what that saturates must not tell."""
    samples = np.clip(samples.astype(np.int32) + dc, -32768, 32767)
    samples[: loud * 200] = np.where(np.arange(min(len(samples), loud * 200)) % 37 < 18, 32767, -32768)
    samples = samples.astype(np.int16)
    facts, _ = measured(saved(tmp_path_factory.mktemp("any"), samples, rate), rate)
    rendered, dc_n = centred(samples)
    if len(samples) < rate // 50:
        assert facts.status == "empty"
        return
    envelope = measure(rendered, rate)
    found = spoken(rendered, rate, envelope.rms)
    assert (facts.dc_n, facts.rms, facts.peaks) == (dc_n, envelope.rms.tobytes(), envelope.peaks.tobytes())
    assert facts.speech == packed(found.active)
    assert facts.no_speech == found.reason
    assert envelope.highest == max(abs(value) for value in rendered.tolist())
