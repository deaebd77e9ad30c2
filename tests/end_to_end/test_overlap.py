"""Turns: speakers come and go without a click, and the labels of overlap and activity are those of the recordings."""

from __future__ import annotations

import numpy as np
import pytest

from synth import demo
from tests.end_to_end.commands import clips, planned, rows, synth
from tests.end_to_end.judges import FRAMES_PER_S, active_frames, decibels, recording

RATE = 16_000
FRAME_N = RATE // FRAMES_PER_S
SECONDS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlap")
    options = ("--speakers", "1-3", "--seconds", SECONDS, "--overlap", "0:0.5", "--min-active", 0.8)
    plan = planned(folder, split="100/0/0", plan=(*options, "--clips", "600/0/0"))
    synth("render", plan, "-o", folder / "set", "--stems")
    return folder


@pytest.fixture(scope="module")
def made(folder):
    """Clips with their plan rows."""
    made = list(clips(folder / "set"))
    for row, plan in zip(made, rows(folder / "plan.parquet"), strict=True):
        assert row["clip_id"] == plan["clip_id"]
        row["plan"] = plan["parts"]
    return made


@pytest.fixture(scope="module")
def spoken():
    """Return, by source, the samples and which of their frames are speech, found without synth."""
    found = {}
    for path in demo.folder().rglob("*.flac"):
        samples, rate = recording(path)
        found[f"demo-voices/{path.relative_to(demo.folder()).as_posix()}"] = samples, active_frames(samples, rate)
    return found


def test_speakers_come_later_and_go_earlier(made):
    onsets = [part["onset_s"] for row in made for part in row["parts"] if row["n_speakers"] > 1]
    assert sum(onset > 0 for onset in onsets) > len(onsets) / 2
    ends = [part["onset_s"] + part["duration_s"] for row in made for part in row["parts"]]
    assert min(onsets) == 0 and max(ends) == SECONDS
    assert sum(end < SECONDS for end in ends) > len(ends) / 3


def test_stems_are_the_windows_of_the_plan(made, spoken):
    """Within their ramps to the sample; outside their turn silence."""
    for row in made:
        for stem, part in zip(row["stems"], row["plan"], strict=True):
            samples, _ = spoken[part["source_id"]]
            window = samples[part["start_n"] : part["start_n"] + part["length_n"]]
            plain = (window * part["gain_q12"] + 2048) >> 12
            onset, end = part["onset_n"], part["onset_n"] + part["length_n"]
            assert not stem[:onset].any() and not stem[end:].any()
            assert np.array_equal(stem[onset + 160 : end - 160], plain[160:-160])


def test_cuts_inside_the_clip_are_ramped(made, spoken):
    """10 ms up or down along 3x² - 2x³, to half a step of a 12-bit table; a cut at the border of the clip is none."""
    cuts = 0
    for row in made:
        for stem, part in zip(row["stems"], row["plan"], strict=True):
            samples, _ = spoken[part["source_id"]]
            window = samples[part["start_n"] : part["start_n"] + part["length_n"]]
            plain = ((window * part["gain_q12"] + 2048) >> 12).astype(np.float64)
            heard = stem[part["onset_n"] : part["onset_n"] + part["length_n"]]
            x = np.arange(1, 161) / 160
            ramp = 3 * x**2 - 2 * x**3
            first = plain[:160] * ramp if part["onset_n"] else plain[:160]
            last = plain[-160:] * ramp[::-1] if part["onset_n"] + part["length_n"] < SECONDS * RATE else plain[-160:]
            assert (abs(heard[:160] - first) <= abs(plain[:160]) / 8192 + 0.5).all()
            assert (abs(heard[-160:] - last) <= abs(plain[-160:]) / 8192 + 0.5).all()
            cuts += bool(part["onset_n"])
    assert cuts > 300


def test_active_time_is_honest(made, spoken):
    """As long as the recording's own speech within the window; never less than was asked."""
    for row in made:
        for part, plan in zip(row["parts"], row["plan"], strict=True):
            frames = _active(plan, spoken)
            assert part["active_s"] == pytest.approx(frames.sum() / FRAMES_PER_S, abs=1e-6), (row["clip_id"], part)
            assert part["active_s"] >= 0.8 - 1e-6
            assert plan["active_s"] == pytest.approx(part["active_s"], abs=1e-6)


def test_overlap_and_concurrency_are_those_of_the_recordings(made, spoken):
    for row in made:
        voices = np.zeros(SECONDS * FRAMES_PER_S, int)
        for plan in row["plan"]:
            first = plan["onset_n"] // FRAME_N
            frames = _active(plan, spoken)
            voices[first : first + len(frames)] += frames
        anyone, several = (voices >= 1).sum(), (voices >= 2).sum()
        assert row["overlap"] == pytest.approx(several / anyone, abs=1e-6), row["clip_id"]
        assert row["max_concurrent"] == voices.max(), row["clip_id"]


def test_the_nominal_range_is_kept(made):
    """With one speaker there is none; with several, pauses make it less than the turns' own."""
    by_n = {n: np.array([row["overlap"] for row in made if row["n_speakers"] == n]) for n in (1, 2, 3)}
    assert not by_n[1].any()
    for n in (2, 3):
        turns = [_shared(row["plan"]) for row in made if row["n_speakers"] == n]
        assert max(turns) <= 0.5 + 0.02
        assert min(by_n[n]) < 0.05 and max(by_n[n]) > 0.3


def test_ratios_between_speakers_are_those_promised(made):
    """sir_db: energy of a stem over that of the other speakers together."""
    for row in made:
        power = [(stem**2.0).sum() for stem in row["stems"]]
        for k, part in enumerate(row["parts"]):
            if row["n_speakers"] == 1:
                assert part["sir_db"] is None
            else:
                measured = decibels(power[k]) - decibels(sum(power) - power[k])
                assert part["sir_db"] == pytest.approx(measured, abs=0.35), row["clip_id"]


def test_a_turn_that_is_too_short_to_be_heard_is_refused_and_the_advice_works(tmp_path):
    sources = planned(tmp_path, split="100/0/0", plan=("--clips", "18/0/0")).parent / "sources.parquet"
    words = ["plan", sources, "--clips", "18/0/0", "--overlap", "0:0.5", "-o", tmp_path / "turns.parquet"]
    refused = synth(*words, "--seconds", 1, code=3)
    assert "shortest turn lasts" in refused.says and "Nearest feasible: --seconds" in refused.says
    assert not (tmp_path / "turns.parquet").exists()
    shortest = refused.says.partition("or --min-active ")[2].partition(",")[0]
    synth(*words, "--seconds", 1, "--min-active", shortest)


@pytest.mark.parametrize("text", ["0.5:0", "0:2", "some", "-1:0.5"])
def test_an_overlap_that_cannot_be_is_a_usage_error(tmp_path, text):
    refused = synth("mix", "--overlap", text, "--out", tmp_path / "set", code=2)
    assert f"--overlap {text}" in refused.says


def _active(plan: dict, spoken: dict) -> np.ndarray:
    first = plan["start_n"] // FRAME_N
    return spoken[plan["source_id"]][1][first : first + plan["length_n"] // FRAME_N]


def _shared(parts: list[dict]) -> float:
    """Return the share of the clip in which two or more turns run; windows may be shorter than their turn."""
    turns = np.zeros(SECONDS * RATE // FRAME_N, int)
    for part in parts:
        turns[part["onset_n"] // FRAME_N : (part["onset_n"] + part["length_n"]) // FRAME_N] += 1
    return float((turns >= 2).mean())
