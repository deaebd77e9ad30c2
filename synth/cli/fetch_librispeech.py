"""``synth fetch-librispeech``."""

from __future__ import annotations

from pathlib import Path

import click

from synth.cli import fetched
from synth.cli.session import Session, output_options


@click.command(
    "fetch-librispeech",
    epilog="Example:  synth fetch-librispeech train-clean-5   (the smallest to train on: 28 speakers, 333 MB)",
)
@click.argument("subsets", nargs=-1, required=True, metavar="SUBSET...")
@click.option("-o", "--out", default="LibriSpeech", show_default=True, metavar="DIR", help="The folder of the corpus.")
@fetched.archive_options
@output_options
def command(session: Session, subsets: tuple[str, ...], out: str, keep_archive: bool, mirror: str | None) -> None:
    """Get subsets of LibriSpeech: download, check, unpack, count.

    SUBSET is dev-clean, dev-other, test-clean, test-other, train-clean-100, train-clean-360 or train-other-500, or of
    mini LibriSpeech train-clean-5 or dev-clean-2. Run it again after an interruption: it goes on where it stopped.
    What is there already is not fetched again. An archive that you put into DIR yourself is used.
    """
    from synth.fetching import known
    from synth.steps import fetch_archives
    from synth.steps.fetch_librispeech import fetch_librispeech

    wanted = fetch_archives.chosen(subsets, known.LIBRISPEECH, "subset")
    fetched.expected(session, fetch_archives.missing(wanted, Path(out)), Path(out))
    done = fetch_librispeech(
        subsets,
        out=out,
        mirror=mirror,
        keep_archive=keep_archive,
        progress=session.progress,
    )
    fetched.finished(session, done, Path(out))
