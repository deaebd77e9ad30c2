"""Made-up sources: envelopes without audio, for plans that need nothing else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synth.audio.speech import packed
from synth.planning.cells import Period, period, weights
from synth.planning.plan import Planner
from synth.planning.pool import Pool
from synth.planning.request import Request, parsed
from synth.recipe import MixOptions
from synth.tables import NOISE, SOURCES, SPLITS

RATE = 16000


def envelope(frames: int, rng: np.random.Generator) -> tuple[bytes, bytes, bytes]:
    """Return RMS and peak bytes of speech with pauses: 25 to 35 dB below full scale, peaks 10 dB above; and where it speaks."""
    level = rng.integers(50, 70)
    speaks = np.repeat(rng.random(frames // 10 + 1) < 0.8, 10)[:frames]
    speaks[: frames // 3] = True
    rms = np.where(speaks, level + rng.integers(-6, 7, frames), 130)
    return rms.astype(np.uint8).tobytes(), (rms - 20).astype(np.uint8).tobytes(), packed(speaks)


def row(name: str, frames: int, rng: np.random.Generator, **more: object) -> dict[str, object]:
    rms, peaks, speech = envelope(frames, rng)
    values = {"source_id": name, "root": "r", "path": name, "corpus": "folder", "status": "ok", "group_id": name}
    if more.get("corpus") != NOISE:
        values["speech"] = speech
    return {**values, "envelope": rms, "peaks": peaks, "labels": [], **more}


def sources(
    speakers: int = 4, utterances: int = 3, noise: int = 0, seed: int = 0, frames: tuple[int, int] = (80, 200)
) -> pa.Table:
    """Return SOURCES with so many speakers of each sex in each split, and so much noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for split in SPLITS:
        for sex in "FM":
            for speaker in range(speakers):
                who = f"{split}-{sex}{speaker}"
                for k in range(utterances):
                    more = {"speaker_id": who, "group_id": who, "sex": sex, "split": split}
                    rows.append(row(f"{who}-{k}", int(rng.integers(*frames)), rng, **more))
        for k in range(noise):
            more = {"corpus": NOISE, "split": split}
            rows.append(row(f"{split}-noise-{k}", int(rng.integers(frames[1], 3 * frames[1])), rng, **more))
    return pa.Table.from_pylist(rows, schema=SOURCES.schema({"rate_hz": str(RATE)}))


def period_of(fewest: int, most: int, balance: str = "nested") -> Period:
    from fractions import Fraction

    return period(weights(balance, fewest, most, Fraction(1, 2)))


def planner(table: pa.Table, split: str = "train", **options: object) -> tuple[Planner, Request, Pool]:
    """Return a planner of made-up sources, its request and its pool."""
    pool = Pool.of(table, RATE)
    request = parsed(MixOptions(**options), noise=bool(pool.noise.any()))
    return Planner(pool, request, period_of(request.fewest, request.most), split), request, pool
