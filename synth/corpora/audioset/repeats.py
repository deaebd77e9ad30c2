"""Segments that a file lists more than once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which rows stay (``good``), which do not and why, and which rows are one segment with a label each.

    ``skipped``: (row, kind, the reason as a function of the lines of all rows). ``merged``: first row -> other rows.
    """

    good: NDArray[np.bool_]
    skipped: list[tuple[int, str, Callable[[Lines], str]]]
    merged: dict[int, list[int]]


def repeats(
    ytid: NDArray[np.bytes_],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    offsets: NDArray[np.int64],
    codes: NDArray[np.int32],
    good: NDArray[np.bool_],
) -> Repeats | None:
    """Find segments that are listed more than once among the good rows; None when there are none.

    The same row again counts once. Rows that differ only in their one label are one segment, written a label a row.
    Rows that contradict each other are all skipped: nobody says which is right.
    """
    if len(ytid) < 2 or bool((ytid[1:] > ytid[:-1]).all()):  # the real files are sorted
        return None
    bytes_of = np.frombuffer(np.ascontiguousarray(ytid).data, np.uint8).reshape(len(ytid), -1)
    wide = np.zeros((len(ytid), 16), np.uint8)
    wide[:, : bytes_of.shape[1]] = bytes_of
    keys = wide.view(np.uint64)
    start_ms = np.rint(start_s * 1000).astype(np.int64)
    order = np.lexsort((np.arange(len(ytid)), start_ms, keys[:, 1], keys[:, 0], ~good))
    order = order[: int(good.sum())]
    same = (keys[order][1:] == keys[order][:-1]).all(axis=1) & (start_ms[order][1:] == start_ms[order][:-1])
    if not same.any():
        return None
    out = Repeats(good.copy(), [], {})
    single = bool((np.diff(offsets)[good] == 1).all())
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        rows = [int(row) for row in order[low : high + 1]]
        said = [(float(end_s[row]), frozenset(codes[offsets[row] : offsets[row + 1]].tolist())) for row in rows]
        first = rows[0]
        ends_alike = len({end for end, _ in said}) == 1
        if len(set(said)) > 1 and not (single and ends_alike):
            for row, other in zip(rows, [*rows[1:], first], strict=True):
                out.skipped.append((row, "contradiction", _says("contradicts line {}, the same segment", other)))
                out.good[row] = False
            continue
        kinds: dict[frozenset[int], int] = {}
        for row, (_, labels) in zip(rows, said, strict=True):
            if labels in kinds:
                out.skipped.append((row, "repeated", _says("repeats line {}", kinds[labels])))
            kinds.setdefault(labels, row)
            out.good[row] = row == first
        if len(kinds) > 1:
            out.merged[first] = [row for row in kinds.values() if row != first]
    return out


def _says(text: str, row: int) -> Callable[[Lines], str]:
    return lambda lines: text.format(int(lines[row]))
