"""Write to a temporary name beside the target, flush, rename: a final name always holds a whole file."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synth.errors import FULL, InputError, disk_full

PREFIX = ".partial-"
_NUMBERS = itertools.count()  # threads of one process may write the same target at a time


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it to ``target`` when the block ends well, remove it otherwise.

    The temporary path may become a file or a folder. A full disk raises InputError with the space that is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{PREFIX}{os.getpid()}-{next(_NUMBERS)}-{target.name}")
    try:
        yield temporary
        if temporary.is_dir():
            _replace_folder(temporary, target)
        else:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(target, error) from error
        raise
    finally:
        _remove(temporary)


def to_file(out: str | Path, usual: str) -> Path:
    """Return the path of a table to be written, ``usual`` being its usual name; before long work, as it fails at the end.

    Raises InputError for a folder.
    """
    path = Path(out)
    if path.is_dir():
        raise InputError(f"-o {path} is a folder; wanted the name of a table, e.g. -o {path / usual}")
    return path


def clean(folder: Path) -> None:
    """Remove what an interrupted run left under temporary names anywhere below ``folder``."""
    for left in sorted(folder.rglob(f"{PREFIX}*")):
        _remove(left)


def clean_after_dead(folder: Path) -> None:
    """Remove temporary files below ``folder`` whose process is gone: other runs may be writing there (POSIX only)."""
    for left in sorted(folder.rglob(f"{PREFIX}*")) if os.name == "posix" else []:
        try:
            os.kill(int(left.name.removeprefix(PREFIX).partition("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            _remove(left)
        except PermissionError:
            continue  # it runs, as somebody else


def _replace_folder(temporary: Path, target: Path) -> None:
    if hasattr(os, "sync"):  # one flush of everything: an fsync for each of a thousand files takes three times as long
        os.sync()
    if target.exists():
        shutil.rmtree(target)
    temporary.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
