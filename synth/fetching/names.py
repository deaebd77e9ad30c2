"""Which segment of which video a copy says it is: by its file name, or by the fields that lie beside it.

An id has 11 characters, among them ``_`` and ``-``: names are read from the left, never split. After it come, each
behind one ``_`` or ``-``, a start and an end: ``YTID_30``, ``YTID_30_40``, ``YTID-30-40``, ``YTID_30.000_40.000``,
``YTID_000030`` (seconds); ``YTID_30000``, ``YTID_30000_40000`` (milliseconds). A ``Y`` may stand before the id; since
one separator follows an id, only one reading is possible. ``Title [YTID]`` is what yt-dlp writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite

from synth.fetching.clips import name_of

_ID = r"[A-Za-z0-9_-]{11}"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_NAME = re.compile(rf"({_ID})(?:[_-]({_NUMBER})(?:[_-]({_NUMBER}))?)?", re.ASCII)
_OWN = re.compile(rf"Y({_ID})_([0-9]+)-[0-9a-f]{{8}}", re.ASCII)
_BRACKETED = re.compile(rf".*\[({_ID})\]", re.ASCII | re.DOTALL)
_LINK = re.compile(rf"(?:[?&]v=|youtu\.be/|/embed/|/shorts/|/live/|/v/)({_ID})(?![A-Za-z0-9_-])", re.ASCII)
_FEWEST_MS = 1000  # AudioSet's segments start before 600 s and last 10 s at most: larger numbers are milliseconds
_ID_FIELDS = ("ytid", "yt_id", "youtube_id", "youtube_video_id", "video_id", "videoid", "yid", "segment_id", "id")
_LINK_FIELDS = ("webpage_url", "original_url", "youtube_url", "video_url", "url", "link")
_SECONDS = ("s", "seconds", "time", "sec", "time_seconds", "second", "")
_MILLISECONDS = ("ms", "time_ms", "milliseconds", "millis")


@dataclass(frozen=True, slots=True)
class Said:
    """What a copy says of itself; without a start it may be the segment or the whole video."""

    ytid: str
    start_s: float | None = None
    end_s: float | None = None


def stem_and_extension(name: str) -> tuple[str, str]:
    """Part a file name at its last dot; digits behind it belong to a number (``YTID_30.000_40.000``)."""
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or extension.isdigit():
        return name, ""
    return stem, extension.lower()


def by_name(stem: str) -> Said | None:
    """Read a name without its extension, then what stands before its first dot (``YTID.f140``, ``YTID.audio``).

    None where there is no id at its place.
    """
    own = _OWN.fullmatch(stem)
    if own and name_of(f"{own[1]}_{own[2]}").endswith(f"/{stem}.flac"):
        return Said(own[1], int(own[2]) / 1000)
    for text in (stem, stem.partition(".")[0]):
        found = _NAME.fullmatch(text) or (_NAME.fullmatch(text, 1) if text.startswith("Y") else None)
        if found:
            return Said(found[1], *_times(found[2], found[3]))
    titled = _BRACKETED.fullmatch(stem)
    return Said(titled[1]) if titled else None


def by_fields(fields: Mapping[str, object]) -> Said | None:
    """Read a JSON object or a table's row: an id or a link to the video, and perhaps where the copy starts and ends.

    In what yt-dlp writes, ``start_time`` is where a link points to, not where the file begins; ``section_start`` is.
    """
    low = {name.strip().casefold(): value for name, value in fields.items()}
    said = None
    for field in _ID_FIELDS:
        value = low.get(field)
        said = said or (by_name(value.strip()) if isinstance(value, str) else None)
    for field in _LINK_FIELDS:
        value = low.get(field)
        link = _LINK.search(value) if isinstance(value, str) else None
        said = said or (Said(link[1]) if link else None)
    if said is None:
        return None
    from_site = "extractor" in low or "extractor_key" in low
    start_s, end_s = (_moment(low, "section_" + end if from_site else end) for end in ("start", "end"))
    return said if start_s is None else replace(said, start_s=start_s, end_s=_after(start_s, end_s))


def agreed(named: Said | None, told: Said | None) -> Said | None:
    """Put together what a name and the fields beside it say: fields know the video, a name may know the times."""
    if named and told and named.ytid == told.ytid and told.start_s is None:
        return named
    return told or named


def fields_wanted(names: list[str]) -> list[str]:
    """Return the columns of a table that ``by_fields`` would look at."""
    known = {*_ID_FIELDS, *_LINK_FIELDS}
    known |= {_joined(end, unit) for end in ("start", "end") for unit in (*_SECONDS, *_MILLISECONDS)}
    return [name for name in names if name.strip().casefold() in known]


def _times(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    """Return a start and an end in seconds from the numbers of a name."""
    if start is None:
        return None, None
    first = float(start)
    if end is not None:
        last = float(end)
        scale = 1000 if start.isdigit() and end.isdigit() and last - first >= _FEWEST_MS else 1
        return first / scale, _after(first / scale, last / scale)
    padded = len(start) > 1 and start[0] == "0"
    return first / (1000 if start.isdigit() and first >= _FEWEST_MS and not padded else 1), None


def _moment(fields: Mapping[str, object], end: str) -> float | None:
    """Return the time in seconds that the first of the usual fields holds."""
    for units, scale in ((_SECONDS, 1), (_MILLISECONDS, 1000)):
        for unit in units:
            number = _number(fields.get(_joined(end, unit)))
            if number is not None:
                return number / scale
    return None


def _joined(end: str, unit: str) -> str:
    return f"{end}_{unit}" if unit else end


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) and number >= 0 else None


def _after(start_s: float, end_s: float | None) -> float | None:
    """Return an end that comes after its start, else None: some write a duration there."""
    return end_s if end_s is not None and end_s > start_s else None
