"""Decisions of people about labels, and how they get into a VERDICTS table.

A decision is a further row of its pair (source_id, label) with ``by`` = human; the model's row stays as it was, so that a
decision can be taken back and the model's precision be estimated. The human row repeats the model's score and p_wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synth.tables import VERDICTS

HUMAN = "human"
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
    """

    source_id: str
    label: str
    verdict: str | None
    heard: str = ""

    @property
    def pair(self) -> Pair:
        """The recording and the label."""
        return self.source_id, self.label

    @property
    def reason(self) -> str:
        """The decision in a sentence."""
        return f"heard {self.heard}: {SAYS[self.verdict or 'doubtful']}" if self.heard else SAYS[self.verdict or "keep"]


def heard_by(reason: str | None) -> str:
    """Return how a clip came to be heard, from the reason of a human row."""
    words = (reason or "").partition(":")[0]
    return words.removeprefix("heard ") if words.startswith("heard ") else ""


def of_table(table: pa.Table) -> dict[Pair, Decision]:
    """Return the decisions in a VERDICTS table; of several rows of a pair the last one counts."""
    human = table.filter(pc.equal(table.column("by"), HUMAN)).select(["source_id", "label", "verdict", "reason"])
    found = (
        Decision(row["source_id"], row["label"], row["verdict"], heard_by(row["reason"])) for row in human.to_pylist()
    )
    return {decision.pair: decision for decision in found}


def with_decisions(table: pa.Table, decisions: Mapping[Pair, Decision]) -> pa.Table:
    """Return a VERDICTS table in which these decisions replace earlier ones; all other rows stay as they are.

    A decision that was taken back (verdict None) leaves the model's row alone.
    """
    if not decisions:
        return table
    ids, labels = table.column("source_id").to_pylist(), table.column("label").to_pylist()
    rows = {pair: k for k, pair in enumerate(zip(ids, labels, strict=True)) if pair in decisions}
    mine = pc.equal(table.column("by"), HUMAN).to_pylist()
    stays = [not (human and pair in decisions) for human, pair in zip(mine, zip(ids, labels, strict=True), strict=True)]
    model: dict[Pair, Mapping[str, Any]] = {
        pair: {name: table.column(name)[k].as_py() for name in ("score", "p_wrong", "suggested")}
        for pair, k in rows.items()
    }
    fresh = [
        {
            "source_id": decision.source_id,
            "label": decision.label,
            "verdict": decision.verdict,
            "reason": decision.reason,
            "by": HUMAN,
            **model.get(decision.pair, {}),
        }
        for decision in decisions.values()
        if decision.verdict is not None
    ]
    added = pa.Table.from_pylist(fresh, schema=VERDICTS.schema())
    return pa.concat_tables(
        [table.filter(pa.array(stays, pa.bool_())), added.replace_schema_metadata(table.schema.metadata)],
        promote_options="default",
    )


def latest(decisions: Iterable[Decision]) -> dict[Pair, Decision]:
    """Return the last decision about each pair, in the order in which these were made."""
    out: dict[Pair, Decision] = {}
    for decision in decisions:
        out.pop(decision.pair, None)
        out[decision.pair] = decision
    return out
