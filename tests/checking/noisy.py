"""Corpora in which noise can be taken for speech, and tables that take it so: what the audit has to find out."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import soundfile

from synth import demo
from synth.audio.envelope import active_thresholds
from synth.audio.speech import packed
from synth.store import arrays
from tests.noises import RATE, noise


def written(root: Path, recordings: dict[str, list[np.ndarray]], rate: int = RATE) -> tuple[Path, Path]:
    """Write recordings by speaker, women and men in turn, to a folder; return it and its table."""
    root.mkdir(parents=True)
    rows = []
    for k, (speaker, those) in enumerate(recordings.items()):
        for take, samples in enumerate(those):
            name = f"{speaker}_{take}.wav"
            soundfile.write(root / name, samples, rate)
            rows.append([name, speaker, "FM"[k % 2]])
    table = root.with_suffix(".csv")
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "speaker_id", "sex"], *rows])
    return root, table


def demo_voices(change: Callable[[np.ndarray], np.ndarray], takes: int = 3) -> dict[str, list[np.ndarray]]:
    """Return the first takes of the demo voices by speaker, changed."""
    out: dict[str, list[np.ndarray]] = {}
    for path in sorted(demo.folder().rglob("*.flac")):
        mine = out.setdefault(f"s{path.parts[-3]}", [])
        if len(mine) < takes:
            mine.append(change(soundfile.read(path)[0]))
    return out


def in_a_room(
    kind: str, snr_db: float, padding_s: tuple[float, float] = (0.5, 3)
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what puts a voice into noise and leaves time before and after; SNR against its louder half."""
    rng = np.random.default_rng(1)

    def put(voice: np.ndarray) -> np.ndarray:
        before, after = (np.zeros(int(rng.uniform(*padding_s) * RATE)) for _ in range(2))
        power = np.sort((voice[: len(voice) // 320 * 320].reshape(-1, 320) ** 2).mean(axis=1))
        loud = np.sqrt(power[len(power) // 2 :].mean())
        out = np.concatenate([before, voice, after])
        out = out + noise(kind, len(out), rng) * loud * 10 ** (-snr_db / 20)
        return out / max(1.0, np.abs(out).max() / 0.9)

    return put


def by_level(table: pa.Table) -> pa.Table:
    """Return SOURCES that take every loud frame for speech, as a version did that knew no background."""
    rms, offsets = arrays.ragged(table.column("envelope"))
    limits = active_thresholds(rms, offsets)
    speech = [packed(rms[a:b] <= limit) for a, b, limit in zip(offsets[:-1], offsets[1:], limits, strict=True)]
    count = table.num_rows
    for name, values in (("speech", pa.array(speech, pa.binary())), ("status", pa.array(["ok"] * count))):
        position = table.schema.get_field_index(name)
        table = table.set_column(position, table.schema.field(name), values)
    return table
