"""``synth manifest``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import ClaimError, typed
from synth.units import counted


@click.command(
    "manifest", epilog="Example:  synth manifest audioset/sources.parquet --label Accordion --seconds 10 -o accordion"
)
@click.argument("sources")
@shared.manifest_options
@shared.JOBS
@shared.ROOTS
@click.option("-o", "--out", required=True, metavar="DIR", help="Output folder.")
@output_options
def command(
    session: Session,
    sources: str,
    jobs: int | None,
    roots: tuple[str, ...],
    out: str,
    **given: Any,  # noqa: ANN401  # the fields of ManifestOptions
) -> None:
    """Make a data set of labelled clips as they are, split alike in labels, and check it.

    SOURCES is a table with labels: of synth fetch-audioset, or of synth index --csv. Recordings are cut or padded to one
    length and resampled; no level is changed. A group (a video, a speaker) is never in two splits. Run it again after an
    interruption: finished parts are kept.
    """
    import pyarrow.compute as pc

    from synth.cli import report
    from synth.planning.request import checked_rate, whole_frames
    from synth.recipe import ManifestOptions
    from synth.steps.estimates import expected, windows
    from synth.steps.manifest import SOURCES_BY, manifest
    from synth.steps.progress import workers
    from synth.steps.roots import parse_given
    from synth.store import parquet
    from synth.tables import SOURCES

    given["label"] = given["label"] or None
    options = ManifestOptions().with_changes(given)
    checked_rate(options.rate)  # wrong options end here, before any work
    whole_frames("--seconds", options.seconds)
    table = parquet.read(Path(sources), SOURCES, SOURCES_BY)
    usable = table.filter(pc.equal(table.column("status"), "ok")).column("duration_s").to_pylist()
    clips = windows(usable, options.seconds, options.windows)
    takes = report.expected(expected(clips, options.seconds, options.rate, options.codec, workers(jobs)))
    session.say(
        f"{sources}: {counted(table.num_rows, 'recording')}, {len(usable):,} can be used. If every one is used: {takes}"
    )
    done = manifest(
        table, out=out, jobs=jobs, recipe=options, roots=parse_given(roots), progress=session.progress, note=session.say
    )
    report.labelled(session, done.planned)
    folder = Path(out)
    report.rendered(session, done.rendered)
    report.audited_briefly(session, done.audited, "labels, disjoint splits, something heard in every clip, …")
    report.what_next(session, folder)
    session.result(
        {
            "out": str(folder),
            "clips": done.rendered.clips,
            "bytes": done.rendered.bytes,
            "plan": done.planned.digest,
            "labels": done.planned.labels,
            "left_out": done.planned.left_out,
            **done.planned.facts,
            "audit": {finding.claim: finding.holds for finding in done.audited.findings},
        }
    )
    if not done.audited.holds:
        raise ClaimError(
            f"{folder}: a claim does not hold (see above). All findings: {typed('synth', 'audit', folder)}"
        )
