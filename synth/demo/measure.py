"""What an ear would use to tell the demo voices apart, in numpy: pitch, and the shape of the spectrum.

The maker of the voices prints a table of it and the tests hold the voices to it, so both call the same functions.
Nothing here knows about level: a voice must be known by its sound and not by how loud it was recorded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
LOWEST_F0_HZ, HIGHEST_F0_HZ = 60.0, 400.0
N_BANDS = 24

Floats = NDArray[np.float64]


def frames(samples: Floats, length_n: int, hop_n: int) -> Floats:
    """Return overlapping frames of ``samples`` (n,), shape (n_frames, length_n); a last partial frame is left out."""
    return np.lib.stride_tricks.sliding_window_view(samples, length_n)[::hop_n]


def active(framed: Floats, range_db: float = 25.0) -> NDArray[np.bool_]:
    """Tell which frames hold speech: those less than ``range_db`` below the 95th percentile of frame power."""
    power = np.mean(framed * framed, axis=1) + 1e-12
    return np.asarray(power > np.percentile(power, 95) * 10 ** (-range_db / 10))


def active_level_dbfs(samples: Floats) -> float:
    """Return the RMS level of the 20-ms frames that hold speech, in dB below a full-scale square wave."""
    framed = frames(samples, RATE_HZ // 50, RATE_HZ // 50)
    return float(10 * np.log10(np.mean(framed[active(framed)] ** 2)))


def active_s(samples: Floats) -> float:
    """Return for how many seconds there is speech, counted in 20-ms frames."""
    return float(np.count_nonzero(active(frames(samples, RATE_HZ // 50, RATE_HZ // 50))) / 50)


def f0_track_hz(samples: Floats) -> Floats:
    """Return the fundamental frequency of every voiced 50-ms frame (hop 10 ms), in Hz.

    The autocorrelation of a frame is divided by that of its window (Boersma, 1993, "Accurate short-term analysis of the
    fundamental frequency", equation 9). Of all peaks nearly as high as the highest the shortest lag is taken,
    so that a multiple of the period is not mistaken for it. Frames whose peak is below 0.6 are unvoiced.
    """
    length_n = RATE_HZ // 20
    framed = frames(samples, length_n, RATE_HZ // 100)
    framed = framed[active(framed, 20.0)]
    window = np.hanning(length_n)
    framed = (framed - framed.mean(axis=1, keepdims=True)) * window
    shortest, longest = int(RATE_HZ / HIGHEST_F0_HZ), int(RATE_HZ / LOWEST_F0_HZ)
    acf = np.fft.irfft(np.abs(np.fft.rfft(framed, 2 * length_n)) ** 2)[:, : longest + 2]
    window_acf = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * length_n)) ** 2)[: longest + 2]
    acf = acf / np.maximum(acf[:, :1], 1e-12) / (window_acf / window_acf[0])
    left, here, right = acf[:, shortest - 1 : -2], acf[:, shortest:-1], acf[:, shortest + 1 :]
    peaks = np.where((here >= left) & (here > right), here, 0.0)
    highest = peaks.max(axis=1)
    lag = np.argmax(peaks >= 0.85 * highest[:, None], axis=1)
    row = np.arange(len(lag))
    a, b, c = left[row, lag], here[row, lag], right[row, lag]
    bend = a - 2 * b + c
    offset = np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, -1.0), 0.0)
    return np.asarray((RATE_HZ / (lag + shortest + offset))[highest > 0.6])


def band_levels_db(samples: Floats) -> Floats:
    """Return the mean level of speech in each of 24 mel bands from 80 Hz to 7.6 kHz, less the mean of all, in dB."""
    length_n = RATE_HZ // 40
    framed = frames(samples, length_n, RATE_HZ // 100)
    power = np.abs(np.fft.rfft(framed[active(framed)] * np.hanning(length_n), 512)) ** 2
    mel = np.linspace(1127 * np.log1p(80 / 700), 1127 * np.log1p(7600 / 700), N_BANDS + 2)
    edges_hz = 700 * np.expm1(mel / 1127)
    bins_hz = np.arange(257) * RATE_HZ / 512
    rise = (bins_hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    fall = (edges_hz[2:, None] - bins_hz) / np.diff(edges_hz)[1:, None]
    bands = power @ np.maximum(0.0, np.minimum(rise, fall)).T
    levels = np.mean(10 * np.log10(bands + 1e-9), axis=0)
    return np.asarray(levels - levels.mean())


def features(samples: Floats) -> Floats:
    """Return the 26 numbers a voice is known by: median pitch and its spread in semitones, and 24 band levels in dB."""
    semitones = 12 * np.log2(f0_track_hz(samples))
    spread = np.percentile(semitones, 80) - np.percentile(semitones, 20)
    return np.concatenate([[np.median(semitones), spread], band_levels_db(samples)])


def nearest_voice(vectors: Floats, voices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Guess the voice of every utterance from the others alone (leave one out, nearest centroid).

    ``vectors`` is (n_utterances, n_features), ``voices`` (n_utterances,). Each feature is divided by its spread within
    the voices, which is found without the utterance in question, and an utterance never adds to its own centroid.
    """
    names = np.unique(voices)
    guesses = np.empty_like(voices)
    for left_out in range(len(voices)):
        known = np.arange(len(voices)) != left_out
        centroids = np.stack([vectors[known & (voices == name)].mean(axis=0) for name in names])
        scatter = vectors[known] - centroids[np.searchsorted(names, voices[known])]
        distances = (centroids - vectors[left_out]) / scatter.std(axis=0)
        guesses[left_out] = names[np.argmin(np.sum(distances**2, axis=1))]
    return guesses
