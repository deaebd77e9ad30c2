"""``fetch``: segments of videos to verified clips and a ledger, in as many runs as it takes.

Every segment has a row from the first moment: ``pending`` with ``permanent`` null until it is asked for. A run asks for
what was never asked for, then for what failed in a way that may pass; what stopped an earlier run comes last. One
download serves all segments of a video. Ctrl-C, a kill or a polite stop leave a state from which the next run goes on.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Lock

from synth.audio.cut import Cut, CutError, cut
from synth.errors import InputError, UsageError, disk_full
from synth.fetching import clips, items, messages, pace, present
from synth.fetching.crew import Crew
from synth.fetching.download import Downloader, Got, Options, Refusal, Stopped, read_cookies
from synth.fetching.items import Progress, Wanted
from synth.fetching.ledger import Ledger, Row
from synth.fetching.messages import Verdict
from synth.store import atomic, locks
from synth.units import counted

_MOST_TRIES = {"hold": 4, "again": 2}  # of one item in one run, by what was to be done about its failure
_STOPPERS = (messages.RATE.status, messages.BOT.status)  # of a video that may have stopped the last run
_NO_DURATION_S = 1.5  # a site gives whole seconds: a stream shorter than said by more than this was cut off


@dataclass(frozen=True, slots=True)
class Settings:
    """How to fetch; ``pace_per_h`` counts downloads over all workers, ``max_bytes`` bounds each of them.

    ``retry_permanent`` asks again for what was refused for good, ``recheck`` whether what is there still exists on the
    site. ``timeout_s`` is how long a silent connection is borne, ``retries`` how often a broken transfer is resumed,
    ``hold_s`` how long nothing is asked after HTTP 429 where the server names no time (doubled each time).
    """

    rate_hz: int = 48000
    pace_per_h: float = 300.0
    jobs: int = 2
    cookies: Path | None = None
    retry_permanent: bool = False
    recheck: bool = False
    adopt: tuple[Path, ...] = ()
    max_bytes: int = 256 << 20
    timeout_s: float = 30.0
    retries: int = 3
    hold_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: ``by_status`` counts all that was asked, ``stopped`` says why it stopped early and what to do.

    ``bytes`` were downloaded by this run. ``not_adopted`` counts files that are no copy of a segment, by reason.
    """

    asked: int
    had: int
    by_status: dict[str, int]
    stopped: str | None
    bytes: int
    adopted: int = 0
    not_adopted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Job:
    """All segments of one video that are to be asked for; or, with ``check``, whether it is still there."""

    ytid: str
    rows: tuple[Row, ...]
    check: bool = False


def fetch(wanted: Sequence[Wanted], folder: Path, settings: Settings, progress: Progress) -> Outcome:
    """Bring the clips of ``wanted`` into ``folder``, and its ledger up to date.

    ``progress(what, done, total)`` is called from this thread with what is "checking", "adopting" or "fetching".

    Raises:
        UsageError: a setting that cannot be.
        InputError: another process writes there, the clips there have another rate, the cookies or the ledger cannot be
            read, the disk is full.
        KeyboardInterrupt: passed on; what was fetched is recorded.
    """
    for name, value in (("--pace", settings.pace_per_h), ("--jobs", settings.jobs), ("--rate", settings.rate_hz)):
        if not value > 0:
            raise UsageError(f"{name} {value}: wanted more than 0")
    options = Options(
        read_cookies(settings.cookies) if settings.cookies else None,
        settings.max_bytes,
        settings.timeout_s,
        settings.retries,
    )
    asked = items.once(wanted)
    with _alone(folder), Ledger(folder) as ledger:
        ids = [row.item_id for row in ledger.expect(asked)]

        def rows() -> list[Row]:
            return [ledger[item_id] for item_id in ids]

        _one_rate(rows(), settings.rate_hz, folder)
        run = _Run(folder, settings, options, ledger, progress)
        run.refuse([row for item, row in zip(asked, rows(), strict=True) if items.fault(item)])
        present.check(rows(), folder, ledger, progress)
        adopted, refused = 0, dict[str, int]()
        if settings.adopt:
            adopted, refused = present.take_over(rows(), settings.adopt, settings.rate_hz, folder, ledger, progress)
        run.work(_jobs(rows(), settings))
        now = rows()
    return Outcome(
        asked=len(now),
        had=sum(row.ok for row in now),
        by_status=dict(Counter(row.status for row in now).most_common()),
        stopped=run.stopped,
        bytes=run.bytes,
        adopted=adopted,
        not_adopted=refused,
    )


def _one_rate(rows: Sequence[Row], rate_hz: int, folder: Path) -> None:
    other = [row for row in rows if row.path and row.rate_hz != rate_hz]
    if other:
        raise InputError(
            f"{folder} holds {counted(len(other), 'clip')} of these at {other[0].rate_hz} Hz, wanted {rate_hz} Hz: the clips of a "
            f"folder have one rate. Choose another --out, or --rate {other[0].rate_hz}"
        )


def _jobs(rows: Sequence[Row], settings: Settings) -> list[_Job]:
    """Return what to ask for, in order: the new, the failed, what stopped a run; then what to check."""
    again = settings.retry_permanent
    asked = [
        row for row in rows if not row.ok and row.status != messages.INVALID.status and (again or not row.permanent)
    ]
    asked.sort(key=lambda row: (row.attempts > 0, row.status in _STOPPERS, row.attempts))
    jobs = list(_by_video(asked, check=False))
    if settings.recheck:
        ids = {job.ytid for job in jobs}
        jobs += _by_video([row for row in rows if row.path and row.ytid not in ids], check=True)
    return jobs


def _by_video(rows: Sequence[Row], *, check: bool) -> Iterator[_Job]:
    videos: dict[str, list[Row]] = {}
    for row in rows:
        videos.setdefault(row.ytid, []).append(row)
    for ytid, segments in videos.items():
        yield _Job(ytid, tuple(segments), check)


class _Run:
    """One run over a folder whose lock is held."""

    def __init__(self, folder: Path, settings: Settings, options: Options, ledger: Ledger, progress: Progress) -> None:
        self._folder, self._settings, self._options = folder, settings, options
        self._ledger, self._progress = ledger, progress
        self._pace, self._patience = pace.Pace(settings.pace_per_h), pace.Patience()
        self._crew: Crew[_Job] = Crew(settings.jobs)
        self._lock = Lock()
        self._done = 0
        self.stopped: str | None = None
        self.bytes = 0

    def refuse(self, rows: Sequence[Row]) -> None:
        """Book segments that cannot be asked for: their ids reach no address and no path."""
        for row in rows:
            if row.status != messages.INVALID.status:  # booked by an earlier run
                why = items.fault(Wanted(row.ytid, row.start_s, row.end_s))
                self._book(row, messages.INVALID, why or "", attempts=0)

    def work(self, jobs: Sequence[_Job]) -> None:
        """Ask for everything, with all workers."""
        total = sum(len(job.rows) for job in jobs)
        if not total:
            return
        self._progress("fetching", 0, total)
        self._crew.work(jobs, self._worker, lambda: self._progress("fetching", self._done, total))
        self._progress("fetching", self._done, total)

    def _worker(self, jobs: Iterator[_Job]) -> None:
        downloader = Downloader(self._options, self._crew.abandon)
        try:
            for job in jobs:
                self._ask(job, downloader)
        finally:
            downloader.close()

    def _ask(self, job: _Job, downloader: Downloader) -> None:
        for attempt in count(1):
            if not self._pace.turn(self._crew.stop):
                return
            try:
                if job.check:
                    downloader.exists(job.ytid)
                    self._still_there(job)
                else:
                    self._get(job, downloader, attempt)
            except Stopped:
                return
            except Refusal as refusal:
                if self._again(job, refusal, attempt):
                    continue
                self._refused(job, refusal, attempt)
            break
        with self._lock:
            self._done += len(job.rows)

    def _get(self, job: _Job, downloader: Downloader, attempt: int) -> None:
        """Download a video and keep its segments; raises Refusal where there is nothing to keep any of."""
        with _workspace(self._folder) as space:
            got = downloader.get(job.ytid, space, begins_s=min(row.start_s for row in job.rows))
            with self._lock:
                self.bytes += got.bytes
                self._patience.succeeded()
            try:
                cuts = cut(got.path, [(row.start_s, row.end_s) for row in job.rows], self._settings.rate_hz)
            except CutError as error:
                raise Refusal(messages.TRUNCATED, str(error)) from error
        for row, one in zip(job.rows, cuts, strict=True):
            self._keep(row, one, got, attempt)

    def _keep(self, row: Row, one: Cut, got: Got, attempt: int) -> None:
        row = replace(row, format_id=got.format_id, codec=one.codec, priming=one.priming)
        try:
            kept = clips.keep(one, row.item_id, row.end_s - row.start_s, self._folder)
        except clips.Refused as refused:
            status = refused.status
            if status == "short" and got.duration_s and one.stream_s < got.duration_s - _NO_DURATION_S:
                status = "truncated"
            self._book(row, Verdict(status, status != "truncated"), str(refused), attempt)
            return
        had = replace(present.row_with(row, one, kept), format_id=got.format_id, adopted_from=None)
        self._ledger.record(replace(had, attempts=row.attempts + attempt, time=_now()))

    def _still_there(self, job: _Job) -> None:
        for row in job.rows:
            now = replace(row, status="ok", permanent=True, message=None)
            self._ledger.record(replace(now, attempts=row.attempts + 1, time=_now()))

    def _again(self, job: _Job, refusal: Refusal, attempt: int) -> bool:
        """Hold everything where the server wants it, and tell whether to ask for this video once more."""
        action = refusal.verdict.action
        if action not in _MOST_TRIES:
            return False
        wait_s = refusal.wait_s
        if wait_s is None:
            wait_s = self._settings.hold_s * 2.0 ** (attempt - 1) if action == "hold" else 0.0
        if wait_s > pace.LONGEST_HOLD_S:
            self._halt(job, refusal, f"{refusal.message}, and asks to wait for {wait_s:.0f} s")
            return False
        if wait_s and self._pace.hold(wait_s) and action == "hold":
            with self._lock:
                too_many = self._patience.refused()
            if too_many:
                self._halt(job, refusal)
        return attempt < _MOST_TRIES[action] and not self._crew.stop.is_set()

    def _refused(self, job: _Job, refusal: Refusal, attempt: int) -> None:
        """Book what was said of a video, and stop where it concerns all of them."""
        verdict = refusal.verdict
        if verdict.action == "disk":
            raise disk_full(self._folder / "audio")
        for row in job.rows:
            if not job.check or verdict.permanent:  # a clip is not marked as disappeared for a fault that may pass
                self._book(row, verdict, refusal.message, attempt)
        if verdict.action == "stop":
            self._halt(job, refusal)
        elif verdict.in_a_row:
            with self._lock:
                too_many = self._patience.failed(verdict, verdict.in_a_row)
            if too_many:
                self._halt(job, refusal)

    def _halt(self, job: _Job, refusal: Refusal, message: str = "") -> None:
        """Let no worker begin anything more; those at work finish."""
        with self._lock:
            if self.stopped is None:
                said = message or refusal.message
                self.stopped = f'for {job.ytid} the site said "{said}". {messages.advice(refusal.verdict.status)}'
        self._crew.stop.set()

    def _book(self, row: Row, verdict: Verdict, message: str, attempts: int) -> None:
        said = replace(row, status=verdict.status, permanent=verdict.permanent, message=message or None)
        self._ledger.record(replace(said, attempts=row.attempts + attempts, time=_now()))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, without what a killed run left there before, and without what is left afterwards."""
    with locks.writing(folder):
        atomic.clean(folder)
        try:
            yield
        finally:
            atomic.clean(folder)


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """Give an empty folder on the disk of ``folder``, which is gone afterwards; after a kill the next run removes it."""
    space = Path(tempfile.mkdtemp(prefix=f"{atomic.PREFIX}download-", dir=folder))
    try:
        yield space
    finally:
        shutil.rmtree(space, ignore_errors=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
