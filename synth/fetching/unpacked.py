"""Unpack a tar.gz or zip that may be hostile: plain files and folders within one folder, or nothing.

A member that would leave the folder, a link, a device, two names that are one where case does not count, and more than
ten times the archive's size are refused, whatever the checksum said: an archive is the work of strangers.
"""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from synth.errors import FULL, InputError, disk_full
from synth.store import atomic
from synth.units import size

Progress = Callable[[str, int, int], None]
MOST_TIMES, MOST_LEAST = 10, 16 << 20  # bytes unpacked: so many times the archive's, and of a tiny one so many
MOST_MEMBERS = 2_000_000
_MOST_DEPTH, _MOST_NAME = 32, 255
_BLOCK = 1 << 20
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, NotImplementedError, struct.error),  # what the two libraries raise at bytes that make no sense
)


class UnsafeError(InputError):
    """An archive that is not what corpora are published as; nothing of it stays unpacked."""


@contextmanager
def unpacking(archive: Path, beside: Path, progress: Progress, name: str | None = None) -> Iterator[Path]:
    """Yield a temporary folder, beside ``beside``, with everything that is in ``archive``; it is removed afterwards.

    ``name`` is what the archive is called, where its file is called something else (…tar.gz.part): it tells the kind.
    Raises UnsafeError, or InputError for a damaged archive or a full disk.
    """
    name = name or archive.name
    temporary = beside / f"{atomic.PREFIX}{os.getpid()}-{name}"
    temporary.mkdir()
    try:
        _unpack(archive, _Writer(temporary, name, max(MOST_LEAST, MOST_TIMES * archive.stat().st_size)), progress)
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def place(found: Path, target: Path) -> None:
    """Move what lies in ``found`` to ``target``: whole folders at once, into folders that are there file by file.

    A file that is there with the same size stays as it is. Nothing is ever seen half-written.
    """
    if hasattr(os, "sync"):  # one flush of everything, before anything gets its name
        os.sync()
    _place(found, target)


def _place(found: Path, target: Path) -> None:
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        found.rename(target)
        return
    for path in sorted(found.iterdir(), key=lambda path: (path.is_dir(), path.name)):  # a corpus' tables come first
        there = target / path.name
        if path.is_dir():
            _place(path, there)
        elif not there.is_file() or there.stat().st_size != path.stat().st_size:
            path.replace(there)


def parts(name: str) -> tuple[str, ...]:
    """Return the parts of a member's path, below whatever folder it is unpacked into; raise ValueError, saying why,
    for a name that could lead anywhere else, or that is none on some systems. A name of dots is the folder itself: ().
    """
    if not name.isprintable() or not name:
        raise ValueError("holds characters that are no text")
    if name.startswith("/") or "\\" in name or ":" in name:
        raise ValueError("is absolute, or is so on some systems")
    found = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in found:
        raise ValueError("leaves the folder")
    if len(found) > _MOST_DEPTH or any(len(part.encode()) > _MOST_NAME for part in found):
        raise ValueError("is too long")
    return found


def _unpack(archive: Path, writer: _Writer, progress: Progress) -> None:
    try:
        (_unzip if writer.archive.endswith(".zip") else _untar)(archive, writer, progress)
    except _DAMAGE as damage:
        raise _damaged(writer.archive, damage) from None
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(writer.folder / writer.archive, error) from error
        if error.errno == errno.EINVAL:  # a zip whose table points before its beginning
            raise _damaged(writer.archive, error) from None
        raise


def _damaged(archive: str, why: Exception) -> InputError:
    return InputError(f"{archive} is damaged: {str(why) or type(why).__name__}; nothing was unpacked")


@dataclass(slots=True)
class _Writer:
    """Writes members below a new, empty folder that nobody else knows, and keeps to the limits."""

    folder: Path
    archive: str
    most_bytes: int
    written: int = 0
    members: int = 0
    spelled: dict[str, tuple[str, bool]] = field(default_factory=dict)  # by what it is where case does not count

    def folder_of(self, name: str) -> None:
        """Make a folder."""
        self._target(name, folder=True).mkdir(parents=True, exist_ok=True)

    def file_of(self, name: str, content: IO[bytes]) -> None:
        """Write a file, once."""
        target = self._target(name, folder=False)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while block := content.read(_BLOCK):
                self.count(len(block))
                out.write(block)

    def count(self, more: int) -> None:
        """Count unpacked bytes; raise UnsafeError where they are too many."""
        self.written += more
        if self.written > self.most_bytes:
            raise UnsafeError(
                f"{self.archive} unpacks to more than {size(self.most_bytes)}, far more than its size allows "
                "for; nothing was unpacked"
            )

    def refuse(self, name: str, why: str) -> UnsafeError:
        """Return the error for a member."""
        shown = ascii(name if len(name) <= 100 else f"{name[:100]}…")
        return UnsafeError(f"{self.archive}: its member {shown} {why}; nothing was unpacked")

    def _target(self, name: str, *, folder: bool) -> Path:
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise UnsafeError(f"{self.archive} has more than {MOST_MEMBERS:,} members; nothing was unpacked")
        try:
            found = parts(name)
        except ValueError as why:
            raise self.refuse(name, str(why)) from None
        if not found and not folder:
            raise self.refuse(name, "is a file without a name")
        path = ""
        for depth, part in enumerate(found, 1):
            path = f"{path}/{part}" if path else part
            is_folder = folder or depth < len(found)
            key = unicodedata.normalize("NFKC", path).casefold()
            if key not in self.spelled:
                self.spelled[key] = (path, is_folder)
            elif self.spelled[key] != (path, True) or not is_folder:
                raise self.refuse(name, f"is there already, as {self.spelled[key][0]!a}")
        return self.folder.joinpath(*found)


class _Unzipped(gzip.GzipFile):
    """A stream that counts what is read from it: headers that unpack to gigabytes count like files."""

    def __init__(self, file: IO[bytes], writer: _Writer) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._writer = writer

    def read(self, size: int | None = -1) -> bytes:
        """Read so many bytes, fewer at the end."""
        block = super().read(size)
        self._writer.count(len(block))
        return block


def _untar(archive: Path, writer: _Writer, progress: Progress) -> None:
    counted = _Writer(writer.folder, writer.archive, writer.most_bytes)  # of the stream, files included
    size = archive.stat().st_size
    with archive.open("rb") as raw, _Unzipped(raw, counted) as stream:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK) as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # or it would keep every member's header: 150,000 of them
                if member.isdir():
                    writer.folder_of(member.name)
                else:
                    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
                    content = tar.extractfile(member) if plain else None
                    if content is None:
                        raise writer.refuse(member.name, "is a link, a device or the like")
                    with content:
                        writer.file_of(member.name, content)
                progress(f"unpacking {writer.archive}", raw.tell(), size)
        while stream.read(_BLOCK):  # to the end, where gzip's own checksum is
            pass
        progress(f"unpacking {writer.archive}", size, size)


def _unzip(archive: Path, writer: _Writer, progress: Progress) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        total = sum(member.compress_size for member in members) or 1
        done = 0
        for member in members:
            name = member.orig_filename  # zipfile cuts its own at a NUL
            kind = stat.S_IFMT(member.external_attr >> 16) if member.create_system == 3 else 0
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise writer.refuse(name, "is a link, a device or the like")
            if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise writer.refuse(name, "is encrypted, or packed in a way that corpora are not")
            if name.endswith("/"):
                writer.folder_of(name)
            else:
                with opened.open(member) as content:
                    writer.file_of(name, content)
            done += member.compress_size
            progress(f"unpacking {writer.archive}", done, total)
