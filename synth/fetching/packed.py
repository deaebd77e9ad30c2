"""Copies inside tars (WebDataset) and Parquet files (the Hub), found without reading the audio, opened where they lie.

Nothing is ever unpacked to the disk. Members that are no plain files, or whose names lead out of the archive, are
counted and left alone.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from synth.fetching.names import Said, agreed, by_fields, by_name, fields_wanted, stem_and_extension

NO_ID = "no YouTube id in its name or beside it"
NOT_AUDIO = "not audio by its name"
EMPTY = "without bytes"
UNFINISHED = "an unfinished download"
_OTHER = re.compile(
    "jsonl?|txt|[ct]sv|md|rst|xml|ya?ml|toml|html?|pdf|log|lock|sh|py|pkl|pickle|np[yz]|pth?|h5|hdf5|lab|jams|rttm|"
    "srt|vtt|ass|lrc|jpe?g|png|webp|gif|bmp|zip|rar|7z|gz|tgz|bz2|xz|zst|description|sha256|md5|cls"
)
_UNFINISHED = re.compile(
    r".*\.(part|part-frag\d+|partial|ytdl|temp|tmp|crdownload|aria2)(\.\w+)?", re.IGNORECASE | re.DOTALL
)
_LARGEST_JSON = 1 << 24
_DAMAGED_TAR = "a tar that is damaged, cut off or compressed"

Found = tuple[str, Said, Callable[[], BinaryIO]]  # name within the archive, what it says, how to open it


def why_not(name: str, size: int) -> str | None:
    """Return why a file of this name and size is no copy; None where it may be one."""
    if _UNFINISHED.fullmatch(name):
        return UNFINISHED
    if _OTHER.fullmatch(stem_and_extension(name)[1]) or PurePosixPath(name).name.startswith("."):
        return NOT_AUDIO
    return None if size else EMPTY


def said_in_json(file: BinaryIO) -> Said | None:
    """Return what a JSON object of at most 16 MiB says, None where a file holds something else."""
    try:
        value = json.loads(file.read(_LARGEST_JSON))
    except (ValueError, RecursionError):
        return None
    return by_fields(value) if isinstance(value, dict) else None


def in_tar(path: Path, counts: Counter[str]) -> Iterator[Found]:
    """Yield the copies in an uncompressed tar: members of one key (``key.flac``, ``key.json``) belong together."""
    sounds: list[tuple[str, int, int]] = []
    beside: dict[str, Said | None] = {}
    length = path.stat().st_size
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps every header it has met
                name = member.name
                if member.size < 0 or member.offset_data + member.size > length:
                    counts[_DAMAGED_TAR] += 1
                    break
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    counts["a link, a device or the like in a tar"] += 1
                elif ".." in PurePosixPath(name.replace("\\", "/")).parts:
                    counts["a member whose name leads out of its tar"] += 1
                elif stem_and_extension(name)[1] == "json":
                    if file := tar.extractfile(member):
                        told = said_in_json(cast(BinaryIO, file))
                        beside |= dict.fromkeys(_keys(name), told)
                elif reason := why_not(name, member.size):
                    counts[reason] += 1
                else:
                    sounds.append((name, member.offset_data, member.size))
            else:
                if _goes_on(path, tar.offset):
                    counts[_DAMAGED_TAR] += 1
    except (tarfile.TarError, OSError, ValueError):
        counts[_DAMAGED_TAR] += 1
    for name, offset, size in sounds:
        stem = stem_and_extension(PurePosixPath(name).name)[0]
        told = next((beside[key] for key in _keys(name) if key in beside), None)
        found = agreed(by_name(stem), told)
        if found is None:
            counts[NO_ID] += 1
        else:
            yield name.lstrip("/"), found, partial(_slice, path, offset, size)


def _goes_on(path: Path, offset: int) -> bool:
    """Tell whether a tar holds more where its reader stopped: it stops in silence at a header that is damaged."""
    with path.open("rb") as file:
        file.seek(offset)
        return bool(file.read(tarfile.BLOCKSIZE).strip(b"\0"))


def in_parquet(path: Path, counts: Counter[str]) -> Iterator[Found]:
    """Yield the copies in a Parquet file with a column of ``struct<bytes, path>``; ids are read, audio is not."""
    try:
        with pq.ParquetFile(path) as file:
            audio = _audio_column(file.schema_arrow)
            if audio is None:
                counts["a Parquet file without a column of audio bytes"] += 1
                return
            named = [f"{audio.name}.path"] if audio.type.get_field_index("path") >= 0 else []
            columns = [*fields_wanted([name for name in file.schema_arrow.names if name != audio.name]), *named]
            first = 0
            for group in range(file.num_row_groups):
                length = file.metadata.row_group(group).num_rows
                rows = file.read_row_group(group, columns=columns).to_pylist() if columns else [{}] * length
                for row, fields in enumerate(rows):
                    found = _row_says(fields, audio.name)
                    if found is None:
                        counts[NO_ID] += 1
                    else:
                        yield f"{first + row}", found, partial(_row, path, audio.name, group, row)
                first += length
    except (pa.ArrowException, OSError):
        counts["a damaged Parquet file"] += 1


def _keys(name: str) -> tuple[str, str]:
    """Return what joins a member to others: its name less the extension, and WebDataset's key, up to the first dot."""
    folder, slash, base = name.rpartition("/")
    stem = stem_and_extension(base)[0]
    return f"{folder}{slash}{stem}", f"{folder}{slash}{base.partition('.')[0]}"


def _row_says(fields: dict[str, Any], audio: str) -> Said | None:
    path = (fields.pop(audio, None) or {}).get("path")
    stem = stem_and_extension(PurePosixPath(path).name)[0] if isinstance(path, str) else ""
    return agreed(by_name(stem), by_fields(fields))


def _audio_column(schema: pa.Schema) -> pa.Field | None:
    """Return the column of ``struct<bytes, …>``, that named audio before others."""
    fields = [
        field
        for field in schema
        if pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0 and _is_binary(field.type)
    ]
    return min(fields, key=lambda field: field.name != "audio", default=None)


def _is_binary(struct: pa.StructType) -> bool:
    kind = struct.field("bytes").type
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _row(path: Path, audio: str, group: int, row: int) -> BinaryIO:
    """Return the audio of one row, of whose row group a page is held meanwhile."""
    try:
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            columns = [f"{audio}.bytes"]
            for batch in file.iter_batches(4, row_groups=[group], columns=columns, use_threads=False):
                if row < batch.num_rows:
                    value = batch.column(0)[row].as_py()
                    return io.BytesIO((value or {}).get("bytes") or b"")
                row -= batch.num_rows
    except pa.ArrowException as error:
        raise OSError(f"damaged Parquet file: {error}") from None
    return io.BytesIO()


def _slice(path: Path, offset: int, size: int) -> BinaryIO:
    return io.BufferedReader(_Slice(path, offset, size))


class _Slice(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._offset, self._size, self._at = offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever can be written to
        wanted = max(0, min(len(buffer), self._size - self._at))
        self._file.seek(self._offset + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
