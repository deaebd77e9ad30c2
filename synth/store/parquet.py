"""Read and write the tables; the digest of a table covers its values, not the bytes of a Parquet file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synth.errors import InputError, listed
from synth.store.arrays import as_numpy
from synth.store.atomic import replacing
from synth.tables import Table

if TYPE_CHECKING:
    from hashlib import _Hash


def write(table: pa.Table, path: Path) -> None:
    """Write a table under its final name at once or not at all, with checksums that tell damage when it is read."""
    ordered = dict(sorted((table.schema.metadata or {}).items()))  # a file that was read gives its metadata backwards
    with replacing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(ordered),
            temporary,
            compression="zstd",
            row_group_size=16_384,
            write_page_checksum=True,
        )


class File(pq.ParquetFile):  # type: ignore[misc]  # pyarrow has no types
    """A Parquet file whose damage is an InputError with the file's name, wherever in it the damage is met.

    What is read is validated (lengths, offsets, UTF-8), so that nobody who takes it apart can run past its end. Bytes that
    were changed and still make sense are found by digests and comparisons, not here.
    """

    def __init__(self, path: Path, **options: Any) -> None:  # noqa: ANN401  # pyarrow's
        self.path = path
        with _damage(path):
            super().__init__(path, page_checksum_verification=True, **options)
            names = Counter(self.schema_arrow.names)
        if twice := [name for name, count in names.items() if count > 1]:
            raise InputError(f"{path} has the column {listed(twice)} twice: it is damaged, or was not written by synth")

    def read(self, *args: Any, **options: Any) -> pa.Table:  # noqa: ANN401
        """Return all rows."""
        with _damage(self.path):
            return _valid_rows(super().read(*args, **options))

    def read_row_group(self, *args: Any, **options: Any) -> pa.Table:  # noqa: ANN401
        """Return the rows of one group."""
        with _damage(self.path):
            return _valid_rows(super().read_row_group(*args, **options))

    def iter_batches(self, *args: Any, **options: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
        """Yield rows batch by batch."""
        with _damage(self.path):
            batches = super().iter_batches(*args, **options)
        while True:
            with _damage(self.path):
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
            yield batch


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError, MemoryError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} is not readable as Parquet ({why}): it is damaged, or no Parquet at all") from error


def _valid_rows(table: pa.Table) -> pa.Table:
    table.validate(full=True)
    return table


def opened(path: Path, spec: Table, made_by: str) -> File:
    """Open a Parquet file that holds the columns of ``spec``.

    Raises InputError when it is missing, no Parquet, or lacks columns; ``made_by`` is the command that makes one.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {what}; wanted a {spec.name} table. Make one with: {made_by}")
    try:
        file = File(path)
    except InputError as error:
        raise InputError(f"{error}; wanted a {spec.name} table: {made_by}") from error
    missing = [name for name in spec.required if name not in file.schema_arrow.names]
    if missing:
        raise InputError(
            f"{path} lacks the {'column' if len(missing) == 1 else 'columns'} {listed(missing)} of a {spec.name} table "
            f"(found {listed(file.schema_arrow.names)}). Make one with: {made_by}"
        )
    return file


def read(path: Path, spec: Table, made_by: str) -> pa.Table:
    """Read a whole table with the columns of ``spec`` (further ones stay, later ones may lack); errors as in :func:`opened`."""
    file = opened(path, spec, made_by)
    if torn := _differing(file):
        raise InputError(f"{path} says {torn} in its metadata: it is damaged; wanted a {spec.name} table: {made_by}")
    table = file.read()
    wanted = spec.schema()
    for name in spec.names_in(table.column_names):
        if table.schema.field(name).type != wanted.field(name).type:
            position = table.schema.get_field_index(name)
            try:
                table = table.set_column(position, wanted.field(name), table.column(name).cast(wanted.field(name).type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise InputError(
                    f"{path}: column {name} is {table.schema.field(name).type}, wanted {wanted.field(name).type} ({error})"
                ) from error
    return table


def metadata(schema: pa.Schema) -> dict[str, str]:
    """Return the text metadata of a schema."""
    return _texts(schema.metadata)


def _texts(found: dict[bytes, bytes] | None) -> dict[str, str]:
    """Return metadata as text; bytes that are none (a damaged file) become marks that no comparison takes for right."""
    return {
        k.decode(errors="replace"): v.decode(errors="replace")
        for k, v in (found or {}).items()
        if not k.startswith(b"ARROW")
    }


def typed(file: File, spec: Table, made_by: str) -> File:
    """Return the file when its columns have the types of ``spec``, else raise InputError."""
    kinds = spec.schema()
    for name in spec.names:
        found, wanted = file.schema_arrow.field(name).type, kinds.field(name).type
        if found != wanted:
            raise InputError(f"{file.path}: column {name} is {found}, wanted {wanted}. Make the table with: {made_by}")
    return file


def file_metadata(file: pq.ParquetFile) -> dict[str, str]:
    """Return the text metadata of a file, with what was added after its rows were written."""
    return metadata(file.schema_arrow) | own_metadata(file)


def own_metadata(file: pq.ParquetFile) -> dict[str, str]:
    """Return the text metadata that stand beside the schema: a file says most of it twice."""
    return _texts(file.metadata.metadata)


def _differing(file: pq.ParquetFile) -> str:
    """Return how the two places differ in which a file says its metadata, or nothing."""
    own, other = own_metadata(file), metadata(file.schema_arrow)
    keys = (key for key in own if key in other and own[key] != other[key])
    return next((f"{key} = {own[key]} and {other[key]}" for key in keys), "")


class Stretches:
    """Rows of a Parquet file, stretch by stretch in order; a row group stays decoded while its rows are asked for."""

    def __init__(self, file: pq.ParquetFile, columns: Iterable[str] | None = None) -> None:
        self._file, self._columns = file, None if columns is None else list(columns)
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.metadata.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._kept: dict[int, pa.Table] = {}

    def read(self, first: int, end: int) -> pa.Table:
        """Return the rows ``first`` to ``end``."""
        low = int(np.searchsorted(self._starts, first, side="right")) - 1
        high = int(np.searchsorted(self._starts, end, side="left"))
        for k in [k for k in self._kept if not low <= k < high]:
            del self._kept[k]
        for k in range(low, high):
            if k not in self._kept:
                self._kept[k] = self._file.read_row_group(k, columns=self._columns, use_threads=False)
        table = pa.concat_tables([self._kept[k] for k in range(low, high)])
        return table.slice(first - int(self._starts[low]), end - first)


_REPEATING = ("split", "cell")  # whole columns of few words; nested texts repeat as well


class Digest:
    """The sha256 of the values of a table, fed batch by batch, whatever the batches' sizes."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._leaves: dict[str, _Hash] = {}
        self._rows: dict[str, int] = {}

    def update(self, table: pa.Table | pa.RecordBatch) -> None:
        """Add rows; the table holds at least the columns named at the start."""
        for name in self._names:
            column = table.column(name)
            for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
                self._add(name, chunk)

    def hexdigest(self) -> str:
        """Return the digest of everything added so far."""
        total = sha256()
        for name in sorted(self._leaves):
            total.update(name.encode() + b"\0" + self._leaves[name].digest())
        for name in sorted(self._rows):
            total.update(f"{name}\0{self._rows[name]}\0".encode())
        return total.hexdigest()

    def _feed(self, name: str, data: np.ndarray) -> None:  # any numbers
        self._leaves.setdefault(name, sha256()).update(np.ascontiguousarray(data).data)

    def _feed_nulls(self, name: str, array: pa.Array) -> np.ndarray | None:
        """Add which rows are null, counted from the first of all; return them as a mask, None when there are none."""
        before = self._rows.get(name, 0)
        self._rows[name] = before + len(array)
        if not array.null_count:
            return None
        null = ~_valid(array)
        self._feed(f"{name}?", np.flatnonzero(null) + before)
        return null

    def _add(self, name: str, array: pa.Array) -> None:
        kind = array.type
        if ("." in name or name in _REPEATING) and (pa.types.is_dictionary(kind) or pa.types.is_string(kind)):
            self._feed(name, _word_hashes(array))
            return
        if pa.types.is_dictionary(kind):
            array = array.dictionary_decode()
            kind = array.type
        null = self._feed_nulls(name, array)
        if pa.types.is_list(kind):
            lengths = np.diff(_offsets(array))
            if null is not None:
                lengths[null] = 0
            self._feed(f"{name}#", lengths)
            self._add(f"{name}[]", array.flatten())
        elif pa.types.is_struct(kind):
            for field, child in zip(kind, array.flatten(), strict=True):
                self._add(f"{name}.{field.name}", child)
        elif pa.types.is_string(kind) or pa.types.is_binary(kind):
            if null is not None and np.diff(_offsets(array))[null].any():  # bytes under a null are no value
                array = array.fill_null("" if pa.types.is_string(kind) else b"")
            offsets = _offsets(array)
            self._feed(f"{name}#", np.diff(offsets))
            if array.buffers()[2] is not None and len(array):
                self._feed(name, np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]])
        elif pa.types.is_boolean(kind):
            self._feed(name, np.array(array.to_pylist(), np.float64))
        else:
            values = as_numpy(array, kind.to_pandas_dtype())
            if null is not None:
                values = values.copy()
                values[null] = 0
            self._feed(name, values)


def _offsets(array: pa.Array) -> np.ndarray:
    """Return where each row of a list, text or binary array begins in its values, and where the last one ends."""
    return np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]


def _word_hashes(array: pa.Array) -> np.ndarray:
    """Return a 64-bit hash per row of texts that repeat (those of nested columns), 0 for null: hashed once a word."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    hashes = [int.from_bytes(sha256(word.encode()).digest()[:8], "little") if word is not None else 0 for word in words]
    indices = as_numpy(encoded.indices, np.int32).astype(np.int32, copy=False)
    rows = np.array([*hashes, 0], np.uint64).take(indices, mode="clip")
    if encoded.indices.null_count:
        rows[~_valid(encoded.indices)] = 0
    return rows


def _valid(array: pa.Array) -> np.ndarray:  # bool, one per row
    if array.null_count == 0:
        return np.ones(len(array), np.bool_)
    bits = np.unpackbits(np.frombuffer(array.buffers()[0], np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(np.bool_)


def digest(table: pa.Table, names: Iterable[str]) -> str:
    """Return the sha256 of the values of the named columns."""
    total = Digest(names)
    for batch in table.to_batches():
        total.update(batch)
    return total.hexdigest()
