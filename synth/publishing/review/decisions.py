"""Decisions of people about labels, and how they get into a VERDICTS table.

A pair (source_id, label) has one row. A decision takes the row over: its verdict and reason are the person's, ``by`` is
human, score and p_wrong stay the model's, and two further columns keep what the model said, so that a decision can be taken
back and the model's precision be estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from synth.tables import HEARD

HUMAN, MODEL = "human", "model"
Pair = tuple[str, str]  # source_id, label
SAYS = {"keep": "the label is right", "doubtful": "cannot be told", "wrong": "the label is wrong"}
WORST_FIRST = "worst first"
_RANDOM = "in the random check of seed "


def random_check(seed: int) -> str:
    """Return where a clip was heard that chance chose: only such decisions estimate a precision."""
    return f"{_RANDOM}{seed}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of one label: ``verdict`` keep, doubtful, wrong, or None where it was taken back.

    ``heard`` says how he came to hear the clip: ``worst first``, or ``in the random check of seed N``; empty: unknown.
    ``words``: a reason of his own, which stays as it is.
    """

    source_id: str
    label: str
    verdict: str | None
    heard: str = ""
    words: str = ""

    @property
    def pair(self) -> Pair:
        """The recording and the label."""
        return self.source_id, self.label

    @property
    def reason(self) -> str:
        """The decision in a sentence."""
        if self.words:
            return self.words
        return f"heard {self.heard}: {SAYS[self.verdict or 'doubtful']}" if self.heard else SAYS[self.verdict or "keep"]


def by_chance(reason: str | None) -> bool:
    """Return whether a clip was heard because chance chose it, from the reason of a human row.

    Only these estimate a precision: clips heard worst first are those that the model is surest of.
    """
    return heard_by(reason).startswith(_RANDOM)


def heard_by(reason: str | None) -> str:
    """Return how a clip came to be heard, from the reason of a human row."""
    words = (reason or "").partition(":")[0]
    return words.removeprefix("heard ") if words.startswith("heard ") else ""


def _own_words(reason: str | None) -> str:
    """Return a reason that no review wrote."""
    return "" if heard_by(reason) or reason in SAYS.values() else reason or ""


def of_table(table: pa.Table) -> dict[Pair, Decision]:
    """Return the decisions in a VERDICTS table; of several rows of a pair the last one counts."""
    human = table.filter(pc.equal(table.column("by"), HUMAN)).select(["source_id", "label", "verdict", "reason"])
    found = (
        Decision(row["source_id"], row["label"], row["verdict"], heard_by(row["reason"]), _own_words(row["reason"]))
        for row in human.to_pylist()
    )
    return {decision.pair: decision for decision in found}


def with_decisions(table: pa.Table, decisions: Mapping[Pair, Decision]) -> pa.Table:
    """Return a VERDICTS table in which these decisions take their rows over; all other rows stay as they are.

    A decision that was taken back (verdict None) gives its row back to the model. Doing it twice changes nothing.
    """
    if not decisions:
        return table
    columns = {name: table.column(name).to_pylist() for name in ("source_id", "label", "verdict", "reason", "by")}
    for extra in HEARD:
        known = extra.name in table.column_names
        columns[extra.name] = table.column(extra.name).to_pylist() if known else [None] * table.num_rows
    places: dict[Pair, list[int]] = {}
    for k, pair in enumerate(zip(columns["source_id"], columns["label"], strict=True)):
        if pair in decisions:
            places.setdefault(pair, []).append(k)
    stays = [True] * table.num_rows
    for pair, rows in places.items():
        one = next((k for k in rows if columns["by"][k] != HUMAN), rows[-1])
        for k in rows:
            stays[k] = k == one
        _take_over({name: _Cell(column, one) for name, column in columns.items()}, decisions[pair])
    for name, column in columns.items():
        values = pa.array(column, pa.string())
        place = table.schema.get_field_index(name)
        table = table.append_column(name, values) if place < 0 else table.set_column(place, name, values)
    new = [decision for pair, decision in decisions.items() if pair not in places and decision.verdict is not None]
    kept = table.filter(pa.array(stays, pa.bool_()))
    return pa.concat_tables([kept, pa.Table.from_pylist([_fresh(one) for one in new], schema=table.schema)])


@dataclass(frozen=True, slots=True)
class _Cell:
    column: list[str | None]
    row: int

    def get(self) -> str | None:
        return self.column[self.row]

    def set(self, value: str | None) -> None:
        self.column[self.row] = value


def _take_over(row: Mapping[str, _Cell], decision: Decision) -> None:
    """Write a decision into a row, or give the row back to the model."""
    if row["by"].get() != HUMAN:
        row["model_verdict"].set(row["verdict"].get())
        row["model_reason"].set(row["reason"].get())
    if decision.verdict is None:
        row["verdict"].set(row["model_verdict"].get() or "unjudged")
        row["reason"].set(row["model_reason"].get() or "a person's decision was taken back")
        row["by"].set(MODEL)
        row["model_verdict"].set(None)
        row["model_reason"].set(None)
    else:
        row["verdict"].set(decision.verdict)
        row["reason"].set(decision.reason)
        row["by"].set(HUMAN)


def _fresh(decision: Decision) -> dict[str, object]:
    """Return a row for a pair that the model did not judge, or does not any more."""
    return {
        "source_id": decision.source_id,
        "label": decision.label,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "by": HUMAN,
    }


def latest(decisions: Iterable[Decision]) -> dict[Pair, Decision]:
    """Return the last decision about each pair, in the order in which these were made."""
    out: dict[Pair, Decision] = {}
    for decision in decisions:
        out.pop(decision.pair, None)
        out[decision.pair] = decision
    return out
