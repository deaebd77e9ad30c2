"""What the commands that fetch archives have in common: their options, and what they say before and after."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from synth.cli.session import Session
from synth.units import counted, size

if TYPE_CHECKING:
    from pathlib import Path

    from synth.fetching.known import Archive
    from synth.steps.fetch_archives import Fetched

MBIT_PER_S = 50


def archive_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --keep-archive and --mirror."""
    function = click.option(
        "--mirror",
        default=None,
        metavar="URL",
        help="A folder on a web server that holds the archives; asked before the published servers.",
    )(function)
    return click.option("--keep-archive", is_flag=True, help="Keep the downloaded archives beside their recordings.")(
        function
    )


def expected(session: Session, todo: Sequence[Archive], out: Path) -> None:
    """Say how much is fetched and how long that takes, before it begins."""
    if not todo:
        return
    down, unpacked = (sum(getattr(archive, name) for archive in todo) for name in ("bytes", "unpacked_bytes"))
    minutes = down * 8 / (MBIT_PER_S * 1e6) / 60
    session.say(
        f"{', '.join(archive.part for archive in todo)}: {size(down)} to download (about {max(minutes, 1):.0f} "
        f"min at {MBIT_PER_S} Mbit/s), {size(unpacked)} in {out} when unpacked"
    )


def finished(session: Session, done: Sequence[Fetched], out: Path) -> None:
    """Say what is there now, and what to type next."""
    for one in done:
        what = (
            f"{one.archive.part}: {counted(one.had.recordings, 'recording')} by {counted(one.had.speakers, 'speaker')}"
        )
        what += f", {one.archive.hours:,.1f} h" if one.had.recordings == one.archive.recordings else ""
        more = one.had.recordings - one.archive.recordings
        surplus = f"; {more:,} more than the archive holds" if more > 0 else ""
        session.say(f"{what}, complete{surplus}" + (", nothing to fetch" if one.source is None else f", in {out}"))
    command = f"synth mix --speakers 1-3 --source {shlex.quote(str(out))}"
    session.say(f"Next: {command}")
    parts = {
        one.archive.part: {
            "recordings": one.had.recordings,
            "speakers": one.had.speakers,
            "source": one.source,
            "downloaded_bytes": one.downloaded_bytes,
        }
        for one in done
    }
    session.result({"out": str(out), "parts": parts, "next": command})
