"""What was found and made, in lines for people."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from synth.errors import listed, typed
from synth.tables import SPLITS
from synth.units import counted, size, with_count

if TYPE_CHECKING:
    from synth.cli.session import Session
    from synth.steps.audit import Audited
    from synth.steps.estimates import Expected
    from synth.steps.index import Indexed
    from synth.steps.manifest import Planned as Labelled
    from synth.steps.plan import Planned
    from synth.steps.render import Rendered
    from synth.steps.split import Split

DEMO = "demo-voices"
MOST_LABELS = 30  # lines of a table on the screen
MARKS = {True: "ok", False: "FAILS", None: "note"}
DEMO_LINE = (
    "These are the built-in demo voices (synthetic, 10 female, 10 male): good for a first look, not for training. "
    "For real speech: synth fetch-librispeech train-clean-5 && "
    "synth mix --speakers {speakers} --source LibriSpeech"
)


def indexed(session: Session, result: Indexed) -> None:
    """Say what was found in the corpora, each oddity once, and every status with its count."""
    for root, corpus in result.corpora:
        session.say(
            f"{root.name}: {corpus.title}, {counted(len(corpus.items), 'recording')}, licence "
            + listed(sorted({item.licence or corpus.licence for item in corpus.items}) or [corpus.licence])
        )
        if root.given == root.name != DEMO and not Path(root.given).exists():
            session.say(f"  there is no {root.given} here; it was found in {root.folder}")
        for oddity in corpus.oddities:
            session.say(f"  {oddity.says} (e.g. {oddity.example})" if oddity.example else f"  {oddity.says}")
    for oddity in result.oddities:
        session.say(f"  {oddity.says} (e.g. {oddity.example})")
    seconds = result.table.column("duration_s").to_pylist()
    good = result.counts["ok"]
    length = sum(
        s for s, status in zip(seconds, result.table.column("status").to_pylist(), strict=True) if status == "ok" and s
    )
    session.say(f"{counted(good, 'recording')} can be used ({length / 3600:.2f} h); {_measured(result)}")
    for status, count in sorted(result.counts.items()):
        if status != "ok":
            session.say(f"  not used: {count:,} {status}, e.g. {result.examples[status]}")
    if not result.arena and result.fresh:
        session.say("  the cache's disk has no room for the decoded samples: rendering reads the corpus instead")


def _measured(result: Indexed) -> str:
    if not result.fresh:
        return "all unchanged since last time"
    hashes = result.table.column("sha256")  # of what is not used whatever it holds, nobody has looked at the bytes
    known = len(hashes) - hashes.null_count > result.fresh
    return f"{result.fresh:,} measured now" + (", the others unchanged since last time" if known else "")


def split(session: Session, result: Split, shares: str = "", speakers: str = "1") -> None:
    """Say how many groups of each sex are in each split; ``shares`` and ``speakers`` are the options that decided it."""
    for name in (*SPLITS, "none"):
        found = {sex: n for (split_name, sex), n in result.groups.items() if split_name == name}
        if found:
            words = ", ".join(
                f"{found[sex]} {word}"
                for sex, word in (("F", "female"), ("M", "male"), ("none", "unknown sex"))
                if sex in found
            )
            session.say(
                f"  {name if name != 'none' else 'in no split'}: {words} {'speaker' if [*found.values()][-1] == 1 else 'speakers'}"
            )
    _say_why_uneven(session, result, shares, speakers)
    if result.told:
        session.say("  the column split of the table is used, as no --split was given")
    if not any(result.shared.values()):
        session.say("  no group, speaker, chapter or recording is in two splits")


def _say_why_uneven(session: Session, result: Split, shares: str, speakers: str) -> None:
    """Say why a split has more speakers than its share: no clip may need more of one sex than there are."""
    parts = shares.split("/")
    most = speakers.rpartition("-")[2]
    if len(parts) != len(SPLITS) or not all(part.isdecimal() for part in (*parts, most)) or not sum(map(int, parts)):
        return
    total = {sex: sum(n for (_, one), n in result.groups.items() if one == sex) for sex in ("F", "M")}
    by_share = {name: int(part) / sum(map(int, parts)) for name, part in zip(SPLITS, parts, strict=True)}
    raised = [
        name
        for name, share in by_share.items()
        if any(result.groups.get((name, sex), 0) == int(most) > share * total[sex] > 0 for sex in total)
    ]
    if raised:
        session.say(
            f"  {' and '.join(raised)} {'have' if len(raised) > 1 else 'has'} more than {shares} would give: a clip may hold "
            f"{counted(int(most), 'speaker')} of one sex, and no speaker is in two splits"
        )


def planned(session: Session, result: Planned) -> None:
    """Say how many clips of each class were planned, and what was left out."""
    names = sorted({name for cells in result.cells.values() for name in cells}, key=lambda n: (n != "none", len(n), n))
    width = max(len(name) for name in names) + 2
    session.say("  " + " " * 6 + "".join(f"{name:>{max(width, 7)}}" for name in names))
    for name, cells in result.cells.items():
        session.say(f"  {name:<6}" + "".join(f"{cells.get(cell, 0):>{max(width, 7)},}" for cell in names))
    for name, reasons in result.left_out.items():
        for why, count, example in reasons:
            session.say(f"  {name}: {counted(count, 'recording')} left out: {why}, e.g. {example}")
    if result.lowered:
        session.say(f"  {counted(result.lowered, 'clip')} made quieter than planned to avoid clipping")


def labelled(session: Session, result: Labelled) -> None:
    """Say how many clips of each label were planned, and what was left out."""
    totals: Counter[str] = Counter()
    for counts in result.labels.values():
        totals.update(counts)
    names = [name for name, _ in sorted(totals.items(), key=lambda one: (-one[1], one[0]))]
    width = max([len(name) for name in names[:MOST_LABELS]] + [9])
    session.say(f"  {'':<{width}}" + "".join(f"{split:>8}" for split in result.labels))
    for name in names[:MOST_LABELS]:
        session.say(f"  {name:<{width}}" + "".join(f"{counts.get(name, 0):>8,}" for counts in result.labels.values()))
    if len(names) > MOST_LABELS:
        session.say(f"  … and {counted(len(names) - MOST_LABELS, 'further label')}")
    session.say(f"  {'all clips':<{width}}" + "".join(f"{count:>8,}" for count in result.clips.values()))
    lacking = [
        f"{name} in {split}" for name in names for split, counts in result.labels.items() if not counts.get(name)
    ]
    if lacking:
        session.say(f"  no clip of {listed(lacking)}: too few groups")
    if result.told:
        session.say("  the column split of the table is used, as no --split was given")
    for why, count in result.left_out.items():
        session.say(f"  left out: {with_count(count, why)}")
    facts = result.facts
    if facts["labels_dropped"]:
        session.say(
            f"  {counted(facts['labels_dropped'], 'label removed by its verdict', 'labels removed by their verdicts')}"
        )
    if facts["labels_unjudged"]:
        unjudged = counted(facts["labels_unjudged"], "label was", "labels were")
        session.say(f"  {unjudged} not judged: kept, not verified (labels_mask)")
    if facts["padded"]:
        padded = counted(facts["padded"], "recording is", "recordings are")
        session.say(f"  {padded} shorter than a clip: padded with zeros at the end")
    if facts["cut"] and not (result.every and round(facts["beyond_s"], 1) == 0):
        cut = counted(facts["cut"], "recording is", "recordings are")
        session.say(
            f"  {cut} longer than a clip: {facts['beyond_s']:,.1f} s of {'it' if facts['cut'] == 1 else 'them'} are not used"
            + ("" if result.every else " (--windows all: every window that fits is a clip)")
        )


def audited(session: Session, result: Audited) -> None:
    """Print the findings, one a line."""
    width = max(len(finding.claim) for finding in result.findings)
    for finding in result.findings:
        session.say(f"  {MARKS[finding.holds]:<5} {finding.claim:<{width}}  {finding.says}")


def audited_briefly(
    session: Session, result: Audited, what: str = "balance, disjoint splits, audible speakers, shortcuts, …"
) -> None:
    """Say how many claims hold, and print those that do not."""
    failed = [finding for finding in result.findings if finding.holds is False]
    held = sum(finding.holds is True for finding in result.findings)
    session.say(
        f"  audit: {counted(held, 'claim holds', 'claims hold')}, {counted(len(failed), 'does', 'do')} not ({what})"
    )
    for finding in failed:
        session.say(f"  {MARKS[finding.holds]} {finding.claim}: {finding.says}")
    for finding in result.findings:
        if finding.claim == "shortcut-level" and finding.figures:
            session.say(f"    loudness gives nothing away: {finding.says}" if finding.holds else f"    {finding.says}")


def expected(takes: Expected) -> str:
    """Return the size and time to expect in words."""
    reading = (
        f" (recordings not read before: up to {size(takes.to_read_bytes)}, {_time(takes.index_s)})"
        if takes.to_read_bytes
        else ""
    )
    return (
        f"{counted(takes.clips, 'clip')} of {takes.seconds:g} s: about {size(takes.bytes)}, {_time(takes.render_s)} to render, "
        f"{_time(takes.total_s)} in all{reading}"
    )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def rendered(session: Session, done: Rendered) -> None:
    """Say how many clips there are, and where."""
    session.say(f"{done.out}: {counted(sum(done.clips.values()), 'clip')}, {size(done.bytes)} in {done.out / 'data'}")


def beside(path: Path, name: str) -> Path:
    """Return where a table is to be written that is made of the one at ``path``: beside it, and never over it."""
    return path.with_name(name if name != path.name else f"{Path(name).stem}-2{Path(name).suffix}")


def free_folder(path: Path) -> Path:
    """Return a folder for a data set: ``path``, or where something else lies there, another name."""
    other = path.exists() and not (path / "plan.parquet").exists()
    return path.with_name(f"{path.name}-set") if other else path


def what_next(session: Session, folder: Path) -> None:
    """Say where the labels and the data card of a data set are, and how to see all findings."""
    session.say(
        f"Labels: {folder / 'manifest.parquet'}. Data card: {folder / 'README.md'}. All findings, and pictures: "
        f"{typed('synth', 'audit', folder)}"
    )
