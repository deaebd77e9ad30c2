"""The CSV that goes with a folder of one's own: one row per recording, a column ``path`` and any of the others."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

from synth.corpora.items import Oddities
from synth.corpora.walk import shown
from synth.errors import InputError, listed, nearest
from synth.tables import SPLITS

COLUMNS = ("path", "speaker_id", "sex", "labels", "group_id", "split", "licence", "attribution")
_FEMALE = frozenset({"f", "female", "w", "woman"})
_MALE = frozenset({"m", "male", "man"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as written except for sex (F, M or None) and labels; empty fields are None. ``number`` counts from 1,
    the header.
    """

    number: int
    path: str
    speaker_id: str | None = None
    sex: str | None = None
    labels: tuple[str, ...] = ()
    group_id: str | None = None
    split: str | None = None
    licence: str | None = None
    attribution: str | None = None
    extra: str | None = None


def read(path: Path, oddities: Oddities) -> list[Row]:
    """Read a CSV: UTF-8 with or without a byte order mark; separated by commas, semicolons or tabs.

    Raises InputError, with row and column, for a file that is missing or no UTF-8, for a header without ``path``, and
    for rows with too many fields, an unknown sex or split, or a path that another row has with other values.
    """
    shown_path = shown(str(path))
    header, records = _records(path, shown_path)
    lowered = [name.strip().lower() for name in header]
    names = [low if low in COLUMNS else name.strip() for low, name in zip(lowered, header, strict=True)]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{shown_path}, row 1: the column {listed(twice)} is there twice; each column needs one name")
    further = [name for name in names if name and name not in COLUMNS]
    rows: dict[str, Row] = {}
    bad_sexes: list[str] = []
    for number, fields in records:
        if not any(field.strip() for field in fields):
            continue
        if len(fields) > len(names):
            raise InputError(
                f"{shown_path}, row {number}: {len(fields)} fields, the header has {len(names)}; a field that holds "
                "the separator needs quotes, and labels are separated by ';'"
            )
        values = dict(zip(names, [*fields, *[""] * (len(names) - len(fields))], strict=True))
        sex, known = _sex(values.get("sex", ""))
        if not known:
            bad_sexes.append(f"row {number}: {values['sex'].strip()!r}")
        extra = json.dumps({name: values[name] for name in further}, ensure_ascii=False) if further else None
        row = _row(number, values, sex, extra, shown_path)
        first = rows.setdefault(row.path, row)
        if first is not row:
            _same(first, row, shown_path)
            oddities.add("csv-row-twice", row.path, "rows of the CSV that repeat another row; taken once")
    if bad_sexes:
        raise InputError(
            f"{shown_path}, column sex: {listed(bad_sexes)}; wanted F, M, female, male, woman, man or nothing"
        )
    if not rows:
        raise InputError(f"{shown_path} has a header and no rows; wanted a row per recording")
    return list(rows.values())


def _records(path: Path, shown_path: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and the numbered records."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"--csv {shown_path} cannot be read: {error.strerror}; wanted a CSV with a column 'path'"
        ) from None
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            f"{shown_path}, row {row}: byte {error.object[error.start]:#04x} is no UTF-8; save the table as 'CSV UTF-8'"
        ) from None
    seen: list[str] = []
    for separator in (",", ";", "\t"):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            header = next(reader, [])
        except csv.Error:  # quotes that another separator makes sense of
            continue
        if "path" not in [name.strip().lower() for name in header]:
            seen = max(seen, header, key=len)
            continue
        try:
            return header, list(enumerate(reader, 2))
        except csv.Error as error:
            raise InputError(f"{shown_path}, line {reader.line_num}: {error}; wanted a CSV, quotes doubled") from None
    first = next((line for line in text.splitlines() if line.strip()), None)
    found = (
        listed(name.strip() or "(empty)" for name in seen)
        if seen
        else "an empty file"
        if first is None
        else repr(first)
    )
    raise InputError(
        f"{shown_path}, row 1: no column 'path'; found {found}; wanted 'path' "
        f"and any of {', '.join(COLUMNS[1:])}, separated by ',', ';' or tabs"
    )


def _sex(word: str) -> tuple[str | None, bool]:
    """Return F, M or None, and whether the word is known."""
    low = word.strip().lower()
    if low in _FEMALE:
        return "F", True
    if low in _MALE:
        return "M", True
    return None, not low


def _row(number: int, values: dict[str, str], sex: str | None, extra: str | None, shown_path: str) -> Row:
    texts = {name: values[name].strip() or None for name in COLUMNS if name in values}
    path = texts["path"]
    if path is None:
        raise InputError(
            f"{shown_path}, row {number}: the path is empty; wanted a path below the folder that is indexed"
        )
    split = texts.get("split")
    if split is not None and split not in SPLITS:
        hint = nearest(split, SPLITS)
        raise InputError(
            f"{shown_path}, row {number}, column split: '{split}'{hint}; wanted {', '.join(SPLITS)} or nothing"
        )
    labels = dict.fromkeys(label for text in (texts.get("labels") or "").split(";") if (label := text.strip()))
    return Row(
        number,
        path,
        texts.get("speaker_id"),
        sex,
        tuple(labels),
        texts.get("group_id"),
        split,
        texts.get("licence"),
        texts.get("attribution"),
        extra,
    )


def _same(first: Row, row: Row, shown_path: str) -> None:
    """Raise InputError unless two rows of one path say the same."""
    names = (*COLUMNS[1:], "extra")
    differing = [name for name in names if getattr(first, name) != getattr(row, name)]
    if differing:
        raise InputError(
            f"{shown_path}: rows {first.number} and {row.number} name the same path {row.path} with different values "
            f"in {listed(differing)}; wanted one row per recording, several labels in one field separated by ';'"
        )
