"""``synth plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import typed


@click.command("plan", epilog="Example:  synth plan split.parquet --speakers 1-3 --clips 3600/360/360 -o plan.parquet")
@click.argument("sources")
@shared.plan_options
@click.option("-o", "--out", required=True, metavar="FILE", help="The plan to write.")
@output_options
def command(session: Session, sources: str, out: str, **given: Any) -> None:  # noqa: ANN401  # the fields of MixOptions
    """Decide every clip on paper, balanced and reproducible; no audio is read.

    SOURCES is a table with splits (synth split). What the sources cannot give is refused with the numbers and the nearest
    request that they can.
    """
    from synth.cli import report
    from synth.recipe import MixOptions
    from synth.steps.estimates import expected
    from synth.steps.plan import planned

    options = MixOptions().with_changes(given)
    done = planned(sources, options, Path(out), session.progress)
    report.planned(session, done)
    clips = sum(done.clips.values())
    parts = sum(len(name.replace("none", "")) * n for cells in done.cells.values() for name, n in cells.items()) / clips
    stems = parts if options.stems else 0
    session.say(
        report.expected(expected(clips, options.seconds, options.rate, options.codec, 1, stems=stems, speakers=parts))
    )
    then = typed(
        "synth",
        "render",
        out,
        "--sources",
        sources,
        "-o",
        report.free_folder(Path(out).with_name(f"speakers-{options.speakers}")),
    )
    session.say(f"{out}: next: {then}")
    session.result(
        {"out": out, "digest": done.digest, "clips": done.clips, "cells": done.cells, "lowered": done.lowered}
    )
