"""Answers of one review by the tab that gave them, so that a tab takes back its own last one and no other.

Two tabs may answer the same clip: the later answer counts, the earlier one is remembered below it. What counts for a pair is
the topmost answer that was not taken back, or else what had been decided before this review.
"""

from __future__ import annotations

from dataclasses import dataclass

from synth.publishing.review.decisions import Decision, Pair


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One answer: which tab gave it, in which list, and the decision."""

    tab: str
    list: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking back an answer comes to: the decision that counts now, and whether another tab gave it."""

    given: Given
    counts: Decision
    others: bool


class Answers:
    """The answers of one review, in order. Changes nothing on the disk; for one thread at a time."""

    def __init__(self) -> None:
        self._before: dict[Pair, Decision] = {}
        self._of_pair: dict[Pair, list[Given]] = {}
        self._of_tab: dict[str, list[Given]] = {}

    def count(self, tab: str) -> int:
        """Return how many answers a tab can take back."""
        return len(self._of_tab.get(tab, ()))

    def other(self, tab: str, pair: Pair) -> Decision | None:
        """Return the answer about a pair that counts, if another tab gave it in this review."""
        given = self._of_pair.get(pair)
        return given[-1].decision if given and given[-1].tab != tab else None

    def take(self, given: Given, before: Decision | None) -> None:
        """Add an answer; ``before``: what counted for its pair until now."""
        pair = given.decision.pair
        if not self._of_pair.get(pair):
            self._before[pair] = before or Decision(*pair, None)
        self._of_pair.setdefault(pair, []).append(given)
        self._of_tab.setdefault(given.tab, []).append(given)

    def undone(self, tab: str) -> Undone | None:
        """Return what taking back the tab's last answer would come to, None where it has none."""
        if not self.count(tab):
            return None
        given = self._of_tab[tab][-1]
        pair = given.decision.pair
        left = [one for one in self._of_pair[pair] if one is not given]
        return Undone(given, left[-1].decision if left else self._before[pair], bool(left) and left[-1].tab != tab)

    def drop(self, given: Given) -> None:
        """Forget an answer that was taken back."""
        self._of_pair[given.decision.pair].remove(given)
        self._of_tab[given.tab].remove(given)
