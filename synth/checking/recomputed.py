"""Each number that the manifest gives of a clip, computed again from the plan and SOURCES, to the last bit it promises.

The way is another than that of the code that writes them: decibels by logarithms, not by tables, activity by counting
frames, not by matrices of the renderer. A column is float32 of what is computed, so a difference of one step is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, UNITY
from synth.audio.envelope import FAINT, active_thresholds
from synth.checking import planned as promises
from synth.checking.findings import Finding, named
from synth.checking.rows import Sources, filled, nulls
from synth.store.arrays import as_numpy, ragged
from synth.tables import FRAMES_PER_S
from synth.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.generic]

OF_CLIPS = ("snr_db", "overlap", "max_concurrent", "duration_s", "rate_hz")
OF_PARTS = ("onset_s", "duration_s", "active_s", "gain_db", "level_dbfs", "sir_db")
OF_SPEAKERS = ("n_speakers", "n_female", "n_male", "cell", "speakers_sex", "overlap", "max_concurrent")
LEAVES = (
    *dict.fromkeys((*OF_CLIPS, *OF_SPEAKERS, "split", "labels", "labels_mask", "attribution")),
    *(f"parts.list.element.{name}" for name in OF_PARTS),
)
LOWEST = -2000.0  # tenths of a dB: what is quieter, or nothing, is said to be so
UNSURE = 1e-6  # tenths: nearer than that to the middle of two, either may be written
STEP = 1 << 22  # frames of parts that are looked at together


@dataclass(frozen=True)
class Planned:
    """What the plan says of its clips; of their parts end to end, those of clip i in ``offsets[i]:offsets[i + 1]``.

    ``clip_id``, ``split`` and ``columns`` (those of :mod:`synth.checking.planned`, clips,), ``sir_db`` and ``active_s`` (parts,)
    as they stand in the plan; ``source``: rows of SOURCES; the rest in samples, gains in 1/4096. ``spoken``: clips are
    mixtures of speakers, not labelled recordings as they are.
    """

    sources: Sources
    clip_id: pa.ChunkedArray
    split: pa.ChunkedArray
    columns: Mapping[str, pa.ChunkedArray]
    offsets: Ints
    source: Ints
    start_n: Ints
    onset_n: Ints
    length_n: Ints
    gain_q12: Ints
    sir_db: pa.Array | pa.ChunkedArray
    active_s: NDArray[np.float32]
    clip_n: int
    rate_hz: int
    spoken: bool

    @property
    def frame_n(self) -> int:
        """Samples in a frame of 20 ms."""
        return self.rate_hz // FRAMES_PER_S

    @cached_property
    def envelopes(self) -> tuple[NDArray[np.uint8], Ints]:
        """The RMS bytes of all sources end to end, and where each source's begin."""
        return ragged(self.sources.table.column("envelope"))

    @cached_property
    def active(self) -> Bools:
        """Which frames of the sources are active, as SOURCES says: by its bits, or where it has none by its levels."""
        rms, offsets = self.envelopes
        limit = np.where(self.sources.noise, FAINT, active_thresholds(rms, offsets))
        out = np.asarray(rms <= np.repeat(limit, np.diff(offsets)), np.bool_)
        if self.spoken and "speech" in self.sources.table.column_names:
            for k, bits in enumerate(self.sources.table.column("speech").to_pylist()):
                frames = int(offsets[k + 1] - offsets[k])
                if bits is not None and frames and len(bits) == -(-frames // 8):
                    all_bits = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
                    out[offsets[k] : offsets[k + 1]] = all_bits[:frames] != 0
        return out


@dataclass(frozen=True, slots=True)
class Heard:
    """Of some clips: active frames, energy in them and in all frames, (parts,), clips' overlap and most at once, (clips,)."""

    frames: Ints
    energy: Floats
    total: Floats
    overlap: NDArray[np.float32]
    most: Ints


def findings(planned: Planned, pages: Iterable[pa.Table]) -> list[Finding]:
    """Check the columns ``LEAVES`` of a manifest, page by page, against what plan and SOURCES make of them, and the plan's."""
    wrong: dict[str, int] = {}
    shown: dict[str, list[int]] = {}
    broken: dict[str, tuple[int, list[str]]] = {}
    first = 0
    for page in pages:
        end = first + page.num_rows
        if end >= len(planned.offsets):
            break  # more rows than the plan: said by another finding
        heard = _heard(planned, first, end)
        for name, rows in promises.differences(
            _stretch(planned, first, end, heard), planned.clip_n, planned.spoken
        ).items():
            if len(rows):
                count, ids = broken.get(name, (0, []))
                more = [planned.clip_id[row].as_py() for row in (rows[:3] + first).tolist()]
                broken[name] = count + len(rows), [*ids, *more][:3]
        for name, rows in _differences(planned, first, end, page, heard).items():
            if len(rows):
                wrong[name] = wrong.get(name, 0) + len(rows)
                shown.setdefault(name, []).extend((rows[:5] + first).tolist())
        first = end
    said = []
    for name, count in wrong.items():
        ids = [planned.clip_id[row].as_py() for row in shown[name][:3]]
        said.append(f"{name} of {counted(count, 'clip')}{named(ids, 3)}")
    says = (
        f"manifest.parquet is not what its plan and its sources make: {'; '.join(said)}"
        if wrong
        else f"levels, times, gains, ratios, overlap and rates of {counted(first, 'clip')}, computed again, are the manifest's"
    )
    columns = Finding("columns", not wrong, says, {"clips": first, "wrong": wrong})
    return [columns, promises.finding(broken, first)]


def _stretch(planned: Planned, first: int, end: int, heard: Heard) -> promises.Stretch:
    a, b = int(planned.offsets[first]), int(planned.offsets[end])
    source = planned.source[a:b]
    return promises.Stretch(
        columns={name: column.slice(first, end - first) for name, column in planned.columns.items()},
        sir_db=planned.sir_db.slice(a, b - a),
        active_s=planned.active_s[a:b],
        clip=np.repeat(np.arange(end - first), np.diff(planned.offsets[first : end + 1])),
        voice=~planned.sources.noise[source],
        sex=planned.sources.sex[source],
        gain_q12=planned.gain_q12[a:b].astype(np.int64),
        frames=heard.frames,
        energy=heard.total,
    )


def _differences(planned: Planned, first: int, end: int, page: pa.Table, heard: Heard) -> dict[str, Ints]:
    """Return by column which rows of a page (clips ``first`` to ``end`` of the plan) are not as computed."""
    out: dict[str, Ints] = {}
    a, b = int(planned.offsets[first]), int(planned.offsets[end])
    count, rate = end - first, planned.rate_hz
    exact = np.ones(count, np.bool_)
    clips: dict[str, tuple[Numbers, Bools]] = {
        "snr_db": _read(planned.columns["snr_db"].slice(first, count), np.float32),
        "overlap": (heard.overlap, exact & planned.spoken),
        "max_concurrent": (heard.most, exact & planned.spoken),
        "duration_s": (np.full(count, planned.clip_n / rate), exact),
        "rate_hz": (np.full(count, rate), exact),
    }
    for name, (values, valid) in clips.items():
        out[name] = np.nonzero(_unlike(page.column(name), values, valid))[0]
    if not planned.spoken:
        for name in OF_SPEAKERS:
            out[name] = np.nonzero(~_null(page.column(name)))[0]
    else:
        out |= _labels(planned, first, end, page)
    if not page.column("split").cast(pa.string()).equals(planned.split.slice(first, count).cast(pa.string())):
        pairs = zip(page.column("split").to_pylist(), planned.split.slice(first, count).to_pylist(), strict=True)
        out["split"] = np.array([k for k, (one, other) in enumerate(pairs) if one != other], np.int64)
    out["attribution"] = _miscredited(planned, first, end, page.column("attribution").to_pylist())
    parts = page.column("parts").combine_chunks()
    fields = dict(zip([field.name for field in parts.type.value_type], parts.flatten().flatten(), strict=True))
    sizes = np.diff(planned.offsets[first : end + 1])
    found_sizes = filled(parts.value_lengths(), 0)
    if not np.array_equal(found_sizes, sizes):
        return out | {"parts": np.nonzero(found_sizes != sizes)[0]}
    owner = np.repeat(np.arange(count), sizes)
    voice = ~planned.sources.noise[planned.source[a:b]]
    gain = _tenths((planned.gain_q12[a:b] / UNITY) ** 2)
    level = _tenths(heard.energy / (np.maximum(heard.frames, 1) * float(planned.frame_n * FULL_SCALE**2)))
    always = np.ones(b - a, np.bool_)
    values_of: dict[str, tuple[Numbers, Bools]] = {
        "onset_s": (planned.onset_n[a:b] / rate, always),
        "duration_s": (planned.length_n[a:b] / rate, always),
        "active_s": ((heard.frames / FRAMES_PER_S).astype(np.float32), voice),
        "sir_db": _read(planned.sir_db.slice(a, b - a), np.float32),
    }
    for name, (values, valid) in values_of.items():
        out[f"parts.{name}"] = np.unique(owner[_unlike(fields[name], values, valid)])
    for name, terms, valid in (("gain_db", [gain], always), ("level_dbfs", [level, gain], heard.frames > 0)):
        out[f"parts.{name}"] = np.unique(owner[_not_tenths(fields[name], terms, valid)])
    return out


def _heard(planned: Planned, first: int, end: int) -> Heard:
    """Count the active frames of clips, in the whole frames of their windows, some at a time."""
    rms, offsets = planned.envelopes
    energy_of = np.rint(planned.frame_n * float(FULL_SCALE**2) * 10 ** (-np.arange(256) / 20))
    clip_frames = planned.clip_n // planned.frame_n
    found: list[Heard] = []
    most_parts = max(int(np.diff(planned.offsets[first : end + 1]).max(initial=1)), 1)
    step = max(1, STEP // (most_parts * max(clip_frames, 1)))
    for low in range(first, end, step):
        high = min(low + step, end)
        a, b = int(planned.offsets[low]), int(planned.offsets[high])
        frames = planned.length_n[a:b] // planned.frame_n
        at = np.repeat(offsets[planned.source[a:b]] + planned.start_n[a:b] // planned.frame_n, frames)
        within = np.arange(int(frames.sum())) - np.repeat(np.cumsum(frames) - frames, frames)
        inside = at + within < np.repeat(offsets[planned.source[a:b] + 1], frames)
        at = np.minimum(at + within, len(rms) - 1)
        part = np.repeat(np.arange(b - a), frames)
        active = planned.active[at] & inside
        clip = np.repeat(np.arange(high - low), np.diff(planned.offsets[low : high + 1]))
        voice = active & np.repeat(~planned.sources.noise[planned.source[a:b]], frames)
        place = (clip * clip_frames + planned.onset_n[a:b] // planned.frame_n)[part] + within
        at_once = np.bincount(place[voice], minlength=(high - low) * clip_frames).reshape(high - low, clip_frames)
        several, anybody = (at_once >= 2).sum(axis=1), (at_once >= 1).sum(axis=1)
        found.append(
            Heard(
                np.bincount(part[active], minlength=b - a),
                np.bincount(part[active], energy_of[rms[at[active]]], b - a).astype(np.float64),
                np.bincount(part[inside], energy_of[rms[at[inside]]], b - a).astype(np.float64),
                (several / np.maximum(anybody, 1)).astype(np.float32),
                at_once.max(axis=1, initial=0),
            )
        )
    if not found:
        return Heard(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.float32), np.zeros(0, np.int64))
    return Heard(
        np.concatenate([one.frames for one in found]),
        np.concatenate([np.asarray(one.energy, np.float64) for one in found]),
        np.concatenate([np.asarray(one.total, np.float64) for one in found]),
        np.concatenate([one.overlap for one in found]),
        np.concatenate([one.most for one in found]),
    )


def _labels(planned: Planned, first: int, end: int, page: pa.Table) -> dict[str, Ints]:
    """Return which mixtures have other labels than their sources together, or a mask that is not all true."""
    of_source = [tuple(one or ()) for one in planned.sources.table.column("labels").to_pylist()]
    if not any(of_source):
        return {name: np.nonzero(~_null(page.column(name)))[0] for name in ("labels", "labels_mask")}
    wrong: dict[str, list[int]] = {"labels": [], "labels_mask": []}
    found, masks = page.column("labels").to_pylist(), page.column("labels_mask").to_pylist()
    for k, row in enumerate(range(first, end)):
        sources = planned.source[planned.offsets[row] : planned.offsets[row + 1]].tolist()
        labels = sorted({label for source in sources for label in of_source[source]}) or None
        if found[k] != labels:
            wrong["labels"].append(k)
        if masks[k] != (labels and [True] * len(labels)):
            wrong["labels_mask"].append(k)
    return {name: np.array(rows, np.int64) for name, rows in wrong.items()}


def _miscredited(planned: Planned, first: int, end: int, found: list[str | None]) -> Ints:
    """Return which clips do not credit those of their sources: each once, in any order, with semicolons between."""
    code, names = planned.sources.code("attribution"), planned.sources.names("attribution")
    wrong = []
    fits: dict[tuple[str | None, bytes], bool] = {}
    of_part = code[planned.source[planned.offsets[first] : planned.offsets[end]]].astype(np.int32)
    bounds = (planned.offsets[first : end + 1] - planned.offsets[first]).tolist()
    for k, text in enumerate(found):
        key = text, of_part[bounds[k] : bounds[k + 1]].tobytes()
        if key not in fits:
            credits = [names[one] for one in set(of_part[bounds[k] : bounds[k + 1]].tolist()) if one >= 0]
            length = sum(map(len, credits)) + 2 * max(len(credits) - 1, 0)
            fits[key] = text is not None and len(text) == length and all(one in text for one in credits)
        if not fits[key]:
            wrong.append(k)
    return np.array(wrong, np.int64)


def _tenths(ratio: Floats) -> Floats:
    """Return power ratios in tenths of a dB, not rounded."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(100 * np.log10(ratio), LOWEST), np.float64)


def _not_tenths(column: pa.Array, terms: list[Floats], valid: Bools) -> Bools:
    """Return which values are not float32 of a sum of decibels, each rounded to a tenth; null where not ``valid``."""
    found, there = _read(column, np.float32)
    values = np.where(there, found, 0).astype(np.float64)
    whole = np.rint(values * 10)
    wanted = sum(np.rint(term) for term in terms)
    either = sum((np.abs(np.abs(term - np.floor(term)) - 0.5) < UNSURE).astype(np.int64) for term in terms)
    wrong = np.abs(whole - wanted) > either
    wrong |= (whole / 10).astype(np.float32) != values.astype(np.float32)
    return np.asarray((there != valid) | (valid & wrong), np.bool_)


def _unlike(column: pa.Array | pa.ChunkedArray, values: Numbers, valid: Bools) -> Bools:
    """Return which rows differ from ``values``, or are null where these are ``valid``, or the other way round."""
    found, there = _read(column, values.dtype)
    return np.asarray((there != valid) | (valid & there & (found != values)), np.bool_)


def _read(column: pa.Array | pa.ChunkedArray, kind: np.dtype | type) -> tuple[Numbers, Bools]:
    """Return the numbers of a column, and which of them are there."""
    there = ~_null(column)
    return np.where(there, as_numpy(column, kind), np.zeros(1, kind)), there


def _null(column: pa.Array | pa.ChunkedArray) -> Bools:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return np.concatenate([np.zeros(0, np.bool_), *(nulls(chunk) for chunk in chunks)])
