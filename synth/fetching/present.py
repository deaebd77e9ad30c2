"""What lies on the disk already: the clips of earlier runs, and copies from elsewhere that are taken over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from synth.audio.cut import Cut, CutError
from synth.fetching import adopt, clips, messages
from synth.fetching.items import Progress
from synth.fetching.ledger import Ledger, Row

Result = TypeVar("Result")
_HANDS = 4  # threads that read and decode


def check(rows: Sequence[Row], folder: Path, ledger: Ledger, progress: Progress) -> None:
    """See that the clips of ``rows`` are there with their bytes; those that are not are asked for again."""
    had = [row for row in rows if row.path]
    with closing(_each(lambda row: clips.still_good(folder, row.path or "", row.sha256 or ""), had)) as good:
        for k, (row, is_good) in enumerate(zip(had, good, strict=True)):
            if not is_good:
                lost = replace(row, path=None, sha256=None, rate_hz=None, frames=None)
                if row.ok:
                    lost = replace(lost, status=messages.NEVER_ASKED, permanent=False, message="the clip was lost")
                ledger.record(lost)
            progress("checking", k + 1, len(had))


def take_over(
    rows: Sequence[Row], paths: Sequence[Path], rate_hz: int, folder: Path, ledger: Ledger, progress: Progress
) -> tuple[int, dict[str, int]]:
    """Take clips that are missing out of the copies in ``paths``, whatever the site says of their videos by now.

    Returns how many were taken, and how many files were no copy, or not of the whole segment, by reason. Raises
    InputError for a path that is not there.
    """
    found, unread = adopt.copies(paths)
    refused = Counter(unread)
    by_video: dict[str, list[adopt.Copy]] = {}
    for copy in sorted(found, key=lambda copy: copy.start_s is None):  # what names its segment comes first
        by_video.setdefault(copy.ytid, []).append(copy)

    def take(row: Row) -> Counter[str]:
        """Return why copies were refused before one was taken, and "" once if one was."""
        counts: Counter[str] = Counter()
        for copy in by_video[row.ytid]:
            if not adopt.serves(copy, row.start_s, row.end_s):
                continue
            try:
                one = adopt.taken(copy, row.start_s, row.end_s, rate_hz)
                kept = clips.keep(one, row.item_id, row.end_s - row.start_s, folder)
            except (CutError, clips.Refused) as error:
                counts[getattr(error, "status", "unreadable")] += 1
                continue
            ledger.record(replace(row_with(row, one, kept), adopted_from=copy.where, format_id=None))
            counts[""] = 1
            break
        return counts

    missing = [row for row in rows if not row.ok and row.status != messages.INVALID.status and row.ytid in by_video]
    with closing(_each(take, missing)) as taken:
        for k, counts in enumerate(taken):
            refused += counts
            progress("adopting", k + 1, len(missing))
    return refused.pop("", 0), dict(refused)


def row_with(row: Row, cut: Cut, kept: clips.Kept) -> Row:
    """Return the row of a segment whose clip is there."""
    return replace(
        row,
        status="ok",
        permanent=True,
        message=None,
        path=kept.path,
        sha256=kept.sha256,
        rate_hz=kept.rate_hz,
        frames=kept.frames,
        codec=cut.codec,
        priming=cut.priming,
    )


def _each(work: Callable[[Row], Result], rows: Sequence[Row]) -> Generator[Result, None, None]:
    """Yield the result of each row in order, from a few threads; what is not begun when the caller leaves never is."""
    pool = ThreadPoolExecutor(_HANDS)
    try:
        yield from pool.map(work, rows)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
