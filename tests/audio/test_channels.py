"""Floats beyond full scale are scaled and say so; channels that cancel are told from silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from synth.audio.channels import mixed_down, scaled
from synth.audio.decode import decode, read_window
from synth.audio.measured import measured

RATE = 16_000
VOICE = np.random.default_rng(3).standard_normal(3 * RATE) * 0.05
OTHER = np.random.default_rng(4).standard_normal(3 * RATE) * 0.05


def saved(tmp_path, samples, subtype="FLOAT", ending="wav"):
    path = tmp_path / f"x.{ending}"
    sf.write(path, samples, RATE, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("ending", "subtype"), [("wav", "FLOAT"), ("wav", "DOUBLE"), ("aiff", "FLOAT"), ("caf", "FLOAT")]
)
@pytest.mark.parametrize("peak", [1.0001, 1.3, 2.0, 8.0, 150.0])
def test_floats_beyond_full_scale_keep_their_form(tmp_path, peak, ending, subtype):
    wanted = (VOICE / np.abs(VOICE).max()).astype(np.float32)
    path = saved(tmp_path, (wanted * np.float32(peak)).astype(np.float64), subtype, ending)
    decoded = decode(path)
    assert decoded.scaled_db == pytest.approx(-20 * math.log10(peak), abs=0.01)
    assert np.abs(decoded.samples - wanted * 32767).max() <= 0.51, "scaled as a whole, nothing clipped"
    facts, _ = measured(path, RATE)
    assert (facts.status, facts.scaled_db) == ("ok", decoded.scaled_db)
    for start, length in [(0, 100), (RATE, 333), (len(VOICE) - 5, 10)]:
        assert np.array_equal(read_window(path, start, length), decoded.samples[start : start + length])


@given(st.floats(0.001, 1.0), st.booleans())
def test_what_is_within_full_scale_is_as_it_was(peak, lossy):
    floats = (VOICE[:400] / np.abs(VOICE[:400]).max() * peak).astype(np.float32)
    found, scaled_db = scaled(floats, lossy)
    assert scaled_db is None
    assert np.array_equal(found, np.clip(np.rint(floats * 32768), -32768, 32767))


@given(st.floats(1.001, 1e9))
def test_nothing_that_can_be_read_is_clipped(peak):
    floats = np.array([0.25, -0.5, 1.0, -1.0, 0.999], np.float32) * np.float32(peak)
    found, scaled_db = scaled(floats, lossy=False)
    assert scaled_db < 0
    shape = floats / floats[2]
    assert np.abs(found - shape * found[2]).max() <= 2
    if peak < 256:
        assert found[2] == 32767


def test_the_overshoot_of_a_lossy_codec_is_clipped_and_more_than_that_is_scaled():
    shot = np.array([0.5, 1.2, -1.3], np.float32)
    assert scaled(shot, lossy=True)[0].tolist() == [16384, 32767, -32768]
    assert scaled(shot, lossy=True)[1] is None
    assert scaled(shot, lossy=False)[1] == pytest.approx(-2.28, abs=0.01)
    assert scaled(shot * 2, lossy=True)[1] == pytest.approx(-8.3, abs=0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_sample_that_is_no_number_has_a_status_and_a_reason(tmp_path, value, subtype):
    samples = VOICE.copy()
    samples[[5, 77]] = value
    facts, kept = measured(saved(tmp_path, samples, subtype), RATE)
    assert (facts.status, kept) == ("unreadable", None)
    assert "2 of 48000 samples are not finite numbers" in facts.reason


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize(
    ("right", "lost_db"),
    [(-1.0, math.inf), (-0.9, 22.6), (-0.7, 12.2), (-0.5, 7.0)],
)
def test_channels_that_cancel_are_not_called_silent(tmp_path, right, lost_db, subtype):
    facts, kept = measured(saved(tmp_path, np.stack([VOICE, right * VOICE], axis=1), subtype), RATE)
    assert (facts.status, kept) == ("antiphase", None)
    assert "its 2 channels cancel" in facts.reason
    if math.isfinite(lost_db):
        assert f"lost {lost_db:.0f} dB" in facts.reason


def surround(*channels):
    return np.stack([VOICE * gain for gain in channels], axis=1)


@pytest.mark.parametrize(
    "samples",
    [
        np.stack([VOICE, VOICE], axis=1),
        np.stack([VOICE, 0 * VOICE], axis=1),  # left alone
        np.stack([VOICE, OTHER], axis=1),  # unrelated
        np.stack([VOICE, 0.5 * VOICE], axis=1),
        np.stack([VOICE, -0.2 * VOICE], axis=1),  # 3 dB of it
        np.stack([VOICE, -0.5 * VOICE + OTHER], axis=1),
        surround(0, 0, 1, 0, 0, 0),  # the centre of 5.1
        surround(1, 1, 1, 0.1, 0.3, 0.3),
    ],
)
def test_channels_that_do_not_cancel_are_averaged(tmp_path, samples):
    facts, kept = measured(saved(tmp_path, samples), RATE)
    assert (facts.status, facts.reason) == ("ok", None)
    mean = np.rint(samples * 32768).astype(int).sum(axis=1) / samples.shape[1]
    assert np.abs(kept - (mean - facts.dc_n)).max() <= 1


@pytest.mark.parametrize("offsets", [(0.3, -0.3), (0.4, 0.0), (-0.2, 0.4)])
def test_an_offset_does_not_make_channels_cancel(tmp_path, offsets):
    samples = np.stack([VOICE * 0.3, VOICE * 0.3], axis=1) + np.array(offsets)
    assert measured(saved(tmp_path, samples), RATE)[0].status == "ok"


@pytest.mark.parametrize("offset", [0.01, 0.2])
def test_an_offset_does_not_hide_that_channels_cancel(tmp_path, offset):
    samples = np.stack([VOICE * 0.3, VOICE * -0.3], axis=1) + offset
    assert measured(saved(tmp_path, samples), RATE)[0].status == "antiphase"


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_part_of_a_short_recording_that_cancels(tmp_path, share):
    samples = np.stack([VOICE, VOICE], axis=1)
    samples[: round(share * len(samples)), 1] *= -1
    assert measured(saved(tmp_path, samples), RATE)[0].status == "antiphase"


def test_a_part_that_cancels(tmp_path):
    """Half of a recording with a channel turned over is silence in the average, whatever the other half is."""
    flipped = np.stack([VOICE, VOICE], axis=1)
    flipped = np.tile(flipped, (8, 1))
    flipped[: len(flipped) // 2, 1] *= -1
    assert measured(saved(tmp_path, flipped), RATE)[0].status == "antiphase"
    flipped[len(flipped) // 10 : len(flipped) // 2, 1] *= -1  # a tenth
    assert measured(saved(tmp_path, flipped), RATE)[0].status == "ok"


@pytest.mark.parametrize("level", [0, 0.2])
def test_silence_in_two_channels_is_silence(tmp_path, level):
    quiet = np.rint(OTHER / 0.05 * level).astype(np.int16)
    facts, _ = measured(saved(tmp_path, np.stack([quiet, -quiet], axis=1), "PCM_16"), RATE)
    assert facts.status == "silent"


@given(st.integers(1, 6), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_what_is_lost_is_told_in_db(channels, length, seed):
    samples = np.random.default_rng(seed).integers(-20000, 20000, (length, channels)).astype(np.int16)
    got = mixed_down(samples)
    power = float(samples.var(axis=0).sum())
    left = float(samples.astype(float).sum(axis=1).var())
    left = left if left > 1e-6 else 0.0
    if channels == 1 or not power or left * 4 >= power:
        assert got.lost_db is None
    else:
        assert got.lost_db == pytest.approx(10 * math.log10(power / left)) if left else math.isinf(got.lost_db)
