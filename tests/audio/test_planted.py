"""Planted truth, a few recordings of it: speech in noise is found, and what lies around it is nobody."""

from __future__ import annotations

import numpy as np
import pytest

from synth.audio.envelope import active, measure
from tests.bench.activity import RATE, Count, measured, padded, planted, recordings
from tests.noises import noise
from tests.real_data import DATA, needs_data


@pytest.fixture(scope="module")
def counts():
    return measured([DATA / "LibriSpeech", DATA / "ravdess"], every=31)


def share(some: list[Count], name: str) -> float:
    """Return the share of the usable recordings, or of false windows among them."""
    usable = sum(one.usable for one in some)
    return sum(one.false for one in some) / usable if name == "false" else usable / sum(one.recordings for one in some)


@needs_data
def test_noise_around_and_under_speech_is_nobody(counts):
    assert len(counts["padded"]) == 36
    assert share(list(counts["padded"].values()), "false") <= 0.01
    loud, faint = (
        [one for name, one in counts["padded"].items() if (int(name.split()[1]) >= 15) is wanted]
        for wanted in (True, False)
    )
    assert len(loud) == len(faint) == 18
    assert share(loud, "usable") >= 0.95
    assert share(faint, "usable") >= 0.8


@needs_data
def test_a_hundredth_of_speech_is_found_and_all_of_it(counts):
    assert share(list(counts["sparse"].values()), "false") <= 0.01
    assert share(list(counts["sparse"].values()), "usable") >= 0.9


@needs_data
def test_noise_alone_is_left_out_and_clean_speech_is_not(counts):
    assert [one.usable for one in counts["alone"].values()] == [0] * 6
    assert (
        counts["clean"]["the rule"].usable
        == counts["clean"]["by level"].usable
        == counts["clean"]["the rule"].recordings
    )
    assert counts["clean"]["the rule"].false <= 0.01


@needs_data
def test_the_truth_can_tell_a_rule_that_takes_noise_for_speech():
    """By level alone, at 12 dB a third of the windows are false: the tests above can fail."""
    rng, found = np.random.default_rng(0), Count()
    for samples in recordings([DATA / "LibriSpeech"], 30):
        sound, mask = padded(samples, planted(samples), rng)
        sound = sound + noise("pink", len(sound), rng) * np.sqrt((samples**2).mean()) * 10 ** (-12 / 20)
        whole = np.rint(sound * min(1.0, 32000 / np.abs(sound).max())).astype(np.int16)
        found.add(active(measure(whole, RATE)), mask)
    assert found.usable == found.recordings > 5
    assert found.false / found.usable > 0.2
