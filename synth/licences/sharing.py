"""May a data set be shared? Counted clip by clip, and said in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from synth.licences.terms import SEVERAL, terms
from synth.licences.verdict import Verdict, combined, says
from synth.units import counted

MOST_PROBLEMS = 3  # that are spelt out


@dataclass(frozen=True)
class Sharing:
    """Clips by their licence, and clips by the problem that forbids sharing them.

    A data set is a collection: each clip has a licence of its own, and one that forbids sharing holds back its clip.
    """

    clips: Mapping[str, int]
    problems: Mapping[str, int]

    @cached_property
    def whole(self) -> Verdict:
        """The licence of the collection."""
        return combined(self.clips, adapted=False)

    @property
    def held_back(self) -> int:
        """How many clips may not be shared, or not until their licence is known."""
        return sum(count for licence, count in self.clips.items() if not combined([licence], adapted=False).shareable)

    @property
    def warning(self) -> str:
        """Why not everything may be shared as one work, in sentences; empty where it may."""
        if self.whole.licence == SEVERAL:
            pair = combined(self.clips).clash
            because = f" ({pair[0]} and {pair[1]} clash)" if pair else ""
            return (
                "Every clip may be shared under a licence of its own (column licence); "
                f"under one licence the whole may not be shared{because}."
            )
        held = self.held_back
        if not held:
            return ""
        total = sum(self.clips.values())
        subject = f"The {counted(total, 'clip')}" if held == total else f"{held:,} of {total:,} clips"
        until = "" if self.whole.forbidden else " until their licence is known"
        why = sorted(self.problems, key=lambda one: (-self.problems[one], one))
        more = f" And {counted(len(why) - MOST_PROBLEMS, 'further reason')}." if len(why) > MOST_PROBLEMS else ""
        return f"{subject} may not be shared{until}. " + " ".join(f"{one}." for one in why[:MOST_PROBLEMS]) + more


def section(sharing: Sharing, recordings: Mapping[str, int]) -> str:
    """Return the paragraph of a data card; ``recordings``: those that are used, by licence."""
    licence = sharing.whole.licence
    by_licence = ", ".join(f"{count:,} {name}" for name, count in sorted(recordings.items()))
    warning = sharing.warning
    lines = [f"{licence}: {warning or says(licence) + '.'}", f"Recordings by licence: {by_licence}."]
    if not sharing.whole.shareable:
        strict = sorted(name for name in recordings if terms(name).known and terms(name).non_commercial)
        lines += [f"No commercial use of what is made of {' or '.join(strict)}."] if strict else []
    if len(sharing.clips) > 1:
        each = ", ".join(f"{count:,} {name}" for name, count in sorted(sharing.clips.items()))
        lines.append(f"Clips by licence (column licence): {each}.")
    return " ".join(lines)
