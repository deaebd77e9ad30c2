"""Shards: some plan rows rendered to one Parquet file, or to one folder of audio files with their metadata."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, tenths
from synth.audio.encode import WAV_HEADER_BYTES, flac, wav_header
from synth.errors import InputError
from synth.rendering.describe import Describer
from synth.rendering.features import data_schema, manifest_schema
from synth.rendering.job import Job, Shard
from synth.rendering.mixer import SAFE_GAIN, Mixer
from synth.rendering.planfile import PlanFile, PlanRows
from synth.rendering.samples import Samples
from synth.store import arrays
from synth.store.atomic import replacing
from synth.store.memory import kept
from synth.store.parquet import File, file_metadata
from synth.tables import AUDIO

DIGEST = "synth_plan"
PAGE_BYTES = 4 << 20  # of audio that are put together for a page: what the processor's caches hold is not copied twice


@dataclass(frozen=True, slots=True)
class Rendered:
    """Rendered clips: encoded audio (clips,), encoded stems (parts,) if wanted, and their rows."""

    rows: PlanRows
    columns: list[pa.Array]
    audio: pa.Array
    stems: pa.Array | None


class Renderer:
    """Renders shards of one job; one per worker."""

    def __init__(self, job: Job) -> None:
        self._job = job
        sources = File(job.sources).read(use_threads=False)
        self._ids: list[str] = sources.column("source_id").to_pylist()
        self._plan = PlanFile(job.plan, {name: k for k, name in enumerate(self._ids)})
        self._describer = Describer(sources, job.rate_hz, job.cells, job.labels)
        dc_n, rate_hz = (
            arrays.as_numpy(sources.column(name), np.int64).astype(np.int64) for name in ("dc_n", "rate_hz")
        )
        self._samples = Samples(self._ids, job.rate_hz, job.places, job.files, dc_n, rate_hz)
        self._mixer = Mixer(job.length_n, job.rate_hz, job.as_is)
        self._header = wav_header(job.length_n, job.rate_hz)
        self._wav = self._matrix(job.per_shard)
        self._pcm = self._wav[:, WAV_HEADER_BYTES:].view(np.int16)

    def render(self, shard: Shard) -> int:
        """Render a shard under its final name, unless it is there already; return its number of clips."""
        if not finished(self._job, shard):
            with kept(), replacing(self._job.path(shard)) as temporary:
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
        job = self._job
        windows = self._samples.windows(rows.source, rows.start_n, rows.length_n)
        gains = rows.gain_q12.astype(np.int32)  # a part's is a numpy scalar: a plain int would be multiplied in 16 bits
        if stems is None and (rows.length_n == job.length_n).all() and (gains <= SAFE_GAIN).all():
            return self._mixer.mix_full(windows, gains, rows.offsets, out).astype(np.float64)
        energy = np.empty(len(out))
        heard = list(zip(windows, rows.onset_n.tolist(), gains, strict=True))
        for clip, (first, end) in enumerate(pairwise(rows.offsets.tolist())):
            energy[clip] = self._mixer.mix(heard[first:end], out[clip], stems[clip] if stems is not None else None)
        return energy

    def _rendered(self, shard: Shard) -> Rendered:
        job = self._job
        count = shard.end - shard.first
        rows = self._plan.rows(shard.row, shard.row + count)
        stems: list[NDArray[np.int16]] | None = None
        matrix = self._matrix(len(rows.source)) if job.stems else None
        if matrix is not None:
            pcm = matrix[:, WAV_HEADER_BYTES:].view(np.int16)
            stems = [pcm[a:b] for a, b in pairwise(rows.offsets.tolist())]
        energy = self._mix(rows, self._pcm[:count], stems)
        level = tenths(energy / float(job.length_n * FULL_SCALE**2)).astype(np.int64)
        columns = self._describer.columns(rows, job.length_n, level)
        audio = self._encoded(self._wav[:count])
        return Rendered(rows, columns, audio, None if matrix is None else self._encoded(matrix))

    def _encoded(self, matrix: NDArray[np.uint8]) -> pa.Array:
        """Return the clips as WAV (the matrix itself, no copy) or FLAC bytes."""
        if self._job.codec == "wav":
            return arrays.rows_of(matrix)
        pcm = matrix[:, WAV_HEADER_BYTES:].view(np.int16)
        return arrays.blobs([flac(np.ascontiguousarray(row), self._job.rate_hz) for row in pcm])

    def _write_parquet(self, shard: Shard, temporary: Path) -> None:
        job, done = self._job, self._rendered(shard)
        paths = arrays.numbered(f"{shard.split}-", shard.first, len(done.audio), f".{job.codec}")
        columns = [_audio(done.audio, paths), *done.columns]
        if done.stems is not None:
            stems = _audio(done.stems, self._stem_names(done))
            columns.append(arrays.lists(done.rows.offsets, stems, pa.list_(AUDIO)))
        self._write(columns, data_schema(job.cells, job.labels, job.rate_hz, job.stems), temporary)

    def _write_files(self, shard: Shard, temporary: Path) -> None:
        job, done = self._job, self._rendered(shard)
        temporary.mkdir()
        names = arrays.numbered(f"{shard.split}-", shard.first, len(done.audio), f".{job.codec}")
        _save(temporary, names, done.audio)
        if done.stems is not None:
            _save(temporary, self._stem_names(done), done.stems)
        schema = manifest_schema(job.cells, job.labels, [pa.field("file_name", pa.string())])
        self._write([*done.columns, names], schema, temporary / "metadata.parquet")

    def _write(self, columns: list[pa.Array], schema: pa.Schema, path: Path) -> None:
        """Write one row group: audio plain and without statistics, the small columns in dictionaries."""
        schema = schema.with_metadata({**(schema.metadata or {}), **stamp(self._job)})
        leaves = [leaf for field in schema for leaf in _leaf_names(field.name, field.type)]
        with pq.ParquetWriter(
            path,
            schema,
            compression="none",
            use_dictionary=[leaf for leaf in leaves if not leaf.startswith(("audio.", "stems."))],
            write_statistics=["clip_id", "split", "n_speakers", "cell"],
            write_batch_size=max(1, PAGE_BYTES // (2 * self._job.length_n)),
        ) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))

    def _stem_names(self, done: Rendered) -> pa.Array:
        """Return the names of the stems: the clip, a dot, the number of the part."""
        clips = done.columns[0].to_pylist()
        number = (np.arange(len(done.rows.source)) - done.rows.offsets[done.rows.clip_of_part]).tolist()
        suffix = self._job.codec
        return arrays.texts(
            [f"{clips[c]}.{k}.{suffix}" for c, k in zip(done.rows.clip_of_part.tolist(), number, strict=True)]
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
        file = File(path)
    except InputError:
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


def _leaf_names(name: str, kind: pa.DataType) -> list[str]:
    if pa.types.is_list(kind):
        return _leaf_names(f"{name}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaf_names(f"{name}.{field.name}", field.type)]
    return [name]
