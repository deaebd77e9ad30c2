"""``synth fetch-ravdess``."""

from __future__ import annotations

from pathlib import Path

import click

from synth.cli import fetched
from synth.cli.session import Session, output_options


@click.command("fetch-ravdess", epilog="Example:  synth fetch-ravdess   (speech: 24 actors, 208 MB)")
@click.argument("parts", nargs=-1, metavar="[speech] [song]")
@click.option("-o", "--out", default="RAVDESS", show_default=True, metavar="DIR", help="The folder of the corpus.")
@fetched.archive_options
@output_options
def command(session: Session, parts: tuple[str, ...], out: str, keep_archive: bool, mirror: str | None) -> None:
    """Get RAVDESS, acted emotions: download, check, unpack, count.

    Without an argument: speech. Its licence is CC BY-NC-SA 4.0 (no commercial use), which then holds for everything
    that is made of it. Run it again after an interruption: it goes on where it stopped. What is there already is not
    fetched again. An archive that you put into DIR yourself is used.
    """
    from synth.fetching import known
    from synth.steps import fetch_archives
    from synth.steps.fetch_ravdess import PARTS, fetch_ravdess

    parts = parts or PARTS
    wanted = fetch_archives.chosen(parts, known.RAVDESS, "part of RAVDESS")
    todo = fetch_archives.missing(wanted, Path(out))
    if todo:
        session.say("RAVDESS: licence CC BY-NC-SA 4.0, no commercial use; it holds for what is made of it, too")
    fetched.expected(session, todo, Path(out))
    done = fetch_ravdess(parts, out=out, mirror=mirror, keep_archive=keep_archive, progress=session.progress)
    fetched.finished(session, done, Path(out))
