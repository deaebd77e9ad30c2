"""``synth fetch-audioset``: from a label to clips, a ledger of what could not be had, and a SOURCES table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from synth.checking.statistics import proportion
from synth.corpora.audioset.classes import Classes
from synth.corpora.audioset.damaged import ID
from synth.corpora.audioset.segments import SUBSETS
from synth.errors import InfeasibleError, InputError, UsageError, listed
from synth.fetching.items import Wanted
from synth.planning.selection import Chosen, Wish, choose
from synth.steps import audioset_lists as lists
from synth.steps.audioset_lists import Lists
from synth.steps.index import index
from synth.steps.progress import Progress, silent
from synth.store import parquet
from synth.tables import LEDGER

PACE = "300/h"  # what YouTube bears from a guest (yt-dlp's wiki: about 300 videos an hour)
SURVIVAL = 0.84  # of the segments, in March 2023: 84.3 % balanced, 84.1 % eval, 85.2 % unbalanced (agkphysics/AudioSet)
FLAC_SHARE = 0.6  # of 16-bit PCM; music and speech lie between 0.4 and 0.75
SOURCES_NAME, LEDGER_NAME = "sources.parquet", "ledger.parquet"
_PER_S = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}


@dataclass(frozen=True, slots=True)
class Label:
    """One asked label: its mid, how many segments carry it (by subset, then with its descendants), how many are taken."""

    name: str
    mid: str
    direct: Mapping[str, int]
    candidates: int
    selected: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was selected, what it takes, and, unless it was a dry run, what became of it.

    ``hours`` and ``bytes`` are those of the clips if all are had, ``videos`` and ``eta_h`` count the downloads that are
    still to be made. ``had`` is None for a dry run. ``share`` is the yield with its 95 % interval.
    """

    out: Path
    labels: tuple[Label, ...]
    lists: Lists
    wanted: tuple[Wanted, ...]
    repeated: int
    notes: tuple[str, ...]
    hours: float
    bytes: int
    videos: int
    eta_h: float
    had: int | None = None
    by_status: Mapping[str, int] = field(default_factory=dict)
    stopped: str | None = None
    share: tuple[float, float, float] | None = None
    sources: Path | None = None

    @property
    def expected(self) -> int:
        """How many of the selected segments can be expected to exist still."""
        return round(SURVIVAL * len(self.wanted))


def fetch_audioset(
    label: Sequence[str],
    *,
    descendants: bool = False,
    without: Sequence[str] = (),
    single_label: bool = False,
    subset: Sequence[str] = (),
    csv: Sequence[str | Path] = (),
    limit: int | None = None,
    max_per_label: int | None = None,
    min_quality: float | None = None,
    exclude_ids: str | Path | None = None,
    seed: int = 0,
    dry_run: bool = False,
    pace: str = PACE,
    rate: int = 48000,
    jobs: int | None = None,
    cookies: str | Path | None = None,
    retry_permanent: bool = False,
    recheck: bool = False,
    adopt: Sequence[str | Path] = (),
    out: str | Path | None = None,
    progress: Progress = silent,
    announce: Callable[[Fetched], None] | None = None,
) -> Fetched:
    """Fetch the segments of AudioSet that carry a label, into a folder with a ledger and a SOURCES table.

    Args:
        label: display names, in any case, or mids.
        descendants: also segments of the classes below them in the ontology.
        without: labels that no segment may carry; several in one text are separated by commas.
        single_label: only segments with one label.
        subset: of balanced, eval, unbalanced; all without.
        csv: lists of segments, or folders of them; without, the official lists are downloaded once and cached.
        limit: most segments in all. A larger limit keeps what a smaller one chose; so does ``max_per_label``.
        max_per_label: most segments of each label.
        min_quality: only labels of which at least this share was found true when judged again, 0 to 1.
        exclude_ids: a file with a YouTube id a line.
        seed: of the choice under a limit.
        dry_run: select and estimate; nothing is fetched.
        pace: downloads over all workers, e.g. 300/h.
        rate: sample rate of the clips in Hz.
        jobs: workers.
        cookies: a cookies.txt; it is read and never written.
        retry_permanent: ask again for what was refused for good.
        recheck: ask whether what is there still exists on the site.
        adopt: folders or archives of existing copies, which are used instead of downloads.
        out: the folder; without, one named after the labels.
        progress: called with what is done, how much of it, and how much there is.
        announce: called with what was selected and what it takes, before anything is fetched.

    Raises:
        UsageError: a label, subset or value that does not exist.
        InputError: lists that cannot be read or had, or no segment that is as asked.
    """
    if not label:
        raise UsageError("no --label; wanted a display name or a mid, e.g. --label Accordion")
    for name, value in (("--limit", limit), ("--max-per-label", max_per_label)):
        if value is not None and value < 1:
            raise UsageError(f"{name} {value}: wanted 1 or more")
    if min_quality is not None and not 0 <= min_quality <= 1:
        raise UsageError(f"--min-quality {min_quality:g}: wanted a share from 0 to 1, e.g. 0.9")
    per_h = _per_hour(pace)
    excluded = _ids(Path(exclude_ids)) if exclude_ids else frozenset[bytes]()
    named = any(not text.strip().startswith("/") for text in [*label, *without])
    classes = lists.get_classes(csv, named, progress)
    mids = list(dict.fromkeys(classes.mid(text) for text in label))
    barred = {mid for text in without for mid in classes.split(text)}
    if barred & set(mids):
        both = listed(classes.name(mid) for mid in mids if mid in barred)
        raise UsageError(f"{both} is asked for by --label and excluded by --without")
    groups = {mid: {mid} for mid in mids}
    if descendants:
        ontology = lists.get_ontology(csv, progress)
        groups = {mid: {mid, *ontology.descendants(mid)} for mid in mids}
    notes: list[str] = []
    if min_quality is not None:
        groups = _good_enough(groups, lists.get_quality(csv, progress), min_quality, classes, notes)
    found = lists.get_segments(csv, subset, classes, progress)
    code = {mid: k for k, mid in enumerate(found.mids)}
    wish = Wish(
        {mid: frozenset(code[one] for one in group if one in code) for mid, group in groups.items()},
        frozenset(code[mid] for mid in barred if mid in code),
        single_label,
        limit,
        max_per_label,
        excluded,
        seed,
    )
    chosen = choose(found.pool, wish)
    wanted = tuple(_wanted(found, int(row), classes) for row in chosen.rows)
    told = _labels(found, chosen, mids, classes)
    if not wanted:
        raise InputError(_nothing(told, found))
    notes += [f"no segment carries {one.name} ({one.mid})" for one in told if not one.candidates]
    folder = Path(out) if out else Path(_folder_name([one.name for one in told]))
    todo = _todo(wanted, folder, retry_permanent)
    seconds = sum(item.end_s - item.start_s for item in wanted)
    plan = Fetched(
        folder,
        told,
        found,
        wanted,
        chosen.repeated,
        tuple(notes),
        hours=seconds / 3600,
        bytes=round(seconds * rate * 2 * FLAC_SHARE),
        videos=todo,
        eta_h=todo / per_h,
    )
    if announce:
        announce(plan)
    if dry_run:
        return plan
    return _fetched(plan, per_h, rate, jobs, cookies, retry_permanent, recheck, adopt, progress)


def _fetched(
    plan: Fetched,
    per_h: float,
    rate: int,
    jobs: int | None,
    cookies: str | Path | None,
    retry_permanent: bool,
    recheck: bool,
    adopt: Sequence[str | Path],
    progress: Progress,
) -> Fetched:
    from synth.fetching.engine import Settings, fetch

    settings = Settings(
        rate_hz=rate,
        pace_per_h=per_h,
        jobs=jobs or Settings().jobs,
        cookies=Path(cookies) if cookies else None,
        retry_permanent=retry_permanent,
        recheck=recheck,
        adopt=tuple(Path(path) for path in adopt),
    )
    done = fetch(plan.wanted, plan.out, settings, progress)
    sources = None
    if done.had:
        sources = plan.out / SOURCES_NAME
        index([f"{plan.out.resolve().name}={plan.out}"], rate=rate, jobs=jobs, out=sources, progress=progress)
    notes = [f"{count:,} files to adopt were not used: {why}" for why, count in done.not_adopted.items()]
    return replace(
        plan,
        notes=(*plan.notes, *notes),
        had=done.had,
        by_status=done.by_status,
        stopped=done.stopped,
        share=(done.had / done.asked, *proportion(done.had, done.asked)),
        sources=sources,
    )


def _good_enough(
    groups: Mapping[str, set[str]],
    quality: Mapping[str, float | None],
    least: float,
    classes: Classes,
    notes: list[str],
) -> dict[str, set[str]]:
    """Return the groups without the labels that were found true too rarely, or were not judged."""
    out = {mid: {one for one in group if (quality.get(one) or -1.0) >= least} for mid, group in groups.items()}

    def judged(mid: str) -> str:
        share = quality.get(mid)
        return f"{classes.name(mid)} ({'not judged' if share is None else f'{share:.0%} true'})"

    empty = [mid for mid, group in out.items() if not group]
    if empty:
        raise InfeasibleError(
            f"--min-quality {least:g}: {listed(map(judged, empty))}; wanted labels that were found true in at least "
            f"{least:.0%} of the segments that were judged again. Lower it, or leave it out"
        )
    dropped = sorted({one for mid, group in groups.items() for one in group - out[mid]} & set(classes.names))
    if dropped:
        notes.append(f"below --min-quality {least:g}: {listed(map(judged, dropped))}")
    return out


def _labels(found: Lists, chosen: Chosen, mids: Sequence[str], classes: Classes) -> tuple[Label, ...]:
    owner = np.repeat(found.of, np.diff(found.pool.offsets))
    out = []
    for mid in mids:
        direct: Counter[str] = Counter()
        if mid in found.mids:
            per_list = np.bincount(owner[found.pool.codes == found.mids.index(mid)], minlength=len(found.found))
            for one, count in zip(found.found, per_list.tolist(), strict=True):
                direct[one.subset or "unknown"] += count
        in_order = {name: direct[name] for name in (*SUBSETS, "unknown") if name in direct}
        out.append(Label(classes.name(mid), mid, in_order, chosen.candidates[mid], chosen.chosen[mid]))
    return tuple(out)


def _wanted(found: Lists, row: int, classes: Classes) -> Wanted:
    mids = found.labels(row)
    return Wanted(
        found.pool.ytid[row].decode(),
        float(found.start_s[row]),
        float(found.end_s[row]),
        tuple(classes.name(mid) for mid in mids),
        mids,
        found.found[int(found.of[row])].subset,
    )


def _nothing(told: Sequence[Label], found: Lists) -> str:
    counts = listed(f"{one.name} ({one.mid}): {sum(one.direct.values()):,} carry it" for one in told)
    return (
        f"no segment is as asked. Of {found.used:,} rows in {len(found.found)} lists, {counts}. Loosen --without, "
        "--single-label, --subset or --exclude-ids; --descendants takes the classes below a label as well"
    )


def _todo(wanted: Sequence[Wanted], folder: Path, retry_permanent: bool) -> int:
    """Return how many videos are still to be asked for, by the ledger of an earlier run."""
    settled: set[str] = set()
    if (folder / LEDGER_NAME).is_file():
        ledger = parquet.read(folder / LEDGER_NAME, LEDGER, "synth fetch-audioset --label LABEL")
        columns = (ledger.column(name).to_pylist() for name in ("item_id", "status", "permanent"))
        settled = {
            item_id
            for item_id, status, permanent in zip(*columns, strict=True)
            if status == "ok" or (permanent and not retry_permanent)
        }
    return len({item.ytid for item in wanted if item.item_id not in settled})


def _per_hour(pace: str) -> float:
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:/\s*([a-z]+))?\s*", str(pace).lower())
    if not match or float(match[1]) <= 0 or (match[2] or "h") not in _PER_S:
        raise UsageError(f"--pace {pace}: wanted downloads in a time, e.g. 300/h or 5/min")
    return float(match[1]) * 3600 / _PER_S[match[2] or "h"]


def _ids(path: Path) -> frozenset[bytes]:
    """Return the YouTube ids of a file: the first field of each line; # begins a comment, a first line may be a header."""
    try:
        lines = path.read_bytes().decode("utf-8-sig", "replace").splitlines()
    except OSError as error:
        raise InputError(f"--exclude-ids {path}: {error.strerror}; wanted a file with a YouTube id a line") from None
    ids, wrong = set(), []
    for number, line in enumerate(lines, 1):
        text = re.split(r"[,;\t]", line.strip())[0].strip(" \"'")
        if ID.fullmatch(text):
            ids.add(text.encode())
        elif text and not text.startswith("#") and number > 1:
            wrong.append(f"line {number}: {text[:20]!r}")
    if wrong or not ids:
        found = listed(wrong) or "no id"
        raise InputError(f"--exclude-ids {path}: {found}; wanted a YouTube id a line, 11 of A-Z a-z 0-9 _ -")
    return frozenset(ids)


def _folder_name(names: Sequence[str]) -> str:
    """Return the name of the folder for some labels: letters, digits and dashes."""
    words = (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names)
    return "-".join(words)[:80].strip("-") or "audioset"
