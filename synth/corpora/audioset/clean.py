"""Blocks of undamaged rows, parsed by Arrow: ``id, 30.000, 40.000, "mid,mid"`` with or without the blanks.

Anything that is not exactly so makes the whole block None, and the caller reads it row by row. 2 million rows take about
one and a half times as long as pandas needs to tell the fields apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

Number = TypeVar("Number", np.uint8, np.int32)
ID_LENGTH = 11
LONGEST_S = 10.001  # a segment lasts 10 s at most; times have three decimals
MID = re.compile(r"/[mgt]/[A-Za-z0-9_]{2,}")
_NAMES = ["ytid", "start", "end", "labels"]
_TIME = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_IN_ID = np.zeros(256, np.bool_)
_IN_ID[np.frombuffer(b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz", np.uint8)] = True


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows: ids (n, S11), start and end in seconds (n,), the number of labels of each row (n,), the labels' positions
    in ``words`` one row after the other, and the line of each row (n,).
    """

    ytid: NDArray[np.bytes_]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    counts: NDArray[np.int32]
    codes: NDArray[np.int32]
    words: list[str]
    lines: NDArray[np.int32]


def parse(data: bytes, first: int, count: int, separator: str) -> Rows | None:
    """Parse ``count`` whole lines, the first of which has the number ``first``.

    Where a blank follows each comma, ``separator`` is the blank: then quotes begin a field, as Arrow wants them, and the
    comma is the last character of each of the first three.
    """
    blanks = separator == " "
    if not data.isascii():  # half the cost of Arrow's own look at every field
        return None
    text = pa.dictionary(pa.int32(), pa.string())  # times and sets of labels repeat
    kinds = dict(zip(_NAMES, (pa.binary(ID_LENGTH + blanks), text, text, text), strict=True))
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(column_names=_NAMES, use_threads=False, block_size=len(data) + 1),
            parse_options=csv.ParseOptions(delimiter=separator, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=kinds, check_utf8=False),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    n = table.num_rows
    if not n or n != count:  # a quote that is not closed swallows lines
        return None
    columns = [table.column(name).chunk(0) for name in _NAMES]
    if any(column.null_count for column in columns):
        return None
    ids = _numbers(columns[0], np.uint8, ID_LENGTH + blanks).reshape(n, -1)
    ytid = np.ascontiguousarray(ids[:, :ID_LENGTH])
    if not _IN_ID[ytid].all() or (blanks and (ids[:, ID_LENGTH] != ord(",")).any()):
        return None
    start_s, end_s = _seconds(columns[1], blanks), _seconds(columns[2], blanks)
    if start_s is None or end_s is None:
        return None
    length_s = end_s - start_s
    labels = _labels(columns[3])
    if labels is None or length_s.min() <= 0 or length_s.max() > LONGEST_S:
        return None
    lines = np.arange(first, first + n, dtype=np.int32)
    return Rows(ytid.view(f"S{ID_LENGTH}")[:, 0], start_s, end_s, *labels, lines)


def _numbers(array: pa.Array, kind: type[Number], each: int = 1) -> NDArray[Number]:
    """Return the values of an Arrow array without nulls, ``each`` numbers a row, without a copy."""
    return np.frombuffer(array.buffers()[1], kind)[array.offset * each : (array.offset + len(array)) * each]


def _seconds(column: pa.DictionaryArray, blanks: bool) -> NDArray[np.float64] | None:
    words = column.dictionary.to_pylist()
    if blanks:
        if not all(word.endswith(",") for word in words):
            return None
        words = [word[:-1] for word in words]
    if not all(_TIME.fullmatch(word) for word in words):
        return None
    return np.fromiter(map(float, words), np.float64, len(words))[_numbers(column.indices, np.int32)]


def _labels(
    column: pa.DictionaryArray,
) -> tuple[NDArray[np.int32], NDArray[np.int32], list[str]] | None:
    """Return counts, codes and words of the labels: each set of labels is split once, then handed to its rows."""
    sets = pc.split_pattern(column.dictionary, ",")
    encoded = sets.flatten().dictionary_encode()
    words = encoded.dictionary.to_pylist()
    if not all(MID.fullmatch(word) for word in words):
        return None
    offsets = _numbers(sets.offsets, np.int32)
    which = _numbers(column.indices, np.int32)
    counts = np.diff(offsets)[which]
    ends = np.cumsum(counts, dtype=np.int64)
    places = np.arange(ends[-1]) + np.repeat(offsets[which] - (ends - counts), counts)
    return counts, _numbers(encoded.indices, np.int32)[places], words
