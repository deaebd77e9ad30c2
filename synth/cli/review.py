"""``synth review``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from synth.cli import console
from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import UsageError
from synth.units import counted

if TYPE_CHECKING:
    from synth.publishing.review.estimate import Estimate
    from synth.steps.review import Reviewed

MOST_CLASSES = 20  # lines on the screen; the page shows all


@click.command("review", epilog="Example:  synth review verdicts.parquet")
@click.argument("verdicts")
@click.option(
    "--sources", default=None, metavar="FILE", help="The SOURCES table.  [default: the one that VERDICTS was made from]"
)
@shared.ROOTS
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Review only this class; repeatable.")
@click.option(
    "--sample",
    type=int,
    default=shared.LISTEN,
    help=f"Rejected, and kept, clips of each label in the random check.  [default: {shared.LISTEN}]",
)
@click.option("--seed", type=int, default=0, help="Seed of the random check.  [default: 0]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: any that is free]")
@click.option(
    "--no-browser",
    is_flag=True,
    help="Print the address, open no browser. From elsewhere: ssh -L PORT:127.0.0.1:PORT HOST, with --port PORT here.",
)
@click.option("--export", "export_to", default=None, metavar="FILE.csv", help="Write the decisions as CSV; no page.")
@click.option("--apply", "apply_from", default=None, metavar="FILE.csv", help="Take decisions from a CSV; no page.")
@output_options
def command(
    session: Session,
    verdicts: str,
    sources: str | None,
    roots: tuple[str, ...],
    labels: tuple[str, ...],
    sample: int,
    seed: int,
    port: int,
    no_browser: bool,
    export_to: str | None,
    apply_from: str | None,
) -> None:
    """Hear what was rejected, on a page of this machine; what you decide wins.

    VERDICTS is what synth clean wrote. The page plays the clips, the worst first, and shows their spectrograms: k keeps the
    label, d drops it. A random check of rejected and kept clips tells how often the judge is right. Every decision is stored
    at once. Done on the page, or Ctrl-C here, ends it; the same command goes on.
    """
    if export_to and apply_from:
        raise UsageError("--export and --apply: wanted one of them")
    from synth.steps import review as step
    from synth.steps.roots import parse_given

    if export_to:
        count = step.export(verdicts, export_to)
        again = shlex.join(["synth", "review", verdicts, "--apply", export_to])
        session.say(f"{export_to}: {counted(count, 'decision')}. On another machine: {again}")
        session.result({"out": export_to, "decisions": count})
        return
    if apply_from:
        count = step.apply(verdicts, apply_from)
        found = sources or str(step.sources_of(verdicts))
        session.say(f"{verdicts}: {counted(count, 'decision')} put in. Next: {_next(verdicts, found)}")
        session.result({"out": verdicts, "decisions": count})
        return
    done = step.review(
        verdicts,
        sources=sources,
        roots=parse_given(roots),
        port=port,
        sample=sample,
        labels=labels,
        seed=seed,
        ready=lambda address: _open(session, address, not no_browser),
        warn=lambda text: session.say(f"  warning: {text}"),
    )
    _report(session, done, verdicts)


def _open(session: Session, address: str, browser: bool) -> None:
    """Say where the page is, and open it."""
    import threading
    import webbrowser

    # without the address there is no page: said even by --quiet, and never among the results
    console.say(f"The review is on this page, for this machine only: {address}", err=True)
    if browser:  # a browser in a terminal comes back when it is closed; the page is served meanwhile
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    session.say("Done on the page, or Ctrl-C here, ends the review. Every decision is stored at once.")


def _report(session: Session, done: Reviewed, verdicts: str) -> None:
    from dataclasses import asdict

    from synth.publishing.review.estimate import KEPT, REJECTED, together

    if done.recovered:
        recovered = counted(done.recovered, "decision", "decisions")
        session.say(f"{recovered} of an earlier review, which was interrupted: added now.")
    words = {"keep": "kept", "wrong": "dropped", "doubtful": "doubtful"}
    parts = ", ".join(f"{done.decided[verdict]:,} {word}" for verdict, word in words.items())
    session.say(
        f"Decided now: {sum(done.decided.values()):,} ({parts}); in all sessions: {done.in_all:,}, in {verdicts}"
    )
    for of, right in ((REJECTED, "are wrong"), (KEPT, "are right")):
        found = [one for one in done.estimates if one.of == of and one.heard]
        for one in found[:MOST_CLASSES]:
            session.say(f"  {one.label}: {_words(one, right)}")
        if len(found) > MOST_CLASSES:
            session.say(f"  … and {counted(len(found) - MOST_CLASSES, 'further class', 'further classes')}")
        total = together(found)
        if total and len(found) > 1:
            session.say(f"  All {len(found)} classes that were heard: {_words(total, right)}")
    if not any(one.heard for one in done.estimates):
        session.say(
            "How often the judge is right is not known: nobody listened to the random check (key t on the page)."
        )
    if done.withdrawn:
        session.say(
            f"Too many of the rejected clips are right: {', '.join(done.withdrawn)}. Run synth clean again: it reads these "
            "decisions and withdraws the rejections of these classes."
        )
    if done.gone:
        from synth.errors import listed

        session.say(
            f"{counted(len(done.gone), 'clip')} could not be heard: {listed((f'{k}: {v}' for k, v in done.gone.items()), 3)}"
        )
    session.say(f"Next: {_next(verdicts, str(done.sources))}")
    session.result(
        {
            "out": verdicts,
            "decided": dict(done.decided),
            "in_all": done.in_all,
            "recovered": done.recovered,
            "estimates": [asdict(one) for one in done.estimates],
            "withdrawn": done.withdrawn,
            "gone": done.gone,
            "sources": str(done.sources),
            "warnings": done.warnings,
        }
    )


def _words(one: Estimate, right: str) -> str:
    value = 100 * (one.value or 0)
    doubtful = f"; {one.doubtful} more could not be told" if one.doubtful else ""
    return (
        f"of {one.population:,} {one.of}, {value:.0f} % {right} (95 %: {100 * one.low:.0f} to {100 * one.high:.0f} %; "
        f"{one.right} of {one.heard} heard{doubtful})"
    )


def _next(verdicts: str, sources: str) -> str:
    return shlex.join(["synth", "manifest", sources, "--verdicts", verdicts, "--min-verdict", "keep", "-o", "cleaned"])
