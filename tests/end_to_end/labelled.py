"""A small folder of labelled recordings, made by the test: several rates and lengths, several labels, a few bad ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

LABELS = ("bark", "bell", "rain, light", "saw")
RATES = (16000, 44100, 48000)
GROUPS = 30


def tone(k: int, seconds: float, rate: int) -> np.ndarray:
    """Return a recording that no other is like: a few partials and some noise, 16 bits, without a mean."""
    chance = np.random.default_rng(k)
    t = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * f * t) for f in chance.uniform(100, 3000, 4)) / 8
    sound = sound + 0.05 * chance.standard_normal(len(t))
    pcm = np.rint(sound / np.abs(sound).max() * chance.uniform(1000, 30000)).astype(np.int64)
    return np.clip(pcm - round(pcm.mean()), -32768, 32767).astype(np.int16)


def folder(place: Path) -> Path:
    """Write 90 recordings in 30 groups, and a CSV beside the folder; return the folder."""
    place.mkdir(parents=True)
    rows = []
    for k in range(3 * GROUPS):
        group, rate = k // 3, RATES[k % 3]
        seconds = (1.0, 0.63, 2.5)[k // 3 % 3]
        name = f"{k:03d}.{'flac' if k % 2 else 'wav'}"
        soundfile.write(place / name, tone(k, seconds, rate), rate, subtype="PCM_16")
        mine = [LABELS[group % 4], *([LABELS[(group + 1) % 4]] if k % 5 == 0 else [])]
        rows.append((name, ";".join(mine), f"video{group}"))
    (place / "broken.flac").write_bytes(b"fLaC and then nothing that could be decoded")
    soundfile.write(place / "hush.wav", np.zeros(16000, np.int16), 16000)
    late = np.concatenate([np.zeros(3 * 16000, np.int16), tone(1000, 1, 16000)])
    soundfile.write(place / "late.wav", late, 16000)
    soundfile.write(place / "nameless.wav", tone(1001, 1, 16000), 16000)
    rows += [("broken.flac", "bark", "v1"), ("hush.wav", "bell", "v2"), ("late.wav", "saw", "v3")]
    rows += [("nameless.wav", "", "v4")]
    with place.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "labels", "group_id"), *rows])
    return place
