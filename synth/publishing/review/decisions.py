"""Decisions of people about labels, and how they get into a VERDICTS table.

A pair (source_id, label) has one row. A decision takes the row over: its verdict and reason are the person's, ``by`` is
human, score and p_wrong stay the model's. Two further columns keep what the model said, so that a decision can be taken back
and the model's precision be estimated; two more say whether chance chose the clip, because only such decisions estimate it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synth.tables import HEARD

HUMAN, MODEL = "human", "model"
Pair = tuple[str, str]  # source_id, label
SAYS = {"keep": "the label is right", "doubtful": "cannot be told", "wrong": "the label is wrong"}
WORST_FIRST, RANDOM_CHECK = "worst first", "in the random check"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of one label: ``verdict`` keep, doubtful, wrong, or None where it was taken back.

    ``heard`` says how the person came to hear the clip: ``worst first``, or ``in the random check``; empty: unknown.
    ``seed``: that of the random check, where it is known. ``words``: a reason of the person's own, which stays as it is.
    """

    source_id: str
    label: str
    verdict: str | None
    heard: str = ""
    words: str = ""
    seed: int | None = None

    @property
    def pair(self) -> Pair:
        """The recording and the label."""
        return self.source_id, self.label

    @property
    def by_chance(self) -> bool:
        """Whether chance chose the clip. Clips heard worst first are those that the model is surest of: they flatter it."""
        return self.heard == RANDOM_CHECK

    @property
    def reason(self) -> str:
        """The decision in a sentence."""
        if self.words:
            return self.words
        says = SAYS[self.verdict or "doubtful"]
        seed = "" if self.seed is None else f" of seed {self.seed}"
        return f"heard {self.heard}{seed}: {says}" if self.heard else says


def stored(
    source_id: str, label: str, verdict: str | None, reason: str | None, check: bool | None, seed: int | None
) -> Decision:
    """Return a decision from its columns; ``check`` is None in files from before there was such a column."""
    if check is None:
        heard, seed = _from_sentence((reason or "").partition(":")[0].removeprefix("heard "))
    else:
        heard = RANDOM_CHECK if check else WORST_FIRST if (reason or "").startswith(f"heard {WORST_FIRST}") else ""
        seed = seed if check else None
    plain = Decision(source_id, label, verdict, heard, seed=seed)
    return (
        plain if reason in (None, "", plain.reason) else Decision(source_id, label, verdict, heard, reason or "", seed)
    )


def recorded(record: Mapping[str, Any]) -> Decision:
    """Return a decision from a line of a journal. Raises TypeError for further or missing fields."""
    found = Decision(**record)
    if found.heard in (WORST_FIRST, RANDOM_CHECK, ""):
        return found
    heard, seed = _from_sentence(found.heard)  # a journal from before the seed had a field
    return Decision(*found.pair, found.verdict, heard, found.words, seed)


def _from_sentence(text: str) -> tuple[str, int | None]:
    """Return how a clip was heard, and the seed of the random check: old files say it in words alone."""
    found = re.fullmatch(rf"{RANDOM_CHECK}(?: of seed (-?\d+))?", text)
    if found:
        return RANDOM_CHECK, None if found[1] is None else int(found[1])
    return (WORST_FIRST if text == WORST_FIRST else ""), None


def of_table(table: pa.Table) -> dict[Pair, Decision]:
    """Return the decisions in a VERDICTS table; of several rows of a pair the last one counts."""
    wanted = ("source_id", "label", "verdict", "reason", "check", "check_seed")
    human = table.filter(pc.equal(table.column("by"), HUMAN))
    rows = human.select([name for name in wanted if name in human.column_names]).to_pylist()
    found = (stored(*(row.get(name) for name in wanted)) for row in rows)
    return {decision.pair: decision for decision in found}


def with_decisions(table: pa.Table, decisions: Mapping[Pair, Decision]) -> pa.Table:
    """Return a VERDICTS table in which these decisions take their rows over; all other rows stay as they are.

    A decision that was taken back (verdict None) gives its row back to the model. Doing it twice changes nothing.
    """
    if not decisions:
        return table
    names = ("source_id", "label", "verdict", "reason", "by")
    columns: dict[str, list[Any]] = {name: table.column(name).to_pylist() for name in names}
    kinds = {column.name: column.type for column in HEARD}
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
        values = pa.array(column, kinds.get(name, pa.string()))
        place = table.schema.get_field_index(name)
        table = table.append_column(name, values) if place < 0 else table.set_column(place, name, values)
    new = [decision for pair, decision in decisions.items() if pair not in places and decision.verdict is not None]
    kept = table.filter(pa.array(stays, pa.bool_()))
    return pa.concat_tables([kept, pa.Table.from_pylist([_fresh(one) for one in new], schema=table.schema)])


@dataclass(frozen=True, slots=True)
class _Cell:
    column: list[Any]
    row: int

    def get(self) -> Any:  # noqa: ANN401  # whatever the column holds
        return self.column[self.row]

    def set(self, value: object) -> None:
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
        for extra in HEARD:
            row[extra.name].set(None)
    else:
        row["verdict"].set(decision.verdict)
        row["reason"].set(decision.reason)
        row["by"].set(HUMAN)
        row["check"].set(decision.by_chance)
        row["check_seed"].set(decision.seed)


def _fresh(decision: Decision) -> dict[str, object]:
    """Return a row for a pair that the model did not judge, or does not any more."""
    return {
        "source_id": decision.source_id,
        "label": decision.label,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "by": HUMAN,
        "check": decision.by_chance,
        "check_seed": decision.seed,
    }


def latest(decisions: Iterable[Decision]) -> dict[Pair, Decision]:
    """Return the last decision about each pair, in the order in which these were made."""
    out: dict[Pair, Decision] = {}
    for decision in decisions:
        out.pop(decision.pair, None)
        out[decision.pair] = decision
    return out
