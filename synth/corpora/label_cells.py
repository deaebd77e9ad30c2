"""Labels in the cells of a table: several in one cell, however they are joined, and names that hold commas.

``;`` separates labels. Lists (Python's, JSON's, numpy's, databases'), ``|`` and line breaks are recognised. A comma may separate
labels or belong to a name (``Baby cry, infant cry``): it separates where no blank follows it, or where the parts are
labels elsewhere in the table too; it belongs to the name in AudioSet's names. What remains is asked, not guessed, and so
is any other sign (``dog/cat``, ``dog cat``) between what are labels by themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synth.corpora.comma_names import COMMA_NAMES
from synth.errors import InputError
from synth.units import counted

_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_LIST = re.compile(rf"[\[({{]\s*(?:(?:{_QUOTED})(?:[\s,]+(?:{_QUOTED}))*\s*,?)?\s*[\])}}]", re.DOTALL)
_WRAPPED = re.compile(r"(?:(?:np\.)?array|frozenset|set|list|tuple)\((.*?)(?:,\s*dtype=[^()]*)?\)", re.DOTALL)
_BARE_LIST = re.compile(r"\[([^\[\]'\"]*)\]|\{([^{}'\":]*)\}")
_TIGHT = re.compile(r",(?=[^\s\d])|(?<=\D),(?=\d)")  # a comma that no blank follows, and none within a number
_ONE = re.compile(_QUOTED, re.DOTALL)
_KNOWN = frozenset(name.casefold() for name in COMMA_NAMES)
_EMPTY = frozenset({"nan", "<na>", "nat", "na", "n/a", "#n/a", "null"})  # what programs write for a missing value
_NOTHING = re.compile(r"[-–—?.*_#]+")  # '-', '?': no label is called so
_CELLS = "cell of labels is", "cells of labels are"
# the same signs of Chinese and Japanese keyboards
_WIDE = str.maketrans({"；": ";", "，": ", ", "、": ", ", "｜": "|"})
_SIGNS = ("\t", "/", "\\", "+", "&", " and ", "#", ":")  # that may join labels
_IN_NAMES = ("_", "-", " ")  # these may, too, and be in any name


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of each cell, and how cells were read where that is unusual."""

    cells: list[tuple[str, ...]]
    said: tuple[str, ...]


def read(cells: Sequence[str], numbers: Sequence[int], where: str) -> Labels:
    """Read the cells of a column of labels; ``numbers`` are their rows, ``where`` names table and column in errors.

    Raises InputError where nothing says whether a comma separates labels or belongs to a name, or what a sign joins.
    """
    out: list[list[str] | None] = [None] * len(cells)
    said = []
    lists = bars = lines = 0
    nothing: list[str] = []
    listed: set[str] = set()
    texts: dict[int, str] = {}
    for k, cell in enumerate(cells):
        text = cell.strip()
        found = _from_list(text)
        text = text if found is not None else text.translate(_WIDE)
        listed.update(found or ())
        if text.casefold() in _EMPTY or (found is None and _NOTHING.fullmatch(text)):
            out[k] = []
            nothing.append(text)
        elif found is not None:
            out[k] = found
            lists += 1
        elif ";" in text:
            out[k] = text.split(";")
        elif "|" in text:
            out[k] = text.split("|")
            bars += 1
        elif "\n" in text:
            out[k] = text.split("\n")
            lines += 1
        elif text[:1] + text[-1:] in ("[]", "{}"):
            raise InputError(
                f"{where}, row {numbers[k]}: {text[:60]!r} begins and ends like a list and is none of texts; separate "
                "labels by ';'"
            )
        else:
            texts[k] = text
    if lists:
        said.append(counted(lists, "cell of labels is a list", "cells of labels are lists"))
    if bars:
        said.append(f"{counted(bars, *_CELLS)} separated by '|'")
    if lines:
        said.append(counted(lines, "cell of labels has a label a line", "cells of labels have a label a line"))
    if nothing:
        said.append(f"{counted(len(nothing), *_CELLS)} empty, such as {nothing[0]!r}")
    semicolons = any(";" in cell.translate(_WIDE) for cell in cells)
    with_commas = {k: text for k, text in texts.items() if "," in text and not semicolons}
    others = Counter(label.strip() for found in out if found for label in found)
    others.update(text for k, text in texts.items() if k not in with_commas)
    split = _by_commas(with_commas, others, numbers, where)
    if split.separated:
        said.append(f"{counted(split.separated, *_CELLS)} separated by ','")
    for k, text in texts.items():
        out[k] = split.cells.get(k, [text])
    tidy = [tuple(dict.fromkeys(one for label in found or () if (one := label.strip()))) for found in out]
    separated = lists or bars or lines or semicolons or split.separated
    signs = (",", *_SIGNS) if separated else (*_SIGNS, *_IN_NAMES)
    rows = {label: number for number, found in zip(reversed(numbers), reversed(tidy), strict=True) for label in found}
    _ask_of_signs({label: row for label, row in rows.items() if label not in listed}, rows, signs, where)
    return Labels(tidy, tuple(said))


def _from_list(text: str) -> list[str] | None:
    """Return the items of a list as Python, JSON or numpy write one; None for a text that is none."""
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        return _from_list(wrapped[1].strip()) if wrapped[1].strip() else []
    if text[:1] not in "[({" or not text:
        return None
    if _LIST.fullmatch(text):
        return [re.sub(r"\\(.)", r"\1", item[1:-1]) for item in _ONE.findall(text)]
    bare = _BARE_LIST.fullmatch(text)
    return re.split("[,;|]", bare[1] or bare[2] or "") if bare else None


def _ask_of_signs(asked: Mapping[str, int], every: Mapping[str, int], signs: Sequence[str], where: str) -> None:
    """Raise InputError where a sign stands between texts that are labels by themselves, in half of the labels with it.

    ``asked``, ``every``: labels and the first row of each; those that stand in a list are not asked about.
    """
    for sign in signs:
        parts = {text: [part.strip() for part in text.split(sign) if part.strip()] for text in every}
        several = {text: parts[text] for text in asked if len(parts[text]) > 1 and text.casefold() not in _KNOWN}
        alone = {found[0].casefold() for found in parts.values() if len(found) == 1}
        met = Counter(part.casefold() for found in several.values() for part in dict.fromkeys(found))
        often = len(every) + 1 if sign in (",", *_IN_NAMES) else 2
        known = [
            text
            for text, found in several.items()
            if all(part.casefold() in alone or met[part.casefold()] >= often for part in found)
        ]
        if known and len(known) * 2 >= len(several):
            text = min(known, key=lambda one: asked[one])
            raise InputError(
                f"{where}, row {asked[text]}: '{text}' is one label, or {len(several[text])} labels joined by {sign!r}, as its "
                f"parts are labels elsewhere in the table. Separate labels by ';' ({'; '.join(several[text])}), or write one "
                f'label as a list (["{text}"])'
            )


@dataclass(frozen=True, slots=True)
class _Split:
    cells: dict[int, list[str]]
    separated: int


def _by_commas(cells: dict[int, str], others: Counter[str], numbers: Sequence[int], where: str) -> _Split:
    """Split cells that hold commas; ``others``: the labels of all other cells."""
    if not cells:
        return _Split({}, 0)
    tight = any(_TIGHT.search(text) for text in cells.values())  # 'dog,cat': no name is written so
    units = {k: _units(text, tight) for k, text in cells.items()}
    doubtful = {text: found for k, found in units.items() if len(found) > 1 or _unsure(found[0]) for text in [cells[k]]}
    loose = {text: found for text, found in doubtful.items() if not tight or any(_unsure(one) for one in found)}
    if not loose:
        return _Split(units, sum(len(found) > 1 for found in units.values()))
    parts = {text: _units(text, False) for text in dict.fromkeys(cells.values())}
    met = Counter(part for found in parts.values() for part in dict.fromkeys(found))
    recurs = {text: all(met[part] > 1 or part in others for part in parts[text]) for text in loose}
    if sum(recurs.values()) * 2 >= len(recurs):
        cut = {k: parts[text] for k, text in cells.items()}
        return _Split(cut, sum(len(found) > 1 for found in cut.values()))
    text = next(text for text in loose if not recurs[text])
    row = numbers[next(k for k, one in cells.items() if one == text)]
    raise InputError(
        f"{where}, row {row}: '{text}' is one label that holds commas, or {text.count(',') + 1} labels: nothing in the "
        f"table tells. Separate labels by ';' ({'; '.join(parts[text])}), or write one label as a list "
        f'(["{text}"])'
    )


def _units(text: str, tight: bool) -> list[str]:
    """Cut at commas (``tight``: at those that no blank follows), but not within a name of AudioSet."""
    pieces = [piece.strip() for piece in (_TIGHT.split(text) if tight else text.split(","))]
    out: list[str] = []
    k = 0
    while k < len(pieces):
        end = next(
            (n for n in range(min(len(pieces), k + 4), k + 1, -1) if ", ".join(pieces[k:n]).casefold() in _KNOWN), k + 1
        )
        out.append(", ".join(pieces[k:end]))
        k = end
    return [piece for piece in out if piece] or [text]


def _unsure(unit: str) -> bool:
    """Tell whether a unit holds a comma and is no name of AudioSet."""
    return "," in unit and unit.casefold() not in _KNOWN
