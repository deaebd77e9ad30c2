"""Gains: the sum has its level, speakers their relative levels, peaks fit, and what is promised is so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.audio.decibels import FULL_SCALE, GAIN_TENTHS, byte_peaks, gain_q12
from synth.planning.levels import LARGEST, Gains, Heard, balanced, lowered, mean_level, peak_bound, ratios
from synth.planning.plan import Block
from synth.planning.pool import Pool
from tests.planning.made import RATE, planner, sources

LENGTH_N = 16_000
RMS = st.floats(30, 8000)


def db(ratio: float) -> float:
    return 10 * math.log10(ratio)


@st.composite
def clips(draw, noise: bool) -> tuple[Heard, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return what some clips hold, and drawn offsets, levels and ratios."""
    rows, voices = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    slots = voices + noise
    present = np.zeros((rows, slots), np.bool_)
    for row in range(rows):
        present[row, : draw(st.integers(0 if noise else 1, voices))] = True
    present[:, voices:] = True
    rms = np.array(draw(st.lists(RMS, min_size=rows * slots, max_size=rows * slots))).reshape(rows, slots)
    share = draw(st.floats(0.3, 1))
    active_n = np.where(present, np.rint(share * LENGTH_N), 0.0)
    active_energy = np.where(present, np.rint(rms**2 * active_n), 0.0)
    peak = np.where(present, np.minimum(rms * 3, 32768), 0).astype(np.int32)
    heard = Heard(np.rint(active_energy * 1.02), active_energy, active_n, peak, present)
    offset = np.array(draw(st.lists(st.integers(-25, 25), min_size=rows * slots, max_size=rows * slots)))
    level = np.array(draw(st.lists(st.integers(-330, -220), min_size=rows, max_size=rows)))
    snr = np.array(draw(st.lists(st.integers(0, 200), min_size=rows, max_size=rows))) if noise else None
    return heard, offset.reshape(rows, slots), level, snr


def scaled(energy: np.ndarray, gains: Gains) -> np.ndarray:
    """Return energies after the integer gains that are rendered."""
    return energy * (gains.q12.astype(np.float64) / 4096) ** 2


@given(clips(noise=False))
def test_the_sum_has_the_drawn_level(made):
    heard, offset, level, _ = made
    gains = balanced(heard, offset, level, None, LENGTH_N)
    total = scaled(heard.energy, gains).sum(axis=1)
    for row in np.flatnonzero(gains.met):
        assert db(total[row] / (LENGTH_N * FULL_SCALE**2)) == pytest.approx(level[row] / 10, abs=0.1)


@given(clips(noise=False))
def test_speakers_differ_by_what_was_drawn_for_them_whatever_their_recordings(made):
    heard, offset, level, _ = made
    gains = balanced(heard, offset, level, None, LENGTH_N)
    for row in np.flatnonzero(gains.met):
        here = np.flatnonzero(heard.present[row])
        mean = heard.active_energy[row, here] / heard.active_n[row, here]
        own = [db(m) + t / 10 for m, t in zip(mean, gains.tenths[row, here], strict=True)]
        for k, one in zip(here, own, strict=True):
            assert one - own[0] == pytest.approx((offset[row, k] - offset[row, here[0]]) / 10, abs=0.11)


@given(clips(noise=True))
def test_with_noise_the_sum_has_its_level_and_speech_its_ratio(made):
    heard, offset, level, snr = made
    gains = balanced(heard, offset, level, snr, LENGTH_N)
    after = scaled(heard.energy, gains)
    for row in np.flatnonzero(gains.met):
        assert db(after[row].sum() / (LENGTH_N * FULL_SCALE**2)) == pytest.approx(level[row] / 10, abs=0.1)
        speech = after[row, :-1].sum()
        # an integer gain of a few steps of 1/4096 is coarse: what it misses is half a step
        coarse = 20 * math.log10(1 + 0.5 / max(int(gains.q12[row][heard.present[row]].min()), 1))
        if speech:
            assert db(speech / after[row, -1]) == pytest.approx(snr[row] / 10, abs=0.15 + 2 * coarse)


@given(clips(noise=True))
def test_empty_slots_have_no_gain(made):
    heard, offset, level, snr = made
    gains = balanced(heard, offset, level, snr, LENGTH_N)
    assert (gains.q12[~heard.present] == 0).all()
    assert (gains.q12[heard.present] > 0).all()
    assert np.array_equal(gains.peak, peak_bound(heard.peak, gains.q12))


def test_a_gain_out_of_reach_is_told():
    present = np.ones((1, 1), np.bool_)
    quiet = np.array([[float(LENGTH_N)]])
    heard = Heard(quiet, quiet, np.array([[float(LENGTH_N)]]), np.array([[2]], np.int32), present)
    gains = balanced(heard, np.zeros((1, 1), np.int64), np.array([-100]), None, LENGTH_N)
    assert not gains.met[0]
    assert gains.tenths[0, 0] == GAIN_TENTHS[1]


@given(st.lists(st.tuples(st.integers(0, 32768), st.integers(*GAIN_TENTHS)), min_size=1, max_size=21))
def test_the_bound_holds_for_any_samples_of_these_peaks(parts):
    peaks = np.array([[peak for peak, _ in parts]], np.int32)
    q12 = gain_q12(np.array([[t for _, t in parts]]))
    worst = sum((peak * int(gain) + 2048) >> 12 for peak, gain in zip(peaks[0].tolist(), q12[0].tolist(), strict=True))
    lowest = sum(
        (-peak * int(gain) + 2048) >> 12 for peak, gain in zip(peaks[0].tolist(), q12[0].tolist(), strict=True)
    )
    assert peak_bound(peaks, q12)[0] == worst >= -lowest


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 32768), st.integers(*GAIN_TENTHS)), min_size=3, max_size=3),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_too_loud_is_lowered_until_it_fits_and_not_further(made):
    peak = np.array([[p for p, _ in row] for row in made], np.int32)
    tenths = np.array([[t for _, t in row] for row in made], np.int64)
    present = peak > 0
    q12 = np.where(present, gain_q12(tenths), 0).astype(np.int32)
    gains = Gains(tenths, q12, peak_bound(peak, q12), np.ones(len(made), np.bool_))
    after, down = lowered(gains, present, lambda gain: peak_bound(peak, gain))
    assert (after.peak <= LARGEST).all()
    assert ((down > 0) == (gains.peak > LARGEST)).all()
    assert np.array_equal(after.tenths, np.maximum(tenths - down[:, None], GAIN_TENTHS[0]))
    less = np.where(present, gain_q12(np.maximum(tenths - np.maximum(down - 2, 0)[:, None], GAIN_TENTHS[0])), 0)
    assert (peak_bound(peak, less.astype(np.int32))[down > 2] > LARGEST).all()


@given(st.lists(st.tuples(st.floats(1, 1e13), st.integers(-600, 600), st.booleans()), min_size=1, max_size=6))
def test_the_promised_ratio_is_that_of_the_energies(parts):
    energy = np.array([[e for e, _, _ in parts]])
    gain = np.array([[t for _, t, _ in parts]])
    present = np.array([[p for _, _, p in parts]])
    found = ratios(energy, gain, present)[0]
    after = [e * 10 ** (t / 100) if p else 0.0 for e, t, p in parts]
    for k, own in enumerate(after):
        others = sum(after[:k]) + sum(after[k + 1 :])
        if own and others and 1e-19 < own / others < 1e6:  # beyond, the difference of doubles is what limits it
            assert found[k] / 10 == pytest.approx(db(own / others), abs=0.0501)


def test_levels_are_relative_to_full_scale():
    energy = np.array([float(LENGTH_N * FULL_SCALE**2), LENGTH_N * 3276.8**2, 0.0])
    assert mean_level(energy, LENGTH_N).tolist() == [0, -200, -2000]


def largest(block: Block, pool: Pool, row: int, frames: int) -> int:
    """Return the largest sample that a clip can have, its parts added frame by frame."""
    total = np.zeros(frames, np.int64)
    for slot in np.flatnonzero(block.source[row] >= 0).tolist():
        first = pool.offsets[block.source[row, slot]] + block.start[row, slot]
        length, onset = int(block.length[row, slot]), int(block.onset[row, slot])
        peaks = byte_peaks()[pool.peaks[first : first + length]].astype(np.int64)
        total[onset : onset + length] += (peaks * int(block.gain_q12[row, slot]) + 2048) >> 12
    return int(total.max(initial=0))


OPTIONS = [
    {},
    {"speakers": "1-4", "sir_db": 12.0},
    {"speakers": "2", "overlap": "0:0.8", "min_active": 0.2, "sir_db": 0.0},
    {"speakers": "0-3", "snr_db": "-5:15"},
    {"level_dbfs": "-22:-19"},
    {"speakers": "3", "level_dbfs": "-9:-6", "sir_db": 10.0},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_every_row_of_a_plan_is_as_loud_as_it_says(options):
    noisy = "snr_db" in options
    made, request, pool = planner(sources(noise=3 if noisy else 0, seed=5), **options)
    block = made.rows(0, 2000)
    present = block.source >= 0
    voices = present.copy()
    if noisy:
        voices[:, -1] = False
    a = pool.offsets[block.source] + block.start
    b = a + block.length
    gain = (block.gain_q12 / 4096) ** 2
    energy = np.where(present, (pool.energy_before[b] - pool.energy_before[a]) * gain, 0.0)
    level = 10 * np.log10(energy.sum(axis=1) / (request.length_n * FULL_SCALE**2))
    assert np.abs(level - block.level / 10).max() <= 0.1
    assert (block.level >= request.level[0])[~block.lowered].all()
    assert (block.level <= request.level[1]).all()
    assert max(largest(block, pool, row, request.frames) for row in range(len(block.cell))) <= LARGEST
    if options.get("level_dbfs") == "-9:-6":
        assert block.lowered.any(), "this case is there to be too loud"
    else:
        assert block.lowered.mean() < 0.05
    active = np.where(voices, pool.active_energy_before[b] - pool.active_energy_before[a], 0) * gain
    with np.errstate(divide="ignore", invalid="ignore"):
        own = 10 * np.log10(active / (block.active * (RATE // 50)))
        others = np.where(voices, energy, 0).sum(axis=1)[:, None] - np.where(voices, energy, 0)
        sir = 10 * np.log10(energy / others)
    for row in np.flatnonzero(voices.sum(axis=1) > 1).tolist():
        here = voices[row]
        assert np.ptp(own[row, here]) <= request.sir / 10 + 0.15
        assert np.abs(sir[row, here] - block.sir[row, here] / 10).max() <= 0.1
    if noisy:
        spoken = voices.any(axis=1)
        snr = 10 * np.log10(energy[spoken, :-1].sum(axis=1) / energy[spoken, -1])
        assert np.abs(snr - block.snr[spoken] / 10).max() <= 0.2


def test_the_level_tells_nothing_of_the_class():
    made, _, _ = planner(sources(seed=2))
    block = made.rows(0, 36_000)
    means = [block.level[block.cell == cell].mean() for cell in range(9)]
    assert np.ptp(means) < 5, "half a dB, of a range of eleven"
    assert np.bincount(block.level + 330).min() > 0, "every level of the range comes up"
