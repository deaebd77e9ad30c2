"""What the plan promises of its clips, computed again from its gains and the levels of SOURCES: levels, ratios, activity.

Decibels by logarithms, energies by counting frames; of the code that plans nothing is used but the draw of a clip's level
from its number (:mod:`synth.seeds`), which tells of how many clips the level is not the one drawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, UNITY
from synth.checking.findings import Finding, named
from synth.checking.rows import nulls
from synth.seeds import below, draw, key
from synth.store.arrays import as_numpy
from synth.tables import FRAMES_PER_S
from synth.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

COLUMNS = ("n_speakers", "n_female", "n_male", "level_dbfs", "snr_db")
UNSURE = 1e-3  # tenths: nearer than that to the middle of two, either may be written
_LOUDEST, _FAINTEST = 1000.0, -2000.0  # tenths: no ratio beyond is told
_LARGEST_GAIN = 600.0  # tenths, either way: a gain there may have been meant to be larger
_NOTHING = 1e-200


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rows of the plan. Of clips (clips,): ``columns`` (those of ``COLUMNS``). Of parts end to end (parts,): whose they
    are (``clip``), ``sir_db`` and ``active_s`` as they stand in the plan, whether somebody speaks, ``sex`` (0 female, 1 male,
    else unknown), gains in 1/4096, active ``frames``, and ``energy``: the sum of squares in all frames of the window, before
    the gain.
    """

    columns: Mapping[str, pa.ChunkedArray]
    sir_db: pa.Array | pa.ChunkedArray
    active_s: NDArray[np.float32]
    clip: Ints
    voice: Bools
    sex: Ints
    gain_q12: Ints
    frames: Ints
    energy: Floats


def differences(rows: Stretch, clip_n: int, spoken: bool) -> dict[str, Ints]:
    """Return by column which rows (of the stretch) promise something else than gains and SOURCES give.

    ``spoken``: mixtures of speakers. Of labelled clips, which nobody counted, all but active_s has to be null.
    """
    count = len(rows.columns["level_dbfs"])
    off = np.abs(rows.active_s - (rows.frames / FRAMES_PER_S).astype(np.float32)) > 0
    out = {"parts.active_s": np.unique(rows.clip[off & (rows.voice | (not spoken))])}
    if not spoken:
        out |= {name: np.nonzero(~_null(rows.columns[name]))[0] for name in COLUMNS}
        return out | {"parts.sir_db": np.unique(rows.clip[~_null(rows.sir_db)])}

    def summed(values: Floats) -> Floats:
        return np.bincount(rows.clip, values, count).astype(np.float64)

    voices = np.bincount(rows.clip[rows.voice], minlength=count)
    for name, wanted in (
        ("n_speakers", voices),
        ("n_female", np.bincount(rows.clip[rows.voice & (rows.sex == 0)], minlength=count)),
        ("n_male", np.bincount(rows.clip[rows.voice & (rows.sex == 1)], minlength=count)),
    ):
        found, there = _read(rows.columns[name])
        out[name] = np.nonzero(~there | (found != wanted))[0]
    gains = _gains(rows.gain_q12)
    low, high = (rows.energy * 10 ** (gain / 100) for gain in gains)
    at_end = np.bincount(rows.clip[np.abs(gains).max(axis=0, initial=0) >= _LARGEST_GAIN], minlength=count) > 0
    full = float(clip_n) * FULL_SCALE**2
    out["level_dbfs"] = np.nonzero(
        _off(rows.columns["level_dbfs"], _level(summed(low) / full), _level(summed(high) / full))
    )[0]
    least, most = (summed(np.where(rows.voice, one, 0.0)) for one in (low, high))
    several = rows.voice & (voices[rows.clip] > 1)
    faint = _level(low / np.maximum(most[rows.clip] - high, _NOTHING))
    loud = _level(high / np.maximum(least[rows.clip] - low, _NOTHING))
    wrong = _off(rows.sir_db, np.minimum(faint, _LOUDEST), np.minimum(loud, _LOUDEST), several)
    out["parts.sir_db"] = np.unique(rows.clip[wrong])
    noise = np.nonzero(~rows.voice)[0]
    noisy = (np.bincount(rows.clip[noise], minlength=count) > 0) & (voices > 0)
    own = _level(rows.energy[noise] / full)
    quiet, strong = np.zeros(count), np.zeros(count)
    quiet[rows.clip[noise]] = np.rint(own - UNSURE) + gains[0][noise]
    strong[rows.clip[noise]] = np.rint(own + UNSURE) + gains[1][noise]
    first, last = np.rint(_level(least / full) - UNSURE) - strong, np.rint(_level(most / full) + UNSURE) - quiet
    wrong = _off(rows.columns["snr_db"], first, last, noisy)
    out["snr_db"] = np.nonzero(wrong & ~(at_end & noisy & ~_null(rows.columns["snr_db"])))[0]
    return out


def finding(wrong: Mapping[str, tuple[int, list[str]]], clips: int) -> Finding:
    """Say which promises of the plan do not hold; ``wrong``: by column how many clips, and the ids of some of them."""
    said = [f"{name} of {counted(many, 'clip')}{named(ids, 3)}" for name, (many, ids) in wrong.items()]
    says = (
        f"plan.parquet promises what its gains and its sources do not give: {'; '.join(said)}"
        if said
        else f"levels, ratios, speakers and activity that plan.parquet promises for {counted(clips, 'clip')} follow from its "
        "gains and its sources"
    )
    return Finding(
        "promises", not said, says, {"clips": clips, "wrong": {name: many for name, (many, _) in wrong.items()}}
    )


def lowered(
    level_db: Floats, gain_q12: Ints, offsets: Ints, splits: Mapping[str, int], seed: int, span: str
) -> tuple[int, int] | None:
    """Return how many clips have another level than the one drawn: the least and the most that it can be.

    ``level_db`` (clips,) as it stands in the plan; ``splits``: clips of each, in the order of the plan; ``span``: the levels
    asked for, as LOW:HIGH in dB (None is returned for what is none). A clip whose gains reach their limit may have its
    level by chance.
    """
    asked = re.fullmatch(r"(-?[\d.]+)(?::(-?[\d.]+))?", span)
    if asked is None:
        return None
    low, high = round(float(asked[1]) * 10), round(float(asked[2] or asked[1]) * 10)
    drawn = [
        low + below(draw(key(seed, split, "level"), np.arange(count, dtype=np.int64)), high - low + 1)
        for split, count in splits.items()
    ]
    other = np.rint(level_db * 10) != np.concatenate([np.zeros(0, np.int64), *drawn])
    ends = np.isin(gain_q12, np.rint(UNITY * 10 ** (np.array([-_LARGEST_GAIN, _LARGEST_GAIN]) / 200)).astype(np.int64))
    of_clip = np.add.reduceat(np.append(ends, False).astype(np.int64), offsets[:-1]) * (np.diff(offsets) > 0)
    return int(other.sum()), int((other | (of_clip > 0)).sum())


def _gains(q12: Ints) -> tuple[Floats, Floats]:
    """Return gains in whole tenths of a dB, the least and the greatest that they can be: small numbers of 1/4096 are few."""
    low = np.ceil(200 * np.log10(np.maximum(q12 - 0.5, 0.25) / UNITY))
    high = np.floor(200 * np.log10((q12 + 0.5) / UNITY))
    none = low > high  # no tenth of a dB: of a plan of one's own
    exact = 200 * np.log10(np.maximum(q12, 1) / UNITY)
    return np.where(none, exact, low), np.where(none, exact, high)


def _level(ratio: Floats) -> Floats:
    """Return power ratios in tenths of a dB, not rounded."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(100 * np.log10(ratio), _FAINTEST), np.float64)


def _off(column: pa.Array | pa.ChunkedArray, low: Floats, high: Floats, valid: Bools | None = None) -> Bools:
    """Return which values are not float32 of tenths from ``low`` to ``high``, rounded; null where not ``valid``."""
    found, there = _read(column)
    whole = np.rint(found * 10)
    wrong = (whole < np.rint(low - UNSURE)) | (whole > np.rint(high + UNSURE))
    wrong |= (whole / 10).astype(np.float32) != found.astype(np.float32)
    valid = np.ones(len(low), np.bool_) if valid is None else valid
    return np.asarray((there != valid) | (valid & wrong), np.bool_)


def _read(column: pa.Array | pa.ChunkedArray) -> tuple[Floats, Bools]:
    """Return the numbers of a column, 0 where there is none, and which of them are there."""
    there = ~_null(column)
    return np.where(there, as_numpy(column, np.float64).astype(np.float64), 0.0), there


def _null(column: pa.Array | pa.ChunkedArray) -> Bools:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return np.concatenate([np.zeros(0, np.bool_), *(nulls(chunk) for chunk in chunks)])
