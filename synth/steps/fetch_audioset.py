"""``synth fetch-audioset``: clips of AudioSet's classes, a ledger of what is missing and why, and a SOURCES table."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.checking.statistics import wilson
from synth.errors import InputError, UsageError
from synth.fetching import engine, ledger
from synth.fetching.engine import Outcome, Settings
from synth.steps.audioset_selection import Choice, Selection, check, select
from synth.steps.index import Indexed, index
from synth.steps.progress import Progress, silent
from synth.steps.results import Result
from synth.tables import FRAMES_PER_S

SOURCES_NAME = "sources.parquet"
PACE = "300/h"  # what a guest may ask for
JOBS = 2
RATE_HZ = 48_000  # what CLAP wants
_PER_H = {"s": 3600.0, "min": 60.0, "h": 1.0, "d": 1 / 24}


@dataclass(frozen=True, slots=True, repr=False)
class Fetched(Result):
    """What a run came to.

    ``folder`` holds the clips, the ledger and ``sources`` (None where nothing was found). ``by_reason`` counts what is
    missing by the ledger's status; ``final`` of the missing are refused for good. ``answered`` segments are found or
    refused for good: the yield is that of these, ``interval`` its 95 % interval after Wilson.
    """

    selection: Selection
    folder: Path
    outcome: Outcome
    by_reason: dict[str, int]
    final: int
    answered: int
    interval: tuple[float, float]
    indexed: Indexed | None
    sources: Path | None

    @property
    def missing(self) -> int:
        """How many of the asked segments are not there."""
        return self.outcome.asked - self.had

    @property
    def had(self) -> int:
        """How many of the asked segments are there, those included whose video has disappeared since."""
        return self.outcome.asked - sum(self.by_reason.values())


def fetch_audioset(
    label: str | Sequence[str],
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
    out: str | Path | None = None,
    rate: int = RATE_HZ,
    pace: str | float = PACE,
    jobs: int = JOBS,
    cookies: str | Path | None = None,
    retry_permanent: bool = False,
    recheck: bool = False,
    adopt: Sequence[str | Path] = (),
    progress: Progress = silent,
) -> Fetched:
    """Fetch the segments of some classes, each by its display name in any case or its mid, and index them.

    Run it again to go on: only what is missing and may still be available is requested. What is missing is no error
    here; see ``missing``, ``by_reason`` and the ledger.

    Raises:
        UsageError: a label or value that does not exist.
        InputError: a list, cookies or folder that cannot be used, or the disk is full.
        InfeasibleError: no segment is left.
    """
    choice = Choice(
        (label,) if isinstance(label, str) else tuple(label),
        descendants,
        tuple(without),
        single_label,
        tuple(subset),
        tuple(map(Path, csv)),
        limit,
        max_per_label,
        min_quality,
        Path(exclude_ids) if exclude_ids else None,
        seed,
    )
    check(choice)
    settings = checked(rate, pace, jobs, cookies, adopt, retry_permanent=retry_permanent, recheck=recheck)
    selected = select(choice, progress)
    return bring(selected, Path(out or selected.folder_name), settings, progress)


def bring(selected: Selection, folder: Path, settings: Settings, progress: Progress) -> Fetched:
    """Fetch a selection into a folder and write the folder's SOURCES table. Raises InputError."""
    outcome = engine.fetch(selected.wanted, folder, settings, progress)
    known = ledger.known(folder)
    rows = [known[item_id] for item_id in {one.item_id: None for one in selected.wanted}]
    lost = [row for row in rows if row.path is None]
    final = sum(bool(row.permanent) for row in lost)
    had = len(rows) - len(lost)
    indexed, sources = None, None
    if any(row.path for row in known.values()):
        sources = folder / SOURCES_NAME
        indexed = index([f"{folder.resolve().name}={folder}"], rate=settings.rate_hz, out=sources, progress=progress)
    by_reason = dict(sorted(Counter(row.status for row in lost).items(), key=lambda one: (-one[1], one[0])))
    interval = wilson(had, had + final)
    return Fetched(selected, folder, outcome, by_reason, final, had + final, interval, indexed, sources)


def checked(
    rate: int,
    pace: str | float,
    jobs: int,
    cookies: str | Path | None,
    adopt: Sequence[str | Path],
    *,
    retry_permanent: bool,
    recheck: bool,
) -> Settings:
    """Return the settings of a fetch, checked before anything is read. Raises UsageError and InputError."""
    if rate % FRAMES_PER_S or not 4000 <= rate <= 192_000:
        raise UsageError(f"--rate {rate}: wanted a multiple of {FRAMES_PER_S} Hz from 4000 to 192000, e.g. {RATE_HZ}")
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: wanted 1 or more")
    found = Settings(
        rate,
        pace_per_h(pace),
        jobs,
        Path(cookies) if cookies else None,
        retry_permanent,
        recheck,
        tuple(map(Path, adopt)),
    )
    for option, path in (("--cookies", found.cookies), *(("--adopt", path) for path in found.adopt)):
        if path is not None and not path.exists():
            raise InputError(f"{option} {path}: no such file or folder")
    return found


def pace_per_h(pace: str | float) -> float:
    """Return the downloads an hour of ``300/h``, ``5/min``, ``1/s`` or a number. Raises UsageError."""
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+]?[0-9]+)?)\s*(?:/\s*(s|min|h|d))?\s*", str(pace))
    value = float(found[1]) * _PER_H[found[2] or "h"] if found else 0.0
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"--pace {pace}: wanted downloads over time, e.g. 300/h or 5/min")
    return value
