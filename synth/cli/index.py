"""``synth index``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import typed
from synth.units import counted

if TYPE_CHECKING:
    import pyarrow as pa


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
    session.say(f"{out}: {counted(done.table.num_rows, 'row')}. {_next(done.table, paths, out)}")
    met = [*(oddity for _, corpus in done.corpora for oddity in corpus.oddities), *done.oddities]
    oddities = {oddity.kind: oddity.count for oddity in met}
    session.result(
        {"out": out, "rows": done.table.num_rows, "status": dict(done.counts), "oddities": oddities, "read": done.fresh}
    )


def _next(table: pa.Table, paths: tuple[str, ...], out: str) -> str:
    """Say what to type next: by what is known of the recordings, mixtures of their speakers, or clips of their labels."""
    import pyarrow.compute as pc

    from synth.cli import report
    from synth.steps.split import BY_SHARE, says_split

    shares = () if says_split(table) else ("--split", BY_SHARE)  # what a table says is used where nothing else is asked
    if table.column("speaker_id").null_count < table.num_rows:
        split = report.beside(Path(out), "split.parquet")
        return f"Next: {typed('synth', 'split', out, *shares, '-o', split)}"
    if pc.any(pc.greater(pc.list_value_length(table.column("labels")), 0)).as_py():
        folder = report.free_folder(Path(out).with_suffix(""))
        return f"Next: {typed('synth', 'manifest', out, *shares, '-o', folder)}"
    again = typed("synth", "index", *paths, "--csv", "TABLE.csv", "-o", out)
    return (
        "No recording has a speaker or a label yet. Write a table with the columns path and labels, or path, speaker_id "
        f"and sex, then: {again}"
    )
