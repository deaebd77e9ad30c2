"""numpy to Arrow and back, against what pyarrow itself makes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.store import arrays

TEXTS = st.lists(st.none() | st.text(max_size=8), max_size=30)
WORDS = ["", "a", "ß", "日本", "ab"]


@given(TEXTS)
def test_texts(values):
    found = arrays.texts(values)
    found.validate(full=True)
    assert found.equals(pa.array(values, pa.string()))


@given(st.lists(st.binary(max_size=9), max_size=30))
def test_blobs(values):
    found = arrays.blobs(values)
    found.validate(full=True)
    assert found.equals(pa.array(values, pa.binary()))


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.int64(), pa.float32(), pa.float64()])
@given(st.lists(st.none() | st.integers(-100, 100), max_size=40))
def test_numbers(kind, values):
    valid = np.array([value is not None for value in values], np.bool_)
    data = np.array([value or 0 for value in values])
    found = arrays.numbers(data, kind, valid)
    found.validate(full=True)
    assert found.equals(pa.array(values, kind))
    assert found.null_count == values.count(None)
    filled = pa.array([value or 0 for value in values], kind)
    assert arrays.numbers(data, kind).equals(filled)
    back = arrays.as_numpy(found, kind.to_pandas_dtype())
    assert np.array_equal(back[valid], data[valid].astype(kind.to_pandas_dtype()))


@given(st.lists(st.lists(st.integers(-9, 9), max_size=5), max_size=12), st.data())
def test_as_numpy_of_chunks_and_slices(chunks, data):
    column = pa.chunked_array([pa.array(chunk, pa.int32()) for chunk in chunks], pa.int32())
    whole = [value for chunk in chunks for value in chunk]
    a = data.draw(st.integers(0, len(whole)))
    b = data.draw(st.integers(a, len(whole)))
    assert arrays.as_numpy(column.slice(a, b - a), np.int64).tolist() == whole[a:b]


@given(st.lists(st.lists(st.none() | st.binary(max_size=6), max_size=5), max_size=6), st.data())
def test_ragged_of_chunks_and_slices(chunks, data):
    column = pa.chunked_array([pa.array(chunk, pa.binary()) for chunk in chunks], pa.binary())
    whole = [value or b"" for chunk in chunks for value in chunk]
    a = data.draw(st.integers(0, len(whole)))
    b = data.draw(st.integers(a, len(whole)))
    flat, offsets = arrays.ragged(column.slice(a, b - a))
    assert flat.tobytes() == b"".join(whole[a:b])
    assert np.diff(offsets).tolist() == [len(value) for value in whole[a:b]]
    assert (offsets[0], len(offsets)) == (0, b - a + 1)


@given(st.integers(0, 20), st.integers(0, 7))
def test_rows_of_a_matrix(rows, width):
    matrix = (np.arange(rows * width) % 256).astype(np.uint8).reshape(rows, width)
    found = arrays.rows_of(matrix)
    found.validate(full=True)
    assert found.to_pylist() == [row.tobytes() for row in matrix]


def test_more_rows_than_offsets_can_address_are_refused():
    with pytest.raises(ValueError, match="2 GB"):
        arrays.rows_of(np.broadcast_to(np.zeros(1, np.uint8), (1 << 16, 1 << 15)))


def test_rows_of_a_matrix_are_not_copied():
    matrix = np.zeros((3, 5), np.uint8)
    found = arrays.rows_of(matrix)
    matrix[1] = 7
    assert found[1].as_py() == b"\x07" * 5


@given(st.integers(0, 99_999_988), st.integers(0, 12), st.sampled_from(WORDS), st.sampled_from(WORDS))
def test_numbered_names(first, count, prefix, suffix):
    found = arrays.numbered(prefix, first, count, suffix)
    found.validate(full=True)
    assert found.type == pa.string()
    assert found.to_pylist() == [f"{prefix}{k:08d}{suffix}" for k in range(first, first + count)]


@given(st.lists(st.integers(0, len(WORDS) - 1), max_size=30))
def test_chosen_words(index):
    found = arrays.chosen(WORDS, np.array(index, np.int64))
    found.validate(full=True)
    assert found.to_pylist() == [WORDS[k] for k in index]
    assert sorted(found.dictionary.to_pylist()) == sorted({WORDS[k] for k in index})


@given(st.lists(st.lists(st.integers(-9, 9), max_size=4), max_size=12))
def test_lists(values):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in values], dtype=np.int64)])
    flat = pa.array([x for one in values for x in one], pa.int64())
    found = arrays.lists(offsets, flat)
    found.validate(full=True)
    assert found.equals(pa.array(values, pa.list_(pa.int64())))


@given(st.lists(st.booleans(), max_size=40))
def test_validity_is_one_bit_a_row(valid):
    found = arrays.validity(np.array(valid, np.bool_))
    if all(valid):
        assert found is None
    else:
        bits = np.unpackbits(np.frombuffer(found, np.uint8), bitorder="little")
        assert bits[: len(valid)].astype(bool).tolist() == valid


def test_no_pandas_is_loaded():
    code = (
        "import sys, numpy as np, pyarrow as pa\n"
        "from synth.store import arrays, parquet\n"
        "t = pa.table if False else pa.Table.from_arrays([arrays.texts(['a', None]),"
        " arrays.numbers(np.arange(2), pa.int64()), arrays.chosen(['x'], np.zeros(2, int))], names=['a', 'b', 'c'])\n"
        "parquet.digest(t, ['a', 'b', 'c'])\n"
        "arrays.as_numpy(t.column('b'), np.int64)\n"
        "assert 'pandas' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
