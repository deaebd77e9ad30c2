"""``synth mix``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import ClaimError, typed


@click.command(
    "mix",
    epilog="Example:  synth mix --speakers 1-3 --source LibriSpeech --clips 100000/10000/10000 --seconds 2",
)
@shared.plan_options
@click.option(
    "--source",
    multiple=True,
    metavar="PATH",
    help="A corpus: LibriSpeech, RAVDESS, a folder; repeatable.  [default: demo voices]",
)
@click.option(
    "--csv",
    multiple=True,
    metavar="[ROOT=]FILE",
    help="Speakers and sexes of a folder: path, speaker_id, sex, …; repeatable.",
)
@click.option("--noise", default=None, metavar="PATH", help="A folder of background noise, mixed into every clip.")
@shared.SPLIT
@shared.STORE
@shared.JOBS
@shared.ROOTS
@click.option(
    "--recipe", default=None, metavar="FILE", help="A TOML file with a table [mix]; options here win over it."
)
@click.option(
    "-o",
    "--out",
    default=None,
    metavar="DIR",
    help="Output folder.  [default: named after the recipe, else [demo-]speakers-N-M]",
)
@output_options
def command(
    session: Session,
    recipe: str | None,
    out: str | None,
    jobs: int | None,
    roots: tuple[str, ...],
    **given: Any,  # noqa: ANN401  # the fields of MixOptions
) -> None:
    """Make a balanced data set of speaker mixtures, and check it.

    Does in one go what index, split, plan, render and audit do one after another. Run it again after an interruption:
    finished parts are kept. Without --source it uses the built-in demo voices.
    """
    from synth import recipe as recipes
    from synth.cli import report
    from synth.planning.request import parsed
    from synth.steps.estimates import of_mix
    from synth.steps.mix import default_folder, folders, mix
    from synth.steps.progress import workers
    from synth.steps.roots import parse_given

    options, settings = recipes.run_of(recipe)
    out, jobs, roots = out or settings.get("out"), jobs or settings.get("jobs"), roots or settings.get("root", ())
    given["source"], given["csv"] = given["source"] or None, given["csv"] or None
    options = recipes.over(options, given, "synth mix")
    parsed(options, noise=bool(options.noise))  # wrong options end here, before anything is read
    folder = Path(out or default_folder(options))
    given_roots = parse_given(roots)
    session.say(report.expected(of_mix(options, workers(jobs), folders(options, given_roots))))
    done = mix(out=folder, jobs=jobs, recipe=options, roots=given_roots, progress=session.progress, note=session.say)
    report.indexed(session, done.indexed)
    report.split(session, done.split, done.split.how, str(options.speakers))
    report.planned(session, done.planned)
    report.rendered(session, done.rendered)
    report.audited_briefly(session, done.audited)
    if done.demo:
        session.say(report.DEMO_LINE.format(speakers=options.speakers))
    report.what_next(session, folder)
    session.result(
        {
            "out": str(folder),
            "clips": done.rendered.clips,
            "bytes": done.rendered.bytes,
            "plan": done.planned.digest,
            "cells": done.planned.cells,
            "lowered": done.planned.lowered,
            "sources": dict(done.indexed.counts),
            "audit": {finding.claim: finding.holds for finding in done.audited.findings},
        }
    )
    if not done.audited.holds:
        raise ClaimError(
            f"{folder}: a claim does not hold (see above). All findings: {typed('synth', 'audit', folder)}"
        )
