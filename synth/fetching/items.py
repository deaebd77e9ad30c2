"""What is asked for: one segment of one video."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import isfinite

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, how much there is
LONGEST_S = 24 * 3600.0  # of a video; a time beyond it is a damaged number
_VIDEO_ID = re.compile(r"[0-9A-Za-z_-]{11}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One segment that is asked for: ``labels`` are display names, ``mids`` their machine ids in the same order."""

    ytid: str
    start_s: float
    end_s: float
    labels: tuple[str, ...] = ()
    mids: tuple[str, ...] = ()
    subset: str | None = None

    @property
    def item_id(self) -> str:
        """The video's id and the start in ms: ``--PJHxphWEs_30000``."""
        start_ms = self.start_s * 1000
        return f"{self.ytid}_{round(start_ms) if isfinite(start_ms) else start_ms}"

    @property
    def length_s(self) -> float:
        """Seconds from start to end."""
        return self.end_s - self.start_s


def fault(wanted: Wanted) -> str | None:
    """Return why a segment can never be asked for, or None: only what passes here reaches a URL or a path."""
    if not _VIDEO_ID.fullmatch(wanted.ytid):
        return "not a video id: wanted 11 characters of A-Z a-z 0-9 - _"
    if not (isfinite(wanted.start_s) and isfinite(wanted.end_s) and 0 <= wanted.start_s < wanted.end_s <= LONGEST_S):
        return f"not a segment: from {wanted.start_s} s to {wanted.end_s} s"
    return None


def once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return every segment once, in the order of first mention, with the labels of all its mentions."""
    found: dict[str, Wanted] = {}
    for item in wanted:
        known = found.get(item.item_id)
        if known is None:
            found[item.item_id] = item
        elif (known.labels, known.mids) != (item.labels, item.mids):
            found[item.item_id] = _with_labels(known, item)
    return list(found.values())


def _with_labels(known: Wanted, other: Wanted) -> Wanted:
    labels = tuple(dict.fromkeys(known.labels + other.labels))
    mids = tuple(dict.fromkeys(known.mids + other.mids))
    return replace(known, labels=labels, mids=mids)
