"""One writer at a time in a folder; the lock names its owner and dies with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from synth.errors import FULL, InputError, disk_full

LOCK_NAME = ".synth.lock"
_OWNER_NAME = ".synth.owner"


@contextmanager
def writing(folder: Path, instead: str = "wait for it, or choose another --out") -> Iterator[None]:
    """Hold the lock of ``folder``, which is made if need be; raise InputError naming the owner when it is held.

    ``instead`` ends the message: what to do. The operating system frees the lock when its owner dies, so a killed run never
    blocks the next one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_NAME)
    owner = folder / _OWNER_NAME
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder} is being written by {_named(owner)}; {instead}") from None
    try:
        _say_who(owner)
        yield
    finally:
        owner.unlink(missing_ok=True)
        with suppress(PermissionError):  # Windows, where filelock removes it
            (folder / LOCK_NAME).unlink(missing_ok=True)  # while it is held: who has it open sees that it names no file
        lock.release()


@contextmanager
def briefly(path: Path) -> Iterator[None]:
    """Wait until nobody else reads and replaces the file ``path``, and keep others waiting for as long as the block takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.with_name(f".{path.name}.lock")
    with FileLock(name):
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows, where filelock removes it
                name.unlink(missing_ok=True)


def _say_who(owner: Path) -> None:
    try:
        owner.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
    except OSError as error:
        if error.errno in FULL:  # the system names no file where a write fails
            raise disk_full(owner, error) from error
        raise


def _named(owner: Path) -> str:
    try:
        return owner.read_text(encoding="utf-8") or "another process"
    except FileNotFoundError:  # not yet written, or no longer there
        return "another process"
