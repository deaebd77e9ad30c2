"""Tables that other programs wrote as text: which separator, which column is what, and how numbers are written.

A table of scores comes from pandas, R, a spreadsheet or a script. Separators (``,`` ``;`` tab ``|``), a column of row numbers,
names in other case, decimal commas and percent signs are recognised; what could mean two things is an error that says so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from synth.errors import InputError
from synth.store.arrays import as_numpy

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SAMPLE_BYTES, _SAMPLE_ROWS = 1 << 20, 50
_NO_NUMBER = ("", "nan", "na", "n/a", "#n/a", "null", "none", "-")
_NUMBERED = re.compile(
    r"(unnamed: \d+|__index_level_\d+__|index|)", re.IGNORECASE
)  # pandas, an empty name: R and pandas


def read(path: Path, keys: Sequence[str], texts: Sequence[str]) -> pa.Table:
    """Read a CSV or TSV file in UTF-8, or UTF-16 as spreadsheets write it.

    ``keys``: names, in any case, one of which names the rows; ``texts``: further columns that are no numbers whatever
    they look like. Raises InputError for rows that do not fit the header, naming the separator; ArrowInvalid for others.
    """
    source: Path | pa.BufferReader = path
    start = path.open("rb").read(_SAMPLE_BYTES)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        whole = path.read_bytes().decode("utf-16").encode()
        source, start = pa.BufferReader(whole), whole[:_SAMPLE_BYTES]
    lines = start.decode("utf-8-sig", errors="replace").splitlines(keepends=True)
    lines = lines[:-1] if len(start) == _SAMPLE_BYTES else lines
    separator = separated(lines, keys)
    header = next(csv.reader(lines, delimiter=separator), [])
    wanted = {*map(_plain, keys), *map(_plain, texts)}
    words = [name for name in header if _plain(name) in wanted or _NUMBERED.fullmatch(name.strip())]
    try:
        return pcsv.read_csv(
            source,
            parse_options=pcsv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pcsv.ConvertOptions(column_types=dict.fromkeys(words, pa.string())),
        )
    except pa.ArrowInvalid as error:
        found = re.search(r"Expected (\d+) columns, got (\d+)", str(error))
        if not found:
            raise
        raise InputError(
            f"{path}: a row has {found[2]} fields and the header {found[1]}, separated by {SEPARATORS[separator]}s. A name that "
            "holds the separator must stand in quotes; or write the table with another separator (pandas: sep=';' or sep='\\t')"
        ) from error


def separated(lines: Sequence[str], keys: Iterable[str]) -> str:
    """Return the separator of a table: that with a column of one of the names ``keys``, rows as wide as the header, most columns."""
    wanted = {_plain(name) for name in keys}

    def fits(separator: str) -> tuple[bool, float, int]:
        rows = [row for row, _ in zip(csv.reader(lines, delimiter=separator), range(_SAMPLE_ROWS), strict=False) if row]
        if not rows:
            return False, 0.0, 0
        width = len(rows[0])
        even = sum(len(row) == width for row in rows) / len(rows)
        return width > 1 and any(_plain(name) in wanted for name in rows[0]), even if width > 1 else 0.0, width

    return max(SEPARATORS, key=fits)


def with_known_names(table: pa.Table, names: Sequence[str], labels: Container[str]) -> pa.Table:
    """Return a table whose columns have these ``names`` where they differ from them in case, spaces or hyphens alone.

    A column whose name is one of the ``labels``, or that stands beside one of the exact name, keeps its own.
    """
    columns = list(table.column_names)
    for name in names:
        alike = [k for k, one in enumerate(columns) if _plain(one) == name and one not in labels]
        if name not in columns and len(alike) == 1:
            columns[alike[0]] = name
    return table.rename_columns(columns)


def row_names(table: pa.Table) -> str | None:
    """Return the first column without a name of its own, as programs write row names: None where there is none."""
    return next((name for name in table.column_names if _NUMBERED.fullmatch(name.strip())), None)


def without_row_numbers(table: pa.Table) -> pa.Table:
    """Return a table without the columns that only count the rows, from 0 or from 1."""
    gone = []
    for name in table.column_names:
        if _NUMBERED.fullmatch(name.strip()):
            column = table.column(name).cast(pa.string())
            for first in (0, 1):
                count = pa.array(np.arange(first, first + table.num_rows)).cast(pa.string())
                if column.combine_chunks().equals(count):
                    gone.append(name)
    return table.drop_columns(gone) if gone else table


def numbers(path: Path, column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN for none. Percent signs go (50 % is 0.5), a decimal comma is a point.

    Raises InputError, with the row, for what is no number; and for a column where some have a percent sign and some not.
    """
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind):
        return _filled(column.cast(pa.float64()))
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise InputError(f"{path}: the column {name} holds {column.type}; wanted numbers, larger = more present")
    text = pc.utf8_trim_whitespace(column.cast(pa.string()).combine_chunks())
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=pa.array(_NO_NUMBER)), pa.scalar(None, pa.string()), text)
    some = len(text) - text.null_count
    percent = int(pc.sum(pc.cast(pc.ends_with(text, "%"), pa.int64())).as_py() or 0)
    if percent not in (0, some):
        raise InputError(
            f"{path}: in the column {name} {percent:,} of {some:,} values have a percent sign; wanted one way for all"
        )
    if percent:
        text = pc.utf8_rtrim_whitespace(pc.replace_substring(text, "%", ""))
    plain = _floats(text)
    if plain is None and not pc.any(pc.match_substring(text, ".")).as_py():
        text = pc.replace_substring_regex(text, r"^([+-]?\d*),(\d+([eE][+-]?\d+)?)$", r"\1.\2")
        plain = _floats(text)
    if plain is None:
        row, value = next((k, one) for k, one in enumerate(text.to_pylist()) if one is not None and not _is_number(one))
        raise InputError(
            f"{path}, row {row + 1}: the column {name} holds {value!r}; wanted numbers, larger = more present"
        )
    return plain / 100 if percent else plain


def _floats(text: pa.Array) -> NDArray[np.float64] | None:
    try:
        return _filled(pa.chunked_array([text.cast(pa.float64())]))
    except pa.ArrowInvalid:
        return None


def _filled(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(as_numpy(pc.fill_null(column, np.nan).combine_chunks(), np.float64))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    """Return a name in lower case, words joined by an underscore."""
    return re.sub(r"[\s_-]+", "_", name.strip().lstrip("\ufeff").casefold())
