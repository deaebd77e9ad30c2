"""Labels with times within a clip, which are no segments of videos although their rows look like them.

AudioSet's strong labels (``segment_id``, YTID_milliseconds), copies of them with the names of files (``filename``,
``onset``, ``offset``, ``event_label``, as in DESED), lists of downloaded files: their times count from the start of each
clip. Read as seconds of the video they would name other sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from synth.corpora.audioset.clean import LONGEST_S
from synth.corpora.audioset.damaged import SEPARATORS, split

_WITHIN = frozenset(
    [
        "segment_id",
        "onset",
        "offset",
        "onset_s",
        "offset_s",
        "onset_seconds",
        "offset_seconds",
        "event_onset",
        "event_offset",
        "event_start",
        "event_end",
        "event_label",
        "event_labels",
    ]
)
_STRONG = frozenset(("start_time_seconds", "end_time_seconds"))
_CLIP = re.compile(r"Y?[A-Za-z0-9_-]{11}(?:_[0-9.]+){1,2}(?:\.[A-Za-z0-9]{2,4})?")
_FILE = re.compile(r"(?:.*[/\\])?Y?[A-Za-z0-9_-]{11}\.[A-Za-z][A-Za-z0-9]{1,3}")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_FEW = 3  # header lines of the published lists
LISTS = "balanced_train_segments.csv, eval_segments.csv, unbalanced_train_segments.csv"


def why(lines: Iterable[str]) -> str | None:
    """Return what tells that the rows of a list have times within a clip; None where nothing does.

    A header that names such columns does; so do ids that are parts of videos (YTID_milliseconds), and ids that are names
    of files, where no time is later than a clip is long.
    """
    there = [line for line in lines if line.strip()]
    for line in there[: _FEW + 1]:
        for separator in SEPARATORS:
            words = {word.strip(" \t\"'#\ufeff").casefold() for word in split(line, separator)}
            named = sorted(words & _WITHIN)
            if named and len(words) > 2:
                return f"it has the column{'s' * (len(named) > 1)} {', '.join(named)}"
            if words >= _STRONG and _latest(there, separator) <= LONGEST_S:
                return f"none of its times, {' and '.join(sorted(_STRONG))}, is later than {LONGEST_S:g} s"
    for separator in SEPARATORS:
        rows = [row for line in there if (row := _timed(split(line, separator)))]
        if not rows:
            continue
        parts = [row for row in rows if _CLIP.fullmatch(row[0])]
        if len(parts) > len(rows) / 2 and max(row[2] for row in parts) <= LONGEST_S:
            return f"its ids, such as {parts[0][0]}, are parts of videos"
        files = [row for row in rows if _FILE.fullmatch(row[0])]
        if len(files) > len(rows) / 2 and max(row[2] for row in files) <= LONGEST_S:
            return f"it names files, such as {files[0][0]}, and none of its times is later than {LONGEST_S:g} s"
    return None


def _timed(fields: list[str]) -> tuple[str, float, float] | None:
    """Return the name and the two times of a row: two numbers in a row behind a name."""
    for k in range(len(fields) - 2):
        name, start, end = (field.strip(" \t\"'") for field in fields[k : k + 3])
        if _NUMBER.fullmatch(start) and _NUMBER.fullmatch(end) and not _NUMBER.fullmatch(name):
            return name, float(start), float(end)
    return None


def _latest(lines: list[str], separator: str) -> float:
    return max((row[2] for line in lines if (row := _timed(split(line, separator)))), default=0.0)
