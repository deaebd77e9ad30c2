"""Sounds made up for tests that nobody speaks in but that move as speech does: noise that comes and goes, knocks, music."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.noises import RATE, noise

Floats = NDArray[np.float64]
SEMITONE = 2 ** (1 / 12)


def switched_fan(n: int, rng: np.random.Generator) -> Floats:
    """A fan that goes on and off every one to four seconds, over a quieter room."""
    out, at, on = noise("pink", n, rng) * 0.05, 0, True
    fan = noise("brown", n, rng) + 0.5 * noise("pink", n, rng)
    while at < n:
        end = at + int(rng.uniform(0.8, 4) * RATE)
        out[at:end] += fan[at:end] * on * _faded(len(fan[at:end]), 0.15)
        at, on = end, not on
    return out


def ramps(n: int, rng: np.random.Generator) -> Floats:
    """Noise that swells and fades by 30 dB within one to five seconds, again and again."""
    knots = np.cumsum(np.concatenate([[0], rng.uniform(1, 5, n // RATE + 2)])) * RATE
    heights = np.where(np.arange(len(knots)) % 2, 0.0, -30.0)
    return noise(("white", "pink")[int(rng.integers(2))], n, rng) * 10 ** (np.interp(np.arange(n), knots, heights) / 20)


def gusts(n: int, rng: np.random.Generator) -> Floats:
    """Wind: low noise whose level wanders by some 15 dB within a second."""
    wander = _smooth(n, 1.2, rng)
    return noise("brown", n, rng) * 10 ** (7 * wander / 20) + noise("pink", n, rng) * 0.2 * 10 ** (10 * wander / 20)


def crackle(n: int, rng: np.random.Generator) -> Floats:
    """Vinyl or a fire: some twenty clicks a second of very different heights, each dying within milliseconds, over hiss."""
    out = noise("pink", n, rng) * 0.02
    for at in rng.integers(0, n, max(1, 20 * n // RATE)).tolist():
        ring = rng.standard_normal(400) * np.exp(-np.arange(400) / rng.uniform(5, 80))
        out[at : at + 400] += ring[: n - at] * rng.lognormal(-1, 1)
    return out


def modulated(n: int, rng: np.random.Generator) -> Floats:
    """Noise that rises and falls by 25 dB four times a second, as syllables do."""
    swing = np.sin(2 * np.pi * rng.uniform(3, 5) * np.arange(n) / RATE + rng.uniform(0, 6))
    return noise(("white", "pink", "brown")[int(rng.integers(3))], n, rng) * 10 ** (12.5 * (swing - 1) / 20)


def slams(n: int, rng: np.random.Generator) -> Floats:
    """Doors: every second or two a low thump that dies within a third of a second, in a quiet room."""
    out, at = noise("pink", n, rng) * 0.01, int(rng.uniform(0.1, 1) * RATE)
    while at < n:
        t = np.arange(RATE) / RATE
        thump = (
            noise("brown", RATE, rng) + 0.7 * noise("pink", RATE, rng) + np.sin(2 * np.pi * rng.uniform(70, 160) * t)
        )
        end = min(n, at + RATE)
        out[at:end] += (thump * np.exp(-t / rng.uniform(0.05, 0.2)) * rng.uniform(0.4, 1))[: end - at]
        at += int(rng.uniform(0.7, 2.5) * RATE)
    return out


def keyboard(n: int, rng: np.random.Generator) -> Floats:
    """Typing: six keys a second, each a click and the thud of the table."""
    out, at = noise("pink", n, rng) * 0.01, 0
    while at < n:
        t = np.arange(1600) / RATE
        key = rng.standard_normal(1600) * np.exp(-t / 0.006) + 0.6 * noise("brown", 1600, rng) * np.exp(-t / 0.03)
        end = min(n, at + 1600)
        out[at:end] += (key * rng.uniform(0.3, 1))[: end - at]
        at += int(rng.exponential(1 / 6) * RATE) + 800
    return out


def dtmf(n: int, rng: np.random.Generator) -> Floats:
    """A telephone that dials: pairs of tones for a fifth of a second, with pauses."""
    out, at = noise("white", n, rng) * 0.005, 0
    low, high = (697, 770, 852, 941), (1209, 1336, 1477)
    while at < n:
        t = np.arange(min(int(rng.uniform(0.1, 0.3) * RATE), n - at)) / RATE
        out[at : at + len(t)] += np.sin(2 * np.pi * rng.choice(low) * t) + np.sin(2 * np.pi * rng.choice(high) * t)
        at += len(t) + int(rng.uniform(0.08, 0.3) * RATE)
    return out


def chords(n: int, rng: np.random.Generator) -> Floats:
    """Music: three to five plucked notes at once, twice a second, dying within a second."""
    out, at, step = np.zeros(n), 0, RATE // 2
    while at < n:
        root = 110 * SEMITONE ** int(rng.integers(0, 24))
        for interval in rng.choice((0, 3, 4, 7, 9, 12, 16), int(rng.integers(3, 6)), replace=False).tolist():
            out[at : at + 2 * RATE] += _note(root * SEMITONE**interval, 2.0, rng)[: n - at] * rng.uniform(0.4, 1)
        at += step * int(rng.integers(1, 3))
    return out


def drums(n: int, rng: np.random.Generator) -> Floats:
    """A drum kit at 110 a minute: bass drum, snare, hi-hat."""
    out, eighth = noise("pink", n, rng) * 0.003, round(RATE * 60 / 110 / 2)
    for k, at in enumerate(range(0, n, eighth)):
        t = np.arange(min(RATE // 3, n - at)) / RATE
        hit = 0.2 * rng.standard_normal(len(t)) * np.exp(-t / 0.02)
        if k % 4 == 0:
            hit = hit + 1.5 * np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.1)
        if k % 4 == 2:
            hit = hit + (0.6 * rng.standard_normal(len(t)) + 0.5 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t / 0.08)
        out[at : at + len(t)] += hit
    return out


def sung(n: int, rng: np.random.Generator) -> Floats:
    """A sung voice: a glottal buzz with vibrato through the formants of vowels, notes of half a second, breaths between."""
    out, at = noise("pink", n, rng) * 0.003, 0
    vowels = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
    base = rng.uniform(110, 330)
    while at < n:
        count = min(int(rng.uniform(0.4, 1.2) * RATE), n - at)
        t = np.arange(count) / RATE
        f0 = base * SEMITONE ** int(rng.choice((0, 2, 4, 5, 7))) * (1 + 0.012 * np.sin(2 * np.pi * 5.5 * t))
        phase, formants = 2 * np.pi * np.cumsum(f0) / RATE, vowels[int(rng.integers(len(vowels)))]
        for k in range(1, int(4000 / f0.max()) + 1):
            hz = k * f0.mean()
            out[at : at + count] += (
                np.sin(k * phase) / k * sum(1 / (1 + ((hz - f) / 90) ** 2) for f in formants) * _faded(count, 0.05)
            )
        at += count + int((rng.uniform(0.3, 0.6) if rng.random() < 0.25 else 0.02) * RATE)
    return out


NO_PITCH: dict[str, Callable[[int, np.random.Generator], Floats]] = {
    "switched fan": switched_fan,
    "ramps": ramps,
    "gusts": gusts,
    "crackle": crackle,
    "4 Hz": modulated,
    "slams": slams,
    "keyboard": keyboard,
}
WITH_PITCH: dict[str, Callable[[int, np.random.Generator], Floats]] = {
    "dtmf": dtmf,
    "chords": chords,
    "drums": drums,
    "sung": sung,
}


def moving(kind: str, seconds: float, rng: np.random.Generator) -> Floats:
    """Return a sound by name, with a mean square of 1."""
    out = (NO_PITCH | WITH_PITCH)[kind](round(seconds * RATE), rng)
    return out / out.std()


def _faded(n: int, seconds: float) -> Floats:
    """Return ones that rise from 0 and fall to 0 within so many seconds."""
    edge = np.arange(n) / (seconds * RATE)
    return np.minimum(1, np.minimum(edge, edge[::-1]))


def _smooth(n: int, hz: float, rng: np.random.Generator) -> Floats:
    """Return a wandering line with deviation 1 that changes so many times a second."""
    points = rng.standard_normal(int(n / RATE * 2 * hz) + 3)
    out = np.interp(np.arange(n), np.arange(len(points)) * RATE / (2 * hz), points)
    return out / max(out.std(), 1e-9)


def _note(hz: float, seconds: float, rng: np.random.Generator) -> Floats:
    """Return a plucked note: six harmonics that die the sooner the higher they are."""
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(
        sum(np.sin(2 * np.pi * hz * k * t + rng.uniform(0, 6)) / k * np.exp(-t * k / 0.8) for k in range(1, 7))
    )
