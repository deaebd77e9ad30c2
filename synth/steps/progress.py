"""How a step reports progress, without knowing who listens."""

from __future__ import annotations

import os
from collections.abc import Callable

from synth.errors import UsageError

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, how much there is


Note = Callable[[str], None]  # a sentence that is worth reading before the long part of the work begins


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def unsaid(text: str) -> None:
    """Say nothing."""


def workers(jobs: int | None) -> int:
    """Return the number of workers: what was asked for, or one per processor that this process may use. Raises UsageError."""
    if jobs is not None:
        if jobs < 1:
            raise UsageError(f"jobs = {jobs}: wanted 1 or more processes")
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
