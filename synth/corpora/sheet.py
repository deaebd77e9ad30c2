"""A table as a file: CSV, TSV or Parquet, Excel where its reader is there, to a header and records of text.

Text may be UTF-8 or UTF-16 with or without a byte order mark, or Windows-1252; fields are separated by commas, semicolons,
tabs or bars. Quotes enclose fields, unless they are text: Common Voice writes its sentences into a TSV without
quoting anything, and a reader that takes a stray quote for an opening one merges rows and says nothing.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from synth.corpora.walk import shown
from synth.errors import InputError, listed

if TYPE_CHECKING:
    from _csv import Reader as CsvReader  # the name of the class is private

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
Records = list[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its header, its records numbered from 2 (the header is 1), and how it was read where that is unusual."""

    header: list[str]
    records: Records
    said: tuple[str, ...] = ()


def read(path: Path, is_header: Callable[[Sequence[str]], bool]) -> Sheet:
    """Read a table whose first row is one that ``is_header`` accepts.

    Raises InputError for a file that cannot be read or decoded, or is no table, and where no separator gives such a header.
    """
    where = shown(str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"--csv {where} cannot be read: {error.strerror}; wanted a table with a column 'path'"
        ) from None
    if content[:4] == b"PAR1":
        header, rows = _parquet(content, where)
    elif content[:4] == b"PK\x03\x04":
        header, rows = _excel(content, where, is_header)
    elif content[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"{where} is an old Excel file (.xls); save it as 'CSV UTF-8' and give that to --csv")
    else:
        return _text(content, where, is_header)
    if not is_header(header):
        raise _no_path(where, header, None)
    return Sheet(header, list(enumerate(rows, 2)))


def _parquet(content: bytes, where: str) -> tuple[list[str], list[list[str]]]:
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{where} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]


def _excel(content: bytes, where: str, is_header: Callable[[Sequence[str]], bool]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the first sheet that has such a header, else of the first."""
    try:
        library: Any = import_module("openpyxl")
    except ImportError:
        raise InputError(
            f"{where} is an Excel file, and reading it needs openpyxl: pip install openpyxl. Or save it as 'CSV UTF-8'"
        ) from None
    try:
        book = library.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [
            [[_cell(value) for value in row] for row in one.iter_rows(values_only=True)] for one in book.worksheets
        ]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, ParseError) as error:
        raise InputError(f"{where} cannot be read as Excel: {error}; save it as 'CSV UTF-8'") from None
    filled = [rows for rows in sheets if rows]
    rows = next((rows for rows in filled if is_header(rows[0])), filled[0] if filled else [])
    header = rows[0] if rows else []
    while header and not header[-1]:  # empty columns that were formatted
        header = header[:-1]
    return header, rows[1:]


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | tuple):
        return json.dumps([_cell(one) for one in value], ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else str(value)


def _text(content: bytes, where: str, is_header: Callable[[Sequence[str]], bool]) -> Sheet:
    text, encoding = _decoded(content, where)
    separators = list(SEPARATORS)
    blank = len(text) - len(text.lstrip())
    above = text[:blank].count("\n") if "\t" not in text[:blank] else 0  # empty lines; the header is the next one
    text = text[text.rindex("\n", 0, blank) + 1 :] if above else text
    first, newline, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # a line that Excel writes for itself
        separators, text = [first.strip()[4]], newline and rest
    seen: list[str] = []
    fits: list[tuple[str, list[str]]] = []
    for separator in separators:
        try:
            header = next(_reader(text, separator), [])
        except (csv.Error, TypeError):  # quotes that another separator makes sense of, or no separator at all
            continue
        if is_header(header):
            fits.append((separator, header))
        else:
            seen = max(seen, header, key=len)
    if not fits:
        raise _no_path(where, seen, next((line for line in text.splitlines() if line.strip()), None))
    separator, header = max(fits, key=lambda one: len(one[1]))
    records, quotes_are_text = _records(text, separator, header, where, is_header)
    records = [(number + above, fields) for number, fields in records]
    said = []
    if encoding != "UTF-8":
        said.append(f"in {encoding}")
    if separator != ",":
        said.append(f"separated by {SEPARATORS.get(separator, repr(separator))}")
    if quotes_are_text:
        said.append("with quotes as text: taken for quoting they would merge rows")
    return Sheet(header, records, tuple(said))


def _decoded(content: bytes, where: str) -> tuple[str, str]:
    """Return the text and the name of its encoding."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            raise InputError(f"{where} begins like UTF-16 and is not; save the table as 'CSV UTF-8'") from None
    if b"\0" in content[:2]:  # a letter of a header in two bytes, and no mark before it
        try:
            return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le"), "UTF-16"
        except UnicodeDecodeError:
            raise InputError(f"{where} is no text; save the table as 'CSV UTF-8'") from None
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        bad = f"row {row}: byte {content[error.start]:#04x} is no UTF-8"
    try:
        return content.decode("cp1252"), "Windows-1252 (Latin-1)"
    except UnicodeDecodeError:
        raise InputError(f"{where}, {bad}, nor is the file in Windows-1252; save the table as 'CSV UTF-8'") from None


def _reader(text: str, separator: str) -> CsvReader:
    """Return a reader of quoted fields; a blank before a quote is none of the field (``a.wav, "Ann"``)."""
    blanks = separator != "\t" and f'{separator} "' in text
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=blanks)


def _records(
    text: str, separator: str, header: list[str], where: str, is_header: Callable[[Sequence[str]], bool]
) -> tuple[Records, bool]:
    """Return the records, and whether quotes are text in this table."""
    reader = _reader(text, separator)
    failed, rows = "", []
    try:
        rows = list(reader)
    except csv.Error as error:
        failed = f"line {reader.line_num}: {error}"
    merged = reader.line_num > len(rows)
    if failed or merged:
        plain = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE)
        try:
            lines = list(plain)
        except csv.Error:
            lines = []
        fewest = 2 if separator == "\t" else len(header)  # the last fields of a line may be missing in a TSV
        widths = {len(line) for line in lines if line}
        if len(header) > 1 and widths and min(widths) >= fewest and max(widths) <= len(header) and is_header(lines[0]):
            return list(enumerate(lines[1:], 2)), True
    if failed:
        raise InputError(f"{where}, {failed}; wanted a CSV, quotes doubled")
    return list(enumerate(rows[1:], 2)), False


def _no_path(where: str, header: Sequence[str], first: str | None) -> InputError:
    if header:
        found = listed(name.strip() or "(empty)" for name in header)
    else:
        found = "an empty file" if first is None else repr(first)
    return InputError(
        f"{where}, row 1: no column 'path'; found {found}; wanted 'path' and any of speaker_id, sex, labels, group_id, "
        "split, licence, attribution, separated by ',', ';', '|' or tabs"
    )
