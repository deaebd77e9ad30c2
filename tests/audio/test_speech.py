"""The rule for speech: what moves like a voice is active, and no noise is, however loud, long or padded."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.audio.envelope import FAINT, SILENT, active_thresholds, measure
from synth.audio.speech import active_frames, band_bytes, has_bits, packed, rising, spoken
from tests.noises import NOISES, RATE, harmonic_voice, noise

FRAME = RATE // 50
STEADY = ("white", "pink", "brown", "hum50", "hum60", "blue", "fan", "tone", "room")


def rule(samples: np.ndarray, rate: int = RATE):
    samples = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return spoken(samples, rate, measure(samples, rate).rms)


def by_hand(rms: list[int], band: list[int]) -> list[bool]:
    """Return which frames are active, frame by frame and by sorting, as the description of the rule says."""
    sounds = [k for k, byte in enumerate(rms) if byte <= SILENT and band[k] < 255]
    none = [False] * len(rms)
    if len(sounds) < 10:
        return none
    level = [sorted([band[max(k - 1, 0)], band[k], band[min(k + 1, len(band) - 1)]])[1] for k in range(len(band))]

    def quiet(frames: list[int]) -> int:
        ordered = sorted((level[k] for k in frames), reverse=True)
        return ordered[len(ordered) * 15 // 100]

    rank = min(len(sounds) * 5 // 100, 10)
    background = quiet(sounds)
    if background - sorted(level[k] for k in sounds)[rank] < 20:
        return none
    seconds = math.ceil(len(rms) / 50)

    def floor(second: int) -> int:
        found = [background]
        for first in (second, second - 7):
            begin = min(max(first, 0), seconds - 8)
            around = [k for k in sounds if begin <= k // 50 < begin + 8]
            if len(around) >= 50:
                found.append(quiet(around))
        return min(found)

    floors = [floor(k) if seconds > 8 else background for k in range(seconds)]
    rises = [k in set(sounds) and level[k] <= floors[k // 50] - 16 for k in range(len(rms))]
    most = [sum(rises[max(k - 5, 0) : k + 6]) >= 5 for k in range(len(rms))]
    wide = [any(most[max(k - 3, 0) : k + 4]) for k in range(len(rms))]
    limit = min(sorted(rms[k] for k in sounds)[rank] + 50, SILENT)
    return [one and byte <= limit for one, byte in zip(wide, rms, strict=True)]


LEVELS = st.sampled_from([(60, 70), (66, 72), (70, 80), (110, 118), (112, 130), (90, 98), (150, 190), (250, 255)])
RECORDINGS = st.lists(st.tuples(LEVELS, st.integers(1, 90)), min_size=1, max_size=14)


@settings(deadline=None, max_examples=150)
@given(RECORDINGS, st.integers(0, 2**32 - 1))
def test_it_is_the_rule_that_is_written_down(pieces, seed):
    rng = np.random.default_rng(seed)
    band = np.concatenate([rng.integers(low, high + 1, count) for (low, high), count in pieces]).astype(np.uint8)
    rms = np.clip(band.astype(int) + rng.integers(-20, 10, len(band)), 0, 255).astype(np.uint8)
    found = rising(rms, band)
    assert found.active.tolist() == by_hand(rms.tolist(), band.tolist())
    assert (found.status == "ok") == bool(found.active.any()) == (found.reason is None)


@pytest.mark.parametrize("kind", STEADY)
@pytest.mark.parametrize("seconds", [0.5, 3, 20])
def test_noise_alone_is_nobody(kind, seconds):
    for seed in range(4):
        found = rule(noise(kind, round(seconds * RATE), np.random.default_rng(seed)) * 10 ** (seed / 2) * 30)
        assert found.status == "no-speech"
        assert "speech cannot be told from noise" in found.reason


@pytest.mark.parametrize("kind", STEADY)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("snr_db", [15, 30])
def test_a_voice_in_noise_is_found_and_the_noise_is_not(kind, share, snr_db):
    rng = np.random.default_rng(7)
    total = round(1.2 / share * RATE) // FRAME * FRAME
    voice = harmonic_voice(1.2, 120, rng) * 3000
    at = (total - len(voice)) // 2 // FRAME * FRAME
    samples = noise(kind, total, rng) * 3000 * 10 ** (-snr_db / 20)
    samples[at : at + len(voice)] += voice
    found = rule(samples).active
    inside = np.zeros(len(found), np.bool_)
    inside[at // FRAME : (at + len(voice)) // FRAME] = True
    assert found[inside].mean() > 0.5
    assert not found[: at // FRAME - 5].any()
    assert not found[(at + len(voice)) // FRAME + 5 :].any()


@pytest.mark.parametrize("kind", ["white", "hum50"])
@pytest.mark.parametrize("step_db", [6, 10, 15])
def test_a_step_of_the_background_is_no_speech(kind, step_db):
    rng = np.random.default_rng(3)
    samples = noise(kind, 40 * RATE, rng) * 100
    samples[: 20 * RATE] *= 10 ** (step_db / 20)
    voice = harmonic_voice(3, 200, rng) * 5000
    samples[28 * RATE : 31 * RATE] += voice
    found = rule(samples).active
    assert found[28 * 50 : 31 * 50].mean() > 0.5
    assert not found[: 27 * 50].any()
    assert not found[32 * 50 :].any()


@pytest.mark.parametrize("zeros_s", [1, 20])
@pytest.mark.parametrize("offset", [-40, -3, 2, 500])
def test_zeros_from_which_a_mean_was_taken_are_none_either(zeros_s, offset):
    """The mean of a recording is removed, digital silence becomes a constant, and a constant is as little a background."""
    rng = np.random.default_rng(6)
    hiss = noise("white", 4 * RATE, rng) * 800
    silence = np.zeros(zeros_s * RATE)
    assert rule(np.concatenate([silence, hiss, silence]) + offset).status == "no-speech"
    assert rule(np.concatenate([hiss[: RATE * 3 // 4], silence] * 4) + offset).status == "no-speech"
    said = rule(np.concatenate([silence, harmonic_voice(4, 130, rng) * 3000, silence]) + offset)
    assert said.status == "ok"
    assert not said.active[: zeros_s * 50 - 4].any()


@pytest.mark.parametrize("zeros_s", [1, 20])
def test_zeros_around_are_no_background(zeros_s):
    rng = np.random.default_rng(5)
    hiss = noise("white", 4 * RATE, rng) * 200
    silence = np.zeros(zeros_s * RATE)
    assert rule(np.concatenate([silence, hiss, silence])).status == "no-speech"
    assert rule(silence).status == "silent"
    few = silence.copy()
    few[: 9 * FRAME] = noise("white", 9 * FRAME, rng) * 200
    found = rule(few)
    assert (found.status, found.reason) == ("silent", "0.18 s of it rise above -90 dBFS")


@pytest.mark.parametrize("level", [30, 300, 8000])
@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
def test_a_voice_is_one_at_any_level_and_rate(level, rate):
    voice = harmonic_voice(4, 150, np.random.default_rng(2), rate=rate) * level
    assert rule(voice, rate).active.mean() > 0.6


@pytest.mark.parametrize("rate", [4000, 4050, 8000, 11_050, 16_000, 44_100, 192_000])
@pytest.mark.parametrize(("hz", "loss_db"), [(500, 3), (40, 15)])
def test_the_band_hears_the_first_formant_and_not_the_mains(rate, hz, loss_db):
    """Beside full scale: a tone of 500 Hz keeps its level within 3 dB, one of 40 Hz loses 15."""
    tone = np.rint(20000 * np.sin(2 * np.pi * hz * np.arange(rate) / rate)).astype(np.int16)
    lost = (band_bytes(tone, rate).astype(int) - measure(tone, rate).rms.astype(int)) / 2
    assert (abs(lost) <= 3).all() if loss_db == 3 else (lost >= loss_db).all()
    assert len(lost) == 50


def test_a_frame_is_measured_by_itself():
    rng = np.random.default_rng(1)
    samples = rng.integers(-20000, 20000, 30 * FRAME).astype(np.int16)
    whole = band_bytes(samples, RATE)
    assert band_bytes(samples[7 * FRAME : 19 * FRAME + 5], RATE).tolist() == whole[7:19].tolist()
    assert band_bytes(samples[: FRAME - 1], RATE).tolist() == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.booleans(), max_size=40), st.sampled_from(["told", "noise", "level"])), max_size=8)
)
def test_bits_of_many_recordings_are_those_of_each(recordings):
    """What has bits follows them, noise is active where it is no padding, the rest follows its level."""
    rng = np.random.default_rng(len(recordings))
    rms = [rng.choice([20, 60, 120, 150, 151, 255], len(mask)).astype(np.uint8) for mask, _ in recordings]
    bits = [packed(np.array(mask, np.bool_)) if kind == "told" else b"" for mask, kind in recordings]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in rms], dtype=np.int64)])
    ends = np.concatenate([[0], np.cumsum([len(one) for one in bits], dtype=np.int64)])
    is_noise = np.array([kind == "noise" for _, kind in recordings], np.bool_)
    flat = np.concatenate([np.empty(0, np.uint8), *rms])
    found = active_frames(flat, offsets, is_noise, np.frombuffer(b"".join(bits), np.uint8), ends)
    for k, (mask, kind) in enumerate(recordings):
        mine = found[offsets[k] : offsets[k + 1]].tolist()
        threshold = active_thresholds(rms[k], np.array([0, len(mask)]))[0]
        expected = {"told": mask, "noise": (rms[k] <= FAINT).tolist(), "level": (rms[k] <= threshold).tolist()}
        assert mine == expected[kind]
    told = [kind == "told" and bool(mask) for mask, kind in recordings]
    assert has_bits(offsets, ends).tolist() == told


def test_bits_of_another_length_are_not_believed():
    rms = np.array([20] * 20 + [40] * 10, np.uint8)
    offsets, ends = np.array([0, 20, 30]), np.array([0, 1, 3])
    bits = np.frombuffer(b"\0" + packed(np.arange(10) < 3), np.uint8)
    found = active_frames(rms, offsets, np.zeros(2, np.bool_), bits, ends)
    assert found[:20].all(), "one byte for 20 frames: the level says it"
    assert found[20:].tolist() == [True] * 3 + [False] * 7


def test_the_kinds_of_noise_are_what_their_names_say():
    """The noises that the tests are made with can be told apart, and have a mean square of 1."""
    rng = np.random.default_rng(0)
    for kind in NOISES:
        samples = noise(kind, 4 * RATE, rng)
        assert samples.std() == pytest.approx(1, rel=0.02)
    low = {kind: np.abs(np.fft.rfft(noise(kind, RATE, rng))[:200]).sum() for kind in ("blue", "white", "pink", "brown")}
    assert low["blue"] < low["white"] < low["pink"] < low["brown"]
