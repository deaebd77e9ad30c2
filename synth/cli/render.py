"""``synth render``."""

from __future__ import annotations

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import typed
from synth.units import counted, size


@click.command("render", epilog="Example:  synth render plan.parquet --root LibriSpeech=/data/LibriSpeech -o crowd")
@click.argument("plan")
@click.option(
    "--sources",
    default=None,
    metavar="FILE",
    help="The SOURCES table of the plan.  [default: sources.parquet beside it]",
)
@shared.ROOTS
@shared.STORE
@shared.CODEC
@shared.STEMS
@shared.JOBS
@click.option("-o", "--out", required=True, metavar="DIR", help="Output folder.")
@output_options
def command(
    session: Session,
    plan: str,
    sources: str | None,
    roots: tuple[str, ...],
    store: str | None,
    codec: str | None,
    stems: bool | None,
    jobs: int | None,
    out: str,
) -> None:
    """Make the audio of a plan; goes on where it stopped.

    The same bytes come out for any number of processes, on any machine that has the corpora.
    """
    from synth.steps.render import render
    from synth.steps.roots import parse_given

    done = render(
        plan,
        out=out,
        sources=sources,
        roots=parse_given(roots),
        store=store,
        codec=codec,
        stems=stems,
        jobs=jobs,
        progress=session.progress,
        note=session.say,
    )
    session.say(
        f"{out}: {counted(sum(done.clips.values()), 'clip')}, {size(done.bytes)}. Next: {typed('synth', 'audit', out)}"
    )
    session.result({"out": out, "clips": done.clips, "shards": done.shards, "bytes": done.bytes})
