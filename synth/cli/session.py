"""What a command says, and where: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from synth.cli import console

LINE_EVERY_S = 10.0  # where there is no terminal, a line now and then


@dataclass
class Session:
    """One run of a command; ``quiet`` says nothing but errors, ``as_json`` one object on standard output."""

    quiet: bool
    as_json: bool
    _bars: dict[str, Any] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)

    def say(self, text: str = "") -> None:
        """Print a line for people."""
        self._close()
        if not self.quiet:
            console.say(text, err=self.as_json)

    def result(self, values: Mapping[str, object]) -> None:
        """Print the result as one JSON object, if that was asked for."""
        self._close()
        if self.as_json:
            console.answer(values)

    def progress(self, what: str, done: int, total: int) -> None:
        """Show how far a step is, with the time left: a bar on a terminal, a line now and then elsewhere."""
        if self.quiet or not total:
            return
        if sys.stderr.isatty():
            self._bar(what, done, total)
        else:
            self._line(what, done, total)

    def _bar(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if what not in self._bars:
            self._close()
            self._bars[what] = tqdm(total=total, desc=what, unit="", unit_scale=True, file=sys.stderr, leave=False)
        bar = self._bars[what]
        try:
            bar.update(done - bar.n)
        except OSError as error:  # the terminal was closed
            console.broken(2, error)
        if done >= total:
            self._close()

    def _line(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        start = self._last.setdefault(f"{what} start", now)
        if now - self._last.setdefault(what, now) < LINE_EVERY_S or not done:
            return
        self._last[what] = now
        left = (now - start) / done * (total - done)
        console.say(f"{what}: {done:,} of {total:,}, about {left:.0f} s left", err=True)

    def _close(self) -> None:
        for bar in self._bars.values():
            try:
                bar.close()
            except OSError as error:
                console.broken(2, error)
        self._bars.clear()


def output_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add --quiet and --json; the command gets a ``session``."""
    from functools import wraps

    @click.option("--quiet", is_flag=True, help="Print nothing but errors.")
    @click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object on standard output (error and exit_code if it fails), the rest on standard error.",
    )
    @wraps(function)
    def command(*args: Any, quiet: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401  # click passes options
        function(*args, session=Session(quiet, as_json), **options)

    return command
