"""Download one published file: resumed by range, from mirrors in turn, to a known size and checksum.

pooch, the field's library for this, starts from nothing after a cut connection and knows one address a file; with
30 GB from a university's server that is the difference between a night and a week. The rest is urllib.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib import error, request

from synth import __version__
from synth.errors import FULL, InputError, UsageError, disk_full

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, how much there is
PART = ".part"  # what a file is called until it has been used
_BLOCK = 1 << 18
_GAIN = 1 << 16  # fewer bytes from a connection count as none: a server that drips is a server that is down
_LONGEST_WAIT_S = 120.0


class NotFetchedError(InputError):
    """No server gave the file; the message says what each of them answered."""


class Published(Protocol):
    """What is known of a file before it is fetched."""

    @property
    def name(self) -> str:
        """Return its file name."""

    @property
    def bytes(self) -> int:
        """Return its size."""

    @property
    def md5(self) -> str:
        """Return its checksum, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent, and how long to wait before all are asked again once a download has begun."""

    silent_s: float = 60.0
    waits_s: tuple[float, ...] = (2.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Received:
    """Where a file came from, and how many bytes this run received for it."""

    url: str
    bytes: int


@dataclass(slots=True)
class _Log:
    """What happened in a download so far."""

    received: int = 0
    answers: dict[str, str] = field(default_factory=dict)  # what each server said last
    wrong: int = 0  # files of another checksum
    wait_s: float = 0.0  # what a busy server asked for


class _FailedError(Exception):
    """One connection did not bring the file to its end.

    ``wait_s``: the server says when to come again; ``silent``: it is there, and sends nothing more.
    """

    def __init__(self, answer: str, wait_s: float = 0.0, *, silent: bool = False) -> None:
        super().__init__(answer)
        self.wait_s, self.silent = wait_s, silent


def urls(published: Sequence[str], name: str, mirror: str | None) -> tuple[str, ...]:
    """Return the addresses of a file, that below ``mirror`` (a folder on a web server) first. Raises UsageError."""
    if mirror is None:
        return tuple(published)
    if not re.match(r"https?://[^/\s]", mirror):
        raise UsageError(f"--mirror {mirror}: wanted a web address, e.g. https://openslr.elda.org/resources/12")
    return (f"{mirror.rstrip('/')}/{name}", *published)


def download(
    wanted: Published, file: Path, urls: Sequence[str], progress: Progress, patience: Patience | None = None
) -> Received:
    """Bring ``file`` to the size and checksum of ``wanted``, going on from what is there already.

    The file has its bytes from any of the servers, in any order: size and checksum are those of the published file.
    One of another checksum is deleted and fetched once more, from the next server. A file that is whole asks nobody.

    Raises:
        NotFetchedError: no server gave it. What was received stays, and the next call goes on from there.
        InputError: the disk is full.
    """
    patience, log, servers = patience or Patience(), _Log(), list(urls)
    turn = failures = 0
    waits = iter(patience.waits_s)
    givers = {""} if file.exists() else set()  # who gave the bytes that are there; an earlier run is nobody
    while True:
        url = servers[turn % len(servers)]
        began = _size(file)
        if began > wanted.bytes:
            file.unlink()
            began = 0
        if not began:
            givers.clear()
        if began < wanted.bytes:
            givers.add(url)
            try:
                _pull(url, file, wanted, progress, patience.silent_s, log)
            except _FailedError as failed:
                log.answers[url] = str(failed)
                log.wait_s = max(log.wait_s, failed.wait_s)
                gained = _size(file) - began >= _GAIN
                if gained and not failed.silent:
                    failures = 0
                    continue
                turn, failures = turn + 1, 0 if gained else failures + 1
                if failures >= len(servers):  # all of them: wait where something came before, or a server asks for it
                    wait_s = next(waits, None) if log.received or log.wait_s else None
                    if wait_s is None:
                        raise _nobody(wanted, log) from None
                    time.sleep(min(max(wait_s, log.wait_s), _LONGEST_WAIT_S))
                    failures, log.wait_s = 0, 0.0
                continue
        if checksum(file, f"checking {wanted.name}", progress) == wanted.md5:
            return Received(url, log.received)
        file.unlink()
        log.answers[url] = "another checksum"
        log.wrong += 1
        turn += 1
        if givers == {url}:  # it has another file; after a beginning from elsewhere that is not known
            servers.remove(url)
            turn -= 1
        if log.wrong > 1 or not servers:
            raise _nobody(wanted, log)


def checksum(file: Path, what: str, progress: Progress) -> str:
    """Return the MD5 of a file in hexadecimal: the checksum that is published for these archives."""
    digest = hashlib.md5(usedforsecurity=False)
    total, done = _size(file), 0
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
            done += len(block)
            progress(what, done, total)
    return digest.hexdigest()


def _pull(url: str, file: Path, wanted: Published, progress: Progress, silent_s: float, log: _Log) -> None:
    """Append what is missing of a file from one connection; raise _FailedError where it does not come to its end."""
    have = _size(file)
    asked = request.Request(url, headers={"User-Agent": f"synth/{__version__}", "Accept-Encoding": "identity"})  # noqa: S310 - see urls
    if have:
        asked.add_header("Range", f"bytes={have}-")
    try:
        answer = opener().open(asked, timeout=silent_s)
    except error.HTTPError as refused:
        refused.close()
        wait_s = _retry_after(refused.headers.get("Retry-After")) if refused.code in (429, 503) else 0.0
        raise _FailedError(f"HTTP {refused.code} {refused.reason}", wait_s) from None
    except (OSError, http.client.HTTPException, ValueError) as failed:
        raise _FailedError(reason(failed)) from None
    with closing(answer):
        skip = _unasked(answer, have, wanted.bytes)
        missing = wanted.bytes - have
        with file.open("ab", buffering=0) as out:  # unbuffered: a killed process loses nothing that it received
            while missing:
                try:
                    block = answer.read1(min(_BLOCK, skip or missing))  # what is there: read() would lose it to a stall
                except (OSError, http.client.HTTPException, ValueError) as failed:
                    says = f"cut after {wanted.bytes - missing:,} of {wanted.bytes:,} bytes: {reason(failed)}"
                    raise _FailedError(says, silent=isinstance(failed, TimeoutError)) from None
                if not block:
                    raise _FailedError(f"cut after {wanted.bytes - missing:,} of {wanted.bytes:,} bytes")
                log.received += len(block)
                if skip:
                    skip -= len(block)
                    continue
                _append(out, block, file)
                missing -= len(block)
                progress(f"downloading {wanted.name}", wanted.bytes - have - missing, wanted.bytes - have)


def _unasked(answer: http.client.HTTPResponse, have: int, size: int) -> int:
    """Return how many bytes come before those that are wanted: all that is there, from a server without ranges.

    Raises _FailedError for an answer that is another file, by its size.
    """
    if answer.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", (answer.headers.get("Content-Range") or "").strip())
        if not have or not found or int(found[1]) != have or found[2] not in (str(size), "*"):
            raise _FailedError(
                f"asked for bytes {have}-{size - 1} of {size}, got {answer.headers.get('Content-Range')}"
            )
        return 0
    if answer.status != 200:
        raise _FailedError(f"HTTP {answer.status} {answer.reason}")
    length = answer.headers.get("Content-Length")
    if length is not None and length.strip() != str(size):
        raise _FailedError(f"has a file of {length} bytes, wanted {size:,}")
    return have


def _append(out: BinaryIO, block: bytes, file: Path) -> None:
    try:
        view = memoryview(block)
        while view:
            view = view[out.write(view) :]
    except OSError as failed:
        raise disk_full(file, failed) if failed.errno in FULL else failed from failed


def opener() -> request.OpenerDirector:
    """Return an opener for http and https alone: no answer may lead to a file of this machine, or to ftp."""
    made = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        made.add_handler(handler())
    return made


def _retry_after(value: str | None) -> float:
    return float(value) if value and re.fullmatch(r"\d{1,9}", value.strip()) else 0.0


def reason(failed: Exception) -> str:
    """Return why a connection failed, in the words of the system."""
    inner = getattr(failed, "reason", failed)
    return str(getattr(inner, "strerror", None) or inner) or type(failed).__name__


def _nobody(wanted: Published, log: _Log) -> NotFetchedError:
    answers = "".join(f"\n  {url}: {answer}" for url, answer in log.answers.items())
    return NotFetchedError(f"{wanted.name} could not be fetched:{answers}")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
