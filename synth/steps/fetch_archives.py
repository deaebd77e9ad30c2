"""Fetch a corpus that is published as archives: download, check, unpack, count. Both such commands are this one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.errors import InputError, PartialError, UsageError, listed, nearest
from synth.fetching import archives, unpacked
from synth.fetching.archives import PART, NotFetchedError, Patience
from synth.fetching.known import Archive, Had
from synth.steps.progress import Progress
from synth.steps.results import Result
from synth.store import atomic, locks
from synth.units import size


@dataclass(frozen=True, slots=True, repr=False)
class Fetched(Result):
    """One archive's recordings, all there; ``source`` is where they came from now, None where they were there before."""

    archive: Archive
    had: Had
    source: str | None
    downloaded_bytes: int = 0


def chosen(parts: Iterable[str], known: Mapping[str, Archive], what: str) -> list[Archive]:
    """Return the archives of some parts, each once. Raises UsageError for a part that does not exist."""
    found = []
    for part in dict.fromkeys(parts):
        if part not in known:
            raise UsageError(f"no {what} '{part}'{nearest(part, known) or '.'} Known: {', '.join(known)}")
        found.append(known[part])
    return found


def missing(wanted: Sequence[Archive], out: Path) -> list[Archive]:
    """Return the archives whose recordings are not all below ``out``."""
    return [archive for archive in wanted if not archive.whole(archive.had(out))]


def bring(
    wanted: Sequence[Archive],
    out: Path,
    *,
    mirror: str | None,
    keep_archive: bool,
    progress: Progress,
    patience: Patience | None = None,
) -> list[Fetched]:
    """Bring the recordings of all archives below ``out``; what is there is not asked for again.

    Raises:
        UsageError: ``mirror`` is no web address.
        InputError: nothing could be fetched, an archive that was put there by hand is another one, there is not room
            enough, or the disk is full.
        PartialError: some of the archives could not be fetched, or do not hold what they should.
    """
    for archive in wanted:
        archives.urls(archive.urls, archive.name, mirror)
    todo = missing(wanted, out)
    done = {archive.part: Fetched(archive, archive.had(out), None) for archive in wanted if archive not in todo}
    failed: dict[str, InputError | PartialError] = {}
    if todo:
        enough_room(todo, out, keep_archive=keep_archive)
        new = not out.exists()
        try:
            with locks.writing(out):
                for left in sorted(out.glob(f"{atomic.PREFIX}*")):
                    shutil.rmtree(left, ignore_errors=True)  # of a run that was killed: we hold the lock
                for archive in todo:
                    try:
                        done[archive.part] = _brought(archive, out, mirror, keep_archive, progress, patience)
                    except (NotFetchedError, PartialError) as error:
                        failed[archive.part] = error
        finally:
            if new and out.is_dir() and not any(out.iterdir()):
                out.rmdir()
    if failed:
        says = "\n".join(str(error) for error in failed.values())
        if len(failed) == len(wanted) and all(isinstance(error, NotFetchedError) for error in failed.values()):
            raise NotFetchedError(says)
        there = f"{listed(done)} of {out} is there, {listed(failed)} is not. " if done else ""
        raise PartialError(there + says)
    return [done[archive.part] for archive in wanted]


def enough_room(todo: Sequence[Archive], out: Path, *, keep_archive: bool = False) -> None:
    """Raise InputError where the disk of ``out`` cannot take the archives and what is in them."""
    there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    need = most = 0
    for archive in todo:
        part = out / f"{archive.name}{PART}"
        rest = 0 if _by_hand(archive, out) else archive.bytes - (part.stat().st_size if part.exists() else 0)
        most = max(most, need + rest + archive.unpacked_bytes)
        need += archive.unpacked_bytes + (rest if keep_archive else min(rest, 0))
    if most > free:
        raise InputError(
            f"{listed(archive.part for archive in todo)}: {size(most)} are needed to download and unpack, "
            f"{size(free)} are free on the disk of {there}; free some, fetch fewer at a time, or choose "
            "another --out"
        )


def _brought(
    archive: Archive, out: Path, mirror: str | None, keep: bool, progress: Progress, patience: Patience | None
) -> Fetched:
    """Fetch one archive, unpack it below ``out``, and count what is there."""
    urls = archives.urls(archive.urls, archive.name, mirror)
    file, received = _by_hand(archive, out), 0
    source = file.name if file else ""
    part = out / f"{archive.name}{PART}"
    if file:
        _genuine(file, archive, progress)
    else:
        file = part
        try:
            got = archives.download(archive, part, urls, progress, patience)
        except NotFetchedError as error:
            raise NotFetchedError(
                f"{error}\nRun the same command again to go on. Or download it by hand ({size(archive.bytes)}, md5 "
                f"{archive.md5}):\n  {archive.urls[0]}\nput it into {out} or beside it, as {archive.name}, and run the same "
                "command"
            ) from None
        source, received = got.url, got.bytes
    with unpacked.unpacking(file, out, progress, archive.name) as temporary:
        found = temporary / archive.root
        if not found.is_dir():
            raise InputError(f"{archive.name} has no folder {archive.root}/; it is another archive")
        unpacked.place(found, out / archive.folder)
    if file == part:  # only what this command downloaded is taken away again
        if keep:
            part.rename(out / archive.name)
        else:
            part.unlink()
    had = archive.had(out)
    if not archive.whole(had):
        raise PartialError(
            f"{archive.part} is not complete: {had.recordings:,} of {archive.recordings:,} recordings by "
            f"{had.speakers:,} of {archive.speakers or '?'} speakers are in {out}"
        )
    return Fetched(archive, had, source, received)


def _by_hand(archive: Archive, out: Path) -> Path | None:
    """Return the archive that lies in ``out`` or beside it, where somebody put it."""
    for folder in (out, out.absolute().parent):
        if (folder / archive.name).is_file():
            return folder / archive.name
    return None


def _genuine(file: Path, archive: Archive, progress: Progress) -> None:
    held = file.stat().st_size
    if held == archive.bytes and archives.checksum(file, f"checking {archive.name}", progress) == archive.md5:
        return
    found = f"{held:,} bytes" if held != archive.bytes else "another checksum"
    raise InputError(
        f"{file} has {found}; wanted {archive.bytes:,} bytes with md5 {archive.md5}. It is another file or not whole: "
        f"remove it, or rename it to {file.name}{PART} to have it completed, and run the same command again"
    )
