"""Clips as files that others can read: the same samples come back."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.audio.encode import WAV_HEADER_BYTES, flac, wav, wav_header

PCM = arrays(np.int16, st.integers(1, 5000), elements=st.integers(-32768, 32767))


@pytest.mark.parametrize("encode", [wav, flac])
@given(PCM, st.sampled_from([4000, 16_000, 44_100, 192_000]))
def test_what_is_encoded_is_read_again(encode, samples, rate):
    data = encode(samples, rate)
    found, at = sf.read(io.BytesIO(data), dtype="int16")
    assert np.array_equal(found, samples)
    assert at == rate


def test_a_wav_file_is_a_header_and_samples():
    samples = np.arange(-5, 5, dtype=np.int16)
    data = wav(samples, 16_000)
    assert len(data) == WAV_HEADER_BYTES + 20
    assert data[:WAV_HEADER_BYTES] == wav_header(10, 16_000).tobytes()
    reference = io.BytesIO()
    sf.write(reference, samples, 16_000, format="WAV", subtype="PCM_16")
    assert data == reference.getvalue(), "byte for byte what libsndfile writes"


def test_samples_that_lie_apart_are_encoded_too():
    samples = np.arange(20, dtype=np.int16)[::2]
    assert wav(samples, 8000) == wav(samples.copy(), 8000)
    assert flac(samples, 8000) == flac(samples.copy(), 8000)
