"""Where the rows of tables belong: which root a path lies in, and which file there it names."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from synth.corpora import own_csv
from synth.corpora.items import Oddities, Oddity
from synth.corpora.own_csv import Row
from synth.corpora.walk import Listing, is_audio, is_writable, shown
from synth.errors import InputError, UsageError, listed
from synth.units import counted

Given = str | Path | Sequence[str | Path] | Mapping[str, str | Path] | None


@dataclass(frozen=True, slots=True)
class Place:
    """A root to be read: its name in the tables, its folder, how it was given, and whether it holds background noise."""

    name: str
    folder: Path
    given: str = ""
    noise: bool = False


@dataclass(slots=True)
class Described:
    """What a table says of one root: its rows by the path of their file below the root, there or not.

    ``space`` is the name space of its speakers and groups: the root's name, or the table's where it serves several.
    """

    table: Path
    space: str
    rows: list[tuple[str, Row]] = field(default_factory=list)
    oddities: tuple[Oddity, ...] = ()


@dataclass
class Files:
    """The files of a root, by the ways to name them."""

    place: Place
    listing: Listing

    @cached_property
    def _present(self) -> set[str]:
        return {path for path, _ in self.listing.files() if is_writable(path)}

    @cached_property
    def _normal(self) -> dict[str, str]:
        return {unicodedata.normalize("NFC", path): path for path in self._present if not path.isascii()}

    @cached_property
    def _without_ending(self) -> dict[str, str | None]:
        """Audio files by their paths without extension; None where two have the same."""
        out: dict[str, str | None] = {}
        for path in sorted(self._present):
            if is_audio(path.rpartition("/")[2]):
                stem = path.rpartition(".")[0]
                out[stem] = None if stem in out else path
        return out

    def find(self, text: str, base: Path | None = None) -> str | None:
        """Return the file that a text names: below the root, with the root's name in front, or relative to ``base``."""
        own = self._found(self.relative(text))
        if own is None:
            first, slash, rest = text.replace("\\", "/").removeprefix("./").partition("/")
            if slash and first in (self.place.name, self.place.folder.name, self.listing.absolute.name):
                own = self._found(self.relative(rest))
        if own is None and base is not None and not os.path.isabs(text):  # noqa: PTH117 - text as it stands in a table
            own = self._found(self.relative(os.path.join(os.path.abspath(base), text)))  # noqa: PTH100, PTH118
        return own

    def relative(self, text: str) -> str | None:
        """Return a path relative to the root, None where it leads out of it."""
        for base in (self.listing.absolute, self.listing.root.resolve()):
            path = os.path.relpath(text, base) if os.path.isabs(text) else text  # noqa: PTH117
            path = os.path.normpath(path).replace(os.sep, "/")
            if path != ".." and not path.startswith("../"):
                return path
        return None

    def _found(self, path: str | None) -> str | None:
        if path is None:
            return None
        for one in (path, path.replace("\\", "/")):
            there = one if one in self._present else self._normal.get(unicodedata.normalize("NFC", one))
            if there is not None:
                return there
        return None if is_audio(path.rpartition("/")[2]) else self._without_ending.get(path)

    def real(self, path: str) -> str:
        """Return where a file of the root really lies."""
        return os.path.realpath(self.listing.root / path)


def described(roots: Sequence[Files], given: Given) -> dict[str, Described]:
    """Return what tables say of roots, by the names of the roots.

    Args:
        roots: the roots, in the order in which they were given.
        given: tables, each a file or ROOT=FILE, or a mapping of roots to files. A table that is given for a root serves
            that one. Any other serves the roots that its rows lie in.

    Raises:
        UsageError: a root that does not exist, or a root with two tables of its own.
        InputError: a table that cannot be read, a row whose file is in two roots, or a table none of whose files is there.
    """
    out: dict[str, Described] = {}
    spaces = {files.place.name for files in roots}
    for table, named in _tables(roots, given):
        oddities = Oddities()
        rows = own_csv.read(table, oddities)
        chosen = [files for files in roots if files.place.name in named] if named else _wanted(roots)
        found = _places(rows, chosen, table, bool(named))
        served = [files.place.name for files in chosen if any(name == files.place.name for name, _, _ in found)]
        space = served[0] if len(served) == 1 else _free(table.stem, spaces)
        spaces.add(space)
        for name, path, row in found:
            if name not in out:
                out[name] = Described(table, space, oddities=oddities.all() if name == served[0] else ())
            elif out[name].table != table:
                raise InputError(
                    f"{shown(str(table))}, row {row.number}, and {shown(str(out[name].table))} both describe files of "
                    f"{name}; wanted one table for a root: join them"
                )
            out[name].rows.append((path, row))
    return out


def _tables(roots: Sequence[Files], given: Given) -> list[tuple[Path, set[str]]]:
    """Return each table once, and the roots that it was given for; none for a table of any roots."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        pairs = [(str(root), Path(file)) for root, file in given.items()]
    else:
        texts = [given] if isinstance(given, str | Path) else list(given)
        pairs = [_parsed(text, roots) for text in texts]
    tables: dict[str, tuple[Path, set[str], bool]] = {}
    of_root: dict[str, Path] = {}
    for root, file in pairs:
        real = os.path.realpath(file.expanduser())
        path, names, _ = tables.setdefault(real, (file.expanduser(), set(), False))
        if root:
            name = _root(root, roots)
            if of_root.setdefault(name, path) != path:
                raise UsageError(f"--csv {root}={file}: {name} has a table already, {of_root[name]}; wanted one a root")
            names.add(name)
        else:
            tables[real] = (path, names, True)
    return [(path, set() if everywhere else names) for path, names, everywhere in tables.values()]


def _parsed(text: str | Path, roots: Sequence[Files]) -> tuple[str, Path]:
    """Return root and file of FILE (no root) or ROOT=FILE; names may hold equals signs."""
    whole = str(text)
    if isinstance(text, Path) or "=" not in whole or Path(whole).expanduser().is_file():
        return "", Path(whole)
    cuts = [k for k, character in enumerate(whole) if character == "="]
    for k in cuts:
        if _matching(whole[:k], roots):
            return whole[:k], Path(whole[k + 1 :])
    return whole[: cuts[0]], Path(whole[cuts[0] + 1 :])


def _matching(text: str, roots: Sequence[Files]) -> list[str]:
    by_name = [files.place.name for files in roots if files.place.name == text]
    if by_name or not text:
        return by_name
    path = os.path.realpath(Path(text).expanduser())
    return [f.place.name for f in roots if f.place.given == text or os.path.realpath(f.place.folder) == path]


def _root(text: str, roots: Sequence[Files]) -> str:
    found = _matching(text, roots)
    if not found:
        raise UsageError(
            f"--csv {text}=…: no root of that name; the roots are {listed(files.place.name for files in roots)}. Wanted "
            "ROOT=FILE, ROOT being the name or the path of one of them"
        )
    return found[0]


def _wanted(roots: Sequence[Files]) -> list[Files]:
    """Return the roots that a table for any roots may serve: those of speech and sounds first, then those of noise."""
    return sorted(roots, key=lambda files: files.place.noise)


def _free(name: str, taken: set[str]) -> str:
    return next(one for one in (name, *(f"{name}-{k}" for k in range(2, len(taken) + 3))) if one not in taken)


def _places(rows: Sequence[Row], roots: Sequence[Files], table: Path, each: bool) -> list[tuple[str, str, Row]]:
    """Return root, path and row of each recording; ``each``: a row goes to every root that has its file."""
    where = shown(str(table))
    found: list[tuple[str, str, Row]] = []
    lost: list[Row] = []
    ambiguous: list[str] = []
    for row in rows:
        here = [(f, path) for f in roots if (path := f.find(row.path)) is not None]
        here = here or [(f, path) for f in roots if (path := f.find(row.path, table.parent)) is not None]
        if not each and not all(f.place.noise for f, _ in here):
            here = [(f, path) for f, path in here if not f.place.noise]
        if len(here) > 1 and not each and len({f.real(path) for f, path in here}) > 1:
            ambiguous.append(f"row {row.number} says {row.path}: {' or '.join(f'{f.place.name}/{p}' for f, p in here)}")
        if not here:
            lost.append(row)
        found += [(f.place.name, path, row) for f, path in here]
    if ambiguous:
        raise InputError(
            f"{where}: {len(ambiguous)} of its {counted(len(rows), 'path is', 'paths are')} in more than one root: {listed(ambiguous, 3)}. Write "
            f"the root's name in front of them, or give the table for one root: --csv {roots[0].place.name}={where}"
        )
    if not found:
        raise _none_there(rows, roots, where)
    served = next(f for f in roots if f.place.name == found[0][0])
    for row in lost:
        first = row.path.replace("\\", "/").partition("/")[0]
        owner = next((f for f in roots if first == f.place.name), served)
        path = owner.relative(row.path)
        if path is None:
            raise _outside(row, owner, where)
        found.append((owner.place.name, path, row))
    return found


def _outside(row: Row, files: Files, where: str) -> InputError:
    return InputError(
        f"{where}, row {row.number}: {row.path} does not lie in {shown(str(files.listing.root))}; wanted a path relative "
        "to the folder that is indexed"
    )


def _none_there(rows: Sequence[Row], roots: Sequence[Files], where: str) -> InputError:
    if len(roots) == 1 and roots[0].relative(rows[0].path) is None:
        return _outside(rows[0], roots[0], where)
    example = next((path for files in roots for path, _ in files.listing.audio() if is_writable(path)), None)
    return InputError(
        f"{where}: {'its only path is not' if len(rows) == 1 else f'none of its {len(rows):,} paths is'} there; row {rows[0].number} says {rows[0].path}; paths are relative "
        f"to {listed((shown(str(files.listing.root)) for files in roots), 4)}"
        + (f", e.g. {example}" if example else "")
    )
