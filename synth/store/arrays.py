"""numpy to Arrow without ``pa.array``, which imports pandas (0.2 to 0.35 CPU seconds a process) whatever it is given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(values: NDArray[np.generic], kind: pa.DataType, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return an Arrow array of ``kind`` from numbers of shape (n,); rows where ``valid`` is false are null."""
    data = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, len(data), [validity(valid), pa.py_buffer(data)])


def bools(values: NDArray[np.bool_]) -> pa.Array:
    """Return an Arrow array of truth values, shape (n,)."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(np.packbits(values, bitorder="little"))])


def validity(valid: NDArray[np.bool_] | None) -> pa.Buffer | None:
    """Return the validity bitmap of a mask, or None when everything is valid."""
    if valid is None or bool(valid.all()):
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def texts(values: Sequence[str | None]) -> pa.Array:
    """Return an Arrow string array; None is null."""
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = np.fromiter(accumulate(map(len, encoded), initial=0), np.int32, len(encoded) + 1)
    valid = np.fromiter((value is not None for value in values), np.bool_, len(values))
    buffers = [validity(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def blobs(values: Sequence[bytes | None]) -> pa.Array:
    """Return an Arrow binary array; None is null."""
    data = [value or b"" for value in values]
    offsets = np.fromiter(accumulate(map(len, data), initial=0), np.int32, len(data) + 1)
    valid = np.fromiter((value is not None for value in values), np.bool_, len(values))
    buffers = [validity(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(data))]
    return pa.Array.from_buffers(pa.binary(), len(data), buffers)


def rows_of(matrix: NDArray[np.uint8], kind: pa.DataType | None = None) -> pa.Array:
    """Return a binary (or string) array of the rows of a C-contiguous byte matrix, without a copy."""
    if matrix.nbytes >= 1 << 31:
        raise ValueError(f"{matrix.nbytes:,} bytes in one array: its 32-bit offsets address 2 GB")
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * np.int32(matrix.shape[1])
    return pa.Array.from_buffers(kind or pa.binary(), len(matrix), [None, pa.py_buffer(offsets), pa.py_buffer(matrix)])


def numbered(prefix: str, first: int, count: int, suffix: str = "", digits: int = 8) -> pa.Array:
    """Return the strings prefix + zero-padded number + suffix, e.g. ``train-00000042``."""
    head, tail = prefix.encode(), suffix.encode()
    zeros = b"0" * digits
    pattern = np.frombuffer(head + zeros + tail, np.uint8)
    matrix = np.repeat(pattern[None, :], count, axis=0)
    rest: NDArray[np.uint32] = np.arange(first, first + count, dtype=np.uint32)
    last = len(head) + digits - 1
    for position in range(last, last - min(digits, len(str(first + count))), -1):
        tens = rest // np.uint32(10)  # dividing by a constant is vectorised, the remainder is not
        matrix[:, position] += (rest - tens * np.uint32(10)).astype(np.uint8)
        rest = tens
    return rows_of(matrix, pa.string())


def chosen(names: Sequence[str], index: NDArray[np.integer]) -> pa.Array:
    """Return a dictionary array that picks ``names[index]``; only the names in use are stored."""
    used = np.nonzero(np.bincount(index, minlength=len(names)))[0]
    rank = np.zeros(len(names), np.int32)
    rank[used] = np.arange(len(used), dtype=np.int32)
    words = texts([names[i] for i in used.tolist()])
    return pa.DictionaryArray.from_arrays(numbers(rank.take(index), pa.int32()), words, safe=False)


def lists(offsets: NDArray[np.integer], values: pa.Array, kind: pa.DataType | None = None) -> pa.Array:
    """Return a list array: row i is ``values[offsets[i]:offsets[i + 1]]``."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, np.int32))]
    return pa.Array.from_buffers(kind or pa.list_(values.type), len(offsets) - 1, buffers, children=[values])


def as_numpy(column: pa.Array | pa.ChunkedArray, dtype: np.dtype | type) -> NDArray[np.generic]:
    """Return a primitive column as a numpy array (nulls are whatever stands in the buffer: mask them)."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = []
    for chunk in chunks:
        raw = np.frombuffer(chunk.buffers()[1], chunk.type.to_pandas_dtype()) if len(chunk) else np.empty(0, dtype)
        parts.append(raw[chunk.offset : chunk.offset + len(chunk)])
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)


def ragged(column: pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return all bytes of a binary column end to end, and the offsets of its rows, shape (n + 1,); null is empty."""
    data, sizes = [], []
    for chunk in column.chunks:
        _, offset_buffer, value_buffer = chunk.buffers()
        if not len(chunk):
            continue
        offsets = np.frombuffer(offset_buffer, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        sizes.append(np.diff(offsets))
        if value_buffer is not None:
            data.append(np.frombuffer(value_buffer, np.uint8)[offsets[0] : offsets[-1]])
    flat = np.concatenate(data) if data else np.empty(0, np.uint8)
    return flat, np.concatenate([[0], *(np.asarray(s, np.int64) for s in sizes)]).cumsum().astype(np.int64)
