"""Tables of decibels against arithmetic with a hundred digits."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.audio.decibels import (
    FULL_SCALE,
    GAIN_TENTHS,
    HIGHEST_TENTHS,
    LOWEST_TENTHS,
    UNITY,
    byte_energies,
    byte_peaks,
    gain_q12,
    gain_table,
    power,
    power_table,
    rms_thresholds,
    tenths,
    tenths_of,
)

FRAMES = [80, 160, 320, 441 * 2, 960]


def ten_to(exponent: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 100
        return Decimal(10) ** exponent


def border(tenth: int) -> Decimal:
    """Return the ratio half way, in decibels, between a tenth and the next."""
    return ten_to((Decimal(tenth) + Decimal(1) / 2) / 100)


def exact(ratio: float) -> int:
    """Return the tenths of a ratio by comparison with exact borders."""
    guess = round(100 * math.log10(ratio))
    return next(t for t in (guess - 1, guess, guess + 1) if border(t - 1) <= Decimal(ratio) < border(t))


@pytest.mark.parametrize("ulps", [-2, -1, 0, 1, 2])
def test_levels_are_exact_around_every_border(ulps):
    nearest = np.array([float(border(t)) for t in range(LOWEST_TENTHS, HIGHEST_TENTHS)])
    for _ in range(abs(ulps)):
        nearest = np.nextafter(nearest, np.inf if ulps > 0 else 0)
    expected = [
        t + (Decimal(value) >= border(t))
        for t, value in zip(range(LOWEST_TENTHS, HIGHEST_TENTHS), nearest.tolist(), strict=True)
    ]
    assert tenths(nearest).tolist() == expected


@given(st.floats(1e-19, 1e9))
def test_levels_are_exact_anywhere(ratio):
    assert tenths(np.array([ratio]))[0] == exact(ratio)


@given(st.lists(st.floats(0, 1e300), min_size=1))
def test_levels_ascend_and_are_clipped_at_the_ends(ratios):
    found = tenths(np.array(sorted(ratios)))
    assert (np.diff(found) >= 0).all()
    assert found.min() >= LOWEST_TENTHS
    assert found.max() <= HIGHEST_TENTHS
    assert tenths(np.array([0.0, 1.0, 1e300])).tolist() == [LOWEST_TENTHS, 0, HIGHEST_TENTHS]


def test_levels_of_any_shape():
    ratios = np.array([[1.0, 10.0, 0.1], [100.0, 2.0, 0.5]])
    assert tenths(ratios).tolist() == [[0, 100, -100], [200, 30, -30]]
    assert tenths(ratios.T).tolist() == [[0, 200], [100, 30], [-100, -30]]
    assert tenths(np.zeros((0, 3))).shape == (0, 3)
    assert tenths(ratios[:, ::2]).tolist() == [[0, -100], [200, -30]]


def test_a_level_turned_into_a_ratio_and_back_is_the_same():
    levels = np.arange(LOWEST_TENTHS, HIGHEST_TENTHS + 1)
    assert tenths(power(levels)).tolist() == levels.tolist()
    assert power(np.array([-5000, 5000])).tolist() == [power_table()[0], power_table()[-1]]


def test_powers_are_the_nearest_doubles():
    expected = [float(ten_to(Decimal(t) / 100)) for t in range(LOWEST_TENTHS, HIGHEST_TENTHS + 1)]
    assert power_table().tolist() == expected


def test_gains_are_the_rounded_powers():
    low, high = GAIN_TENTHS
    expected = [int((4096 * ten_to(Decimal(t) / 200)).to_integral_value(ROUND_HALF_UP)) for t in range(low, high + 1)]
    assert gain_table().tolist() == expected
    assert gain_table().dtype == np.int32
    assert gain_q12(np.array([0, low - 5, high + 5])).tolist() == [UNITY, expected[0], expected[-1]]


@pytest.mark.parametrize("frame_n", FRAMES)
def test_thresholds_are_the_smallest_sums_that_round_to_their_byte(frame_n):
    full = frame_n * FULL_SCALE**2
    found = rms_thresholds(frame_n).tolist()
    assert found == sorted(found)
    assert len(found) == 255
    for byte, threshold in zip(range(254, -1, -1), found, strict=True):
        lower = ten_to(-(Decimal(byte) + Decimal(1) / 2) / 20) * full  # half a step below the byte's own level
        assert threshold == math.ceil(lower)


@pytest.mark.parametrize("frame_n", FRAMES)
def test_an_energy_byte_is_at_most_a_quarter_decibel_off(frame_n):
    sums = np.unique(np.concatenate([rms_thresholds(frame_n), rms_thresholds(frame_n) - 1, byte_energies(frame_n)]))
    sums = sums[(sums > 0) & (sums < frame_n * FULL_SCALE**2)]
    byte = 255 - np.searchsorted(rms_thresholds(frame_n), sums, side="right")
    for one, total in zip(byte.tolist(), sums.tolist(), strict=True):
        if one < 255:
            assert abs(10 * math.log10(total / (frame_n * FULL_SCALE**2)) + one / 2) <= 0.25 + 1e-9


@pytest.mark.parametrize("frame_n", FRAMES)
def test_byte_tables_descend(frame_n):
    assert (np.diff(byte_energies(frame_n)) <= 0).all()
    assert (np.diff(byte_peaks()) <= 0).all()
    assert byte_energies(frame_n)[0] == frame_n * FULL_SCALE**2
    assert (byte_peaks()[0], byte_peaks()[255]) == (FULL_SCALE, 0)


def test_peak_bytes_are_rounded_down_powers():
    assert byte_peaks()[:255].tolist() == [int(FULL_SCALE * ten_to(-Decimal(k) / 40)) for k in range(255)]


def test_unity_and_full_scale():
    assert Fraction(UNITY, 4096) == 1
    assert gain_q12(np.array([60]))[0] == 8173, "6 dB are not quite twice"


@given(
    st.floats(0, 1e12)
    | st.sampled_from([0.0, 1.0, math.inf])
    | st.integers(LOWEST_TENTHS, HIGHEST_TENTHS - 1).map(lambda tenth: float(border(tenth))),
    st.sampled_from([-math.inf, None, math.inf]),
)
def test_one_ratio_has_the_level_that_it_has_among_many(ratio, towards):
    """At the borders between two levels, and a step of the last bit beside them, too."""
    ratio = ratio if towards is None else max(0.0, math.nextafter(ratio, towards))
    assert tenths_of(ratio) == tenths(np.array([ratio]))[0]
