"""One pace for all workers: how often something is begun, and when nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Event, Lock

LONGEST_HOLD_S = 600.0  # what a server asks beyond this is left for another run
MOST_REFUSALS = 4  # holds in a row, without a download between them, after which the run stops


class Pace:
    """When the next download may begin: at most ``per_h`` an hour, evenly, and none before a hold is over.

    ``clock`` gives seconds that only ever grow.
    """

    def __init__(self, per_h: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 3600.0 / per_h
        self._clock = clock
        self._next = self._held = clock()
        self._lock = Lock()

    def take(self) -> float:
        """Take a turn and return 0, or return the seconds after which to try again."""
        with self._lock:
            now = self._clock()
            due = max(self._next, self._held)
            if now < due:
                return due - now
            self._next = now + self._interval_s
            return 0.0

    def hold(self, seconds: float) -> bool:
        """Let nothing begin for so many seconds; return False where everything was held already."""
        with self._lock:
            now = self._clock()
            fresh = now >= self._held
            self._held = max(self._held, now + seconds)
            return fresh

    def turn(self, stop: Event) -> bool:
        """Wait for a turn; return False where everything is stopped first."""
        while not stop.is_set():
            left = self.take()
            if left <= 0:
                return True
            stop.wait(left)
        return False


@dataclass(slots=True)
class Patience:
    """How much is borne before a run stops politely: refusals in a row, and failures of one kind in a row."""

    refusals: int = 0
    failures: int = 0
    kind: object = None

    def refused(self) -> bool:
        """Count a refusal (HTTP 429) that came while nothing was held; True when it has been too many."""
        self.refusals += 1
        return self.refusals > MOST_REFUSALS

    def failed(self, kind: object, most: int) -> bool:
        """Count an item that failed in a way that says little of the item; True when it is the last of ``most`` in a row."""
        self.failures = self.failures + 1 if kind == self.kind else 1
        self.kind = kind
        return self.failures >= most

    def succeeded(self) -> None:
        """Start counting again."""
        self.refusals, self.failures, self.kind = 0, 0, None


def retry_after_s(header: str | None, now: float | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` header, which holds seconds or a date (RFC 9110, 10.2.3); None for neither.

    ``now`` is the time in seconds since 1970.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))
