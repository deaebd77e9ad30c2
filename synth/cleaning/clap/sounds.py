"""Sounds that every judge should know, made by a few lines of arithmetic, and one sentence for each.

``take`` varies pitch, pace and noise, so that the same kinds serve to test a judge and to train a small one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synth import demo, seeds
from synth.cleaning.clap.windows import RATE_HZ, read

Samples = NDArray[np.float64]  # mono, at 48 kHz
KNOWN = {
    "speech": "a person speaking",
    "siren": "an emergency siren",
    "static": "white noise, static",
    "clock": "a clock ticking",
    "bell": "a church bell ringing",
    "beep": "an electronic beep",
    "helicopter": "a helicopter",
    "crickets": "crickets chirping",
    "guitar": "an acoustic guitar",
    "applause": "an audience clapping",
}
_FULL = 32_767


def sound(name: str, take: int = 0, seconds: float = 5.0) -> NDArray[np.int16]:
    """Return a known sound at 48 kHz, shape (48000 · seconds,), peak 0.5; ``name`` is a key of KNOWN."""
    length_n = round(seconds * RATE_HZ)
    made = _MADE[name](length_n, take)
    return np.asarray(np.rint(made / max(float(np.abs(made).max()), 1e-9) * 0.5 * _FULL), np.int16)


def _between(name: str, take: int, low: float, high: float) -> float:
    """Draw a number in [low, high) for a take."""
    return float(low + (high - low) * _uniform(f"{name} {take}", 1)[0])


def _uniform(name: str, n: int) -> Samples:
    """Return n numbers in [0, 1)."""
    drawn = seeds.draw(seeds.key("known sounds", name), np.arange(n, dtype=np.int64))
    return (drawn >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _noise(name: str, n: int) -> Samples:
    return 2 * _uniform(name, n) - 1


def _time(n: int) -> Samples:
    return np.arange(n) / RATE_HZ


def _strikes(n: int, every_s: float, first_s: float, struck: Callable[[int], Samples]) -> Samples:
    """Put a sound at regular times; ``struck(k)`` is the k-th."""
    out = np.zeros(n)
    for k in range(int(n / RATE_HZ / every_s) + 1):
        start = round((first_s + k * every_s) * RATE_HZ)
        one = struck(k)[: max(0, n - start)]
        out[start : start + len(one)] += one
    return out


def _speech(n: int, take: int) -> Samples:
    files = sorted((demo.folder() / "demo").rglob("*.flac"))
    parts: list[NDArray[np.int16]] = []
    while sum(map(len, parts)) < n:
        parts.append(read(files[(take * 7 + len(parts)) % len(files)])[2])
    return np.concatenate(parts)[:n].astype(np.float64)


def _siren(n: int, take: int) -> Samples:
    low, high = _between("siren low", take, 400, 700), _between("siren high", take, 1100, 1700)
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * _time(n) / _between("siren period", take, 0.8, 4))
    phase = 2 * np.pi * np.cumsum(low + (high - low) * swing) / RATE_HZ
    return np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)


def _static(n: int, take: int) -> Samples:
    return _noise(f"static {take}", n)


def _clock(n: int, take: int) -> Samples:
    length = RATE_HZ // 20
    pitch = _between("clock pitch", take, 1800, 4000)
    ring = np.exp(-_time(length) * 250)

    def tick(k: int) -> Samples:
        colour = pitch * (1 if k % 2 else 0.8)
        return ring * (np.sin(2 * np.pi * colour * _time(length)) + 0.5 * _noise(f"tick {take} {k}", length))

    return _strikes(n, _between("clock pace", take, 0.4, 1.0), 0.1, tick) + 0.002 * _noise(f"room {take}", n)


def _bell(n: int, take: int) -> Samples:
    length = 4 * RATE_HZ
    pitch = _between("bell pitch", take, 250, 600)
    partials = (
        (0.5, 0.6, 0.5),
        (1, 1, 0.7),
        (1.2, 0.8, 1),
        (1.5, 0.4, 1.2),
        (2, 1, 1.5),
        (2.6, 0.4, 2.5),
        (4.1, 0.3, 4),
    )
    time = _time(length)
    rung = sum(
        (
            weight * np.exp(-time * decay) * np.sin(2 * np.pi * pitch * ratio * time)
            for ratio, weight, decay in partials
        ),
        np.zeros(length),
    )
    return _strikes(n, _between("bell pace", take, 1.5, 3), 0.05, lambda k: rung)


def _beep(n: int, take: int) -> Samples:
    period = _between("beep period", take, 0.4, 1.2)
    on = (_time(n) % period) < period * _between("beep share", take, 0.3, 0.6)
    return on.astype(np.float64) * np.sin(2 * np.pi * _between("beep pitch", take, 700, 2200) * _time(n))


def _helicopter(n: int, take: int) -> Samples:
    blades = _between("blades", take, 9, 16)
    low = np.cumsum(_noise(f"helicopter {take}", n))
    low -= np.convolve(low, np.ones(2400) / 2400, "same")
    chop = np.exp(-6 * ((_time(n) * blades) % 1.0))
    engine = np.sin(2 * np.pi * _between("engine", take, 80, 140) * _time(n))
    made: Samples = low / np.abs(low).max() * (0.15 + chop) + 0.15 * engine
    return made


def _crickets(n: int, take: int) -> Samples:
    pitch = _between("cricket pitch", take, 4000, 5200)
    trill = np.maximum(0, np.sin(2 * np.pi * _between("cricket trill", take, 25, 40) * _time(n)))
    period = _between("cricket period", take, 0.35, 0.8)
    chirp = ((_time(n) % period) < 0.5 * period) * trill
    return chirp * np.sin(2 * np.pi * pitch * _time(n)) + 0.01 * _noise(f"night {take}", n)


def _guitar(n: int, take: int) -> Samples:
    """Strings after Karplus and Strong, "Digital synthesis of plucked-string and drum timbres", CMJ 7(2), 1983."""
    scale = (0, 3, 5, 7, 10, 12, 15)
    base = _between("guitar base", take, 110, 196)

    def pluck(k: int) -> Samples:
        step = scale[int(_uniform(f"note {take} {k}", 1)[0] * len(scale))]
        period = round(RATE_HZ / (base * 2 ** (step / 12)))
        string = _noise(f"pluck {take} {k}", period)
        rounds = []
        for _ in range(RATE_HZ * 3 // 2 // period):
            rounds.append(string)
            string = 0.498 * (string + np.roll(string, 1))
        return np.concatenate(rounds)

    return _strikes(n, _between("guitar pace", take, 0.25, 0.6), 0.02, pluck)


def _applause(n: int, take: int) -> Samples:
    claps = round(n / RATE_HZ * _between("hands", take, 60, 120))
    places = (_uniform(f"claps {take}", claps) * n).astype(np.int64)
    loud = _uniform(f"loud {take}", claps)
    hits = np.zeros(n)
    np.add.at(hits, places, loud)
    length = RATE_HZ // 60
    clap = np.exp(-_time(length) * 350) * _noise(f"clap {take}", length)
    return np.convolve(hits, clap)[:n] + 0.01 * _noise(f"hall {take}", n)


_MADE: dict[str, Callable[[int, int], Samples]] = {
    "speech": _speech,
    "siren": _siren,
    "static": _static,
    "clock": _clock,
    "bell": _bell,
    "beep": _beep,
    "helicopter": _helicopter,
    "crickets": _crickets,
    "guitar": _guitar,
    "applause": _applause,
}
