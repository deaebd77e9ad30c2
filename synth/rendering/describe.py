"""The manifest's columns of some plan rows: what is in each clip, from the plan and SOURCES alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, UNITY, byte_energies, tenths
from synth.audio.envelope import frame_length
from synth.audio.speech import active_frames
from synth.rendering.credit import Credits
from synth.rendering.planfile import PlanRows
from synth.store import arrays
from synth.tables import FRAMES_PER_S, LABEL, MANIFEST, NOISE, PART_MANIFEST

Ints = NDArray[np.int64]
_TAKEN = [
    field.name
    for field in PART_MANIFEST
    if field.name not in ("onset_s", "duration_s", "active_s", "gain_db", "level_dbfs", "sir_db")
]

_OF_SPEAKERS = ("n_speakers", "speakers_sex", "n_female", "n_male", "overlap", "max_concurrent")


@dataclass(frozen=True, slots=True)
class Activity:
    """When the parts of some clips are active: ``per_part`` frames (parts,), level (parts,) in tenths of a dB before the
    gain, overlap (clips,) and largest concurrency (clips,)."""

    per_part: Ints
    level: Ints
    overlap: NDArray[np.float32]
    concurrent: Ints


class Describer:
    """Describes clips from a SOURCES table; ``cells`` are the names of the classes, ``labels`` those of clips with one each."""

    def __init__(self, sources: pa.Table, rate_hz: int, cells: Sequence[str], labels: Sequence[str] = ()) -> None:
        self._sources, self._rate_hz, self._cells, self._classes = sources, rate_hz, list(cells), list(labels)
        self._rms, self._offsets = arrays.ragged(sources.column("envelope"))
        self._credits = Credits(sources, rate_hz)
        self.noise = np.array([name == NOISE for name in sources.column("corpus").to_pylist()], np.bool_)
        sexes = sources.column("sex").to_pylist()
        self._letters = np.frombuffer("".join(sex or "?" for sex in sexes).encode(), np.uint8)

    @cached_property
    def _active(self) -> NDArray[np.bool_]:
        """Which frames of all sources are active: of mixtures the speech, of clips used as they are all that sounds."""
        bits, bit_offsets = np.empty(0, np.uint8), np.zeros(len(self._offsets), np.int64)
        if self._cells and "speech" in self._sources.column_names:
            bits, bit_offsets = arrays.ragged(self._sources.column("speech"))
        return active_frames(self._rms, self._offsets, self.noise, bits, bit_offsets)

    @cached_property
    def _has_labels(self) -> bool:
        return bool(any(self._sources.column("labels").to_pylist()))

    def columns(self, rows: PlanRows, length_n: int, level_tenths: Ints) -> list[pa.Array]:
        """Return the columns of MANIFEST; ``level_tenths`` (clips,) is the measured level of each clip.

        Where the plan gives clips their labels, nobody counted their speakers: what would say so is null.
        """
        count = len(rows.offsets) - 1
        table = rows.table
        activity = self.activity(rows, length_n)
        spoken = ~self.noise[rows.source]
        letters = self._letters[rows.source[spoken]]
        sexes = np.bincount(rows.clip_of_part[spoken], minlength=count)
        licence, attribution = self._credits.columns(rows)
        n_speakers = sexes
        built = {
            "clip_id": _whole(table.column("clip_id")),
            "split": _whole(table.column("split")),
            "n_speakers": arrays.numbers(n_speakers, pa.int64()),
            "speakers_sex": _strings(letters, np.concatenate([[0], np.cumsum(sexes)])),
            "n_female": arrays.numbers(arrays.as_numpy(table.column("n_female"), np.int64), pa.int64()),
            "n_male": arrays.numbers(arrays.as_numpy(table.column("n_male"), np.int64), pa.int64()),
            "cell": arrays.numbers(self._cell_index(table.column("cell")), pa.int64())
            if self._cells
            else pa.nulls(count, pa.int64()),
            "parts": arrays.lists(rows.offsets, self._parts(rows, activity), pa.list_(PART_MANIFEST)),
            **self._labels(rows, count),
            "level_dbfs": arrays.numbers(level_tenths / 10, pa.float32()),
            "snr_db": _whole(table.column("snr_db")),
            "overlap": arrays.numbers(activity.overlap, pa.float32()),
            "max_concurrent": arrays.numbers(activity.concurrent, pa.int64()),
            "duration_s": arrays.numbers(np.full(count, length_n / self._rate_hz), pa.float64()),
            "rate_hz": arrays.numbers(np.full(count, self._rate_hz), pa.int64()),
            "licence": licence,
            "attribution": attribution,
        }
        kinds = MANIFEST.schema()
        if "labels" in table.column_names:
            built |= {name: pa.nulls(count, kinds.field(name).type) for name in _OF_SPEAKERS}
            built |= {
                name: _whole(table.column(name)).cast(kinds.field(name).type) for name in ("labels", "labels_mask")
            }
        names = MANIFEST.names
        if self._classes:
            built[LABEL.name] = self._class_of(table.column("labels"))
            names = [*names, LABEL.name]
        return [built[name] for name in names]

    def activity(self, rows: PlanRows, length_n: int) -> Activity:
        """Measure activity on the envelopes: whole frames, so plans whose windows lie on the frame grid are exact."""
        frame_n = frame_length(self._rate_hz)
        frames = rows.length_n // frame_n
        at = np.arange(int(frames.max(initial=0)))
        index = (self._offsets[rows.source] + rows.start_n // frame_n)[:, None] + at
        rms = self._rms.take(index, mode="clip") if len(self._rms) else np.zeros(index.shape, np.uint8)
        heard = self._active.take(index, mode="clip") if len(self._rms) else np.zeros(index.shape, np.bool_)
        heard &= at < frames[:, None]
        per_part = np.count_nonzero(heard, axis=1)
        energies = byte_energies(frame_n).astype(np.float64)  # whole numbers below 2**53: exact in any order
        energy = np.einsum("ij,ij->i", energies.take(rms), heard)
        with np.errstate(divide="ignore", invalid="ignore"):
            level = tenths(np.nan_to_num(energy / (per_part * float(frame_n * FULL_SCALE**2)))).astype(np.int64)
        clip_frames = length_n // frame_n
        spoken = heard & ~self.noise[rows.source][:, None]
        place = (rows.clip_of_part * clip_frames + rows.onset_n // frame_n)[:, None] + at
        clips = len(rows.offsets) - 1
        voices = np.bincount(place[spoken], minlength=clips * clip_frames).reshape(clips, clip_frames)
        any_voice = (voices >= 1).sum(axis=1)
        overlap = (voices >= 2).sum(axis=1) / np.maximum(any_voice, 1)
        return Activity(per_part, level, overlap.astype(np.float32), voices.max(axis=1, initial=0))

    def _parts(self, rows: PlanRows, activity: Activity) -> pa.StructArray:
        gain = tenths((rows.gain_q12 / UNITY) ** 2)
        valid_level = activity.per_part > 0
        numbers = {
            "onset_s": arrays.numbers(rows.onset_n / self._rate_hz, pa.float64()),
            "duration_s": arrays.numbers(rows.length_n / self._rate_hz, pa.float64()),
            "active_s": arrays.numbers(activity.per_part / FRAMES_PER_S, pa.float32(), ~self.noise[rows.source]),
            "gain_db": arrays.numbers(gain / 10, pa.float32()),
            "level_dbfs": arrays.numbers((activity.level + gain) / 10, pa.float32(), valid_level),
            "sir_db": rows.sir_db,
        }
        index = arrays.numbers(rows.source, pa.int64())
        taken = {name: _whole(self._sources.column(name)).take(index) for name in _TAKEN}
        return pa.StructArray.from_arrays(
            [(numbers | taken)[field.name] for field in PART_MANIFEST], fields=list(PART_MANIFEST)
        )

    def _cell_index(self, column: pa.ChunkedArray) -> Ints:
        rank = {name: k for k, name in enumerate(self._cells)}
        encoded = _whole(column).dictionary_encode()
        known: Ints = np.array([rank[name] for name in encoded.dictionary.to_pylist()], np.int64)
        return known.take(arrays.as_numpy(encoded.indices, np.int64).astype(np.int64, copy=False))

    def _class_of(self, labels: pa.ChunkedArray) -> pa.Array:
        rank = {name: k for k, name in enumerate(self._classes)}
        return arrays.numbers(np.array([rank[one[0]] for one in labels.to_pylist()], np.int64), LABEL.type)

    def _labels(self, rows: PlanRows, count: int) -> dict[str, pa.Array]:
        """Return labels and their mask: those of the parts together, null where no source has any."""
        kinds = MANIFEST.schema()
        if not self._has_labels:
            return {name: pa.nulls(count, kinds.field(name).type) for name in ("labels", "labels_mask")}
        labels = self._sources.column("labels").to_pylist()
        values: list[list[str] | None] = []
        for parts in np.split(rows.source, rows.offsets[1:-1]):
            values.append(sorted({label for source in parts.tolist() for label in labels[source] or ()}) or None)
        masks = [None if value is None else [True] * len(value) for value in values]
        return {
            "labels": _nullable(values, kinds.field("labels").type),
            "labels_mask": _nullable(masks, kinds.field("labels_mask").type),
        }


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _strings(letters: NDArray[np.uint8], offsets: Ints) -> pa.Array:
    """Return strings cut from a row of ASCII letters."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(letters))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def _nullable(values: Sequence[Sequence[object] | None], kind: pa.DataType) -> pa.Array:
    if all(value is None for value in values):
        return pa.nulls(len(values), kind)
    return pa.array(values, kind)
