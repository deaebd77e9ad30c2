"""Planted truth: speech whose active parts are known, in noise, with noise around it. Who is counted as a speaker?

Clean recordings are cut to where they are certainly speech, and put into noise: 0.5 to 4 s of it before and after and under
all, at 5 to 30 dB; or a minute of noise of which 1 to 50 % is speech. Every window that a plan could draw is held against
what was planted. Run by hand:

    python tests/bench/activity.py LibriSpeech ravdess          # folders of clean recordings; minutes
    python tests/bench/activity.py LibriSpeech --every 8        # every eighth recording: less of a wait

Then sounds that nobody speaks in but that move: how many recordings of them pass, in how many of these the detector of the
audit hears somebody, in one of six windows at least, and the same voices with music and babble under them.

Bars: in at most 1 % of counted speakers less than half of the promised active time is true; from 15 dB on at least 95 % of
the recordings stay usable; of clean ones 99.5 % of what a rule by level uses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from synth.audio.envelope import active, measure
from synth.audio.speech import Judged, spoken
from synth.checking import voice
from tests.moving import NO_PITCH, WITH_PITCH, moving
from tests.noises import RATE, noise

FRAME_N = RATE // 50
WINDOW, PROMISED = 50, 25  # frames: clips of a second, half of it active
NOISES = ("white", "pink", "hum50", "hum60", "room", "brown")
SNR_DB = (5, 10, 12, 15, 20, 30)
SHARES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
CLEAN_DB, OVER_DB = 25, 6  # certainly speech: so near the loud frames of the clean recording, so far over quiet ones


@dataclass
class Count:
    """What became of some recordings: how many, how many can be used, and the share of their windows that are false."""

    recordings: int = 0
    usable: int = 0
    false: float = 0.0

    def add(self, found: np.ndarray, truth: np.ndarray) -> None:
        """Count a recording: which frames are active, which were planted."""
        self.recordings += 1
        promised, true = (np.convolve(mask, np.ones(WINDOW), "valid") for mask in (found, truth))
        drawn = promised >= PROMISED
        if drawn.any():
            self.usable += 1
            self.false += float((2 * true[drawn] < promised[drawn]).mean())


def planted(samples: np.ndarray) -> np.ndarray:
    """Return which 20 ms of a clean recording are certainly speech: found by level, on sound without noise."""
    power = (samples[: len(samples) // FRAME_N * FRAME_N].reshape(-1, FRAME_N) ** 2).mean(axis=1)
    smooth = np.convolve(power, np.ones(3) / 3, "same")
    db = 10 * np.log10(np.maximum(smooth, 1e-9))
    loud = np.percentile(db, 95)
    certain = (db >= loud - CLEAN_DB) & (db >= np.percentile(db, 5) + OVER_DB)
    runs = np.flatnonzero(np.diff(np.r_[0, certain.astype(int), 0]))
    for first, end in zip(runs[::2], runs[1::2], strict=True):
        if end - first < 3:
            certain[first:end] = False
    return certain


def level(samples: np.ndarray, truth: np.ndarray) -> float:
    """Return the RMS of the louder half of the planted frames."""
    power = (samples[: len(truth) * FRAME_N].reshape(-1, FRAME_N) ** 2).mean(axis=1)[truth]
    return float(np.sqrt(np.sort(power)[len(power) // 2 :].mean()))


def whole_numbers(samples: np.ndarray) -> np.ndarray:
    """Return samples in steps of 16 bits, made fainter where they would clip."""
    return np.clip(np.rint(samples * min(1.0, 32000 / max(np.abs(samples).max(), 1))), -32768, 32767).astype(np.int16)


def judge(samples: np.ndarray) -> Judged:
    """Ask the rule."""
    whole = whole_numbers(samples)
    return spoken(whole, RATE, measure(whole, RATE).rms)


def padded(samples: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a recording with 0.5 to 4 s of nothing before and after, and its planted frames."""
    before, after = (int(rng.uniform(0.5, 4) * 50) for _ in range(2))
    speech = samples[: len(truth) * FRAME_N]
    return (
        np.concatenate([np.zeros(before * FRAME_N), speech, np.zeros(after * FRAME_N)]),
        np.concatenate([np.zeros(before, np.bool_), truth, np.zeros(after, np.bool_)]),
    )


def sparse(
    samples: np.ndarray, truth: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a minute of nothing (what is left of it at more than 10 %) of which ``share`` is speech, and its planted frames."""
    frames = samples[: len(truth) * FRAME_N].reshape(-1, FRAME_N)[truth]
    if share == 1:
        return frames.reshape(-1), np.ones(len(frames), np.bool_)
    total = min(60 * 50, round(len(frames) / share))
    frames = frames[: round(share * total)]
    at = int(rng.integers(0, total - len(frames) + 1))
    out, mask = np.zeros((total, FRAME_N)), np.zeros(total, np.bool_)
    out[at : at + len(frames)], mask[at : at + len(frames)] = frames, True
    return out.reshape(-1), mask


def recordings(folders: list[Path], every: int) -> Iterator[np.ndarray]:
    """Yield the recordings below some folders, mono at 16 kHz in steps of 16 bits."""
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in (".flac", ".wav"))[::every]:
        samples, rate = soundfile.read(path, always_2d=True)
        yield soxr.resample(samples.mean(axis=1), rate, RATE) * 32768


def measured(folders: list[Path], every: int = 1, seed: int = 0) -> dict[str, dict[str, Count]]:
    """Return counts by kind (padded, sparse, alone, clean) and condition."""
    rng = np.random.default_rng(seed)
    out: dict[str, dict[str, Count]] = {kind: {} for kind in ("padded", "sparse", "alone", "clean")}
    for samples in recordings(folders, every):
        truth = planted(samples)
        if truth.sum() < PROMISED:
            continue
        whole = np.rint(samples).astype(np.int16)
        clean = out["clean"]
        clean.setdefault("by level", Count()).add(active(measure(whole, RATE)), truth)
        clean.setdefault("the rule", Count()).add(judge(samples).active, truth)
        loud = level(samples, truth)
        for kind in NOISES:
            for snr_db in SNR_DB:
                sound, mask = padded(samples, truth, rng)
                sound = sound + noise(kind, len(sound), rng) * loud * 10 ** (-snr_db / 20)
                out["padded"].setdefault(f"{kind} {snr_db:2d} dB", Count()).add(judge(sound).active, mask)
            sound = noise(kind, round(rng.uniform(2, 20) * RATE), rng) * loud
            found = judge(sound).active
            out["alone"].setdefault(kind, Count()).add(found, np.zeros(len(found), np.bool_))
        for share in SHARES:
            kind, snr_db = NOISES[int(rng.integers(len(NOISES)))], SNR_DB[int(rng.integers(1, len(SNR_DB)))]
            sound, mask = sparse(samples, truth, share, rng)
            if not len(sound):
                continue
            sound = sound + noise(kind, len(sound), rng) * loud * 10 ** (-snr_db / 20)
            out["sparse"].setdefault(f"{share:4.0%} speech", Count()).add(judge(sound).active, mask)
    return out


@dataclass
class Passing:
    """Recordings of a kind: how many, how many could be drawn from, how many of these the detector hears somebody in."""

    recordings: int = 0
    usable: int = 0
    heard: int = 0

    def add(self, samples: np.ndarray, detector: voice.Detector) -> None:
        """Count one: ask of up to six windows of a second that a plan could draw."""
        whole, found = whole_numbers(samples), judge(samples).active
        drawn = np.flatnonzero(np.convolve(found, np.ones(WINDOW), "valid") >= PROMISED) if len(found) >= WINDOW else []
        self.recordings += 1
        if len(drawn):
            self.usable += 1
            some = drawn[np.unique(np.linspace(0, len(drawn) - 1, 6).astype(int))]
            self.heard += any(detector.hears(whole[k * FRAME_N :][:RATE], RATE, PROMISED / 100) for k in some.tolist())


def moved(folders: list[Path], every: int, seed: int = 0) -> tuple[dict[str, Passing], dict[str, Count]]:
    """Return what passes of sounds that move, alone, by kind; and the planted truth with music and babble around and under."""
    rng, detector = np.random.default_rng(seed), voice.Detector()
    alone: dict[str, Passing] = {kind: Passing() for kind in [*NO_PITCH, *WITH_PITCH]}
    for kind, one in alone.items():
        for _ in range(40):
            one.add(moving(kind, rng.uniform(4, 12), rng) * 2000, detector)
    voices = list(recordings(folders, every))
    alone["babble of 6"], alone["voices"] = Passing(), Passing()
    under: dict[str, Count] = {}
    for samples in voices:
        alone["voices"].add(samples, detector)
        alone["babble of 6"].add(babble(voices, 8 * RATE, rng) * 2000, detector)
        truth = planted(samples)
        for kind in (*NO_PITCH, *WITH_PITCH, "babble of 6"):
            for snr_db in (5, 10, 15, 20):
                sound, mask = padded(samples, truth, rng)
                made = (
                    babble(voices, len(sound), rng) if kind == "babble of 6" else moving(kind, len(sound) / RATE, rng)
                )
                sound = sound + made[: len(sound)] * level(samples, truth) * 10 ** (-snr_db / 20)
                under.setdefault(f"{kind} {snr_db:2d} dB", Count()).add(judge(sound).active, mask)
    return alone, under


def babble(voices: list[np.ndarray], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return six of some recordings at once and again and again, mean square 1."""
    out = np.zeros(count)
    for k in rng.integers(0, len(voices), 6).tolist():
        one = np.resize(np.roll(voices[k], int(rng.integers(len(voices[k])))), count)
        out += one / one.std()
    return out / out.std()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("steady", "moving"), help="noise that does not move, or sounds that do")
    chosen = parser.parse_args()
    sys.stdout.write(f"{'':28}recordings  usable %  false % of counted speakers\n")
    tables = {} if chosen.only == "moving" else measured(chosen.folders, chosen.every, chosen.seed)
    alone: dict[str, Passing] = {}
    if chosen.only != "steady":
        alone, tables["moving"] = moved(chosen.folders, chosen.every, chosen.seed)
    for kind, conditions in tables.items():
        for name, one in conditions.items():
            false = f"{100 * one.false / one.usable:8.2f}" if one.usable else f"{'-':>8}"
            usable = 100 * one.usable / one.recordings
            sys.stdout.write(f"{kind:8}{name:20}{one.recordings:10d}{usable:10.1f}{false}\n")
    for name, passing in alone.items():
        sys.stdout.write(
            f"alone   {name:20}{passing.recordings:10d} of them used {passing.usable}, heard {passing.heard}\n"
        )


if __name__ == "__main__":
    main()
