"""Scores and embeddings that somebody else's model made: read, matched to the sources, and checked.

What the rest can do without (clips or labels that the sources do not have, scores that are no numbers) is counted; what
makes the table ambiguous or empty is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.cleaning import delimited
from synth.cleaning.delimited import numbers
from synth.cleaning.names import Clips, clips_of, labels_of
from synth.errors import InputError, listed, nearest
from synth.store.arrays import as_numpy
from synth.store.parquet import File
from synth.tables import SCORES

KEYS = ("source_id", "path")
WANTED = f"wanted {', '.join(SCORES.names)} (path may stand in for source_id), or source_id and a column of scores for each label"


@dataclass(frozen=True, slots=True)
class Matched:
    """What a file says of the clips, (clips, columns) float32 with NaN where it says nothing; what was left out, counted."""

    values: NDArray[np.float32]
    left_out: Counter[str] = field(default_factory=Counter)


def scores(path: Path, clips: Clips, labels: Sequence[str]) -> Matched:
    """Read scores of ``labels`` (larger = more present) from Parquet or CSV, long or wide.

    Raises InputError for a file that is missing or of another kind, columns that are no scores, ids that are missing, two
    scores for one clip and label, and for a table that shares no clip or no label with the sources.
    """
    table, key = _keyed(path, "a table of scores", clips, labels)
    names = set(table.column_names)
    if {"label", "score"} <= names:
        return _long(path, table, key, clips, labels)
    if names & {"label", "score"} - set(labels):
        raise InputError(f"{path} has the columns {listed(table.column_names)}; {WANTED}")
    return _wide(path, table, key, clips, labels)


def embeddings(path: Path, clips: Clips) -> Matched:
    """Read embeddings (clips, dimensions) from Parquet (an id and a list), or from FILE.npy with FILE.txt, an id a line.

    Raises InputError as :func:`scores` does, and for vectors that differ in length.
    """
    if path.suffix == ".npy":
        key, names, matrix = _numpy(path)
    else:
        table, key = _keyed(path, "a table of embeddings", clips)
        if "embedding" not in table.column_names or not _is_list(table.schema.field("embedding").type):
            raise InputError(
                f"{path} has the columns {listed(table.column_names)}; wanted source_id (or path) and embedding, a list of "
                "numbers"
            )
        names, matrix = table.column(key), _matrix(path, table.column("embedding").combine_chunks())
    row = _rows(path, names, key, clips)
    _unique(path, row, names, key)
    out = np.full((len(clips.ids), matrix.shape[1]), np.nan, np.float32)
    good = row >= 0
    finite = np.isfinite(matrix).all(axis=1)
    out[row[good & finite]] = matrix[good & finite]
    left = Counter({"clips that the sources do not have": int((~good).sum())})
    left["embeddings with a value that is no number"] = int((good & ~finite).sum())
    return Matched(out, +left)


def _long(path: Path, table: pa.Table, key: str, clips: Clips, labels: Sequence[str]) -> Matched:
    row = _rows(path, table.column(key), key, clips)
    named = table.column("label").cast(pa.string())
    label = labels_of(named, labels)
    known = label >= 0
    if not known.any():
        raise InputError(
            f"{path}: none of its labels is one of the sources' (it has, e.g., {named[0].as_py()!r}; the sources have "
            f"{listed(labels)}){nearest(str(named[0].as_py()), labels)}"
        )
    score = numbers(path, table.column("score"), "score")
    use = (row >= 0) & known
    pair = row[use] * len(labels) + label[use]
    ordered = np.sort(pair)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        one = int(twice[0])
        raise InputError(
            f"{path}: {len(np.unique(twice)):,} clips and labels have more than one score, e.g. "
            f"{clips.ids[one // len(labels)]} with '{labels[one % len(labels)]}'; wanted one each"
        )
    out = np.full((len(clips.ids), len(labels)), np.nan, np.float32)
    out.ravel()[pair] = np.where(np.isfinite(score[use]), score[use], np.nan)
    left = Counter({"scores of clips that the sources do not have": int((row < 0).sum())})
    left["scores of labels that the sources do not have"] = int(((row >= 0) & ~known).sum())
    left["scores that are no number"] = int((~np.isfinite(score[use])).sum())
    return Matched(out, +left)


def _wide(path: Path, table: pa.Table, key: str, clips: Clips, labels: Sequence[str]) -> Matched:
    given = [name for name in table.column_names if name not in KEYS]
    which = labels_of(pa.chunked_array([pa.array(given, pa.string())]), labels).tolist() if given else []
    shared = {name: k for name, k in zip(given, which, strict=True) if k >= 0}
    if not shared:
        near = nearest(given[0], labels) if given else ""
        raise InputError(
            f"{path}: no column is a label of the sources (columns: {listed(table.column_names)}; labels: {listed(labels)}){near or '.'} "
            f"{WANTED[0].upper()}{WANTED[1:]}"
        )
    row = _rows(path, table.column(key), key, clips)
    _unique(path, row, table.column(key), key)
    out = np.full((len(clips.ids), len(labels)), np.nan, np.float32)
    left = Counter({"clips that the sources do not have": int((row < 0).sum())})
    left["columns that are no label of the sources"] = len(given) - len(shared)
    for name, label in shared.items():
        score = numbers(path, table.column(name), name)
        left["scores that are no number"] += int((~np.isfinite(score[row >= 0])).sum())
        out[row[row >= 0], label] = np.where(np.isfinite(score), score, np.nan)[row >= 0]
    return Matched(out, +left)


def _keyed(path: Path, what: str, clips: Clips, labels: Sequence[str] = ()) -> tuple[pa.Table, str]:
    """Read a Parquet or CSV file, and say which of its columns names the clips."""
    if not path.is_file():
        raise InputError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; wanted {what}, Parquet or CSV"
        )
    try:
        text = path.suffix.lower() in (".csv", ".tsv", ".tab", ".txt")
        table = delimited.read(path, KEYS, ("label",)) if text else File(path).read()
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, UnicodeDecodeError, InputError) as error:
        raise InputError(f"{path} is not readable as {what}, Parquet or CSV: {error}") from error
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(f"{path}: the column {listed(twice)} is there twice; each column needs one name")
    table = delimited.with_known_names(delimited.without_row_numbers(table), (*KEYS, "label", "score"), set(labels))
    key = next((name for name in KEYS if name in table.column_names), None)
    if key is None:
        key, table = _row_names(table, clips)
    if key is None:
        raise InputError(f"{path} has the columns {listed(table.column_names)}; {WANTED}")
    if not table.num_rows:
        raise InputError(f"{path} has no rows; wanted {what}")
    missing = table.column(key).null_count
    missing += int(pc.sum(pc.equal(table.column(key).cast(pa.string()), "")).as_py() or 0)
    if missing:
        raise InputError(f"{path}: {missing:,} of {table.num_rows:,} rows have no {key}; wanted one in every row")
    return table, key


def _row_names(table: pa.Table, clips: Clips) -> tuple[str | None, pa.Table]:
    """Take a column without a name, such as pandas writes of its index, for the paths, if its first entry is a clip's."""
    name = delimited.row_names(table)
    if name is None or not table.num_rows:
        return None, table
    first = table.column(name).slice(0, 1).cast(pa.string())
    if (clips_of(Path(name), first, "source_id", clips) < 0).all():
        return None, table
    return "path", table.rename_columns(["path" if one == name else one for one in table.column_names])


def _rows(path: Path, names: pa.ChunkedArray, key: str, clips: Clips) -> NDArray[np.int64]:
    """Return which clip each row speaks of, -1 for none."""
    names = names.cast(pa.string())
    found = clips_of(path, names, key, clips)
    if not (found >= 0).any():
        known = clips.ids if key == "source_id" else clips.paths
        raise InputError(
            f"{path}: none of its {len(names):,} rows is about one of the sources (it has, e.g., {key} {names[0].as_py()!r}; "
            f"the sources have {listed(known, 3)}). Wanted the {key} of the same table of sources"
        )
    return found


def _unique(path: Path, row: NDArray[np.int64], names: pa.ChunkedArray, key: str) -> None:
    counts = np.bincount(row[row >= 0])
    if (counts > 1).any():
        first = int(np.nonzero(row == int(np.argmax(counts > 1)))[0][0])
        raise InputError(
            f"{path}: {int((counts > 1).sum()):,} clips are there more than once, e.g. {key} {names[first].as_py()}; wanted one row each"
        )


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _matrix(path: Path, vectors: pa.Array) -> NDArray[np.float32]:
    lengths = set(pc.list_value_length(vectors).unique().to_pylist())
    if len(lengths) != 1 or None in lengths or 0 in lengths:
        raise InputError(
            f"{path}: embeddings of the lengths {listed(sorted(map(str, lengths)))}; wanted one length for all"
        )
    flat = pc.fill_null(vectors.flatten().cast(pa.float32()), np.nan)
    return np.asarray(as_numpy(flat, np.float32)).reshape(len(vectors), lengths.pop())


def _numpy(path: Path) -> tuple[str, pa.ChunkedArray, NDArray[np.float32]]:
    beside = path.with_suffix(".txt")
    for one, what in (
        (path, "an array of embeddings"),
        (beside, f"the source_ids of the rows of {path.name}, one a line"),
    ):
        if not one.is_file():
            raise InputError(f"{one} does not exist; wanted {what}")
    try:
        matrix = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is not readable as a numpy array of numbers: {error}") from error
    names = beside.read_text(encoding="utf-8").split("\n")
    names = [name.strip() for name in (names[:-1] if names[-1] == "" else names)]
    if matrix.ndim != 2 or not np.issubdtype(matrix.dtype, np.floating) or len(matrix) != len(names):
        raise InputError(
            f"{path} holds {matrix.dtype} of shape {matrix.shape} and {beside} {len(names):,} ids; wanted floats (clips, "
            "dimensions) and as many ids"
        )
    return "source_id", pa.chunked_array([pa.array(names, pa.string())]), matrix.astype(np.float32)
