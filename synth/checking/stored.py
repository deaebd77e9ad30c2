"""What lies in an output folder: the rows and the samples of its shards, read without the rendering code.

A shard is a Parquet file with the column ``audio``, or a folder of audio files with their ``metadata.parquet``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.audio.encode import WAV_HEADER_BYTES, wav_header
from synth.checking.rows import filled
from synth.errors import InputError
from synth.store.parquet import File, file_metadata
from synth.tables import AUDIO

Ints = NDArray[np.int64]
Pcm = NDArray[np.int16]

_BEGINS = {"wav": b"RIFF", "flac": b"fLaC"}


@dataclass(frozen=True, slots=True)
class Part:
    """A shard as the plan has it: its rows ``first`` to ``end`` of the plan, and the Parquet file that holds them."""

    name: str
    table: Path
    first: int
    end: int
    has_audio: bool  # in the Parquet file; otherwise beside it, one file a clip
    codec: str  # wav or flac


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring clips read from a shard: samples (clips, length_n), stems of each clip, and what could not be read."""

    first: int
    mix: Pcm
    stems: list[Pcm] | None
    damaged: list[int]


def pages(path: Path, columns: Sequence[str], dictionaries: Sequence[str] = ()) -> Iterator[pa.Table]:
    """Yield columns of a Parquet file row group by row group, texts as dictionaries where wanted."""
    file = File(path, read_dictionary=list(dictionaries), memory_map=True)
    for group in range(file.metadata.num_row_groups):
        yield file.read_row_group(group, columns=list(columns), use_threads=False)
    if not file.metadata.num_row_groups:
        yield file.schema_arrow.empty_table()


def opened(part: Part) -> tuple[File | None, str]:
    """Open a shard; return it, or None and what is wrong."""
    if not part.table.is_file():
        return None, "is missing"
    try:
        return File(part.table, memory_map=True, pre_buffer=False), ""
    except InputError as error:
        return None, f"cannot be read ({without_folder(error, part)})"


def begins(path: Path, codec: str) -> bool:
    """Say whether a file begins as one of ``codec`` does."""
    with path.open("rb") as file:
        return file.read(4) == _BEGINS[codec]


def without_folder(error: InputError, part: Part) -> str:
    """Return what is wrong with a shard's file, without where the folder lies: a report says nothing of this machine."""
    return str(error).replace(str(part.table), part.table.name)


def problem(part: Part, wanted: Mapping[str, str]) -> str:
    """Return what is wrong with a shard, or nothing: absent, damaged, too short, or of another plan or another codec."""
    file, why = opened(part)
    if file is None:
        return why
    if file.metadata.num_rows != part.end - part.first:
        return f"has {file.metadata.num_rows:,} rows, wanted {part.end - part.first:,}"
    found = file_metadata(file)
    for key, value in wanted.items():
        if found.get(key) != value:
            return f"says {key} = {str(found.get(key))[:12]}, wanted {value[:12]}"
    return ""


def runs_of(chosen: Ints, parts: Sequence[Part]) -> list[tuple[Part, Ints]]:
    """Return the chosen rows of the plan (ascending) by shard."""
    out = []
    for part in parts:
        low, high = np.searchsorted(chosen, (part.first, part.end))
        if high > low:
            out.append((part, chosen[low:high]))
    return out


def read(part: Part, chosen: Ints, length_n: int, rate_hz: int) -> Iterator[Run]:
    """Yield the chosen rows (ascending rows of the plan) of a shard, in runs of neighbours."""
    file, _ = opened(part)
    if file is None:
        return
    if part.has_audio:
        yield from _from_table(file, part, chosen, length_n, rate_hz)
    else:
        yield from _from_files(part, chosen, length_n, rate_hz)


def _from_table(file: File, part: Part, chosen: Ints, length_n: int, rate_hz: int) -> Iterator[Run]:
    """Read batch by batch, so that of a row group no more pages are read than up to its last chosen row."""
    first = part.first
    columns = [name for name in ("audio", "stems") if name in file.schema_arrow.names]
    done = first
    try:
        for group in range(file.metadata.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(chosen, (first, first + size))
            wanted = chosen[low:high] - first
            if len(wanted):
                at = 0
                step = max(min(int(wanted[-1]) + 1, 100), 1)
                for batch in file.iter_batches(batch_size=step, row_groups=[group], columns=columns, use_threads=False):
                    here = wanted[(wanted >= at) & (wanted < at + batch.num_rows)] - at
                    for a, b in _neighbours(here):
                        yield _decoded(batch.slice(a, b - a), first + at + a, length_n, rate_hz, part.codec)
                    at += batch.num_rows
                    done = first + at
                    if at > wanted[-1]:
                        break
            first += size
            done = first
    except InputError:
        pass
    for a, b in _neighbours(chosen[chosen >= done]):  # what is behind the damage, or beyond the end of a short shard
        yield Run(a, np.zeros((b - a, length_n), np.int16), None, list(range(a, b)))


def _neighbours(rows_: Ints) -> list[tuple[int, int]]:
    """Return runs of neighbouring rows as first and end."""
    if not len(rows_):
        return []
    cuts = np.nonzero(np.diff(rows_) != 1)[0] + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(rows_, cuts)]


def _decoded(batch: pa.RecordBatch, first: int, length_n: int, rate_hz: int, codec: str) -> Run:
    count = batch.num_rows
    if not _holds_sounds(batch.schema, "audio", AUDIO):
        return Run(first, np.zeros((count, length_n), np.int16), None, list(range(first, first + count)))
    mix, damaged = _samples(batch.column("audio").field("bytes"), length_n, rate_hz, codec)
    stems = None
    if _holds_sounds(batch.schema, "stems", pa.list_(AUDIO)):
        column = batch.column("stems")
        flat, unread = _samples(column.flatten().field("bytes"), length_n, rate_hz, codec)
        sizes = filled(pc.list_value_length(column), 0)
        bounds = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        stems = [flat[a:b] for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
        if unread:
            damaged = sorted({*damaged, *(np.searchsorted(bounds, unread, side="right") - 1).tolist()})
    return Run(first, mix, stems, [first + k for k in damaged])


def _holds_sounds(schema: pa.Schema, name: str, kind: pa.DataType) -> bool:
    return name in schema.names and schema.field(name).type == kind


def _samples(column: pa.Array, length_n: int, rate_hz: int, codec: str) -> tuple[Pcm, list[int]]:
    """Return the samples of encoded clips, shape (clips, length_n), and which could not be read (their samples are 0)."""
    count = len(column)
    size = WAV_HEADER_BYTES + 2 * length_n
    offsets = np.zeros(0, np.int32)
    if count and not column.null_count:
        offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + count + 1]
    if codec == "wav" and len(offsets) and (np.diff(offsets) == size).all():
        data = np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(count, size)
        if (data[:, :WAV_HEADER_BYTES] == wav_header(length_n, rate_hz)).all():
            return np.ascontiguousarray(data[:, WAV_HEADER_BYTES:]).view(np.int16), []
    out, damaged = np.zeros((count, length_n), np.int16), []
    for k in range(count):
        if not _decode(column[k].as_py() or b"", out[k], rate_hz, codec):
            damaged.append(k)
    return out, damaged


def _decode(data: bytes, into: Pcm, rate_hz: int, codec: str) -> bool:
    """Decode one clip; return whether it is of this codec, mono, of 16 bits, of this rate and of this length."""
    import soundfile as sf

    if data[:4] != _BEGINS[codec]:
        return False
    if codec == "wav" and data[:WAV_HEADER_BYTES] != wav_header(len(into), rate_hz).tobytes():
        return False  # readers trust different fields of a header
    try:
        with sf.SoundFile(io.BytesIO(data)) as file:
            if file.subtype != "PCM_16" or file.frames != len(into):
                return False
            samples, rate = file.read(dtype="int16"), file.samplerate
    except (sf.LibsndfileError, RuntimeError, ValueError, MemoryError):
        return False
    if rate != rate_hz or samples.shape != into.shape:
        return False
    into[:] = samples
    return True


def _from_files(part: Part, chosen: Ints, length_n: int, rate_hz: int) -> Iterator[Run]:
    try:
        names = [name for page in pages(part.table, ["file_name"]) for name in page.column("file_name").to_pylist()]
    except (InputError, KeyError):
        names = []
    names = [*names, *[None] * (part.end - part.first)]  # of a table that is too short, clips are damaged
    for a, b in _neighbours(chosen):
        mix = np.zeros((b - a, length_n), np.int16)
        stems: list[Pcm] = []
        damaged = []
        for row in range(a, b):
            path = part.table.parent / (names[row - part.first] or "no name")
            if not (path.is_file() and _decode(path.read_bytes(), mix[row - a], rate_hz, part.codec)):
                damaged.append(row)
            stems.append(_stems_beside(path, length_n, rate_hz, part.codec))
        yield Run(a, mix, stems if any(len(one) for one in stems) else None, damaged)


def _stems_beside(path: Path, length_n: int, rate_hz: int, codec: str) -> Pcm:
    """Return the stems that lie beside a clip as NAME.0.wav, NAME.1.wav, …"""
    found: list[Pcm] = []
    while (stem := path.with_name(f"{path.stem}.{len(found)}{path.suffix}")).exists():
        found.append(np.zeros(length_n, np.int16))
        _decode(stem.read_bytes(), found[-1], rate_hz, codec)
    return np.array(found, np.int16).reshape(len(found), length_n)
