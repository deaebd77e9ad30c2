"""Noises and voices made up for tests: steady sounds that nobody speaks in, and sounds that move like a voice."""

from __future__ import annotations

import numpy as np

RATE = 16_000
NOISES = ("white", "pink", "brown", "blue", "hum50", "hum60", "fan", "tone", "room")


def noise(kind: str, count: int, rng: np.random.Generator, rate: int = RATE) -> np.ndarray:
    """Return samples with a mean square of 1: coloured noise, mains hum with harmonics, a fan, a tone, a room with a hum."""
    t = np.arange(count) / rate
    if kind in ("white", "pink", "brown", "blue"):
        out = _coloured({"white": 0.0, "pink": -0.5, "brown": -1.0, "blue": 0.5}[kind], count, rng, rate)
    elif kind in ("hum50", "hum60"):
        mains = int(kind[3:])
        out = sum(np.sin(2 * np.pi * mains * k * t + rng.uniform(0, 6)) / k for k in range(1, 20))
    elif kind == "fan":
        out = _coloured(-1.0, count, rng, rate) * (1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.2, 2) * t))
    elif kind == "tone":
        out = np.sin(2 * np.pi * rng.uniform(200, 1000) * t)
    else:
        out = _coloured(-0.5, count, rng, rate) / 3 + np.sin(2 * np.pi * 50 * t) * 0.5
    return np.asarray(out / out.std())


def harmonic_voice(seconds: float, f0_hz: float, rng: np.random.Generator, rate: int = RATE) -> np.ndarray:
    """Return a buzz of eight harmonics whose level moves by 14 dB three to five times a second; mean square 1."""
    t = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * f0_hz * k * t + rng.uniform(0, 6)) / k for k in range(1, 9))
    out = buzz * (0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(3, 5) * t + rng.uniform(0, 6)))
    return np.asarray(out / out.std())


def _coloured(slope: float, count: int, rng: np.random.Generator, rate: int) -> np.ndarray:
    """Return noise whose amplitude goes with the frequency to the power ``slope``, from 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / rate)
    return np.fft.irfft(spectrum * np.where(hz >= 20, np.maximum(hz, 20.0) ** slope, 0), count)
