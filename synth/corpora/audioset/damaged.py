"""One row at a time, in any of the forms in which copies of the segment lists are met.

A row is read only if what it says is beyond doubt; otherwise it raises :class:`Unread` with the kind of damage and the
reason. Known damage: blanks gone, quotes gone, doubled or tripled, labels spread over columns or given by their names,
other separators, decimal commas, an index column, ids as links or file names, ids that a spreadsheet took for formulas,
times a thousandfold, rows cut at the end of a file or at a number of columns.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from synth.corpora.audioset.clean import LONGEST_S, MID
from synth.units import counted

SEPARATORS = (",", ";", "\t", "|")
ID = re.compile(r"[A-Za-z0-9_-]{11}")
_LINK = re.compile(
    r"(?:https?://)?(?:www\.|m\.|music\.)?(?:youtube\.com/watch\?v=|youtu\.be/)([\w-]{11})(?:[&?#].*)?", re.A
)
_FILE = re.compile(r"Y?([A-Za-z0-9_-]{11})\.(?:wav|flac|mp3|m4a|ogg|opus|webm|mp4)")
_PREFIXED = re.compile(r"Y[A-Za-z0-9_-]{11}")
_FORMULA = re.compile(r"#(?:NAME\?|ERROR!|VALUE!|REF!|N/A|NUM!|NULL!|DIV/0!)", re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_SCIENTIFIC = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "\ufeff": None, "\u00a0": " "})
_BETWEEN = re.compile(r"[\s,;|\"'\[\]]+")
_NUMBERED = re.compile(r"[,;\t|]?\s*0(?:[,;\t|]\s*[0-9]+){2,}\s*")  # columns that were called 0, 1, 2, …
_ROUND = " \t\"'[]"
_HEADS = {
    "ytid": (
        "ytid",
        "youtube_id",
        "youtubeid",
        "yt_id",
        "video_id",
        "videoid",
        "video",
        "id",
        "url",
        "filename",
        "file",
    ),
    "start": ("start_seconds", "start_s", "start", "start_time", "start_time_seconds", "start_sec", "begin"),
    "end": ("end_seconds", "end_s", "end", "end_time", "end_time_seconds", "end_sec", "stop"),
    "labels": ("positive_labels", "labels", "label", "mids", "mid", "classes", "class"),
}


class Unread(Exception):  # noqa: N818 - a verdict on a row, not a fault of the program
    """A data row that is not used: ``kind`` in a word, the message in a sentence."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read. ``prefixed``: its id had a Y before it, as in the names of many downloaders' files.
    ``fields`` counts the label fields where labels were spread over fields without quotes, ``full`` tells that none of
    the row's fields was left empty.
    """

    ytid: str
    start_s: float
    end_s: float
    labels: tuple[str, ...]
    prefixed: bool = False
    fields: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Which character separates the fields of a file, and which field is what; ``last_labels``: they run to the end."""

    separator: str = ","
    ytid: int = 0
    start: int = 1
    end: int = 2
    labels: int = 3
    last_labels: bool = True


def is_head(line: str) -> bool:
    """Tell whether a line is a header or a comment: it starts with # or names columns."""
    text = line.lstrip(" \t\"'\ufeff")
    if text.startswith("#") and not _FORMULA.match(text):
        return True
    words = [word.strip(_ROUND + "#").casefold() for word in re.split(r"[,;\t|]", line)]
    named = sum(any(word in names for names in _HEADS.values()) for word in words)
    return named >= 2 or _NUMBERED.fullmatch(text) is not None or words[0] in ("column1", "unnamed: 0")


def layout(lines: Iterable[str]) -> Layout | None:
    """Find the layout of a file from some of its lines; None where no line has an id and two times."""
    votes: Counter[Layout] = Counter()
    heads: list[str] = []
    for line in lines:
        if is_head(line):
            heads.append(line)
            continue
        for separator in SEPARATORS:
            fields = split(line, separator)
            for k in range(len(fields) - 2):
                if like_id(fields[k]) and _is_time(fields[k + 1]) and _is_time(fields[k + 2]):
                    votes[Layout(separator, k, k + 1, k + 2, k + 3)] += 1
                    break
    named = [found for head in heads for separator in SEPARATORS if (found := _named(head, separator)) is not None]
    if votes:
        best = max(votes, key=lambda one: votes[one])
        same = [one for one in named if (one.separator, one.ytid, one.start, one.end) == _key(best)]
        return same[0] if same and not same[0].last_labels else best
    return named[0] if named else None


def read(line: str, form: Layout, names: Mapping[str, str], ended: bool = True) -> Row:
    """Read one row.

    Args:
        line: without its line feed.
        form: the layout of the file.
        names: the mid of each class by its name in lower case; without any, a name is not understood.
        ended: a line feed follows; without one the file may have been cut in this row.

    Raises Unread for a row that is not beyond doubt.
    """
    if "\0" in line:
        raise Unread("nul", "holds a NUL character")
    line = line.translate(_QUOTES)
    fields = split(line, form.separator)
    at, fields = form, _decimal_commas(fields, form)
    ytid, prefixed = _id(fields[at.ytid] if at.ytid < len(fields) else "")
    if at.end >= len(fields):
        raise Unread("cut", f"ends after {counted(len(fields), 'field')}; wanted an id, two times and labels")
    start_s, end_s = _time(fields[at.start]), _time(fields[at.end])
    of_labels = fields[at.labels :] if at.last_labels else fields[at.labels : at.labels + 1]
    text = ",".join(of_labels).strip(" ,;\t")
    if text.startswith('"') != text.endswith('"') or text == '"' or line.count('"') % 2:
        raise Unread("labels-cut", "has lost labels: only one of the quotes around them is there")
    labels = _labels(text, names)
    _check_times(start_s, end_s)
    if not labels:
        raise Unread("no-labels", "has no labels")
    spread = sum(bool(field.strip(_ROUND)) for field in of_labels)
    bare = spread > 1 and not text.endswith('"')
    if not ended and '"' not in line and (len(labels) > 1 or (names and labels[0] not in names.values())):
        raise Unread("cut", "is the last line and has no line feed: the file may have been cut in its labels")
    return Row(ytid, start_s, end_s, labels, prefixed, spread if bare else 0, bare and spread == len(of_labels))


def split(line: str, separator: str) -> list[str]:
    """Return the fields of one line, also where a spreadsheet wrapped the whole row in quotes.

    Quotes that open and never close do not reach beyond the line.
    """
    try:
        fields = [field.strip() for field in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]
    except csv.Error:
        return [field.strip(_ROUND) for field in line.split(separator)]
    filled = [field for field in fields if field]
    return split(fields[0], separator) if len(filled) == 1 and separator in fields[0] else fields


def names_in(text: str, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the mids of the labels in a text separated by commas, and the pieces that are no label.

    Names hold commas ("Male speech, man speaking"), so the longest name that fits is taken. A genre or mood may stand
    without its last word: "Tender" for "Tender music" (so in a copy of the list; checked against the real rows).
    """
    pieces = [piece.strip(_ROUND) for piece in text.split(",")]
    pieces = [piece for piece in pieces if piece]
    mids: list[str] = []
    unknown: list[str] = []
    k = 0
    while k < len(pieces):
        if MID.fullmatch(pieces[k]):
            mids.append(pieces[k])
            k += 1
            continue
        for end in range(min(len(pieces), k + 5), k, -1):
            name = ", ".join(pieces[k:end]).casefold()
            found = names.get(name) or names.get(f"{name} music")
            if found:
                mids.append(found)
                k = end
                break
        else:
            unknown.append(pieces[k])
            k += 1
    return mids, unknown


def _labels(text: str, names: Mapping[str, str]) -> tuple[str, ...]:
    pieces = [piece for piece in _BETWEEN.split(text) if piece]
    if all(MID.fullmatch(piece) for piece in pieces):
        return tuple(dict.fromkeys(pieces))
    mids, unknown = names_in(text.replace(";", ",").replace("|", ","), names)
    if unknown and not names:
        raise Unread(
            "names", f"names its labels ('{unknown[0]}') and there is no class_labels_indices.csv to look them up"
        )
    if unknown:
        raise Unread("unknown-label", f"'{unknown[0][:60]}' is no label of AudioSet")
    return tuple(dict.fromkeys(mids))


def _id(field: str) -> tuple[str, bool]:
    """Return the YouTube id in a field, and whether a Y stood before it."""
    text = field.strip(_ROUND)
    if ID.fullmatch(text):
        return text, False
    link = _LINK.fullmatch(text) or _FILE.fullmatch(text)
    if link:
        return link[1], False
    if _PREFIXED.fullmatch(text):
        return text[1:], True
    if _FORMULA.fullmatch(text):
        raise Unread("spreadsheet-id", f"a spreadsheet took its id for a formula: {text}")
    shown = text[:40].encode("ascii", "backslashreplace").decode()
    raise Unread(
        "id", f"'{shown}' is no YouTube id: wanted 11 of A-Z a-z 0-9 _ -, found {counted(len(text), 'character')}"
    )


def _time(field: str) -> float:
    text = field.strip(_ROUND)
    if _SCIENTIFIC.fullmatch(text):
        raise Unread("times", f"a spreadsheet rounded its times ({text})")
    if not _NUMBER.fullmatch(text) or len(text) > 20:
        raise Unread("times", f"'{text[:40]}' is no time in seconds")
    return float(text.replace(",", "."))


def _check_times(start_s: float, end_s: float) -> None:
    length_s = end_s - start_s
    if start_s < 0:
        raise Unread("times", f"starts before the video, at {start_s:g} s")
    if length_s <= 0:
        raise Unread("times", f"ends at {end_s:g} s and starts at {start_s:g} s")
    if length_s > LONGEST_S:
        kind = "times-thousandfold" if length_s >= 900 and length_s <= LONGEST_S * 1000 else "times"
        raise Unread(kind, f"lasts {length_s:g} s ({start_s:g} to {end_s:g}); a segment of AudioSet lasts 10 s at most")


def _decimal_commas(fields: list[str], form: Layout) -> list[str]:
    """Join times that were torn at their decimal commas: id,30,000,40,000,labels."""
    first, last = form.start, form.start + 4
    if form.separator == "," and len(fields) > last and (form.end, form.labels) == (first + 1, first + 2):
        torn = fields[first:last]
        if all(field.isdecimal() for field in torn) and len(torn[1]) == len(torn[3]) == 3:
            return [*fields[:first], f"{torn[0]}.{torn[1]}", f"{torn[2]}.{torn[3]}", *fields[last:]]
    return fields


def like_id(field: str) -> bool:
    """Tell whether a field looks like an id that was given in any of the known ways, or was lost."""
    text = field.strip(_ROUND)
    if _FORMULA.fullmatch(text) or _LINK.fullmatch(text) or _FILE.fullmatch(text) or _PREFIXED.fullmatch(text):
        return True
    return ID.fullmatch(text) is not None and not _NUMBER.fullmatch(text)


def _is_time(field: str) -> bool:
    text = field.strip(_ROUND)
    return _NUMBER.fullmatch(text) is not None or _SCIENTIFIC.fullmatch(text) is not None


def _named(head: str, separator: str) -> Layout | None:
    """Return the layout that a header line names, if it names all four columns."""
    words = [word.strip(_ROUND + "#").casefold() for word in split(head, separator)]
    found: dict[str, int] = {}
    for what, names in _HEADS.items():
        places = [words.index(name) for name in names if name in words]
        if not places:
            return None
        found[what] = places[0]
    after = words[found["labels"] + 1 :]
    return Layout(separator, **found, last_labels=not any(after))


def _key(form: Layout) -> Sequence[object]:
    return (form.separator, form.ytid, form.start, form.end)
