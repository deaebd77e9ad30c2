"""Small statistics and measures that share no code with synth, so that they can judge it."""

from __future__ import annotations

from collections import Counter
from math import erfc, sqrt
from pathlib import Path

import numpy as np
import soundfile

FRAMES_PER_S = 50


def chi_square(table: Counter[tuple[str, str]]) -> float:
    """Return p of Pearson's test of independence (Wilson and Hilferty, 1931: the cube root is nearly normal)."""
    total = sum(table.values())
    first, second = Counter(), Counter()
    for (a, b), count in table.items():
        first[a] += count
        second[b] += count
    expected = {(a, b): first[a] * second[b] / total for a in first for b in second}
    statistic = sum((table[key] - value) ** 2 / value for key, value in expected.items())
    freedom = (len(first) - 1) * (len(second) - 1)
    z = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom))
    return erfc(z / sqrt(2)) / 2


def predicted(feature: np.ndarray, label: np.ndarray, folds: int = 5, bins: int = 20) -> float:
    """Return how often a label is predicted from one number: the commonest label among its like, cross-validated."""
    right = 0
    for fold in range(folds):
        test = np.arange(len(feature)) % folds == fold
        edges = np.quantile(feature[~test], np.linspace(0, 1, bins + 1)[1:-1])
        votes = np.zeros((bins, label.max() + 1), int)
        np.add.at(votes, (np.searchsorted(edges, feature[~test]), label[~test]), 1)
        right += int((votes.argmax(axis=1)[np.searchsorted(edges, feature[test])] == label[test]).sum())
    return right / len(feature)


def decibels(power: np.ndarray | float) -> np.ndarray:
    """Return 10 log10 of powers of samples, full scale at 32,768."""
    return 10 * np.log10(np.maximum(power, 1e-9) / 32768**2)


def recording(path: Path) -> tuple[np.ndarray, int]:
    """Return a mono recording less its rounded mean, and its rate."""
    samples, rate = soundfile.read(path, dtype="int16")
    wide = samples.astype(np.int64)
    return wide - int(np.floor(wide.sum() / len(wide) + 0.5)), rate


def active_frames(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return which 20 ms of a whole recording of less than 8 s are speech, by the rule that the documentation gives.

    In half decibels, between 250 and 750 Hz (at 2 kHz, the difference of next neighbours but one), as the median of three
    frames: where loud (5 %, at most 10 frames) and quiet (15 %) frames lie 10 dB apart, what is 8 dB over the quiet ones in 5
    of 11 frames, and three frames on either side; never more than 25 dB under the loud frames' RMS, or below -90 dBFS.
    """
    n, width = rate // FRAMES_PER_S, rate // 2000
    frames = samples[: len(samples) // n * n].reshape(-1, n).astype(np.float64)
    assert len(frames) <= 8 * FRAMES_PER_S, "a longer recording has a background for each second"
    coarse = frames[:, : n // width * width].reshape(len(frames), -1, width).sum(axis=2)
    band = _half_db(((coarse[:, 2:] - coarse[:, :-2]) ** 2).sum(axis=1) // (4 * width) / n)
    level = np.median([np.r_[band[:1], band[:-1]], band, np.r_[band[1:], band[-1:]]], axis=0)
    rms = _half_db((frames**2).mean(axis=1))
    sounds = rms <= 180
    count = sounds.sum()
    rank = min(count * 5 // 100, 10)
    loud, quiet = np.sort(level[sounds])[rank], np.sort(level[sounds])[::-1][count * 15 // 100]
    if quiet - loud < 20:
        return np.zeros(len(frames), bool)
    most = np.convolve(sounds & (level <= quiet - 16), np.ones(11), "same") >= 5
    wide = np.convolve(most, np.ones(7), "same") > 0
    return wide & (rms <= min(np.sort(rms[sounds])[rank] + 50, 180))


def _half_db(power: np.ndarray) -> np.ndarray:
    """Return powers in half decibels below full scale, rounded, 0 to 255."""
    return np.clip(np.rint(-2 * decibels(power)), 0, 255)
