"""``synth fetch-audioset``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synth.cli.session import Session, output_options
from synth.errors import PartialError
from synth.units import counted, size

if TYPE_CHECKING:
    from synth.corpora.audioset.segments import Segments
    from synth.steps.audioset_selection import Expected, Selection
    from synth.steps.fetch_audioset import Fetched

MOST_LABELS = 25  # lines of labels for people; --json has all
MOST_SKIPPED = 1000  # skipped lines that --json names one by one; all are counted


@click.command(
    "fetch-audioset",
    epilog="Example:  synth fetch-audioset --label Accordion --label 'Baby cry, infant cry' --subset balanced --dry-run",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A class by its display name in any case, or its mid; repeatable, never split at commas.",
)
@click.option("--descendants", is_flag=True, help="The classes below each --label as well: a parent is not implied.")
@click.option(
    "--without",
    multiple=True,
    metavar="NAME,…",
    help="No clip that carries one of these; split at commas where the whole is no name; repeatable.",
)
@click.option("--single-label", is_flag=True, help="Only clips that carry one label in all.")
@click.option(
    "--subset", multiple=True, metavar="NAME", help="balanced, eval or unbalanced; repeatable.  [default: all]"
)
@click.option(
    "--csv",
    "lists",
    multiple=True,
    metavar="PATH",
    help="A list of segments, or a folder of them; repeatable.  [default: Google's, downloaded once]",
)
@click.option("--limit", type=int, default=None, help="Most clips in all; a larger one keeps what was chosen.")
@click.option(
    "--max-per-label",
    type=int,
    default=None,
    help="Most clips of each class, rare classes first; a larger one keeps what was chosen.",
)
@click.option(
    "--min-quality",
    type=float,
    default=None,
    metavar="SHARE",
    help="Leave out classes of which fewer labels were found true (0 to 1), or that were never rated.",
)
@click.option(
    "--exclude-ids", default=None, metavar="FILE", help="Videos (or segments, ID_ms) to leave out, one per line."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice under a limit.")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched, how much and how long, and fetch nothing.")
@click.option(
    "--pace",
    default="300/h",
    show_default=True,
    help="Requests for videos per hour or minute, by all workers: 300/h, 5/min.",
)
@click.option("--rate", type=int, default=48000, show_default=True, help="Sample rate of the clips in Hz.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Downloads at a time.")
@click.option("--cookies", default=None, metavar="FILE", help="A cookies.txt; it is read and never written.")
@click.option("--retry-permanent", is_flag=True, help="Ask again for what was refused for good.")
@click.option("--recheck", is_flag=True, help="Ask whether what is there still exists, and mark what has disappeared.")
@click.option(
    "--adopt",
    multiple=True,
    metavar="PATH",
    help="Copies that you have (folder, WebDataset tar, Parquet): used instead of a download; repeatable.",
)
@click.option(
    "-o", "--out", default=None, metavar="DIR", help="Output folder.  [default: audioset-LABEL, after the first label]"
)
@output_options
def command(
    session: Session,
    labels: tuple[str, ...],
    descendants: bool,
    without: tuple[str, ...],
    single_label: bool,
    subset: tuple[str, ...],
    lists: tuple[str, ...],
    limit: int | None,
    max_per_label: int | None,
    min_quality: float | None,
    exclude_ids: str | None,
    seed: int,
    dry_run: bool,
    pace: str,
    rate: int,
    jobs: int,
    cookies: str | None,
    retry_permanent: bool,
    recheck: bool,
    adopt: tuple[str, ...],
    out: str | None,
) -> None:
    """Get the clips of AudioSet's classes, and a ledger of what is gone.

    DIR gets the clips as mono FLAC, ledger.parquet with a row per segment, and sources.parquet for what comes next. Run
    it again after an interruption: it goes on where it stopped. Lists are kept in the cache; SYNTH_AUDIOSET_URL names
    another web folder to download them from.
    """
    from synth.steps import audioset_selection, fetch_audioset

    choice = audioset_selection.Choice(
        labels,
        descendants,
        without,
        single_label,
        subset,
        tuple(map(Path, lists)),
        limit,
        max_per_label,
        min_quality,
        Path(exclude_ids) if exclude_ids else None,
        seed,
    )
    audioset_selection.check(choice)
    settings = fetch_audioset.checked(
        rate, pace, jobs, cookies, adopt, retry_permanent=retry_permanent, recheck=recheck
    )
    selected = audioset_selection.select(choice, session.progress)
    folder = Path(out or selected.folder_name)
    takes = audioset_selection.expected(
        selected,
        folder,
        rate=rate,
        pace_per_h=settings.pace_per_h,
        jobs=jobs,
        retry_permanent=retry_permanent,
        recheck=recheck,
    )
    _say_selected(session, selected)
    _say_expected(session, selected, takes, pace, folder, bool(adopt))
    values = {"out": str(folder), **_values(selected, takes)}
    if dry_run:
        session.result(values)
        return
    done = fetch_audioset.bring(selected, folder, settings, session.progress)
    following = _next(selected, folder, rate) if done.sources else None
    _say_done(session, done, following)
    low, high = done.interval
    share = done.had / done.answered if done.answered else None
    session.result(
        {
            **values,
            "asked": done.outcome.asked,
            "had": done.had,
            "adopted": done.outcome.adopted,
            "by_status": done.outcome.by_status,
            "missing": done.by_reason,
            "yield": {"answered": done.answered, "share": share, "low": low, "high": high},
            "downloaded_bytes": done.outcome.bytes,
            "stopped": done.outcome.stopped,
            "sources": str(done.sources) if done.sources else None,
            "next": following,
        }
    )
    if done.outcome.stopped or done.missing:
        raise PartialError(_partly(done))


def _say_selected(session: Session, selected: Selection) -> None:
    """Say what was read, what of it was not used and why, and what was chosen."""
    for one in selected.lists:
        session.say(f"{one.name}: {counted(one.used, 'row')} used ({one.subset or 'of no known subset'})")
        for note in one.notes:
            session.say(f"  {note}")
        for kind, (count, line, reason) in _skipped(one).items():
            session.say(f"  not used: {count:,} {kind}, e.g. line {line}: {reason}")
    for note in selected.notes:
        session.say(note)
    count = len(selected.wanted)
    session.say(f"{counted(count, 'clip')} chosen, {selected.hours:.2f} h:")
    shown = list(selected.labels.items())
    for name, count in shown[:MOST_LABELS]:
        found = selected.candidates[name]
        session.say(f"  {count:>7,}  {name}" + (f" (of {found:,})" if found != count else ""))
    if len(shown) > MOST_LABELS:
        session.say(f"           … and {counted(len(shown) - MOST_LABELS, 'more class', 'more classes')}")
    for reason, count in selected.left_out.items():
        session.say(f"  left out: {count:,} {reason}")


def _skipped(one: Segments) -> dict[str, tuple[int, int | str, str]]:
    """Return for each reason how many data lines were not used, and the first of them."""
    first = {skip.kind: skip for skip in reversed(one.skipped)}
    return {
        kind: (count, first[kind].line, first[kind].reason) if kind in first else (count, "?", "not listed")
        for kind, count in sorted(one.counts.items(), key=lambda item: -item[1])
    }


def _say_expected(session: Session, selected: Selection, takes: Expected, pace: str, folder: Path, adopt: bool) -> None:
    """Say what is there already, and what the rest will take."""
    from synth.steps.audioset_selection import SURVIVAL

    if takes.there or takes.given_up:
        given_up = (
            f", {counted(takes.given_up, 'is', 'are')} refused for good (--retry-permanent asks again)"
            if takes.given_up
            else ""
        )
        session.say(f"{folder} has {takes.there:,} of them{given_up}")
    if not takes.videos:
        session.say("Nothing to download.")
        return
    session.say(
        f"{counted(takes.videos, 'video')} to request at {pace}: {_duration(takes.eta_s)} at best; waiting after refusals comes on top"
        + (", adopted copies are not downloaded" if adopt else "")
    )
    session.say(
        f"About {SURVIVAL * 100:.0f} % of AudioSet's videos still existed in 2023 (84.3 % of balanced, 84.1 % of eval, 85.2 % of "
        f"unbalanced), fewer since: expect {round(SURVIVAL * len(selected.wanted)):,} of {counted(len(selected.wanted), 'clip')} "
        "at most"
    )
    session.say(
        f"About {size(takes.download_bytes)} to download (whole sound tracks, taken as 4 min at 70 kbit/s each), "
        f"{size(takes.disk_bytes)} of clips in {folder}"
    )


def _say_done(session: Session, done: Fetched, following: str | None) -> None:
    """Say what came of it."""
    for reason, count in done.outcome.not_adopted.items():
        session.say(f"not adopted: {count:,} {reason}")
    low, high = done.interval
    adopted = f" ({done.outcome.adopted:,} adopted in this run)" if done.outcome.adopted else ""
    session.say(f"{counted(done.outcome.asked, 'clip')} requested, {done.had:,} found{adopted}")
    for status, count in done.by_reason.items():
        session.say(f"  {count:>7,}  {status}")
    if done.answered:
        session.say(
            f"Yield: {done.had:,} of the {done.answered:,} that were found or are gone for good, "
            f"{_percent(done.had / done.answered)} (95 % interval: {_percent(low)} to {_percent(high)})"
        )
    if done.indexed:
        good = done.indexed.counts["ok"]
        session.say(f"{done.sources}: {counted(good, 'clip')} that can be used, of all fetches into {done.folder}")
        for status, count in sorted(done.indexed.counts.items()):
            if status != "ok":
                session.say(f"  not used: {count:,} {status}, e.g. {done.indexed.examples[status]}")
    if following:
        session.say(f"Next: {following}")


def _partly(done: Fetched) -> str:
    """Say why not all is there, and what to do."""
    listed = ", ".join(f"{count:,} {status}" for status, count in done.by_reason.items())
    says = (
        f"{done.missing:,} of {counted(done.outcome.asked, 'clip is', 'clips are')} missing: {listed}"
        if done.missing
        else ""
    )
    says += f"; each has its reason in {done.folder / 'ledger.parquet'}." if says else ""
    if not done.had:
        says = f"No clip was found, so there is nothing to continue with. {says}"
    left = done.missing - done.final
    if done.outcome.stopped:
        return f"Stopped early: {done.outcome.stopped} Then the same command goes on. {says}".strip()
    if left:
        return f"{says} {left:,} of them may still be available: run the same command again later."
    return f"{says} Asking again will not help (--retry-permanent asks anyway)."


def _next(selected: Selection, folder: Path, rate: int) -> str:
    """Return the command that makes a data set of the clips; with all their labels where those below were asked for."""
    names = [name for name in selected.asked if selected.labels.get(name)]
    labels = (
        [word for name in names for word in ("--label", name)] if set(selected.labels) <= set(selected.asked) else []
    )
    name = selected.folder_name.removeprefix("audioset-")
    words = ["synth", "manifest", str(folder / "sources.parquet"), *labels, "--seconds", "10", "--rate", str(rate)]
    return shlex.join([*words, "-o", name if Path(name) != folder else f"{name}-set"])


def _values(selected: Selection, takes: Expected) -> dict[str, Any]:
    """Return a selection as numbers for programs."""
    files = [
        {
            "file": one.name,
            "subset": one.subset,
            "rows": one.used,
            "skipped": sum(one.counts.values()),
            "reasons": dict(one.counts),
            "notes": list(one.notes),
        }
        for one in selected.lists
    ]
    lines = [
        {"file": one.name, "line": skip.line, "kind": skip.kind, "reason": skip.reason}
        for one in selected.lists
        for skip in one.skipped[:MOST_SKIPPED]
    ]
    reasons: dict[str, int] = {}
    for one in selected.lists:
        for kind, count in one.counts.items():
            reasons[kind] = reasons.get(kind, 0) + count
    return {
        "selected": len(selected.wanted),
        "labels": selected.labels,
        "candidates": selected.candidates,
        "left_out": selected.left_out,
        "rows": selected.rows,
        "skipped": selected.skipped,
        "reasons": reasons,
        "files": files,
        "skipped_lines": lines[:MOST_SKIPPED],
        "notes": list(selected.notes),
        "hours": round(selected.hours, 4),
        "videos": takes.videos,
        "there": takes.there,
        "download_bytes": takes.download_bytes,
        "disk_bytes": takes.disk_bytes,
        "eta_s": round(takes.eta_s),
    }


def _duration(seconds: float) -> str:
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.1f} days"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
