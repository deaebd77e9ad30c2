"""AudioSet's classes: names and mids, the graph of the ontology, and how well each label was judged.

class_labels_indices.csv   the 527 classes that segments carry: index,mid,display_name
ontology.json              all 632 classes; 38 of them have several parents, so descendants are a set
mid_to_display_name.tsv    the classes of the strong labels, without a header
qa_true_counts.csv         of some segments of each class that were judged again, how many were true; 70 were not judged
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from synth.corpora.audioset import damaged
from synth.corpora.audioset.clean import MID
from synth.corpora.walk import shown
from synth.errors import InputError, UsageError, listed
from synth.labels import spelled

LABELS, ONTOLOGY, STRONG_NAMES, QUALITY = (
    "class_labels_indices.csv",
    "ontology.json",
    "mid_to_display_name.tsv",
    "qa_true_counts.csv",
)


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes: display name by mid, in the order of their index; and the mid by name in lower case."""

    names: Mapping[str, str] = field(default_factory=dict)
    mids: Mapping[str, str] = field(default_factory=dict)

    def name(self, mid: str) -> str:
        """Return the display name of a mid; the mid itself where there is none."""
        return self.names.get(mid, mid)

    def mid(self, label: str, option: str = "--label") -> str:
        """Return the mid of a label given by its display name or its mid; in another case where that is the only one.

        Raises UsageError for a name that is not known, with the nearest ones; a mid that is not known is passed on, as
        lists may carry classes that are not among the 527.
        """
        text = " ".join(label.split())
        if MID.fullmatch(text):
            return text
        found = spelled(text, {name: mid for mid, name in self.names.items()}, option)
        if found is None:
            raise UsageError(f"{option} '{label}': {self._unknown(text)}")
        return found

    def split(self, text: str, option: str = "--without") -> list[str]:
        """Return the mids of labels separated by commas, although names hold commas: the longest name that fits.

        Raises UsageError for a name that is not known.
        """
        whole = " ".join(text.split())
        if self.mids.get(whole.casefold()) or MID.fullmatch(whole):
            return [self.mid(whole, option)]
        mids, unknown = damaged.names_in(whole, self.mids)
        if unknown:
            raise UsageError(f"{option} '{text}': {self._unknown(unknown[0])}")
        return mids

    def _unknown(self, text: str) -> str:
        near = sorted((name for name in self.mids if text.casefold() in name), key=lambda name: (len(name), name))
        near += [name for name in get_close_matches(text.casefold(), self.mids, n=3, cutoff=0.6) if name not in near]
        hint = f"did you mean {' or '.join(repr(self.names[self.mids[name]]) for name in near[:5])}?" if near else ""
        return f"'{text}' is no label of AudioSet; " + (hint or f"its {len(self.names)} names are in {LABELS}")


def read(path: Path) -> Classes:
    """Read class_labels_indices.csv, quotes or not. Raises InputError for a file that is none."""
    names: dict[str, str] = {}
    for number, fields in _records(path, ","):
        if len(fields) < 3 or not MID.fullmatch(fields[1].strip()):
            if number > 1 and any(fields):
                raise InputError(
                    f"{shown(str(path))}, row {number}: {listed(fields)}; wanted index,mid,display_name, e.g. "
                    '0,/m/09x0r,"Speech"'
                )
            continue
        names[fields[1].strip()] = ", ".join(part.strip() for part in fields[2:] if part.strip())
    if not names:
        raise InputError(f"{shown(str(path))} holds no classes; wanted index,mid,display_name as in Google's {LABELS}")
    return classes(names)


def read_strong_names(path: Path) -> Classes:
    """Read mid_to_display_name.tsv. Raises InputError for a file that is none."""
    names: dict[str, str] = {}
    for number, fields in _records(path, "\t"):
        if len(fields) != 2 or not MID.fullmatch(fields[0].strip()):
            raise InputError(f"{shown(str(path))}, row {number}: {listed(fields)}; wanted a mid, a tab and a name")
        names[fields[0].strip()] = fields[1].strip()
    if not names:
        raise InputError(f"{shown(str(path))} is empty; wanted a mid, a tab and a name in each row")
    return classes(names)


def classes(names: Mapping[str, str]) -> Classes:
    """Return classes by the display name of each mid."""
    return Classes(dict(names), {name.casefold(): mid for mid, name in names.items()})


@dataclass(frozen=True, slots=True)
class Ontology:
    """The graph: name, children and parents of each mid. A class may have several parents."""

    names: Mapping[str, str]
    children: Mapping[str, Sequence[str]]
    parents: Mapping[str, Sequence[str]]

    def descendants(self, mid: str) -> set[str]:
        """Return all classes below one, without itself; each once, by however many ways it is reached."""
        return _reached(mid, self.children)

    def ancestors(self, mid: str) -> set[str]:
        """Return all classes above one."""
        return _reached(mid, self.parents)


def read_ontology(path: Path) -> Ontology:
    """Read ontology.json. Raises InputError for a file that is none, or whose graph names classes that it lacks."""
    where = shown(str(path))
    try:
        nodes = json.loads(path.read_text("utf-8-sig"))
        names = {str(node["id"]): str(node["name"]) for node in nodes}
        children = {str(node["id"]): tuple(map(str, node["child_ids"])) for node in nodes}
    except OSError as error:
        raise InputError(f"{where}: {error.strerror}; wanted AudioSet's {ONTOLOGY}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{where} is no {ONTOLOGY} of AudioSet ({error!r}); get it again") from None
    lost = sorted({child for below in children.values() for child in below} - set(names))
    if lost:
        raise InputError(f"{where}: classes are named as children and not described: {listed(lost)}; get it again")
    parents: dict[str, list[str]] = {mid: [] for mid in names}
    for mid, below in children.items():
        for child in below:
            parents[child].append(mid)
    return Ontology(names, children, parents)


def read_quality(path: Path) -> dict[str, float | None]:
    """Read qa_true_counts.csv: the share of true labels of each class; None for a class that was not rated.

    Raises InputError for a file that is none, and for more true than rated.
    """
    shares: dict[str, float | None] = {}
    for number, fields in _records(path, ","):
        if number == 1 and fields and not MID.fullmatch(fields[0].strip()):
            continue
        try:
            mid, rated, true = fields[0].strip(), int(fields[1]), int(fields[2])
            if not (MID.fullmatch(mid) and 0 <= true <= rated):
                raise ValueError(fields)
        except (ValueError, IndexError):
            raise InputError(
                f"{shown(str(path))}, row {number}: {listed(fields)}; wanted label_id,num_rated,num_true, e.g. "
                "/m/09x0r,10,10"
            ) from None
        shares[mid] = true / rated if rated else None
    if not shares:
        raise InputError(f"{shown(str(path))} is empty; wanted label_id,num_rated,num_true")
    return shares


def _reached(mid: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [mid]
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found - {mid}


def _records(path: Path, separator: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, numbered from 1."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = csv.reader(text.splitlines(), delimiter=separator, skipinitialspace=True)
        return [(number, fields) for number, fields in enumerate(rows, 1) if any(field.strip() for field in fields)]
    except OSError as error:
        raise InputError(f"{shown(str(path))}: {error.strerror}; wanted AudioSet's {path.name}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{shown(str(path))} is no table ({error}); get it again") from None
