"""The journal of a review: one line per decision, on the disk before it is confirmed.

It lies beside the VERDICTS file and is folded into it when a review ends, or when the next one begins after a crash.
Folding twice gives the same table, so that a crash between the two steps of a fold does no harm.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from synth.errors import InputError
from synth.publishing.review.decisions import SAYS, Decision, latest, recorded, with_decisions
from synth.store import locks, parquet
from synth.tables import VERDICTS

MADE_BY = "synth clean sources.parquet -o verdicts.parquet"


def journal_of(verdicts: Path) -> Path:
    """Return where the journal of a VERDICTS file lies."""
    return verdicts.with_name(verdicts.name + ".journal")


def pending(verdicts: Path) -> list[Decision]:
    """Return the decisions that are not yet in the VERDICTS file, in order.

    The last line may have been cut by a crash: it was not confirmed to anyone and does not count. Raises InputError for
    any other line that is no decision.
    """
    path = journal_of(verdicts)
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line's end was never confirmed
    out = []
    for number, line in enumerate(lines, 1):
        try:
            decision = recorded(json.loads(line))
            known = decision.verdict is None or decision.verdict in SAYS
        except (ValueError, TypeError):
            known = False
        if not known:
            raise InputError(
                f"{path}, line {number}: {line[:80]!r} is no decision of a review; wanted a JSON object a line. The file "
                "is damaged: take out that line and run the same command again, all other decisions are kept"
            )
        out.append(decision)
    return out


def checked(verdicts: Path) -> None:
    """Raise InputError where there is no VERDICTS file, before anything is written beside it."""
    parquet.opened(verdicts, VERDICTS, MADE_BY)


def read(verdicts: Path) -> pa.Table:
    """Read a VERDICTS table with the decisions that a crash left in its journal. Raises InputError."""
    return with_decisions(parquet.read(verdicts, VERDICTS, MADE_BY), latest(pending(verdicts)))


def fold(verdicts: Path, more: list[Decision] | None = None) -> int:
    """Put the journal's decisions (and ``more``) into the VERDICTS file and remove the journal; return how many there were.

    The caller holds the lock of the folder; a ``synth clean`` that writes the same file now is waited for. Raises InputError.
    """
    with locks.briefly(verdicts):
        decisions = latest([*pending(verdicts), *(more or [])])
        if decisions:
            parquet.write(with_decisions(parquet.read(verdicts, VERDICTS, MADE_BY), decisions), verdicts)
        journal_of(verdicts).unlink(missing_ok=True)
    return len(decisions)


class Journal:
    """Appends decisions; each is on the disk when :meth:`append` returns. For several threads; a context manager."""

    def __init__(self, verdicts: Path) -> None:
        self._path = journal_of(verdicts)
        self._lock = threading.Lock()
        self._file: int | None = None

    def __enter__(self) -> Journal:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(self._path, flags, 0o644)
        if os.name == "posix":  # the new name is on the disk as well
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    def append(self, decision: Decision) -> None:
        """Store one decision. Raises OSError when it cannot be stored, or when the review has ended."""
        line = json.dumps(asdict(decision), ensure_ascii=True).encode() + b"\n"
        with self._lock:
            if self._file is None:
                raise OSError("the review has ended; start it again to go on")
            size = os.fstat(self._file).st_size
            try:
                if os.write(self._file, line) != len(line):
                    raise OSError("the disk is full")
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, size)  # half a line must not stand before the next one
                raise
