"""What this machine remembers between runs: measures by content hash, where roots lie, and the arena's table.

Nothing here is needed: delete the folder and everything is measured again. Nothing of it enters an output.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType

from platformdirs import user_cache_path

from synth.audio.measured import VERSION, Measured
from synth.errors import InputError

FOLDER_VARIABLE = "SYNTH_CACHE_DIR"

_COLUMNS = [field.name for field in fields(Measured)]
_TABLES = f"""
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT);
CREATE TABLE IF NOT EXISTS roots (name TEXT PRIMARY KEY, path TEXT);
CREATE TABLE IF NOT EXISTS measures (
    {", ".join(_COLUMNS)}, out_hz INTEGER, version INTEGER, PRIMARY KEY (sha256, out_hz, version));
CREATE TABLE IF NOT EXISTS arena (
    sha256 TEXT, out_hz INTEGER, pack TEXT, start_n INTEGER, length_n INTEGER, PRIMARY KEY (sha256, out_hz));
"""


def _stored(path: str) -> str | bytes:
    """Return a path as the table takes it: text, or bytes where it is no UTF-8."""
    encoded = os.fsencode(path)
    return path if path.isascii() or encoded.decode("utf-8", "ignore") == path else encoded


def _unusable(error: Exception) -> InputError:
    return InputError(
        f"the cache in {folder()} cannot be used ({error}): delete that folder, all of it can be made again, or choose "
        f"another: {FOLDER_VARIABLE}=PATH"
    )


def folder() -> Path:
    """Return the cache folder: ``$SYNTH_CACHE_DIR``, or the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("synth")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells an unchanged file without reading it."""

    path: str
    size: int
    mtime_ns: int


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
            self._db = sqlite3.connect(folder() / "index.sqlite", timeout=60)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_TABLES)
        except (sqlite3.Error, OSError) as error:
            raise _unusable(error) from error

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        if isinstance(error, sqlite3.Error):
            raise _unusable(error) from error

    def hashes(self, stamps: Sequence[Stamp]) -> list[str | None]:
        """Return the sha256 of each file whose size and time are as remembered, else None."""
        ask = self._db.cursor()
        out: list[str | None] = []
        for stamp in stamps:
            row = ask.execute(
                "SELECT size, mtime_ns, sha256 FROM files WHERE path = ?", (_stored(stamp.path),)
            ).fetchone()
            out.append(str(row[2]) if row and row[:2] == (stamp.size, stamp.mtime_ns) else None)
        return out

    def known(self, sha256: str, out_hz: int) -> Measured | None:
        """Return the measures of a content hash at an output rate."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM measures WHERE sha256 = ? AND out_hz = ? AND version = ?"  # noqa: S608  # constants
        row = self._db.execute(query, (sha256, out_hz, VERSION)).fetchone()
        return Measured(*row) if row else None

    def remember_hashes(self, items: Iterable[tuple[Stamp, str]]) -> None:
        """Remember the hash of files that were read."""
        rows = [(_stored(stamp.path), stamp.size, stamp.mtime_ns, sha) for stamp, sha in items]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)

    def remember(self, out_hz: int, items: Iterable[tuple[Stamp, Measured, Place | None]]) -> None:
        """Store measures and places in one transaction."""
        rows = list(items)
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        with self._db:
            for stamp, facts, place in rows:
                if not facts.sha256:
                    continue
                self._db.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                    (_stored(stamp.path), stamp.size, stamp.mtime_ns, facts.sha256),
                )
                self._db.execute(
                    f"INSERT OR REPLACE INTO measures VALUES ({marks})",  # noqa: S608  # question marks only
                    (*astuple(facts), out_hz, VERSION),
                )
                if place:
                    self._db.execute(
                        "INSERT OR REPLACE INTO arena VALUES (?, ?, ?, ?, ?)",
                        (facts.sha256, out_hz, place.pack, place.start_n, place.length_n),
                    )

    def places(self, out_hz: int) -> dict[str, Place]:
        """Return the arena's table at a rate, by content hash."""
        query = "SELECT sha256, pack, start_n, length_n FROM arena WHERE out_hz = ?"
        return {row[0]: Place(*row[1:]) for row in self._db.execute(query, (out_hz,))}

    def roots(self) -> dict[str, Path]:
        """Return where each root was seen last."""
        return {name: Path(os.fsdecode(path)) for name, path in self._db.execute("SELECT name, path FROM roots")}

    def remember_root(self, name: str, path: Path) -> None:
        """Remember where a root lies now."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO roots VALUES (?, ?)", (name, _stored(str(path.absolute()))))
