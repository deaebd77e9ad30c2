"""Background noise: clips in which nobody speaks, and a ratio of speech to noise that is the one drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import soundfile

from synth import audit
from tests.end_to_end.commands import clips, files, planned, rows, synth
from tests.end_to_end.judges import decibels, predicted

CLIPS = ("--clips", "800/80/80")


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """Twelve noises of 6 s: white, hum and rumble, of very different levels."""
    folder = tmp_path_factory.mktemp("noise") / "rooms"
    folder.mkdir()
    rng = np.random.default_rng(1)
    seconds = np.arange(96_000) / 16_000
    for k in range(12):
        white = rng.normal(0, 1, 96_000)
        shaped = (
            white,
            np.convolve(white, np.ones(16) / 4, "same"),
            white / 3 + np.sin(2 * np.pi * 50 * (k + 1) * seconds),
        )
        samples = shaped[k % 3] * 10 ** (1.2 + 0.15 * k)
        soundfile.write(folder / f"room-{k:02d}.wav", samples.clip(-32000, 32000).astype(np.int16), 16_000)
    return folder


@pytest.fixture(scope="module")
def noisy(rooms, tmp_path_factory):
    folder = tmp_path_factory.mktemp("noisy")
    plan = planned(folder, plan=("--speakers", "0-3", "--snr-db", "0:20", *CLIPS), index=("--noise", rooms))
    synth("render", plan, "-o", folder / "set", "--stems")
    return folder / "set"


@pytest.fixture(scope="module")
def made(noisy):
    return list(clips(noisy))


def test_clips_without_a_speaker_exist_and_have_no_ratio(made):
    counts = Counter(row["n_speakers"] for row in made)
    assert counts == dict.fromkeys(range(4), 240)
    for row in made:
        assert (row["snr_db"] is None) == (row["n_speakers"] == 0)
        assert len(row["parts"]) == row["n_speakers"] + 1
        if row["n_speakers"] == 0:
            assert row["speakers_sex"] == "" and row["max_concurrent"] == 0 and row["overlap"] == 0


def test_noise_is_the_last_part_and_nobody(made):
    for row in made:
        *voices, noise = row["parts"]
        assert noise["corpus"] == "noise" and noise["speaker_id"] is noise["sex"] is noise["active_s"] is None
        assert all(part["corpus"] != "noise" for part in voices)
        assert row["stems"][-1].any(), "every clip of every class has noise"


def test_the_measured_ratio_is_the_one_in_the_table(made):
    """Speech together over noise, over the whole clip, within half a decibel; the range is used.

    The plan adds the speakers' energies. Voices that meet in phase make the sum a little more or less: exactly so, one
    speaker or the energies are closer, and the sum leaves the half decibel in a clip of several hundred.
    """
    off, drawn = [], []
    for row in made:
        if row["n_speakers"]:
            noise = decibels((row["stems"][-1] ** 2.0).mean())
            together = decibels((np.sum(row["stems"][:-1], axis=0, dtype=np.int64) ** 2.0).mean()) - noise
            added = decibels(sum((stem**2.0).mean() for stem in row["stems"][:-1])) - noise
            assert abs(added - row["snr_db"]) < 0.2, row["clip_id"]
            off.append(abs(together - row["snr_db"]))
            drawn.append(row["snr_db"])
    assert np.mean(np.array(off) < 0.5) > 0.995 and max(off) < 1.5
    assert min(drawn) < 1 and max(drawn) > 19
    assert 9 < np.mean(drawn) < 11


def test_stems_with_noise_add_up(made):
    for row in made:
        assert np.array_equal(np.sum(row["stems"], axis=0, dtype=np.int64), row["audio"])


def test_the_level_does_not_tell_whether_anybody_speaks(made):
    """Clips of noise alone are as loud as the others."""
    levels = np.array([decibels((row["audio"] ** 2.0).mean()) for row in made])
    counts = np.array([row["n_speakers"] for row in made])
    assert predicted(levels, counts) <= 0.25 + 4 * (0.25 * 0.75 / len(counts)) ** 0.5
    medians = [np.median(levels[counts == n]) for n in range(4)]
    assert max(medians) - min(medians) < 1.5, medians
    for n in range(4):
        assert levels[counts == n].min() >= -33.6 and levels[counts == n].max() <= -21.4


def test_a_noise_is_in_one_split_only(noisy):
    used: dict[str, set[str]] = {}
    for row in rows(noisy / "manifest.parquet", "split", "parts"):
        used.setdefault(row["split"], set()).add(row["parts"][-1]["source_id"])
    assert sum(map(len, used.values())) == len(set().union(*used.values())) == 12


def test_mix_does_the_same(rooms, noisy, tmp_path):
    out = tmp_path / "set"
    synth("mix", "--speakers", "0-3", "--noise", rooms, "--snr-db", "0:20", *CLIPS, "--stems", "--out", out)
    audit(noisy, pictures=False)  # as mix does; it adds to the card what there is to beat
    assert files(out) == files(noisy)


@pytest.mark.parametrize("command", ["mix", "plan"])
def test_nobody_without_noise_is_a_usage_error(tmp_path, command):
    if command == "mix":
        refused = synth("mix", "--speakers", "0-3", "--out", tmp_path / "set", code=2)
    else:
        sources = planned(tmp_path, plan=("--clips", "18/0/0"), split="100/0/0").parent / "sources.parquet"
        refused = synth("plan", sources, "--speakers", "0-3", "-o", tmp_path / "other.parquet", code=2)
    assert "digital silence gives the answer away" in refused.says
    assert "--noise FOLDER" in refused.says and "--speakers 1-3" in refused.says
    assert not (tmp_path / "set").exists() and not (tmp_path / "other.parquet").exists()


def test_too_few_noises_for_the_splits_are_refused(rooms, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(rooms.iterdir())[:2]:
        (few / path.name).write_bytes(path.read_bytes())
    refused = synth("mix", "--speakers", "0-2", "--noise", few, "--out", tmp_path / "set", code=3)
    assert "2 noise recordings for 3 splits" in refused.says and "fewer splits" in refused.says


def test_noise_that_is_too_short_is_refused(rooms, tmp_path):
    short = tmp_path / "short"
    short.mkdir()
    for path in sorted(rooms.iterdir())[:3]:
        soundfile.write(short / path.name, soundfile.read(path, dtype="int16")[0][:8000], 16_000)
    refused = synth("mix", "--speakers", "0-2", "--noise", short, "--out", tmp_path / "set", code=3)
    assert "no noise recording of at least 1 s" in refused.says
