"""Standard output and standard error, whatever is behind them.

A console that cannot show a character gets it as an escape (``\\u65e5``). A pipe whose reader has gone, as that of
``synth audit OUT | head -1``, drops what is still said: the command finishes its work and exits as if it had been read.
A stream that was closed before the start drops all. A disk that takes no more of a redirected output is an error.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from synth.errors import InputError

_STREAMS = {1: "standard output", 2: "standard error"}
_answer: dict[str, Any] = {"on": None, "given": False}  # the program's standard output; is its JSON object on it?
_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO)  # nobody reads: a closed pipe, a terminal that was closed


def prepare() -> None:
    """Make both streams fit to take any text; called once, when the program starts."""
    for number in (0, 1, 2):  # or the next file that is opened would be "standard error", and be written into
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _answer.update(on=sys.stdout, given=False)


def say(text: str, *, err: bool = False) -> None:
    """Print a line. Raises InputError where the stream takes no more, as on a full disk."""
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError as error:
        broken(2 if err else 1, error)


def answer(values: Mapping[str, object]) -> None:
    """Print the one JSON object of a command on standard output. Raises as :func:`say`."""
    _answer["given"] = _answer["given"] or sys.stdout is _answer["on"]  # and not caught by the command that runs others
    say(json.dumps(values, default=str))


def answered() -> bool:
    """Tell whether the program has printed its JSON object."""
    return bool(_answer["given"])


def broken(number: int, error: OSError) -> None:
    """Drop what is still said on a stream (1 or 2) that failed. Raises InputError unless its reader has gone."""
    drop(number)
    if error.errno not in _GONE and number == 1:  # of standard error nobody could be told
        raise InputError(
            f"{_STREAMS[number]} cannot be written: {error.strerror}; write it to another place, or use --quiet"
        ) from error


def drop(number: int) -> None:
    """Let a stream (1 or 2) lead nowhere, with what it holds back, so that nothing fails when Python ends."""
    stream = sys.stderr if number == 2 else sys.stdout
    with contextlib.suppress(OSError, ValueError):
        target = os.open(os.devnull, os.O_WRONLY)
        os.dup2(target, stream.fileno())  # io.UnsupportedOperation is both errors
        os.close(target)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  # as long as the program


def close() -> None:
    """Write out what is held back; called last."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            drop(number)
