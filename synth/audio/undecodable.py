"""A file that gives no usable samples, as a status and a reason."""

from __future__ import annotations


class UndecodableError(Exception):
    """A file that gives no usable samples: ``status`` is a status of SOURCES, ``reason`` a sentence with the facts.

    The status is one of ``unreadable``, ``truncated``, ``empty``, ``lfs-pointer``, ``litter``.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


def cut(what: str, promised: int, found: int, unit: str = "samples") -> UndecodableError:
    """Return the error of a file that promises more than is there."""
    return UndecodableError("truncated", f"the {what} promises {promised:,} {unit} and ends after {found:,}")
