"""``synth split``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import typed


@click.command(
    "split",
    epilog="Example:  synth split sources.parquet --split subset:dev-clean=val,train-clean-100=train -o split.parquet",
)
@click.argument("sources")
@shared.SPLIT
@shared.SPEAKERS
@click.option(
    "--clips",
    default=None,
    metavar="N/N/N",
    help="Clips planned in train/val/test: a split without clips needs no speakers.",
)
@shared.SEED
@click.option("-o", "--out", required=True, metavar="FILE", help="The SOURCES table with splits to write.")
@output_options
def command(session: Session, sources: str, out: str, **given: str | int | None) -> None:
    """Give each speaker to train, val or test, alike in sex, and prove that none is in two.

    SOURCES is the table that synth index wrote. A split that is to hold clips of up to n speakers gets n of each sex.
    """
    from synth.cli import report
    from synth.recipe import MixOptions
    from synth.steps.split import split
    from synth.store import parquet

    options = MixOptions().with_changes(given)
    clips = given["clips"]
    done = split(
        sources,
        split=options.split,
        speakers=options.speakers,
        clips=None if clips is None else str(clips),
        seed=options.seed,
        out=out,
        progress=session.progress,
    )
    report.split(session, done, done.how, str(options.speakers))
    rate = json.loads(parquet.metadata(done.table.schema).get("rate_hz", "null")) or options.rate
    more = [*(["--clips", clips] if clips is not None else []), *(["--rate", rate] if rate != options.rate else [])]
    plan = report.beside(Path(out), "plan.parquet")
    session.say(f"{out}: next: {typed('synth', 'plan', out, '--speakers', options.speakers, *more, '-o', plan)}")
    groups = {f"{name}/{sex}": count for (name, sex), count in sorted(done.groups.items())}
    session.result({"out": out, "groups": groups, "shared": done.shared, "recordings_without_split": done.without})
