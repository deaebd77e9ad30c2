"""Where AudioSet's lists come from: what was given by ``--csv``, else the cache, else a download."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from synth.corpora.audioset import classes as class_lists
from synth.corpora.audioset import segments
from synth.corpora.audioset.classes import Classes, Ontology
from synth.corpora.audioset.clean import MID
from synth.corpora.audioset.segments import SUBSETS, Segments
from synth.errors import InputError, listed
from synth.fetching import lists
from synth.fetching.archives import NotFetchedError
from synth.steps.progress import Progress

_LIST_NAMES = re.compile(r"\.(?:csv|tsv|txt)(?:\.(?:gz|xz|bz2))?", re.IGNORECASE)
_ID = re.compile(r"Y?([A-Za-z0-9_-]{11})(?:\.[A-Za-z0-9]{2,4})?")
_SEGMENT = re.compile(r"([A-Za-z0-9_-]{11})_([0-9]{1,9})")


class Lists:
    """The files of AudioSet that a run reads; ``given`` are the files and folders of ``--csv``."""

    def __init__(self, given: Sequence[Path], progress: Progress) -> None:
        for path in given:
            if not path.exists():
                raise InputError(f"--csv {path}: no such file or folder; wanted a list of AudioSet segments")
        self._given, self._progress = given, progress

    def classes(self, asked: Sequence[str]) -> Classes:
        """Return the classes; none where their list is not available and all requested labels are mids.

        Raises InputError where a name is asked for and there is no list to look it up in.
        """
        try:
            return class_lists.read(self._file(class_lists.LABELS))
        except NotFetchedError as error:
            names = [text for text in asked if not all(MID.fullmatch(piece.strip()) for piece in text.split(","))]
            if names:
                raise InputError(
                    f"'{names[0]}' is a name, and names are looked up in {class_lists.LABELS}: {error}. Or give the "
                    "class by its mid, such as /m/0mkg"
                ) from None
            return Classes()

    def ontology(self) -> Ontology:
        """Return the graph of the classes. Raises InputError."""
        return class_lists.read_ontology(self._file(class_lists.ONTOLOGY))

    def quality(self) -> dict[str, float | None]:
        """Return the share of true labels of each class; None for a class that was not rated. Raises InputError."""
        return class_lists.read_quality(self._file(class_lists.QUALITY))

    def segments(self, subsets: Sequence[str], classes: Classes, notes: list[str]) -> list[Segments]:
        """Read all lists, or those of some subsets, in the order of AudioSet's files.

        Raises InputError for a list that cannot be read, and where there is none of what is wanted.
        """
        if not self._given:
            paths = [self._file(lists.SEGMENTS[subset]) for subset in subsets or SUBSETS]
        else:
            paths = self._listed()
        read = []
        for k, path in enumerate(paths):
            self._progress("reading", k, len(paths))
            read.append(segments.read(path, classes.mids))
        self._progress("reading", len(paths), len(paths))
        if subsets:
            other = [one for one in read if one.subset not in subsets]
            read = [one for one in read if one.subset in subsets]
            unknown = [one.name for one in other if one.subset is None]
            why = f"; {listed(unknown)} does not say which list it is: leave out --subset" if unknown else ""
            if not read:
                raise InputError(f"--subset {', '.join(subsets)}: no such list in {listed(self._given)}{why}")
            if unknown:
                notes.append(f"{listed(unknown)}: not of a known subset, left out by --subset")
        return sorted(read, key=lambda one: SUBSETS.index(one.subset) if one.subset else len(SUBSETS))

    def _listed(self) -> list[Path]:
        paths: list[Path] = []
        for given in self._given:
            if not given.is_dir():
                paths.append(given)
                continue
            inside = sorted(path for path in given.iterdir() if path.is_file() and _LIST_NAMES.search(path.name))
            found = [path for path in inside if segments.looks_like(path)]
            if not found:
                raise InputError(
                    f"--csv {given}: no list of segments in that folder ({listed(p.name for p in inside) or 'no .csv'}); "
                    "wanted balanced_train_segments.csv or the like"
                )
            paths += found
        return list({path.resolve(): path for path in paths}.values())

    def _file(self, name: str) -> Path:
        """Return one of AudioSet's files: beside the given lists, else from the cache, else downloaded."""
        for given in self._given:
            beside = (given if given.is_dir() else given.parent) / name
            if beside.is_file():
                return beside
        return lists.bring(name, self._progress)


def excluded(path: Path) -> tuple[frozenset[bytes], frozenset[tuple[bytes, int]]]:
    """Read ids that are not wanted: of videos, and of single segments with their start in ms.

    One a line, ``--PJHxphWEs`` or ``--PJHxphWEs_30000``; what follows a comma or a blank is not read, nor a line that
    begins with #: a list of segments excludes its videos. Raises InputError for a line that is no id.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--exclude-ids {path}: {getattr(error, 'strerror', None) or 'is no text'}") from None
    videos: set[bytes] = set()
    single: set[tuple[bytes, int]] = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = re.split(r"[\s,;]+", line.strip(" \t\"'"), maxsplit=1)
        word = words[0].strip("\"'")
        if not word or word.startswith("#") or (number == 1 and word.casefold() in ("ytid", "item_id", "id")):
            continue
        if found := _ID.fullmatch(word):
            videos.add(found[1].encode())
        elif found := _SEGMENT.fullmatch(word):
            single.add((found[1].encode(), int(found[2])))
        else:
            raise InputError(
                f"--exclude-ids {path}, line {number}: '{word[:60]}' is no id; wanted a video's, such as --PJHxphWEs, or "
                "a segment's, such as --PJHxphWEs_30000"
            )
    return frozenset(videos), frozenset(single)
