"""What a corpus gives before any audio is read: one item per file, and what was odd about the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One audio file that was found, good or not.

    ``path`` is relative to the folder indexed, with forward slashes, and can always be written as UTF-8. ``group_id``
    is what a split must not tear apart. ``licence`` and ``attribution``, where set, override those of the corpus.
    ``status`` is ``ok``, or why the file is not to be read: ``bad-name``, ``duplicate``, ``litter``, ``missing``,
    ``not-in-csv``, ``unknown-sex``, ``unknown-speaker``, ``video``; ``reason`` is the status in a sentence. ``extra``
    is a JSON object of text. ``said_in`` is where speaker and sex are said, if not by the path (``row 3 of t.csv``);
    ``sex_word`` what is said of the sex where that is neither female nor male.
    """

    path: str
    speaker_id: str | None = None
    sex: str | None = None
    group_id: str | None = None
    chapter: str | None = None
    subset: str | None = None
    utterance_text: str | None = None
    labels: tuple[str, ...] = ()
    emotion: str | None = None
    intensity: str | None = None
    statement: str | None = None
    repetition: str | None = None
    vocal_channel: str | None = None
    split: str | None = None
    licence: str | None = None
    status: str = "ok"
    reason: str | None = None
    extra: str | None = None
    attribution: str | None = None
    mids: tuple[str, ...] = ()
    ytid: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    said_in: str | None = None
    sex_word: str | None = None


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that the corpus should not have: how often it was met, one example, and what was made of it."""

    kind: str
    count: int
    example: str
    says: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus as it lies on disk: ``items`` in the order of their paths, ``licence`` an SPDX id, ``table`` the name of
    the file that describes it, if one does.
    """

    name: str
    title: str
    licence: str
    attribution: str
    items: tuple[Item, ...]
    oddities: tuple[Oddity, ...]
    table: str | None = None


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return items in the order of their paths, the first of each path: a path is one row of a table."""
    by_path: dict[str, Item] = {}
    for item in items:
        by_path.setdefault(item.path, item)
    return tuple(by_path[path] for path in sorted(by_path))


class Oddities:
    """Collects oddities, so that each kind is reported once: with its count and its first example."""

    def __init__(self) -> None:
        self._kinds: dict[str, Oddity] = {}

    def add(self, kind: str, example: str, says: str, count: int = 1) -> None:
        """Count ``count`` more of a kind; the first example and sentence stay."""
        if count <= 0:
            return
        known = self._kinds.get(kind)
        if known is None:
            self._kinds[kind] = Oddity(kind, count, example, says)
        else:
            self._kinds[kind] = Oddity(kind, known.count + count, known.example, known.says)

    def all(self) -> tuple[Oddity, ...]:
        """Return one oddity per kind, in the order in which they were met."""
        return tuple(self._kinds.values())
