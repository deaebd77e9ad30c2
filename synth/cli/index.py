"""``synth index``."""

from __future__ import annotations

from pathlib import Path

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import typed


@click.command("index", epilog="Example:  synth index LibriSpeech RAVDESS -o sources.parquet")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--csv",
    multiple=True,
    metavar="[ROOT=]FILE",
    help="What is known of folders: a table with path and speaker_id, sex, labels, …; repeatable.",
)
@click.option("--noise", multiple=True, metavar="PATH", help="A folder of background noise; repeatable.")
@shared.RATE
@shared.JOBS
@shared.ROOTS
@click.option("-o", "--out", required=True, metavar="FILE", help="The SOURCES table to write.")
@output_options
def command(
    session: Session,
    paths: tuple[str, ...],
    csv: tuple[str, ...],
    noise: tuple[str, ...],
    rate: int | None,
    jobs: int | None,
    roots: tuple[str, ...],
    out: str,
) -> None:
    """Read folders of recordings and measure each: the SOURCES table.

    PATHS are corpora (LibriSpeech, RAVDESS, or any folder with --csv); NAME=PATH chooses the name of the root. A table
    serves the root that it is given for (--csv NAME=FILE), or those that its paths lie in. Files that did
    not change since the last time are not read again.
    """
    from synth.cli import report
    from synth.recipe import MixOptions
    from synth.steps.index import index
    from synth.steps.roots import parse_given
    from synth.steps.split import BY_SHARE, says_split

    done = index(
        paths,
        csv=csv,
        noise=noise,
        rate=rate or MixOptions().rate,
        roots=parse_given(roots),
        jobs=jobs,
        out=out,
        progress=session.progress,
    )
    report.indexed(session, done)
    spoken = done.table.column("speaker_id").null_count < done.table.num_rows
    shares = (
        () if says_split(done.table) else ("--split", BY_SHARE)
    )  # what a table says is used where nothing else is asked
    then = (
        typed("synth", "split", out, *shares, "-o", Path(out).with_name("split.parquet"))
        if spoken
        else typed("synth", "manifest", out, *shares, "-o", Path(out).with_suffix(""))
    )
    session.say(f"{out}: {done.table.num_rows:,} rows. Next: {then}")
    met = [*(oddity for _, corpus in done.corpora for oddity in corpus.oddities), *done.oddities]
    oddities = {oddity.kind: oddity.count for oddity in met}
    session.result(
        {"out": out, "rows": done.table.num_rows, "status": dict(done.counts), "oddities": oddities, "read": done.fresh}
    )
