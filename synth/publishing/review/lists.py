"""What there is to hear, and in which order: worst first, or as chance has it.

Rows are pairs of a recording and a label. Two lists lead through them: every pair, the judge's worst first; and a random
check, some rejected and some kept pairs of each class, mixed, in an order that a longer or later check begins with.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth import seeds
from synth.publishing.review import decisions
from synth.publishing.review.decisions import HUMAN, Decision, Pair
from synth.publishing.review.estimate import KEPT, REJECTED, Estimate, estimate, reached
from synth.tables import HEARD

WORST, RANDOM = "worst", "random"
_RANK = {"wrong": 0, "doubtful": 1, "keep": 2}  # unjudged ones last
_OF = {"wrong": REJECTED, "keep": KEPT}


@dataclass(frozen=True, slots=True)
class Judged:
    """One pair and what the judge said of it; ``verdict`` is None where only a person did."""

    source_id: str
    label: str
    score: float | None
    p_wrong: float | None
    verdict: str | None
    reason: str | None
    suggested: tuple[str, ...]

    @property
    def pair(self) -> Pair:
        """The recording and the label."""
        return self.source_id, self.label


@dataclass(frozen=True, slots=True)
class Stratum:
    """The rejected, or the kept, pairs of one class: how many there are, and the rows drawn from them, in order."""

    label: str
    of: str
    population: int
    rows: tuple[int, ...]


class Lists:
    """The pairs of a VERDICTS table, the two lists through them, and what people decided so far."""

    def __init__(
        self,
        table: pa.Table,
        here: Container[str],
        *,
        labels: Container[str] | None = None,
        sample: int = 30,
        seed: int = 0,
    ) -> None:
        """Take the pairs whose source_id is ``here`` and whose label is one of ``labels`` (None: all)."""
        self.seed = seed
        self.decided: dict[Pair, Decision] = decisions.of_table(table)
        rows = _judged(table)
        self.judged = [
            one for one in rows.values() if one.source_id in here and (labels is None or one.label in labels)
        ]
        self.gone = sorted({one.source_id for one in rows.values() if one.source_id not in here})
        self._index = {one.pair: k for k, one in enumerate(self.judged)}
        self.strata = _strata(self.judged, sample, seed)
        # the first of every class before the second of any, so that all estimates grow alike wherever one stops
        drawn = sorted((k, _draw(self.judged[row], seed), row) for one in self.strata for k, row in enumerate(one.rows))
        self.order: Mapping[str, NDArray[np.int64]] = {
            WORST: _worst_first(self.judged),
            RANDOM: np.array([row for _, _, row in drawn], np.int64),
        }
        self._place = {name: {int(row): k for k, row in enumerate(order)} for name, order in self.order.items()}

    def verdict(self, row: int) -> str | None:
        """Return what a person decided of a pair, None for nothing."""
        found = self.decided.get(self.judged[row].pair)
        return found.verdict if found else None

    def decision(self, row: int, verdict: str | None, where: str) -> Decision:
        """Return the decision about a row that was heard in one of the lists."""
        pair = self.judged[row].pair
        if where == RANDOM:
            return Decision(*pair, verdict, decisions.RANDOM_CHECK, seed=self.seed)
        return Decision(*pair, verdict, decisions.WORST_FIRST)

    def take(self, decision: Decision) -> None:
        """Let a decision count."""
        self.decided[decision.pair] = decision

    def row_of(self, pair: Pair) -> int:
        """Return the row of a pair."""
        return self._index[pair]

    def place(self, name: str, row: int) -> int | None:
        """Return where a row stands in a list, None where it is not in it."""
        return self._place[name].get(row)

    def next_open(self, name: str, after: int) -> int | None:
        """Return the first place behind ``after`` that nobody decided, from the start again at the end; None: all are."""
        order = self.order[name]
        for step in range(1, len(order) + 1):
            place = (after + step) % len(order)
            if self.verdict(int(order[place])) is None:
                return place
        return None

    def done(self, name: str) -> int:
        """Return how many pairs of a list people decided."""
        order = self._place[name]
        found = (self._index.get(pair) for pair, decision in self.decided.items() if decision.verdict is not None)
        return sum(row in order for row in found if row is not None)

    def estimates(self) -> list[Estimate]:
        """Return how often the judge was right in each class, from the random check alone."""
        out = []
        for one in self.strata:
            said = [self.decided.get(self.judged[row].pair) for row in one.rows]
            counting = reached(
                [found.verdict if found else None for found in said],
                [found is not None and found.by_chance and found.seed == self.seed for found in said],
            )
            out.append(estimate(one.label, one.of, one.population, counting))
        return out


def _judged(table: pa.Table) -> dict[Pair, Judged]:
    """Return what the model said of each pair; pairs that only a person judged have no verdict."""
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    for extra in HEARD:
        columns.setdefault(extra.name, [None] * table.num_rows)
    out: dict[Pair, Judged] = {}
    for k, pair in enumerate(zip(columns["source_id"], columns["label"], strict=True)):
        human = columns["by"][k] == HUMAN
        if human and pair in out:
            continue
        out[pair] = Judged(
            *pair,
            _finite(columns["score"][k]),
            _finite(columns["p_wrong"][k]),
            columns["model_verdict" if human else "verdict"][k],
            columns["model_reason" if human else "reason"][k],
            tuple(columns["suggested"][k] or ()),
        )
    return out


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number


def _draw(one: Judged, seed: int) -> int:
    return int(seeds.key(seed, "review", one.label, one.source_id))


def _strata(judged: list[Judged], sample: int, seed: int) -> list[Stratum]:
    """Draw the random check: of each class the rejected and the kept pairs whose numbers are the smallest.

    A pair's number depends on the seed and its names alone: a larger sample holds the smaller one, and after another
    cleaning the pairs that stayed are drawn again.
    """
    members: dict[tuple[str, str], list[int]] = {}
    for row, one in enumerate(judged):
        if one.verdict in _OF:
            members.setdefault((one.label, _OF[one.verdict]), []).append(row)
    out = []
    for (label, of), rows in sorted(members.items()):
        drawn = heapq.nsmallest(sample, rows, key=lambda row: _draw(judged[row], seed))
        out.append(Stratum(label, of, len(rows), tuple(drawn)))
    return out


def _worst_first(judged: list[Judged]) -> NDArray[np.int64]:
    """Return the rows: rejected, doubtful, kept, unjudged, and within each by falling probability of being wrong."""
    rank = np.array([_RANK.get(one.verdict or "", len(_RANK)) for one in judged], np.int64)
    p = np.array([-1.0 if one.p_wrong is None else one.p_wrong for one in judged], np.float64)
    score = np.array([np.inf if one.score is None else one.score for one in judged], np.float64)
    return np.lexsort((score, -p, rank)).astype(np.int64)
