"""AudioSet's lists as the fetch needs them: the ones that are named, else those of the cache, else downloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio import cache
from synth.corpora.audioset import classes, segments
from synth.corpora.audioset.classes import Classes, Ontology
from synth.corpora.audioset.segments import SUBSETS, Segments
from synth.corpora.walk import shown
from synth.errors import InputError, UsageError, listed, nearest
from synth.fetching import lists
from synth.fetching.archives import NotFetchedError
from synth.planning.selection import Pool
from synth.steps.progress import Progress

_TABLES = (".csv", ".tsv", ".txt")
_PACKED = (".gz", ".xz", ".bz2")


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists that were read, and their segments one after another: ``pool.codes`` are positions in ``mids``, ``of``
    is the list of each segment.
    """

    found: tuple[Segments, ...]
    pool: Pool
    end_s: NDArray[np.float64]
    start_s: NDArray[np.float64]
    of: NDArray[np.int32]
    mids: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        """Data rows that are used."""
        return sum(one.used for one in self.found)

    @property
    def skipped(self) -> int:
        """Data rows that are not used."""
        return sum(sum(one.counts.values()) for one in self.found)

    def labels(self, row: int) -> tuple[str, ...]:
        """Return the mids of a segment."""
        return tuple(self.mids[code] for code in self.pool.codes[self.pool.offsets[row] : self.pool.offsets[row + 1]])


def folder() -> Path:
    """Return the folder of the cache that holds downloaded lists."""
    return cache.folder() / "audioset"


def places(csv: Sequence[str | Path]) -> list[Path]:
    """Return the folders in which a list of classes is looked for, the first that has it first."""
    beside = [path if path.is_dir() else path.parent for path in map(Path, csv)]
    return list(dict.fromkeys([*beside, folder()]))


def get_classes(csv: Sequence[str | Path], needed: bool, progress: Progress) -> Classes:
    """Return the classes: from beside the CSV, else from the cache, else downloaded.

    Where ``needed`` is false, no class list is an empty one: mids work without. Raises InputError otherwise.
    """
    for place in places(csv):
        there = place / classes.LABELS
        if there.is_file():
            return classes.read(there)
    try:
        return classes.read(lists.get(lists.LABELS, folder(), progress))
    except NotFetchedError as error:
        if not needed:
            return Classes()
        raise InputError(
            f"labels are given by name, and {error}; or give the label's mid, e.g. --label /m/0mkg"
        ) from None


def get_ontology(csv: Sequence[str | Path], progress: Progress) -> Ontology:
    """Return the graph of classes; errors as in :func:`get_classes`."""
    return classes.read_ontology(_beside(csv, lists.ONTOLOGY, progress))


def get_quality(csv: Sequence[str | Path], progress: Progress) -> dict[str, float | None]:
    """Return the share of true labels of each class; errors as in :func:`get_classes`."""
    return classes.read_quality(_beside(csv, lists.QUALITY, progress))


def get_segments(csv: Sequence[str | Path], subsets: Sequence[str], names: Classes, progress: Progress) -> Lists:
    """Read the lists of segments: those named by ``csv``, files and folders, else those of the cache or downloads.

    Raises:
        UsageError: a subset that AudioSet does not have.
        InputError: a list that cannot be read or had, or none of a wanted subset.
    """
    for subset in subsets:
        if subset not in SUBSETS:
            raise UsageError(f"--subset {subset}{nearest(subset, SUBSETS)}; wanted {', '.join(SUBSETS)}")
    if csv:
        paths = [file for path in csv for file in _files(Path(path))]
    else:
        wanted = [name for name in SUBSETS if name in subsets or not subsets]
        paths = [lists.get(lists.SEGMENTS[name], folder(), progress) for name in wanted]
    found, notes = [], []
    for k, path in enumerate(dict.fromkeys(paths)):
        progress("reading lists", k, len(paths))
        one = segments.read(path, names.mids)
        if subsets and one.subset not in subsets:
            notes.append(f"{one.name} is left out: {one.subset or 'its subset is not known, by header or by name'}")
        else:
            found.append(one)
    progress("reading lists", len(paths), len(paths))
    if not found:
        raise InputError(f"no list of --subset {', '.join(subsets)}: {listed(notes)}")
    return _together(found, notes)


def _files(path: Path) -> list[Path]:
    """Return the lists of segments that a path names: itself, or those in a folder, told by their form."""
    if not path.is_dir():
        return [path]
    named = [
        file
        for file in sorted(path.iterdir())
        if file.is_file() and not file.name.startswith(".") and _bare(file).suffix.lower() in _TABLES
    ]
    found = [file for file in named if segments.looks_like(file)]
    if not found:
        raise InputError(
            f"--csv {shown(str(path))}: none of its files is a list of segments (found "
            f"{listed(file.name for file in named) or 'no .csv, .tsv or .txt'}); wanted e.g. balanced_train_segments.csv"
        )
    return found


def _bare(file: Path) -> Path:
    return file.with_suffix("") if file.suffix.lower() in _PACKED else file


def _together(found: Sequence[Segments], notes: Sequence[str]) -> Lists:
    words: dict[str, int] = {}
    codes = []
    for one in found:
        to_all = np.array([words.setdefault(mid, len(words)) for mid in one.mids], np.int32)
        codes.append(to_all[one.codes])
    counts = np.concatenate([np.diff(one.offsets) for one in found])
    start_s = np.concatenate([one.start_s for one in found])
    pool = Pool(
        np.concatenate([one.ytid for one in found]),
        np.rint(start_s * 1000).astype(np.int64),
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        np.concatenate(codes),
    )
    of = np.repeat(np.arange(len(found), dtype=np.int32), [len(one) for one in found])
    end_s = np.concatenate([one.end_s for one in found])
    return Lists(tuple(found), pool, end_s, start_s, of, tuple(words), tuple(notes))


def _beside(csv: Sequence[str | Path], wanted: lists.Published, progress: Progress) -> Path:
    there = (place / wanted.name for place in places(csv))
    return next((path for path in there if path.is_file()), None) or lists.get(wanted, folder(), progress)
