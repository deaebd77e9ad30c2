"""The envelope: bytes that bound and approximate, and who counts as active."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.audio.decibels import FULL_SCALE, byte_peaks
from synth.audio.envelope import (
    ABOVE_QUIET,
    BELOW_LOUD,
    DYNAMIC,
    SILENT,
    Envelope,
    active,
    active_thresholds,
    energies,
    frame_length,
    measure,
)

RATE = 16_000
FRAME = 320
SAMPLES = arrays(np.int16, st.integers(0, 3 * 80 + 7), elements=st.integers(-32768, 32767))
BYTES = st.integers(0, 255) | st.sampled_from([40, 60, 80, 85, 90])  # the latter: rooms in which noise decides
ENVELOPES = st.lists(
    st.lists(BYTES, max_size=60)
    | st.lists(st.integers(0, 120), min_size=17, max_size=60)
    | st.lists(st.sampled_from([40, 80, 85, 90]), min_size=18, max_size=60),
    min_size=1,
    max_size=8,
)


def rule(rms: list[int]) -> int:
    """Return the threshold of one recording, by sorting."""
    if not rms:
        return -1
    ordered = sorted(rms)
    loud, quiet = ordered[len(rms) * 5 // 100], ordered[len(rms) * 95 // 100]
    if loud > SILENT:
        return -1
    threshold = loud + BELOW_LOUD
    if quiet - loud >= DYNAMIC:
        threshold = min(threshold, quiet - ABOVE_QUIET)
    return min(threshold, SILENT)


@given(ENVELOPES)
def test_thresholds_of_many_are_those_of_each_alone(envelopes):
    flat = np.array([byte for one in envelopes for byte in one], np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in envelopes])]).astype(np.int64)
    found = active_thresholds(flat, offsets)
    assert found.tolist() == [rule(one) for one in envelopes]
    for k, one in enumerate(envelopes):
        alone = np.array(one, np.uint8)
        assert active_thresholds(alone, np.array([0, len(one)]))[0] == found[k]


@given(ENVELOPES)
def test_who_is_active_in_one_recording_is_what_the_thresholds_say(envelopes):
    for one in envelopes:
        rms = np.array(one, np.uint8)
        assert active(Envelope(rms, rms, np.zeros(len(one), np.int64))).tolist() == [byte <= rule(one) for byte in one]


@given(
    arrays(np.int16, st.integers(0, 400), elements=st.sampled_from([-32768, -32767, -300, -1, 0, 1, 300, 32767])),
    st.sampled_from([4000, 8000]),
)
def test_peak_bytes_are_those_of_the_highest_sample_of_either_sign(samples, rate):
    frame_n = frame_length(rate)
    ascending = byte_peaks()[::-1].tolist()
    wanted = []
    for k in range(len(samples) // frame_n):
        highest = max(abs(value) for value in samples[k * frame_n : (k + 1) * frame_n].tolist())
        wanted.append(255 - next(i for i, most in enumerate(ascending) if most >= highest))
    assert measure(samples, rate).peaks.tolist() == wanted


def test_thresholds_of_more_recordings_than_a_block():
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 6, 9000)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    flat = rng.integers(0, 256, offsets[-1]).astype(np.uint8)
    found = active_thresholds(flat, offsets)
    for k in [0, 1, 4095, 4096, 4097, 8191, 8192, 8999]:
        assert found[k] == rule(flat[offsets[k] : offsets[k + 1]].tolist())


@given(SAMPLES)
def test_bytes_bound_the_peak_and_approximate_the_energy(samples):
    envelope = measure(samples, 4000)
    frames = len(samples) // 80
    assert len(envelope.rms) == len(envelope.peaks) == frames
    for k in range(frames):
        frame = [int(x) for x in samples[80 * k : 80 * k + 80]]
        total, highest = sum(x * x for x in frame), max(abs(x) for x in frame)
        assert energies(samples, 80)[k] == total
        allowed = int(byte_peaks()[envelope.peaks[k]])
        assert highest <= allowed
        if highest:
            assert envelope.peaks[k] < 255
            assert 40 * math.log10(FULL_SCALE / highest) - 1 <= envelope.peaks[k], "at most half a decibel above"
        else:
            assert envelope.peaks[k] == 255
        if total:
            level = -20 * math.log10(total / (80 * FULL_SCALE**2))
            assert envelope.rms[k] == 255 or abs(envelope.rms[k] - level) <= 0.5 + 1e-9
        else:
            assert envelope.rms[k] == 255


def test_the_loudest_sample_there_is():
    samples = np.full(FRAME, -32768, np.int16)
    envelope = measure(samples, RATE)
    assert (envelope.rms.tolist(), envelope.peaks.tolist()) == ([0], [0])
    assert energies(samples, FRAME).tolist() == [FRAME * 32768**2]
    assert byte_peaks()[0] == 32768
    assert measure(-(samples + 1), RATE).peaks.tolist() == [0], "32,767 needs the byte of full scale"


@pytest.mark.parametrize("n", [0, 1, FRAME - 1])
def test_what_is_shorter_than_a_frame_has_no_envelope(n):
    envelope = measure(np.ones(n, np.int16), RATE)
    assert (len(envelope.rms), len(envelope.peaks), len(active(envelope))) == (0, 0, 0)


@pytest.mark.parametrize("value", [0, 1, -1])
def test_silence_is_never_active(value):
    samples = np.zeros(50 * FRAME, np.int16)
    samples[::FRAME] = value  # one step of the converter a frame is below -90 dBFS
    assert not active(measure(samples, RATE)).any()


@pytest.mark.parametrize("level", [20, 300, 8000])
def test_speech_is_active_and_its_pauses_are_not_at_any_level(level):
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(100 * FRAME) * level
    samples[40 * FRAME : 60 * FRAME] /= 1000
    found = active(measure(np.rint(samples).astype(np.int16), RATE))
    assert found[:40].all()
    assert found[60:].all()
    assert not found[40:60].any()


def test_a_noisy_room_is_not_speech():
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(200 * FRAME) * 30
    samples[: 80 * FRAME] *= 100
    found = active(measure(np.rint(samples).astype(np.int16), RATE))
    assert found[:80].all()
    assert not found[80:].any()


@pytest.mark.parametrize("rate", [4000, 8000, 16_000, 44_100, 48_000, 192_000])
def test_a_frame_is_twenty_milliseconds(rate):
    assert frame_length(rate) * 50 == rate
    assert len(measure(np.zeros(rate, np.int16), rate).rms) == 50
