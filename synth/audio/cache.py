"""What this machine remembers between runs: measures by content hash, where roots lie, and the arena's table.

Nothing here is needed: delete the folder and everything is measured again. Nothing of it enters an output. Any number
of processes may use it at a time: SQLite lets one write and all read, and a pack gets its name when it is whole.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType

from platformdirs import user_cache_path

from synth.audio.decode import VERSION as DECODER
from synth.audio.measured import VERSION, Measured
from synth.errors import FULL, InputError, disk_full

FOLDER_VARIABLE = "SYNTH_CACHE_DIR"

_NAME = "index.sqlite"
_REMEMBER = "INSERT OR REPLACE INTO stamps VALUES (?, ?, ?, ?, ?, ?)"
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_COLUMNS = [field.name for field in fields(Measured)]
_VALUES = attrgetter(*_COLUMNS)  # astuple copies deeply, which takes as long as a tenth of decoding
_MEASURES = f"measures_{VERSION}_{DECODER}"  # each version has its own columns
_PACKS = f"packs_{DECODER}"
_TABLES = (
    "CREATE TABLE IF NOT EXISTS stamps (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, "
    "inode TEXT, sha256 TEXT)",
    "CREATE TABLE IF NOT EXISTS roots (name TEXT PRIMARY KEY, path TEXT)",
    f"CREATE TABLE IF NOT EXISTS {_MEASURES} ({', '.join(_COLUMNS)}, out_hz INTEGER, PRIMARY KEY (sha256, out_hz))",
    f"CREATE TABLE IF NOT EXISTS {_PACKS} (sha256 TEXT, out_hz INTEGER, pack TEXT, start_n INTEGER, length_n INTEGER, "
    "PRIMARY KEY (sha256, out_hz))",
)
_WAIT_S = 60.0  # for another process to finish writing
_MAY_NOT_GROW = (  # what SQLite says where a file would pass a limit of its size
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
)


def _stored(path: str) -> str | bytes:
    """Return a path as the table takes it: text, or bytes where it is no UTF-8."""
    encoded = os.fsencode(path)
    return path if path.isascii() or encoded.decode("utf-8", "ignore") == path else encoded


def _unusable(error: Exception) -> InputError:
    elsewhere = f"{FOLDER_VARIABLE}=PATH"
    says = getattr(error, "sqlite_errorcode", None)
    number = errno.ENOSPC if says == sqlite3.SQLITE_FULL else errno.EFBIG if says in _MAY_NOT_GROW else None
    if isinstance(error, OSError) and error.errno in FULL:
        number = error.errno
    if number is not None:
        return InputError(
            f"{disk_full(folder() / _NAME, OSError(number, ''))}. The cache may lie elsewhere: {elsewhere}"
        )
    return InputError(
        f"the cache in {folder()} cannot be used ({error}): delete that folder, all of it can be made again, or choose "
        f"another: {elsewhere}"
    )


def folder() -> Path:
    """Return the cache folder: ``$SYNTH_CACHE_DIR``, or the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("synth")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells an unchanged file without reading it.

    ``ctime_ns`` is when the file system last changed anything about it, which no program can set: a file that was put in
    its place, or rewritten, with the old size and time differs there (on Windows, where it is the time of creation,
    in the inode).
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Return the stamp of a file. Raises OSError where there is none."""
        found = path.stat()
        return cls(str(path.absolute()), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    @property
    def row(self) -> tuple[int, int, int, str]:
        """What is remembered of it beside its path; inodes of some file systems pass 64 bits."""
        return self.size, self.mtime_ns, self.ctime_ns, str(self.inode)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the samples of a recording lie in the arena: a pack's name, first sample, number of samples."""

    pack: str
    start_n: int
    length_n: int


class Cache:
    """The table of measures, one SQLite file; use as a context manager, from one thread."""

    def __init__(self) -> None:
        try:
            folder().mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(folder() / _NAME, timeout=_WAIT_S)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise _unusable(error) from error

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        if isinstance(error, sqlite3.Error):
            raise _unusable(error) from error

    def _prepare(self) -> None:
        """Make what is not there; a database that is whole is not written to.

        Turning to WAL is the one step for which SQLite does not wait: who finds another process at it tries again.
        """
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                for table in _TABLES:
                    self._db.execute(table)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _HELD or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def hashes(self, stamps: Sequence[Stamp]) -> list[str | None]:
        """Return the sha256 of each file whose stamp is as remembered, else None."""
        ask = self._db.cursor()
        out: list[str | None] = []
        for stamp in stamps:
            row = ask.execute(
                "SELECT size, mtime_ns, ctime_ns, inode, sha256 FROM stamps WHERE path = ?", (_stored(stamp.path),)
            ).fetchone()
            out.append(str(row[-1]) if row and row[:-1] == stamp.row else None)
        return out

    def known(self, sha256: str, out_hz: int) -> Measured | None:
        """Return the measures of a content hash at an output rate."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM {_MEASURES} WHERE sha256 = ? AND out_hz = ?"  # noqa: S608  # constants
        row = self._db.execute(query, (sha256, out_hz)).fetchone()
        return Measured(*row) if row else None

    def remember_hashes(self, items: Iterable[tuple[Stamp, str]]) -> None:
        """Remember the hash of files that were read."""
        rows = [(_stored(stamp.path), *stamp.row, sha) for stamp, sha in items]
        with self._db:
            self._db.executemany(_REMEMBER, rows)

    def remember(self, out_hz: int, items: Iterable[tuple[Stamp, Measured, Place | None]]) -> None:
        """Store measures and places in one transaction."""
        rows = list(items)
        marks = ", ".join("?" * (len(_COLUMNS) + 1))
        with self._db:
            for stamp, facts, place in rows:
                if not facts.sha256:
                    continue
                self._db.execute(_REMEMBER, (_stored(stamp.path), *stamp.row, facts.sha256))
                self._db.execute(
                    f"INSERT OR REPLACE INTO {_MEASURES} VALUES ({marks})",  # noqa: S608  # a constant, question marks
                    (*_VALUES(facts), out_hz),
                )
                if place:
                    self._db.execute(
                        f"INSERT OR REPLACE INTO {_PACKS} VALUES (?, ?, ?, ?, ?)",  # noqa: S608  # a constant
                        (facts.sha256, out_hz, place.pack, place.start_n, place.length_n),
                    )

    def places(self, out_hz: int) -> dict[str, Place]:
        """Return the arena's table at a rate, by content hash."""
        query = f"SELECT sha256, pack, start_n, length_n FROM {_PACKS} WHERE out_hz = ?"  # noqa: S608  # a constant
        return {row[0]: Place(*row[1:]) for row in self._db.execute(query, (out_hz,))}

    def roots(self) -> dict[str, Path]:
        """Return where each root was seen last."""
        return {name: Path(os.fsdecode(path)) for name, path in self._db.execute("SELECT name, path FROM roots")}

    def remember_root(self, name: str, path: Path) -> None:
        """Remember where a root lies now."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO roots VALUES (?, ?)", (name, _stored(str(path.absolute()))))
