"""What a check says: one claim of a data set, whether it holds, and the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from synth.errors import listed


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim and what was found.

    ``holds`` is None where the claim is only reported, or could not be checked here; ``says`` then tells why.
    ``figures`` holds the numbers for programs (values that JSON knows).
    """

    claim: str
    holds: bool | None
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what audit.json says of it."""
        return {"claim": self.claim, "holds": self.holds, "says": self.says, "figures": dict(self.figures)}


def named(items: Iterable[object], limit: int = 5) -> str:
    """Return ``: a, b, c`` for the culprits of a failed claim, or nothing when there are none."""
    found = list(items)
    return f": {listed(found, limit)}" if found else ""
