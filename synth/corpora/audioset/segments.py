"""The lists of segments: ``id, 30.000, 40.000, "mid,mid"``, as Google publishes them and as copies of them are met.

Blocks of clean rows are parsed by Arrow (clean.py), others row by row (damaged.py); what a file is follows from its form,
not from its name. Every data row is either used or in ``skipped`` with its line and the reason; a file of which nothing
can be used, or whose times are wrong throughout, is refused with the counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.corpora.audioset import clean, damaged, within
from synth.corpora.audioset.lines import LONGEST_LINE, Block, blocks
from synth.corpora.audioset.repeats import Repeats, repeats
from synth.corpora.audioset.spread import Spread
from synth.corpora.walk import shown
from synth.errors import InputError
from synth.units import counted

SUBSETS = ("balanced", "eval", "unbalanced")
MOST_LISTED = 100_000  # skipped rows that are kept one by one; all are counted
_SAMPLE_LINES = 400
_PIECE_BYTES = 1 << 15
_DIGIT = re.compile(r"[0-9]")
_CLAIM = re.compile(r"num_([a-z_]+)\s*=\s*([0-9]+)")
_SHEET_ROWS = (65_536, 1_048_576)
# what the real files say of themselves: number of segments, and when they were made
_SIZES = {22_160: "balanced", 20_371: "eval", 2_041_789: "unbalanced"}
_DATES = {"10:54:31": "balanced", "10:54:25": "eval", "10:56:58": "unbalanced"}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A data row that is not used: its line in the file (from 1), the kind of damage in a word, the reason."""

    line: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Segments:
    """n segments of one file.

    Attributes:
        name: the file as it is named in messages.
        subset: balanced, eval, unbalanced, or None where neither its header nor its name tells.
        ytid: YouTube ids, (n,) of 11 bytes.
        start_s, end_s: of the segment in the video, (n,) in seconds.
        offsets: (n + 1,); the labels of segment i are ``codes[offsets[i]:offsets[i + 1]]``.
        codes: positions in ``mids``.
        mids: the labels met in this file.
        lines: line of each segment in the file, (n,), from 1.
        used: data rows used; more than n where each row held one label of a segment.
        skipped: rows not used, by line, at most ``MOST_LISTED``; ``counts`` has all of them by kind.
        claims: what the header says: num_segs, num_ytids, num_unique_labels, num_positive_labels.
        notes: sentences on what is odd about the file as a whole.
    """

    name: str
    subset: str | None
    ytid: NDArray[np.bytes_]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    offsets: NDArray[np.int64]
    codes: NDArray[np.int32]
    mids: tuple[str, ...]
    lines: NDArray[np.int32]
    used: int
    skipped: tuple[Skipped, ...]
    counts: Mapping[str, int]
    claims: Mapping[str, int]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ytid)

    @property
    def found(self) -> int:
        """The number of data rows in the file, used or not."""
        return self.used + sum(self.counts.values())

    @property
    def partial(self) -> bool:
        """Whether the header claims more rows than are there."""
        return self.found < self.claims.get("num_segs", 0)

    def labels(self, row: int) -> tuple[str, ...]:
        """Return the mids of one segment, in the order of the file."""
        return tuple(self.mids[code] for code in self.codes[self.offsets[row] : self.offsets[row + 1]])


def read(path: Path, names: Mapping[str, str] | None = None) -> Segments:
    """Read a list of segments: plain, .gz, .xz or .bz2, clean or damaged.

    Args:
        path: the file.
        names: the mid of each class by its display name in lower case, for copies that hold names; without it their
            rows are skipped.

    Raises:
        InputError: the file is missing, damaged as a whole, or not such a list; with the number of rows by reason.
    """
    reader = _Reader(shown(str(path)), names or {})
    stream = blocks(path)
    early: list[Block] = []
    sample: list[str] = []
    for block in stream:
        early.append(block)
        sample += block.data[: 1 << 18].decode("utf-8", "replace").splitlines()[:_SAMPLE_LINES]
        if len(sample) >= _SAMPLE_LINES:
            break
    inside = within.why(sample)
    if inside:
        raise InputError(
            f"{reader.name} holds labels with times within a clip: {inside}. A segment has the seconds of the video; "
            f"wanted a list of segments, which has the same clips: {within.LISTS}"
        )
    form = damaged.layout(sample)
    if form is None:
        first = next((line for line in sample if line.strip()), None)
        found = f"its first line is {first[:80]!r}" if first else "it is empty"
        raise InputError(
            f"{reader.name} is no list of AudioSet segments: {found}; wanted rows such as "
            '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"'
        )
    for block in [*early, *stream]:
        reader.add(block, form)
    return reader.finished(path.name)


def looks_like(path: Path) -> bool:
    """Tell whether a file begins like a list of segments. Raises InputError where it cannot be read."""
    for block in blocks(path):
        sample = block.data[: 1 << 16].decode("utf-8", "replace").splitlines()
        return damaged.layout(sample) is not None and within.why(sample) is None
    return False


@dataclass(slots=True)
class _Reader:
    """Gathers the rows of block after block."""

    name: str
    names: Mapping[str, str]
    rows: list[clean.Rows] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    heads: int = 0
    subsets: set[str] = field(default_factory=set)
    prefixed: list[int] = field(default_factory=list)  # lines of rows with a Y before the id
    spread: Spread = field(default_factory=Spread)
    separator: str = " "  # of the last clean block
    last: int = 0  # line

    def add(self, block: Block, form: damaged.Layout) -> None:
        """Add a block of lines."""
        self.last = block.first + block.count - 1
        if block.passed_over:
            self.skip(block.first, "too-long", f"is a line of {block.passed_over:,} bytes")
            return
        data, first = block.data, block.first
        if not block.ended or form != damaged.Layout(form.separator):
            self.slowly(data, first, form, block.ended)
            return
        while data and (first == 1 or self.heads) and first < 10:  # the lines of the header
            line, _, rest = data.partition(b"\n")
            if not self.head(line.decode("utf-8", "replace")):
                break
            data, first = rest, first + 1
        if self.quickly(data, first, block.first + block.count - first, form):
            return
        while data:  # a broken row costs no more than the piece that it is in
            end = data.find(b"\n", _PIECE_BYTES) + 1 or len(data)
            piece, data = data[:end], data[end:]
            count = piece.count(b"\n")
            if not self.quickly(piece, first, count, form):
                self.slowly(piece, first, form)
            first += count

    def quickly(self, data: bytes, first: int, count: int, form: damaged.Layout) -> bool:
        """Read clean rows; return whether they were."""
        for separator in dict.fromkeys((self.separator, *((" ", ",") if form.separator == "," else form.separator))):
            rows = clean.parse(data, first, count, separator)
            if rows is not None:
                self.separator = separator
                self.keep(rows)
                return True
        return False

    def slowly(self, data: bytes, first: int, form: damaged.Layout, ended: bool = True) -> None:
        """Read a block row by row."""
        kept: list[tuple[int, damaged.Row]] = []
        lines = data.decode("utf-8", "replace").split("\n")
        for number, raw in enumerate(lines[:-1] if ended else lines, first):
            line = raw.rstrip("\r")
            if not line.strip(" ,;\t\r\"'|"):
                continue
            if len(line) > LONGEST_LINE:
                self.skip(number, "too-long", f"is a line of {len(raw):,} characters")
                continue
            try:
                kept.append((number, damaged.read(line, form, self.names, ended)))
            except damaged.Unread as error:
                if not self.head(line) and (number > 1 or _DIGIT.search(line)):  # a header in words of its own
                    self.skip(number, error.kind, str(error))
        if not kept:
            return
        words: dict[str, int] = {}
        codes = [words.setdefault(mid, len(words)) for _, row in kept for mid in row.labels]
        self.prefixed += [number for number, row in kept if row.prefixed]
        for number, row in kept:
            if row.fields:
                self.spread.add(number, row)
        self.keep(
            clean.Rows(
                np.array([row.ytid.encode() for _, row in kept], f"S{clean.ID_LENGTH}"),
                np.array([row.start_s for _, row in kept]),
                np.array([row.end_s for _, row in kept]),
                np.array([len(row.labels) for _, row in kept], np.int32),
                np.array(codes, np.int32),
                list(words),
                np.array([number for number, _ in kept], np.int32),
            )
        )

    def head(self, line: str) -> bool:
        """Take what a header line says; return whether it was one."""
        if not damaged.is_head(line):
            return False
        self.heads += 1
        claims = {f"num_{what}": int(number) for what, number in _CLAIM.findall(line)}
        self.claims.update(claims)
        told = _SIZES.get(claims.get("num_segs", 0)) or next((s for date, s in _DATES.items() if date in line), None)
        if told:
            self.subsets.add(told)
        return True

    def skip(self, line: int, kind: str, reason: str) -> None:
        """Note a data row that is not used."""
        self.counts[kind] += 1
        if len(self.skipped) < MOST_LISTED:
            self.skipped.append(Skipped(line, kind, reason))

    def keep(self, rows: clean.Rows) -> None:
        """Keep rows; their words get the codes of the whole file."""
        codes = np.array([self.words.setdefault(word, len(self.words)) for word in rows.words], np.int32)
        self.rows.append(
            clean.Rows(rows.ytid, rows.start_s, rows.end_s, rows.counts, codes[rows.codes], [], rows.lines)
        )

    def finished(self, file_name: str) -> Segments:
        """Judge the file as a whole. Raises InputError where it is refused."""
        self.refuse_thousandfold()
        if not self.rows:
            raise InputError(f"{self.name}: {self.of_what()}")
        ytid, start_s, end_s, counts, codes, lines = (
            np.concatenate([getattr(rows, name) for rows in self.rows])
            for name in ("ytid", "start_s", "end_s", "counts", "codes", "lines")
        )
        self.rows.clear()
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        good = np.ones(len(ytid), np.bool_)
        notes: list[str] = []
        for line, kind, reason in [
            *self.odd_ids(len(ytid)),
            *self.spread.perhaps_cut(int(offsets[-1]), self.claims, notes),
        ]:
            good[np.searchsorted(lines, line)] = False
            self.skip(line, kind, reason)
        again = repeats(ytid, start_s, end_s, offsets, codes, good)
        used = int(good.sum())
        if again is not None:
            for row, kind, says in again.skipped:
                self.skip(int(lines[row]), kind, says(lines))
            used -= len(again.skipped)
            good, codes, offsets = _merged(again, codes, offsets)
        if not good.all():
            kept = np.repeat(good, np.diff(offsets))
            offsets = np.concatenate([[0], np.cumsum(np.diff(offsets)[good], dtype=np.int64)])
            ytid, start_s, end_s, lines, codes = ytid[good], start_s[good], end_s[good], lines[good], codes[kept]
        if not len(ytid):
            raise InputError(f"{self.name}: {self.of_what()}")
        self.skipped.sort(key=lambda one: one.line)
        subset = self.subset(file_name, notes)
        notes[:0] = self.claimed(used + sum(self.counts.values()))
        return Segments(
            self.name, subset, ytid, start_s, end_s, offsets, codes, tuple(self.words), lines, used,
            tuple(self.skipped), dict(self.counts), dict(self.claims), tuple(notes),
        )  # fmt: skip

    def refuse_thousandfold(self) -> None:
        """Raise InputError where the times of more than a tenth of the rows are a thousandfold."""
        wrong = self.counts["times-thousandfold"]
        total = sum(len(rows.ytid) for rows in self.rows) + sum(self.counts.values())
        if wrong * 10 > total:
            example = next(one for one in self.skipped if one.kind == "times-thousandfold")
            raise InputError(
                f"{self.name}: the times of {wrong:,} of {counted(total, 'row')} are a thousandfold (line {example.line} "
                f"{example.reason}): decimal points were taken for thousands separators, or these are milliseconds. "
                "Nothing of this file is used; get the original list, or divide its times by 1000"
            )

    def of_what(self) -> str:
        """Say that nothing can be used, and why, with counts and the first line of each kind."""
        total = sum(self.counts.values())
        if not total:
            return 'holds a header and no rows; wanted rows such as --PJHxphWEs, 30.000, 40.000, "/m/09x0r"'
        first = {one.kind: one for one in reversed(self.skipped)}
        why = "; ".join(
            f"{count:,} {kind} (line {first[kind].line} {first[kind].reason})" if kind in first else f"{count:,} {kind}"
            for kind, count in self.counts.most_common()
        )
        return f"none of its {counted(total, 'row')} can be used: {why}. Get the original list"

    def odd_ids(self, n: int) -> Iterator[tuple[int, str, str]]:
        """Yield the rows whose 12 characters may be no id: unless every row of the file has a Y before its id."""
        if len(self.prefixed) < max(n, 2):
            for line in self.prefixed:
                yield line, "id", "has an id of 12 characters: wanted 11 of A-Z a-z 0-9 _ -"

    def claimed(self, found: int) -> Iterator[str]:
        """Yield what the header claims and the rows do not hold."""
        claim = self.claims.get("num_segs")
        if claim and claim != found:
            what = "partial" if found < claim else "more than the header says"
            yield f"{what}: {counted(found, 'row')}, its header claims {claim:,}"
        elif not claim and self.last in _SHEET_ROWS:
            yield f"ends at line {self.last:,}, where spreadsheets end: rows may be missing"

    def subset(self, file_name: str, notes: list[str]) -> str | None:
        """Return which of AudioSet's files this is: by its header, else by its name."""
        if len(self.subsets) > 1:
            notes.append(f"holds the headers of {' and '.join(sorted(self.subsets))}: its subset is not known")
            return None
        if self.subsets:
            return next(iter(self.subsets))
        found = [name for name in SUBSETS if re.search(rf"(?<![a-z]){name}", file_name.lower())]
        return found[0] if len(found) == 1 else None


def _merged(
    again: Repeats, codes: NDArray[np.int32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int32], NDArray[np.int64]]:
    """Return which rows stay, and their labels where several rows held one label each of a segment."""
    if not again.merged:
        return again.good, codes, offsets
    sets = [codes[offsets[i] : offsets[i + 1]] for i in range(len(offsets) - 1)]
    for first, others in again.merged.items():
        sets[first] = np.array(list(dict.fromkeys(int(codes[offsets[row]]) for row in (first, *others))), np.int32)
    return (
        again.good,
        np.concatenate(sets),
        np.concatenate([[0], np.cumsum([len(one) for one in sets], dtype=np.int64)]),
    )
