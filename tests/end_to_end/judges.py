"""Small statistics and measures that share no code with synth, so that they can judge it."""

from __future__ import annotations

import itertools
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
    of 11 frames, and three frames on either side; never more than 25 dB under the loud frames' RMS, or below -90 dBFS; and of
    that each run, in equal pieces of a second at most, in which 64 ms around the loudest frame of a third have a pitch, and
    those of at most 24 frames that lie within 10 frames of such a one, or within 35 if one of theirs is as loud as a tenth of all.
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
    active = wide & (rms <= min(np.sort(rms[sounds])[rank] + 50, 180))
    pieces = _pieces(active)
    voices = [(first, end) for first, end in pieces if _voiced(coarse, band, first, end)]
    loud = np.sort(rms[active])[active.sum() // 10] if voices else 0
    for first, end in set(pieces) - set(voices):
        close = 35 if rms[first:end].min() <= loud else 10
        near = any(first - close <= b and end + close >= a for a, b in voices)
        if not near or end - first > 24:
            active[first:end] = False
    return active


def _pieces(active: np.ndarray) -> list[tuple[int, int]]:
    """Return the runs of active frames, those of more than a second cut into equal pieces."""
    out, first = [], None
    for frame, on in enumerate([*active, False]):
        if on and first is None:
            first = frame
        elif not on and first is not None:
            count = -(-(frame - first) // FRAMES_PER_S)
            edges = [first + (frame - first) * k // count for k in range(count + 1)]
            out += itertools.pairwise(edges)
            first = None
    return out


def _voiced(coarse: np.ndarray, band: np.ndarray, first: int, end: int) -> bool:
    """Return whether 64 ms around the loudest frame of some third of a piece have a pitch."""
    thirds = [range(first + (end - first) * k // 3, first + (end - first) * (k + 1) // 3) for k in range(3)]
    places = [min(third, key=lambda frame: band[frame]) if third else first for third in thirds]
    return max(_pitch(coarse, place) for place in places) >= 0.55


def _pitch(coarse: np.ndarray, frame: int) -> float:
    """Return how much 48 ms around a frame are like what comes a period of 4 to 26 samples later, 1 at most."""
    samples = coarse.ravel()
    begin = min(max(frame * coarse.shape[1] + (coarse.shape[1] - 128) // 2, 0), len(samples) - 130)
    moves = samples[begin + 2 : begin + 130] - samples[begin : begin + 128]
    here = moves[:96]
    later = [moves[period : period + 96] for period in range(4, 27)]
    best = max(later, key=lambda one: here @ one)
    return here @ best / np.sqrt(max((here @ here) * (best @ best), 1))


def _half_db(power: np.ndarray) -> np.ndarray:
    """Return powers in half decibels below full scale, rounded, 0 to 255."""
    return np.clip(np.rint(-2 * decibels(power)), 0, 255)
