"""The mixer against plain Python integers, sample by sample."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.audio.decibels import gain_table
from synth.errors import ClaimError
from synth.rendering.mixer import LARGEST, Mixer, ramp

RATES = [4000, 8000, 16_000]


def fade_in(rate: int) -> list[int]:
    """Return 3x² - 2x³ in steps of 1/4096, rounded, over 10 ms."""
    n = rate // 100
    return [(2 * 4096 * (3 * k * k * n - 2 * k**3) + n**3) // (2 * n**3) for k in range(1, n + 1)]


def stem_by_hand(window: list[int], onset: int, gain: int, length: int, rate: int) -> list[int]:
    out = [0] * length
    here = [(sample * gain + 2048) >> 12 for sample in window]
    fade = fade_in(rate)[: len(window) // 2]
    if onset > 0:
        for k, factor in enumerate(fade):
            here[k] = (here[k] * factor + 2048) >> 12
    if onset + len(window) < length:
        for k, factor in enumerate(fade):
            here[-1 - k] = (here[-1 - k] * factor + 2048) >> 12
    out[onset : onset + len(window)] = here
    return out


@st.composite
def clips(draw):
    rate = draw(st.sampled_from(RATES))
    length = draw(st.integers(1, 150))
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        n = draw(st.one_of(st.just(length), st.integers(1, length)))
        onset = draw(st.integers(0, length - n))
        loudest = draw(st.integers(1, 32768))
        window = draw(arrays(np.int16, n, elements=st.integers(-loudest, min(loudest, 32767))))
        most = min(int(gain_table()[-1]), LARGEST * 4096 // max(int(np.abs(window.astype(int)).max()), 1))
        parts.append((window, onset, np.int32(draw(st.integers(0, most)))))
    return rate, length, parts


@given(clips())
def test_stems_sum_and_energy_are_those_of_plain_integers(clip):
    rate, length, parts = clip
    expected = [stem_by_hand(w.tolist(), onset, int(gain), length, rate) for w, onset, gain in parts]
    total = [sum(values) for values in zip(*expected, strict=True)] if parts else [0] * length
    assume(max(map(abs, total)) <= LARGEST)
    out, stems = np.empty(length, np.int16), np.empty((len(parts), length), np.int16)
    mixer = Mixer(length, rate)
    energy = mixer.mix(parts, out, stems)
    assert stems.tolist() == expected
    assert out.tolist() == total
    assert energy == sum(value * value for value in total)
    assert np.array_equal(stems.sum(axis=0, dtype=np.int64), out)
    again = np.empty(length, np.int16)
    assert mixer.mix(parts, again) == energy, "scratch memory carries nothing from clip to clip"
    assert np.array_equal(again, out)


@given(clips())
def test_a_mixer_that_has_worked_before_mixes_the_same(clip):
    rate, length, parts = clip
    fresh, used = Mixer(length, rate), Mixer(length, rate)
    loud = np.full(length, 32767, np.int16)
    used.mix([(loud, 0, np.int32(4096))], np.empty(length, np.int16))
    one, other = np.empty(length, np.int16), np.empty(length, np.int16)
    try:
        energy = fresh.mix(parts, one)
    except ClaimError:
        with pytest.raises(ClaimError):
            used.mix(parts, other)
        return
    assert used.mix(parts, other) == energy
    assert np.array_equal(one, other)


@pytest.mark.parametrize("length", [7, 1000, 16_000, 300_000])
def test_many_clips_at_a_time_are_the_clips_one_by_one(length):
    """Zero to four parts in any order, more clips than a tile holds."""
    random = np.random.default_rng(length)
    counts = random.integers(0, 5, 150 if length < 100_000 else 5)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    windows = [random.integers(-8000, 8001, length).astype(np.int16) for _ in range(offsets[-1])]
    gains = random.integers(0, 4097, offsets[-1]).astype(np.int32)
    out, one = np.full((len(counts), length), 7, np.int16), np.empty(length, np.int16)
    mixer = Mixer(length, 16_000)
    energies = mixer.mix_full(windows, gains, offsets, out)
    for clip, (a, b) in enumerate(itertools.pairwise(offsets.tolist())):
        assert energies[clip] == mixer.mix([(windows[k], 0, gains[k]) for k in range(a, b)], one)
        assert np.array_equal(out[clip], one)


def test_one_clip_of_many_that_is_too_loud_is_enough():
    windows = [np.full(1000, 20_000, np.int16)] * 81
    offsets = np.concatenate([np.arange(80), [80, 81]])
    gains = np.full(81, 4096, np.int32)
    out = np.empty((81, 1000), np.int16)
    mixer = Mixer(1000, 16_000)
    assert (mixer.mix_full(windows, gains, offsets, out) == 1000 * 20_000**2).all()
    with pytest.raises(ClaimError, match="16 bits"):
        mixer.mix_full([*windows, windows[0]], np.full(82, 4096, np.int32), np.concatenate([offsets[:-1], [82]]), out)


def test_nobody_is_digital_silence():
    out = np.full(10, 7, np.int16)
    assert Mixer(10, 16_000).mix([], out) == 0
    assert not out.any()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("length", [1, 3, 4, 5, 160])
def test_the_loudest_allowed_mixture_passes_and_one_step_more_raises(sign, length):
    half = np.full(length, sign * 16_384, np.int16)
    other = np.full(length, sign * 16_383, np.int16)
    out = np.empty(length, np.int16)
    unity = np.int32(4096)
    assert Mixer(length, 16_000).mix([(half, 0, unity), (other, 0, unity)], out) == length * LARGEST**2
    assert out.tolist() == [sign * LARGEST] * length
    with pytest.raises(ClaimError, match="16 bits"):
        Mixer(length, 16_000).mix([(half, 0, unity), (half, 0, unity)], out)


def test_one_sample_too_loud_is_enough():
    a, b = np.zeros(1000, np.int16), np.zeros(1000, np.int16)
    a[999], b[999] = 32767, 1
    with pytest.raises(ClaimError):
        Mixer(1000, 16_000).mix([(a, 0, np.int32(4096)), (b, 0, np.int32(4096))], np.empty(1000, np.int16))


@pytest.mark.parametrize("gain", [4097, 5000, 40_960, 524_288, 1_048_576, 1_048_577, 4_096_000])
@pytest.mark.parametrize("value", [32767, -32768, 8192, 4096, 1024])
def test_a_gain_that_no_plan_has_never_wraps_into_range(gain, value):
    """Beyond 31 bits the product wraps: what comes out must be an error or the truth."""
    window, out = np.full(64, value, np.int16), np.empty(64, np.int16)
    truth = (value * gain + 2048) >> 12
    if abs(truth) > LARGEST:
        with pytest.raises(ClaimError):
            Mixer(64, 16_000).mix([(window, 0, np.int32(gain))], out)
    else:
        Mixer(64, 16_000).mix([(window, 0, np.int32(gain))], out)
        assert (out == truth).all()


@pytest.mark.parametrize("rate", [*RATES, 44_100, 48_000])
def test_ramps_rise_from_next_to_nothing_to_unity(rate):
    fade = ramp(rate)
    assert fade.tolist() == fade_in(rate)
    assert len(fade) == rate // 100
    assert (np.diff(fade) >= 0).all()
    assert fade[0] < 100
    assert fade[-1] == 4096


def test_only_ends_inside_the_clip_are_ramped():
    window, unity = np.full(800, 1000, np.int16), np.int32(4096)
    out = np.empty(1600, np.int16)
    mixer = Mixer(1600, 16_000)
    for onset, rises, falls in ((0, False, True), (400, True, True), (800, True, False)):
        mixer.mix([(window, onset, unity)], out)
        assert (out[onset] < 10) == rises
        assert (out[onset + 799] < 10) == falls
        assert (out[onset + 160 : onset + 640] == 1000).all()
        assert not out[:onset].any()
        assert not out[onset + 800 :].any()
    whole = np.full(1600, 1000, np.int16)
    mixer.mix([(whole, 0, unity)], out)
    assert (out == 1000).all()


@pytest.mark.parametrize("length", [1000, 640])
def test_a_recording_that_is_used_as_it_is_keeps_every_sample(length):
    sound = np.random.default_rng(0).integers(-32768, 32768, length).astype(np.int16)
    sound[[0, 250, 500, -1]] = -32768
    out = np.empty(1000, np.int16)
    mixer = Mixer(1000, 16000, as_is=True)
    part = (sound, 0, np.int32(4096))
    energy = mixer.mix([part], out)
    assert np.array_equal(out[:length], sound), "no ramp: its end is its own"
    assert not out[length:].any()
    assert energy == int((sound.astype(np.int64) ** 2).sum())
    if length == 1000:
        full = np.empty((2, 1000), np.int16)
        energies = mixer.mix_full([sound, sound], np.full(2, 4096, np.int32), np.arange(3), full)
        assert energies.tolist() == [energy, energy]
        assert np.array_equal(full[1], sound)
        with pytest.raises(ClaimError):
            Mixer(1000, 16000).mix([part], out)


def test_energies_of_nothing_but_the_lowest_sample_are_exact():
    sound = np.full(1000, -32768, np.int16)
    out = np.empty((1, 1000), np.int16)
    part = (sound, 0, np.int32(4096))
    assert Mixer(1000, 16000, as_is=True).mix([part], out[0]) == 1000 * 32768**2
    energies = Mixer(1000, 16000, as_is=True).mix_full([sound], np.full(1, 4096, np.int32), np.arange(2), out)
    assert energies.tolist() == [1000 * 32768**2]
