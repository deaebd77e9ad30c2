"""``synth fetch-audioset``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from synth.cli.session import Session, output_options
from synth.errors import PartialError

if TYPE_CHECKING:
    from synth.steps.fetch_audioset import Fetched

_SHOWN = 10  # rows that are not used, before they are only counted


@click.command("fetch-audioset", epilog="Example:  synth fetch-audioset --label Accordion --subset balanced --dry-run")
@click.option("--label", multiple=True, required=True, metavar="NAME", help="A display name or a mid; repeatable.")
@click.option("--descendants", is_flag=True, help="Take the classes below the labels as well.")
@click.option(
    "--without", multiple=True, metavar="NAMES", help="Labels that no clip may carry, e.g. Speech,Music; repeatable."
)
@click.option("--single-label", is_flag=True, help="Only clips with one label.")
@click.option(
    "--subset", multiple=True, metavar="NAME", help="balanced, eval or unbalanced; repeatable.  [default: all]"
)
@click.option(
    "--csv",
    multiple=True,
    metavar="PATH",
    help="A list of segments or a folder of lists; repeatable.  [default: the official lists, downloaded once]",
)
@click.option("--limit", type=int, default=None, help="At most so many clips; raising it keeps what was chosen.")
@click.option("--max-per-label", type=int, default=None, help="At most so many clips a label, rare labels first.")
@click.option(
    "--min-quality", type=float, default=None, metavar="SHARE", help="Only labels found true in this share of checks."
)
@click.option("--exclude-ids", default=None, metavar="FILE", help="YouTube ids that are not wanted, one a line.")
@click.option("--seed", type=int, default=0, help="Seed of the choice under a limit.  [default: 0]")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched and how long it takes; fetch nothing.")
@click.option("--pace", default="300/h", metavar="N/h", help="Downloads over all workers.  [default: 300/h]")
@click.option("--rate", type=int, default=48000, help="Sample rate of the clips in Hz.  [default: 48000]")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=None, help="Workers.  [default: 2]")
@click.option("--cookies", default=None, metavar="FILE", help="A cookies.txt; it is read, never written.")
@click.option("--retry-permanent", is_flag=True, help="Ask again for what was refused for good.")
@click.option("--recheck", is_flag=True, help="Ask whether what is there still exists.")
@click.option(
    "--adopt", multiple=True, metavar="PATH", help="Existing copies to use: a folder, tar or Parquet; repeatable."
)
@click.option("--out", default=None, metavar="DIR", help="The folder to fill.  [default: named after the label]")
@output_options
def command(
    session: Session,
    label: tuple[str, ...],
    descendants: bool,
    without: tuple[str, ...],
    single_label: bool,
    subset: tuple[str, ...],
    csv: tuple[str, ...],
    limit: int | None,
    max_per_label: int | None,
    min_quality: float | None,
    exclude_ids: str | None,
    seed: int,
    dry_run: bool,
    pace: str,
    rate: int,
    jobs: int | None,
    cookies: str | None,
    retry_permanent: bool,
    recheck: bool,
    adopt: tuple[str, ...],
    out: str | None,
) -> None:
    """Get AudioSet's clips of a label: exactly the segments, and a ledger of what could not be had.

    One in six videos is gone. Run it again after an interruption, or another day: it goes on where it stopped and asks
    only for what may still come. The folder then holds audio/, ledger.parquet and sources.parquet.
    """
    from synth.steps.fetch_audioset import fetch_audioset

    done = fetch_audioset(
        label,
        descendants=descendants,
        without=without,
        single_label=single_label,
        subset=subset,
        csv=csv,
        limit=limit,
        max_per_label=max_per_label,
        min_quality=min_quality,
        exclude_ids=exclude_ids,
        seed=seed,
        pace=pace,
        rate=rate,
        jobs=jobs,
        cookies=cookies,
        retry_permanent=retry_permanent,
        recheck=recheck,
        adopt=adopt,
        out=out,
        dry_run=dry_run,
        progress=session.progress,
        announce=lambda plan: _planned(session, plan),
    )
    if not dry_run:
        _finished(session, done)
    session.result(_as_json(done))
    missing = len(done.wanted) - (done.had or 0)
    if not dry_run and missing:
        raise PartialError(
            f"{missing:,} of {len(done.wanted):,} clips are missing; each is a row of {done.out / 'ledger.parquet'} with "
            "its reason. The same command asks again for those that may still come"
        )


def _planned(session: Session, plan: Fetched) -> None:
    """Say what was read, what is selected, and what that takes."""
    from synth.steps.fetch_audioset import SURVIVAL

    for one in plan.lists.found:
        skipped = sum(one.counts.values())
        more = (
            f", {skipped:,} not used ({', '.join(f'{n:,} {kind}' for kind, n in one.counts.items())})"
            if skipped
            else ""
        )
        session.say(f"{one.name}: {one.used:,} rows{f' of {one.subset}' if one.subset else ''}{more}")
        for note in one.notes:
            session.say(f"  {note}")
        for row in one.skipped[:_SHOWN]:
            session.say(f"  line {row.line}: {row.reason}")
        if skipped > _SHOWN:
            session.say(f"  … {skipped - _SHOWN:,} more")
    for note in (*plan.lists.notes, *plan.notes):
        session.say(note)
    for label in plan.labels:
        direct = ", ".join(f"{count:,} {subset}" for subset, count in label.direct.items())
        session.say(f"{label.name} ({label.mid}): {direct or 'none'}; {label.selected:,} selected")
    session.say(
        f"{len(plan.wanted):,} clips selected: {plan.hours:.2f} h, about {_size(plan.bytes)} if all are had. "
        f"{plan.videos:,} videos to ask for: about {_time(plan.eta_h)} at this pace. Expect about {plan.expected:,} "
        f"({SURVIVAL:.0%}) to exist still"
    )


def _finished(session: Session, done: Fetched) -> None:
    """Say what was had, what was not and why, and what to type next."""
    share, low, high = done.share or (0.0, 0.0, 1.0)
    session.say(
        f"{done.out}: asked for {len(done.wanted):,}, had {done.had:,} ({share:.1%}; 95 % interval of the yield "
        f"{low:.1%} to {high:.1%})"
    )
    for status, count in done.by_status.items():
        if status != "ok":
            session.say(f"  {count:,} {status}")
    if done.stopped:
        session.say(f"Stopped: {done.stopped}")
    if done.sources:
        session.say(f"Next: {_next(done)}")


def _next(done: Fetched) -> str | None:
    if not done.sources:
        return None
    return f"synth manifest {shlex.quote(str(done.sources))} --split 80/10/10 --seconds 10 --rate 48000 -o DIR"


def _as_json(done: Fetched) -> dict[str, object]:
    values: dict[str, object] = {
        "out": str(done.out),
        "selected": len(done.wanted),
        "labels": {label.name: label.selected for label in done.labels},
        "details": [
            {
                "name": one.name,
                "mid": one.mid,
                "direct": one.direct,
                "candidates": one.candidates,
                "selected": one.selected,
            }
            for one in done.labels
        ],
        "rows": done.lists.used,
        "skipped": done.lists.skipped,
        "lists": [
            {
                "file": one.name,
                "subset": one.subset,
                "rows": one.used,
                "skipped": one.counts,
                "claims": one.claims,
                "partial": one.partial,
                "notes": one.notes,
                "not_used": [{"line": row.line, "kind": row.kind, "reason": row.reason} for row in one.skipped[:1000]],
            }
            for one in done.lists.found
        ],
        "notes": [*done.lists.notes, *done.notes],
        "repeated": done.repeated,
        "hours": round(done.hours, 4),
        "bytes": done.bytes,
        "videos": done.videos,
        "eta_h": round(done.eta_h, 3),
        "expected": done.expected,
    }
    if done.had is not None and done.share:
        values |= {
            "asked": len(done.wanted),
            "had": done.had,
            "by_status": done.by_status,
            "yield": {"share": done.share[0], "low": done.share[1], "high": done.share[2]},
            "stopped": done.stopped,
            "sources": str(done.sources) if done.sources else None,
            "next": _next(done),
        }
    return values


def _size(value: float) -> str:
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def _time(hours: float) -> str:
    if hours < 1.5:
        return f"{max(hours * 60, 1):.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
