"""Tables on disk, and a digest of their values alone."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.store import parquet
from synth.tables import PLAN, SOURCES, Column, Table

PART = pa.struct([pa.field("id", pa.string()), pa.field("n", pa.int32()), pa.field("x", pa.float32())])
SCHEMA = pa.schema(
    [
        pa.field("text", pa.string()),
        pa.field("blob", pa.binary()),
        pa.field("number", pa.int64()),
        pa.field("real", pa.float64()),
        pa.field("flag", pa.bool_()),
        pa.field("texts", pa.list_(pa.string())),
        pa.field("flags", pa.list_(pa.bool_())),
        pa.field("parts", pa.list_(PART)),
    ]
)
NAMES = SCHEMA.names
SHORT = st.text("ab", max_size=2)
PARTS = st.fixed_dictionaries(
    {"id": st.none() | SHORT, "n": st.none() | st.integers(-2, 2), "x": st.none() | st.sampled_from([0.0, 1.0])}
)
ROW = st.fixed_dictionaries(
    {
        "text": st.none() | SHORT,
        "blob": st.none() | st.binary(max_size=2),
        "number": st.none() | st.integers(-2, 2),
        "real": st.none() | st.sampled_from([0.0, 0.5, 1.0]),
        "flag": st.none() | st.booleans(),
        "texts": st.none() | st.lists(st.none() | SHORT, max_size=2),
        "flags": st.none() | st.lists(st.booleans(), max_size=2),
        "parts": st.none() | st.lists(st.none() | PARTS, max_size=2),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=8)


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@settings(deadline=None)
@given(ROWS, st.data())
def test_the_digest_does_not_depend_on_how_rows_are_cut(rows, data):
    whole = table(rows)
    expected = parquet.digest(whole, NAMES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    bounds = list(zip([0, *cuts], [*cuts, len(rows)], strict=True))
    pieces = pa.concat_tables([whole.slice(a, b - a) for a, b in bounds])
    assert parquet.digest(pieces, NAMES) == expected
    fed = parquet.Digest(reversed(NAMES))
    for a, b in bounds:
        fed.update(whole.slice(a, b - a))
    assert fed.hexdigest() == expected
    assert parquet.digest(whole.combine_chunks(), NAMES) == expected


@settings(deadline=None)
@given(ROWS)
def test_the_digest_of_a_file_is_that_of_the_table(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("digest") / "t.parquet"
    parquet.write(table(rows), path)
    again = pq.ParquetFile(path)
    assert parquet.digest(again.read(), NAMES) == parquet.digest(table(rows), NAMES)
    coded = pq.ParquetFile(path, read_dictionary=["text", "parts.list.element.id"])
    assert parquet.digest(coded.read(), NAMES) == parquet.digest(table(rows), NAMES)


@settings(deadline=None)
@given(ROWS, st.data())
def test_any_other_value_or_null_gives_another_digest(rows, data):
    number = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(NAMES))
    other = [dict(row) for row in rows]
    other[number][name] = data.draw(ROW)[name]
    assume(table(other).to_pylist() != table(rows).to_pylist())
    assert parquet.digest(table(other), NAMES) != parquet.digest(table(rows), NAMES)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_two_tables_with_one_digest_are_one_table(one, other):
    same = table(one).to_pylist() == table(other).to_pylist()
    assert same == (parquet.digest(table(one), NAMES) == parquet.digest(table(other), NAMES))


def test_a_value_that_moves_to_another_row_or_column_is_noticed():
    base = {"text": "ab", "blob": b"", "number": 1, "real": None, "flag": None}
    one = table([base, {**base, "text": ""}])
    for rows in (
        [{**base, "text": "a"}, {**base, "text": "b"}],
        [{**base, "text": ""}, base],
        [{**base, "text": "", "blob": b"ab"}, {**base, "text": ""}],
        [{**base, "text": "ab"}, {**base, "text": None}],
    ):
        assert parquet.digest(table(rows), NAMES) != parquet.digest(one, NAMES)


def test_what_lies_under_a_null_is_no_value():
    offsets, data = pa.py_buffer(bytes(4) + (2).to_bytes(4, "little") + (3).to_bytes(4, "little")), pa.py_buffer(b"abc")
    hidden = pa.StringArray.from_buffers(2, offsets, data, pa.py_buffer(b"\x02"))
    plain = pa.array([None, "c"])
    assert hidden.equals(plain)
    digests = [parquet.digest(pa.Table.from_arrays([one], names=["t"]), ["t"]) for one in (hidden, plain)]
    assert digests[0] == digests[1]


SPEC = Table("things", (Column("name", pa.string(), "a name"), Column("n", pa.int32(), "a number")))


def test_a_table_is_read_in_its_types_with_what_is_there_besides(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"more": [1.5], "n": pa.array([3], pa.int64()), "name": ["x"]}), path)
    found = parquet.read(path, SPEC, "synth make")
    assert found.to_pylist() == [{"more": 1.5, "n": 3, "name": "x"}]
    assert found.schema.field("n").type == pa.int32()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b"PAR1 nonsense"), "not readable as Parquet"),
        (lambda path: path.write_bytes(b""), "not readable as Parquet"),
        (lambda path: pq.write_table(pa.table({"name": ["x"]}), path), "lacks the column n"),
        (lambda path: pq.write_table(pa.table({"a": [1]}), path), "lacks the columns name, n"),
        (lambda path: pq.write_table(pa.table({"name": ["x"], "n": ["y"]}), path), "column n is string, wanted int32"),
        (lambda path: pq.write_table(pa.table({"name": ["x"], "n": [2**40]}), path), "column n"),
    ],
)
def test_a_file_that_is_no_such_table_says_what_makes_one(tmp_path, make, says):
    path = tmp_path / "t.parquet"
    make(path)
    with pytest.raises(InputError) as caught:
        parquet.read(path, SPEC, "synth make")
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    if "column n" not in says or "lacks" in says:
        assert "synth make" in str(caught.value)


def test_metadata_is_text_and_what_was_added_later_wins(tmp_path):
    schema = pa.schema([pa.field("n", pa.int32())], metadata={"a": "1", "b": "ü"})
    path = tmp_path / "t.parquet"
    with pq.ParquetWriter(path, schema) as writer:
        writer.write_table(pa.table({"n": pa.array([1], pa.int32())}, schema=schema))
        writer.add_key_value_metadata({"b": "2", "c": "3"})
    assert parquet.metadata(schema) == {"a": "1", "b": "ü"}
    assert parquet.file_metadata(pq.ParquetFile(path)) == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize("spec", [SOURCES, PLAN])
def test_every_column_of_the_contract_has_a_sentence_and_one_name(spec):
    assert len(set(spec.names)) == len(spec.names)
    assert all(column.says for column in spec.columns)
    assert spec.schema({"k": "v"}).metadata == {b"k": b"v"}
    assert spec.schema().names == spec.names
