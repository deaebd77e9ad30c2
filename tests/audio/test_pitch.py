"""What rises and falls like speech but has no pitch is nobody; voices of any height have one, in noise too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.audio import pitch
from synth.audio.envelope import measure
from synth.audio.speech import Judged, spoken
from tests.moving import NO_PITCH, moving
from tests.noises import RATE, harmonic_voice, noise

RATES = (8000, 16_000, 22_050, 44_100, 48_000)


def rule(samples: np.ndarray, rate: int = RATE) -> Judged:
    samples = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return spoken(samples, rate, measure(samples, rate).rms)


def alike_by_hand(cut: list[int]) -> float:
    """Return how alike a stretch is to itself a period later, in exact integers up to the last step."""
    moves = [b - a for a, b in zip(cut[:-2], cut[2:], strict=True)]
    here = moves[:96]
    sums = {lag: sum(a * b for a, b in zip(here, moves[lag : lag + 96], strict=True)) for lag in range(4, 27)}
    lag = max(sums, key=lambda k: (sums[k], -k))
    then = moves[lag : lag + 96]
    return sums[lag] / math.sqrt(max(sum(a * a for a in here) * sum(b * b for b in then), 1))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-800_000, 800_000), min_size=130, max_size=130), st.integers(0, 30), st.integers(1, 8))
def test_it_is_the_autocorrelation_that_is_written_down(values, period, step):
    if period:  # as in a voice, it repeats
        values = [values[k % period // step * step] for k in range(130)]
    found = pitch.alike(np.array([values, values[::-1]], np.float32))
    assert found[0] == pytest.approx(alike_by_hand(values), abs=1e-12)
    assert found[1] == pytest.approx(alike_by_hand(values[::-1]), abs=1e-12)
    assert (abs(found) <= 1 + 1e-12).all()


RUNS = st.lists(st.tuples(st.integers(1, 30), st.integers(3, 60)), min_size=1, max_size=12)


@settings(deadline=None)
@given(RUNS, st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_it_looks_at_the_loudest_of_each_third(runs, after, seed):
    edges = np.cumsum(np.array(runs).ravel())
    first, end = edges[::2], edges[1::2]
    level = np.random.default_rng(seed).integers(40, 60, int(edges[-1]) + after).astype(np.uint8)
    expected = []
    for a, b in zip(first.tolist(), end.tolist(), strict=True):
        for k in range(3):
            third = range(a + (b - a) * k // 3, a + (b - a) * (k + 1) // 3)
            expected.append(min(third, key=lambda at: (level[at], at)))
    assert pitch.loudest(first, end, level).tolist() == expected


@pytest.mark.parametrize("kind", NO_PITCH)
@pytest.mark.parametrize("level", [30, 3000])
def test_noise_that_comes_and_goes_is_nobody(kind, level):
    """Left out with the reason, or so little of it is active that hardly a clip can be drawn from it."""
    rng = np.random.default_rng(8)
    found = [rule(moving(kind, rng.uniform(4, 12), rng) * level) for _ in range(20)]
    assert np.mean([one.active.mean() for one in found]) <= 0.03
    left_out = [one for one in found if one.status == "no-speech"]
    assert len(left_out) >= 12
    assert all(one.reason.startswith("speech cannot be told from noise: ") for one in left_out)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("f0_hz", [85, 120, 220, 350, 480])
def test_a_voice_of_any_height_has_a_pitch(rate, f0_hz):
    rng = np.random.default_rng(4)
    voice = harmonic_voice(4, f0_hz, rng, rate)
    assert rule(voice * 3000, rate).active.mean() > 0.6
    assert rule(voice * 3000 + noise("white", len(voice), rng, rate) * 300, rate).active.mean() > 0.4


@pytest.mark.parametrize("kind", NO_PITCH)
def test_noise_beside_words_is_not_the_speaker(kind):
    """A voice for four seconds, then what moves for eight, at once: but for the second of the change, the voice is active."""
    rng, voice, beside = np.random.default_rng(6), 0, 0
    for _ in range(8):
        words = harmonic_voice(4, rng.uniform(90, 300), rng) * 2000
        active = rule(np.concatenate([words, moving(kind, 8, rng) * 2000])).active
        voice, beside = voice + int(active[:200].sum()), beside + int(active[200:].sum())
    assert voice >= 8 * 180
    assert beside <= 8 * 400 * 0.08


def test_too_short_for_a_pitch():
    """A recording of ten frames is no error."""
    voice = harmonic_voice(0.2, 150, np.random.default_rng(0)) * 3000
    assert rule(voice).status in ("ok", "no-speech")
    assert not pitch.voiced(np.zeros((3, 40), np.float32), np.array([0]), np.array([3]), np.zeros(3, np.uint8)).any()


@pytest.mark.parametrize(("away_s", "lasts_s", "active"), [(0.2, 0.2, True), (1.0, 0.2, False), (0.2, 0.8, False)])
def test_a_loud_consonant_belongs_to_the_word_beside_it(away_s, lasts_s, active):
    """Hiss without a pitch is speech where it is short and near; a long one, or one far away, is not."""
    rng = np.random.default_rng(3)
    room = noise("pink", 8 * RATE, rng) * 2
    room[2 * RATE : 4 * RATE] += harmonic_voice(2, 140, rng) * 2000
    begin = round((4 + away_s) * RATE)
    room[begin : begin + round(lasts_s * RATE)] += noise("white", round(lasts_s * RATE), rng) * 4000
    found = rule(room).active
    assert found[100:200].mean() > 0.9
    middle = round((4 + away_s + lasts_s / 2) * 50)
    assert found[middle] == active
