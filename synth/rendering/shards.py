"""Shards: some plan rows rendered to one Parquet file, or to one folder of audio files with their metadata."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, tenths
from synth.audio.encode import WAV_HEADER_BYTES, flac, wav_header
from synth.rendering.describe import Describer
from synth.rendering.features import data_schema, manifest_schema
from synth.rendering.job import Job, Shard
from synth.rendering.mixer import SAFE_GAIN, TOGETHER, Mixer
from synth.rendering.planfile import PlanFile, PlanRows
from synth.rendering.samples import Samples
from synth.store import arrays
from synth.store.atomic import replacing
from synth.store.parquet import file_metadata
from synth.tables import AUDIO

DIGEST = "synth_plan"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rendered clips: encoded audio (clips,), encoded stems (parts,) if wanted, and their rows."""

    rows: PlanRows
    columns: list[pa.Array]
    audio: pa.Array
    stems: pa.Array | None


class Renderer:
    """Renders shards of one job; one per worker."""

    def __init__(self, job: Job) -> None:
        self._job = job
        sources = pq.ParquetFile(job.sources).read(use_threads=False)
        self._ids: list[str] = sources.column("source_id").to_pylist()
        self._plan = PlanFile(job.plan, {name: k for k, name in enumerate(self._ids)})
        self._describer = Describer(sources, job.rate_hz, job.cells, job.labels)
        dc_n, rate_hz = (
            arrays.as_numpy(sources.column(name), np.int64).astype(np.int64) for name in ("dc_n", "rate_hz")
        )
        self._samples = Samples(self._ids, job.rate_hz, job.places, job.files, dc_n, rate_hz)
        self._mixer = Mixer(job.length_n, job.rate_hz, job.as_is)
        self._header = wav_header(job.length_n, job.rate_hz)
        self._wav = self._matrix(job.batch)
        self._pcm = self._wav[:, WAV_HEADER_BYTES:].view(np.int16)

    def render(self, shard: Shard) -> int:
        """Render a shard under its final name, unless it is there already; return its number of clips."""
        if not finished(self._job, shard):
            with replacing(self._job.path(shard)) as temporary:
                (self._write_parquet if self._job.store == "parquet" else self._write_files)(shard, temporary)
        return shard.end - shard.first

    def clips(self, first: int, end: int) -> tuple[PlanRows, NDArray[np.int16], list[NDArray[np.int16]]]:
        """Return rows ``first`` to ``end`` of the plan, their samples (clips, length_n) and the stems of each clip."""
        rows = self._plan.rows(first, end)
        count = end - first
        out = np.empty((count, self._job.length_n), np.int16)
        stems = [np.empty((int(n), self._job.length_n), np.int16) for n in np.diff(rows.offsets)]
        self._mix(rows, out, stems)
        return rows, out, stems

    def _matrix(self, count: int) -> NDArray[np.uint8]:
        matrix = np.empty((count, WAV_HEADER_BYTES + 2 * self._job.length_n), np.uint8)
        matrix[:, :WAV_HEADER_BYTES] = self._header
        return matrix

    def _mix(
        self, rows: PlanRows, out: NDArray[np.int16], stems: list[NDArray[np.int16]] | None
    ) -> NDArray[np.float64]:
        """Mix rows into ``out``; return the exact sums of squares."""
        energy = np.empty(len(out))
        window, bounds = self._samples.window, rows.offsets.tolist()
        heard = [
            (window(source, start, length), onset, gain)
            for source, start, length, onset, gain in zip(
                rows.source.tolist(),
                rows.start_n.tolist(),
                rows.length_n.tolist(),
                rows.onset_n.tolist(),
                rows.gain_q12.astype(np.int32),  # numpy scalars: a Python int would be multiplied in 16 bits
                strict=True,
            )
        ]
        clips = [heard[a:b] for a, b in pairwise(bounds)]
        plain = (rows.length_n == self._job.length_n).all() and (rows.gain_q12 <= SAFE_GAIN).all()
        if plain and stems is None:
            for first in range(0, len(out), TOGETHER):
                some = slice(first, first + TOGETHER)
                energy[some] = self._mixer.mix_full(clips[some], out[some])
        else:
            for clip, parts in enumerate(clips):
                energy[clip] = self._mixer.mix(parts, out[clip], stems[clip] if stems is not None else None)
        return energy

    def _batches(self, shard: Shard) -> Iterator[Batch]:
        job = self._job
        for first in range(shard.first, shard.end, job.batch):
            count = min(first + job.batch, shard.end) - first
            row = shard.row + first - shard.first
            rows = self._plan.rows(row, row + count)
            stems: list[NDArray[np.int16]] | None = None
            encoded: NDArray[np.uint8] | None = None
            if job.stems:
                encoded = self._matrix(len(rows.source))
                pcm = encoded[:, WAV_HEADER_BYTES:].view(np.int16)
                stems = [pcm[a:b] for a, b in zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True)]
            energy = self._mix(rows, self._pcm[:count], stems)
            level = tenths(energy / float(job.length_n * FULL_SCALE**2)).astype(np.int64)
            columns = self._describer.columns(rows, job.length_n, level)
            yield Batch(
                rows, columns, self._encoded(self._wav[:count]), None if encoded is None else self._encoded(encoded)
            )

    def _encoded(self, matrix: NDArray[np.uint8]) -> pa.Array:
        """Return the clips as WAV (the matrix itself, no copy) or FLAC bytes."""
        if self._job.codec == "wav":
            return arrays.rows_of(matrix)
        pcm = matrix[:, WAV_HEADER_BYTES:].view(np.int16)
        return arrays.blobs([flac(np.ascontiguousarray(row), self._job.rate_hz) for row in pcm])

    def _write_parquet(self, shard: Shard, temporary: Path) -> None:
        job = self._job
        schema = data_schema(job.cells, job.labels, job.rate_hz, job.stems)
        schema = schema.with_metadata({**(schema.metadata or {}), **stamp(job)})
        with pq.ParquetWriter(temporary, schema, **_layout(schema)) as writer:
            first = shard.first
            for batch in self._batches(shard):
                paths = arrays.numbered(f"{shard.split}-", first, len(batch.audio), f".{job.codec}")
                columns = [_audio(batch.audio, paths), *batch.columns]
                if batch.stems is not None:
                    columns.append(
                        arrays.lists(batch.rows.offsets, _audio(batch.stems, self._stem_names(batch)), pa.list_(AUDIO))
                    )
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
                first += len(batch.audio)

    def _write_files(self, shard: Shard, temporary: Path) -> None:
        job = self._job
        temporary.mkdir()
        schema = manifest_schema(job.cells, job.labels, [pa.field("file_name", pa.string())])
        schema = schema.with_metadata({**(schema.metadata or {}), **stamp(job)})
        first = shard.first
        with pq.ParquetWriter(temporary / "metadata.parquet", schema, **_layout(schema)) as writer:
            for batch in self._batches(shard):
                names = arrays.numbered(f"{shard.split}-", first, len(batch.audio), f".{job.codec}")
                _save(temporary, names, batch.audio)
                if batch.stems is not None:
                    _save(temporary, self._stem_names(batch), batch.stems)
                writer.write_batch(pa.RecordBatch.from_arrays([*batch.columns, names], schema=schema))
                first += len(batch.audio)

    def _stem_names(self, batch: Batch) -> pa.Array:
        """Return the names of the stems: the clip, a dot, the number of the part."""
        clips = batch.columns[0].to_pylist()
        number = (np.arange(len(batch.rows.source)) - batch.rows.offsets[batch.rows.clip_of_part]).tolist()
        suffix = self._job.codec
        return arrays.texts(
            [f"{clips[c]}.{k}.{suffix}" for c, k in zip(batch.rows.clip_of_part.tolist(), number, strict=True)]
        )


def stamp(job: Job) -> dict[str, str]:
    """Return what a finished shard says of its origin: it is skipped by the same job and refused by another."""
    return {DIGEST: job.digest, "synth_codec": job.codec, "synth_stems": str(job.stems).lower()}


def finished(job: Job, shard: Shard) -> bool:
    """Return whether a shard of this very job is there, whole."""
    path = job.table(shard)
    if not path.exists():
        return False
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        return False
    found = file_metadata(file)
    return all(found.get(name) == value for name, value in stamp(job).items()) and (
        file.metadata.num_rows == shard.end - shard.first
    )


def _audio(data: pa.Array, paths: pa.Array) -> pa.StructArray:
    return pa.StructArray.from_arrays([data, paths], fields=list(AUDIO))


def _save(folder: Path, names: pa.Array, audio: pa.Array) -> None:
    where = os.fspath(folder)
    for name, data in zip(names.to_pylist(), audio, strict=True):
        file = os.open(f"{where}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(file, data.as_buffer())
        finally:
            os.close(file)


def _layout(schema: pa.Schema) -> dict[str, object]:
    """Return the writer's options: audio plain and without statistics, the small columns in dictionaries."""
    leaves = [leaf for field in schema for leaf in _leaf_names(field.name, field.type)]
    small = [leaf for leaf in leaves if not leaf.startswith(("audio.", "stems."))]
    return {
        "compression": "none",
        "use_dictionary": small,
        "write_statistics": ["clip_id", "split", "n_speakers", "cell"],
    }


def _leaf_names(name: str, kind: pa.DataType) -> list[str]:
    if pa.types.is_list(kind):
        return _leaf_names(f"{name}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaf_names(f"{name}.{field.name}", field.type)]
    return [name]
