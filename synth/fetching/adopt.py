"""Copies that are here already: found in folders, tars and Parquet files, and the segment taken out of them.

A name says which video it is, seldom whether the file is the segment or the whole. Its length tells: a copy as long as
the segment is the segment; one that goes past the segment's end is the whole video, if no start is named. Any other is
not used, since where its sound begins cannot be known.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from synth.audio.cut import Cut, CutError, cut
from synth.errors import InputError
from synth.fetching.clips import LACKING_S, Refused
from synth.fetching.names import Said, agreed, by_name, stem_and_extension
from synth.fetching.packed import NO_ID, in_parquet, in_tar, said_in_json, why_not

_LONGER_S = 0.25  # a copy may be longer than its segment by some frames of padding
_PROBE_S = 0.01
_SAME_S = 0.0015  # times in names are rounded to a millisecond


@dataclass(frozen=True, slots=True)
class Copy:
    """One existing copy of a video or of a part of it; times are None where nothing says them.

    ``where`` is its name for the ledger, below the path that was given: ``folder/file``, ``archive.tar!member``,
    ``file.parquet#row``.
    """

    ytid: str
    start_s: float | None
    end_s: float | None
    where: str
    open: Callable[[], BinaryIO]


def copies(paths: Sequence[Path]) -> tuple[list[Copy], dict[str, int]]:
    """Find the copies in folders and files, in one order on every machine; no audio is read.

    Returns them, and how many files, members and rows are none, by reason.

    Raises:
        InputError: a path that is not there.
    """
    found: list[Copy] = []
    counts: Counter[str] = Counter()
    for path in paths:
        if path.is_dir():
            found += _in_folder(path, counts)
        elif path.is_file():
            found += _of_file(path, path.name, counts)
        else:
            raise InputError(f"{path} does not exist; wanted a folder, tar or Parquet file with copies for --adopt")
    return found, dict(sorted(counts.items()))


def serves(copy: Copy, start_s: float, end_s: float) -> bool:
    """Tell whether a copy may hold a segment, by the times that it names."""
    if copy.start_s is None:
        return True
    if copy.end_s is None:
        return abs(copy.start_s - start_s) <= _SAME_S
    return copy.start_s - _SAME_S <= start_s and end_s <= copy.end_s + _SAME_S


def taken(copy: Copy, start_s: float, end_s: float, rate_hz: int) -> Cut:
    """Take a segment (seconds of the video) out of a copy.

    Raises:
        CutError: the copy cannot be read or decoded.
        Refused: it ends before the segment does ("short"), or nothing tells where in it the segment lies ("ambiguous").
    """
    if not serves(copy, start_s, end_s):
        raise Refused("ambiguous", f"{copy.where} is another part of the video")
    length_s = end_s - start_s
    if copy.start_s is None:
        return _of_unnamed_part(copy, start_s, end_s, rate_hz)
    begin_s = max(0.0, start_s - copy.start_s)
    part_s = length_s if copy.end_s is None else copy.end_s - copy.start_s
    segment, last, beyond = _cuts(
        copy, [(begin_s, begin_s + length_s), _just_before(part_s), _just_after(part_s)], rate_hz
    )
    if beyond.heard_s:
        raise Refused("ambiguous", f"{copy.where} lasts longer than the {part_s:.3f} s that its name promises")
    if not last.heard_s:
        raise Refused("short", f"{copy.where} lasts {last.stream_s:.3f} s of the {part_s:.3f} s that its name promises")
    return segment


def _of_unnamed_part(copy: Copy, start_s: float, end_s: float, rate_hz: int) -> Cut:
    """Take a segment out of a copy that may be the segment or the whole video, as its length tells."""
    length_s = end_s - start_s
    wanted = [(0.0, length_s), _just_before(length_s), _just_after(length_s), (start_s, end_s), _just_before(end_s)]
    segment, last, beyond, within, end = _cuts(copy, wanted, rate_hz)
    lasts = f"{copy.where} lasts {end.stream_s:.3f} s"
    if not last.heard_s:
        raise Refused("short", f"{lasts}, less than the {length_s:.3f} s of the segment")
    if start_s == 0 or (beyond.heard_s and end.heard_s):
        return within
    if not beyond.heard_s and not end.heard_s:
        return segment
    told = "longer than the segment and over before its end" if beyond.heard_s else "the segment or the whole video"
    raise Refused("ambiguous", f"{lasts}: {told}")


def _cuts(copy: Copy, segments: Sequence[tuple[float, float]], rate_hz: int) -> list[Cut]:
    try:
        with copy.open() as file:
            return cut(file, segments, rate_hz)
    except OSError as error:
        raise CutError(f"{copy.where} cannot be read: {error.strerror or error}") from None


def _just_before(moment_s: float) -> tuple[float, float]:
    """Return a short piece that is heard of every stream that lasts until a moment, or nearly so."""
    return max(0.0, moment_s - LACKING_S - _PROBE_S), max(_PROBE_S, moment_s - LACKING_S)


def _just_after(moment_s: float) -> tuple[float, float]:
    """Return a short piece that is heard only of streams that go on after a moment by more than padding."""
    return moment_s + _LONGER_S, moment_s + _LONGER_S + _PROBE_S


def _in_folder(root: Path, counts: Counter[str]) -> Iterator[Copy]:
    def unreadable(_: OSError) -> None:
        counts["a folder that may not be read"] += 1

    for folder, within, names in os.walk(root, onerror=unreadable):
        within.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield from _of_file(path, path.relative_to(root).as_posix(), counts)
            else:
                counts["a link that leads nowhere, a pipe or the like"] += 1


def _of_file(path: Path, where: str, counts: Counter[str]) -> Iterator[Copy]:
    """Yield the copies that one file is or holds."""
    where = _printable(where)
    stem, extension = stem_and_extension(path.name)
    if extension == "tar":
        for name, said, opened in in_tar(path, counts):
            yield Copy(said.ytid, said.start_s, said.end_s, f"{where}!{_printable(name)}", opened)
    elif extension == "parquet":
        for row, said, opened in in_parquet(path, counts):
            yield Copy(said.ytid, said.start_s, said.end_s, f"{where}#{row}", opened)
    elif reason := why_not(path.name, path.stat().st_size):
        counts[reason] += 1
    elif found := agreed(by_name(stem), _sidecar(path, stem)):
        yield Copy(found.ytid, found.start_s, found.end_s, where, partial(_file, path))
    else:
        counts[NO_ID] += 1


def _file(path: Path) -> BinaryIO:
    return path.open("rb")


def _sidecar(path: Path, stem: str) -> Said | None:
    """Return what the JSON file says that lies beside a copy under its name."""
    for name in (f"{stem}.json", f"{stem}.info.json", f"{path.name}.json"):
        beside = path.with_name(name)
        with suppress(OSError):
            if beside.is_file():  # a pipe would be waited for
                with beside.open("rb") as file:
                    return said_in_json(file)
    return None


def _printable(name: str) -> str:
    """Write a name as UTF-8, with backslashes for bytes that are none."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
