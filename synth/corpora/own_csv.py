"""The table that goes with folders of one's own: one row per recording, a column ``path`` and any of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.corpora import columns, label_cells, persons, sheet
from synth.corpora.columns import COLUMNS
from synth.corpora.items import Oddities
from synth.corpora.walk import shown
from synth.errors import InputError, listed, nearest
from synth.tables import SPLITS
from synth.units import counted

_SPLITS = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
_EITHER = ("eval", "evaluation", "holdout", "held-out")  # some call val so, some test: asked, not guessed


@dataclass(frozen=True, slots=True)
class Row:
    """One row; empty fields are None. ``number`` counts from 1, the header.

    ``speaker_id`` is the person's name, the same for all spellings of it; where the table has speakers and the row names
    nobody, ``nobody`` is what it says instead (perhaps nothing). ``sex`` is F, M or None; ``sex_word`` a word that is
    neither.
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
    nobody: str | None = None
    sex_word: str | None = None


def read(path: Path, oddities: Oddities) -> list[Row]:
    """Read a table (see :mod:`synth.corpora.sheet`); how it was read is added to ``oddities`` where that is unusual.

    Raises InputError, with row and column, for a file that cannot be read, for a header without a path, and for rows
    with too many fields, an unknown split, labels that cannot be told apart, or a path that another row has with other
    values.
    """
    where = shown(str(path))
    found = sheet.read(path, columns.names_path)
    named = columns.read(found.header, where)
    values = _values(found.records, named.names, where)
    if not values:
        raise InputError(f"{where} has a header and no rows; wanted a row per recording")
    numbers = [number for number, _ in values]
    labels = label_cells.read([one.get("labels", "") for _, one in values], numbers, f"{where}, column labels")
    said = [*found.said, *named.taken, *labels.said]
    if said:
        oddities.add("csv-read", path.name, f"how the table is read: {'; '.join(said)}", len(values))
    if named.left:
        says = f"columns of the table that are kept aside, and not read as what they may be: {listed(named.left)}"
        oddities.add("csv-columns", path.name, says, len(named.left))
    speakers = _people(values, path.name, oddities)
    groups = persons.names([text for _, one in values if not persons.is_nobody(text := one.get("group_id", ""))])
    further = [name for name in named.names if name and name not in COLUMNS]
    rows: dict[str, Row] = {}
    for (number, one), of_row in zip(values, labels.cells, strict=True):
        row = _row(number, one, of_row, speakers, groups, further, where)
        first = rows.setdefault(row.path, row)
        if first is not row:
            _same(first, row, where)
            oddities.add("csv-row-twice", row.path, "rows of the CSV that repeat another row; taken once")
    return list(rows.values())


def _values(records: sheet.Records, names: Sequence[str], where: str) -> list[tuple[int, dict[str, str]]]:
    """Return the fields of each record that holds any, by column."""
    values = []
    for number, fields in records:
        if not any(field.strip() for field in fields):
            continue
        if any(field.strip() for field in fields[len(names) :]):
            raise InputError(
                f"{where}, row {number}: {counted(len(fields), 'field')}, the header has {len(names)}; a field that holds the "
                "separator needs quotes, and labels are separated by ';'"
            )
        values.append((number, dict(zip(names, [*fields, *[""] * len(names)], strict=False))))
    return values


def _people(values: Sequence[tuple[int, dict[str, str]]], name: str, oddities: Oddities) -> Mapping[str, str]:
    """Return the one name of each speaker by its spellings; say which spellings were joined."""
    people = persons.names([text for _, one in values if not persons.is_nobody(text := one.get("speaker_id", ""))])
    several = persons.joined(people)
    if several:
        count = sum(len(texts) for _, texts in several)
        says = f"{counted(count, 'spelling')} of {counted(len(several), 'speaker')} joined: {persons.said(several[:5])}"
        oddities.add("speaker-spellings", name, says + (" …" if len(several) > 5 else ""), len(several))
    return people


def _row(
    number: int,
    values: Mapping[str, str],
    labels: tuple[str, ...],
    speakers: Mapping[str, str],
    groups: Mapping[str, str],
    further: Sequence[str],
    where: str,
) -> Row:
    path = values["path"].strip()
    if not path:
        raise InputError(f"{where}, row {number}: the path is empty; wanted a path below the folder that is indexed")
    speaker = speakers.get(values.get("speaker_id", ""))
    word = values.get("sex", "").strip()
    sex = persons.sex(word)
    licence, attribution = (_filled(values.get(name, "")) for name in ("licence", "attribution"))
    return Row(
        number,
        path,
        speaker,
        sex,
        labels,
        groups.get(values.get("group_id", "")),
        _split(values.get("split", ""), number, where),
        licence,
        attribution,
        extra=json.dumps({name: values[name] for name in further}, ensure_ascii=False) if further else None,
        nobody=values["speaker_id"].strip() if "speaker_id" in values and speaker is None else None,
        sex_word=None if sex or persons.is_nobody(word) else word,
    )


def _filled(text: str) -> str | None:
    """Return a text, None where it is empty or what pandas writes for a missing value."""
    tidy = text.strip()
    return None if tidy.casefold() in ("", "nan", "<na>") else tidy


def _split(text: str, number: int, where: str) -> str | None:
    word = text.strip().casefold()
    if persons.is_nobody(word):
        return None
    split = _SPLITS.get(word, word)
    if split not in SPLITS:
        near = "; is it test or val? Write which" if word in _EITHER else nearest(word, SPLITS)
        near = near or "; a column that says something else needs another name"
        raise InputError(
            f"{where}, row {number}, column split: '{text.strip()}'; wanted {', '.join(SPLITS)} or nothing{near}"
        )
    return split


def _same(first: Row, row: Row, where: str) -> None:
    """Raise InputError unless two rows of one path say the same."""
    names = (*COLUMNS[1:], "extra")
    differing = [name for name in names if getattr(first, name) != getattr(row, name)]
    if differing:
        raise InputError(
            f"{where}: rows {first.number} and {row.number} name the same path {row.path} with different values "
            f"in {listed(differing)}; wanted one row per recording, several labels in one field separated by ';'"
        )
