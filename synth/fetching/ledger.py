"""The ledger: one row per segment asked for, safe against being killed at any moment.

``ledger.parquet`` is only ever replaced whole. What happened since it was written stands in ``ledger.journal`` beside
it, one JSON line per row, flushed to the disk before the next item begins. Whoever opens the ledger reads both: the
later row of an item wins, and a last line without its end was never recorded. A journal is folded into the table now
and then, when the ledger is opened, and when it is closed; then no journal is left. One writer at a time: the caller
holds the folder's lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any

import pyarrow as pa

from synth.errors import InputError, disk_full
from synth.fetching import messages
from synth.fetching.items import Wanted
from synth.store import parquet
from synth.tables import FORMAT_VERSION, LEDGER

NAME = "ledger.parquet"
JOURNAL = "ledger.journal"
FOLD_ROWS = 2000  # of the journal, after which it is folded in


@dataclass(frozen=True, slots=True)
class Row:
    """One row; the fields are the columns of ``tables.LEDGER``."""

    item_id: str
    ytid: str
    start_s: float
    end_s: float
    labels: tuple[str, ...] = ()
    mids: tuple[str, ...] = ()
    subset: str | None = None
    status: str = messages.NEVER_ASKED
    permanent: bool | None = None
    message: str | None = None
    attempts: int = 0
    time: str | None = None
    path: str | None = None
    sha256: str | None = None
    rate_hz: int | None = None
    frames: int | None = None
    format_id: str | None = None
    codec: str | None = None
    priming: str | None = None
    adopted_from: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the clip is there, and the video was when it was last asked for."""
        return self.status == "ok"


def row_of(wanted: Wanted) -> Row:
    """Return the row of a segment that nobody has asked for yet: ``pending``, ``permanent`` null, no attempt."""
    return Row(
        _text(wanted.item_id),
        _text(wanted.ytid),
        wanted.start_s,
        wanted.end_s,
        tuple(map(_text, wanted.labels)),
        tuple(map(_text, wanted.mids)),
        None if wanted.subset is None else _text(wanted.subset),
    )


class Ledger:
    """The rows of a folder by item id, in the order in which they were first asked for; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._table, self._path = folder / NAME, folder / JOURNAL
        self._rows = known(folder)
        self._lock = Lock()
        self._journal: IO[bytes] | None = None
        self._open, self._new = True, 0
        if self._path.exists():
            self._fold()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __getitem__(self, item_id: str) -> Row:
        return self._rows[item_id]

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def expect(self, wanted: Iterable[Wanted]) -> list[Row]:
        """Return the row of every segment, new ones for those that were never asked for, and write the table.

        A segment that now ends elsewhere is another one: its clip is not what is wanted, and it is requested again.
        """
        found, changed = [], not self._table.exists()
        with self._lock:
            for item in wanted:
                known = self._rows.get(_text(item.item_id))
                if known is None or known.end_s != item.end_s:
                    row = row_of(item)
                else:
                    row = _with_labels(known, item)
                if row is not known:
                    self._rows[row.item_id] = row
                    changed = True
                found.append(row)
            if changed:
                self._fold()
        return found

    def record(self, row: Row) -> None:
        """Put a row on the disk; when this returns, it is not lost any more. InputError when the disk is full."""
        line = json.dumps(asdict(row), ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if not self._open:
                raise ValueError("the ledger is closed")
            if self._journal is None:
                self._journal = self._path.open("ab")
            good = self._journal.tell()
            try:
                self._journal.write(line)
                self._journal.flush()
                os.fsync(self._journal.fileno())
            except OSError as error:
                self._open = False  # what came after half a line could not be read
                os.truncate(self._path, good)
                raise disk_full(self._path, error) from error
            self._rows[row.item_id] = row
            self._new += 1
            if self._new >= FOLD_ROWS:
                self._fold()

    def close(self) -> None:
        """Fold the journal in and remove it; nothing can be recorded afterwards."""
        with self._lock:
            self._open = False
            if self._new:
                self._fold()

    def _fold(self) -> None:
        if self._journal is not None:
            with suppress(OSError):  # what it could not write was cut off again
                self._journal.close()
            self._journal = None
        parquet.write(table_of(self._rows.values()), self._table)
        self._path.unlink(missing_ok=True)
        self._new = 0


def known(folder: Path) -> dict[str, Row]:
    """Return the rows of a folder's ledger and journal by item id, without a change to either; none where there is none.

    Raises InputError as opening the ledger does.
    """
    rows = {row.item_id: row for row in _stored(folder / NAME)}
    rows.update((row.item_id, row) for row in journalled(folder / JOURNAL))
    return rows


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Return rows as a table with the columns of ``tables.LEDGER``."""
    schema = LEDGER.schema({"table": "ledger", "format_version": FORMAT_VERSION, "yt_dlp": version("yt-dlp")})
    listed = list(rows)
    columns = [pa.array([getattr(row, field.name) for row in listed], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def journalled(path: Path) -> list[Row]:
    """Return the rows of a journal in the order of recording; none where there is no journal.

    A last line without its end was cut off while it was written, and is not there. Raises InputError for any other
    line that is no row.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    rows = []
    for k, line in enumerate(lines):
        try:
            rows.append(_row(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            if k == len(lines) - 1:
                break
            raise InputError(
                f"{path}, line {k + 1} of {len(lines)} is no row of a ledger ({error}); remove that line, or the file "
                "with the latest answers in it, and run the same command again"
            ) from None
    return rows


def _stored(path: Path) -> Iterator[Row]:
    if not path.exists():
        return
    table = parquet.read(path, LEDGER, "synth fetch-audioset --label LABEL").select(_NAMES)
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        columns = [column.to_pylist() for column in batch.columns]
        for name in _LISTS:
            at = _NAMES.index(name)
            columns[at] = [tuple(texts or ()) for texts in columns[at]]
        yield from map(Row, *columns)


def _row(values: dict[str, Any]) -> Row:
    """Return the row of a line of the journal."""
    lists = {name: tuple(values[name]) for name in _LISTS}
    return Row(**(values | lists))


def _with_labels(known: Row, wanted: Wanted) -> Row:
    """Return the row with the labels of a new selection, where that names any; itself where nothing changes."""
    new = row_of(wanted)
    labels, mids, subset = new.labels or known.labels, new.mids or known.mids, new.subset or known.subset
    if (labels, mids, subset) == (known.labels, known.mids, known.subset):
        return known
    return replace(known, labels=labels, mids=mids, subset=subset)


def _text(text: str) -> str:
    """Return text that UTF-8 can hold: a damaged file may hold half of a character."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


_NAMES = [field.name for field in fields(Row)]
_LISTS = ("labels", "mids")
_BATCH_ROWS = 8192
