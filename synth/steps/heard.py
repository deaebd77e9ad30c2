"""What people heard, and what follows from it: for ``synth clean``, which applies it, and ``synth review``, which announces it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from synth.cleaning import hearing
from synth.cleaning import rows as verdicts
from synth.cleaning.decision import WORDS, WRONG, Judged
from synth.cleaning.hearing import Answer, Heard
from synth.cleaning.material import Material
from synth.cleaning.null import Ints
from synth.errors import InputError
from synth.publishing.review import decisions, journal
from synth.publishing.review.lists import Lists

Said = Mapping[decisions.Pair, decisions.Decision]


def said(out: str | Path | None, review: str | Path | None) -> dict[decisions.Pair, decisions.Decision]:
    """Return what people said in earlier verdicts, by source and label; ``review`` before ``out``.

    Raises InputError for a verdict that is none.
    """
    found: dict[decisions.Pair, decisions.Decision] = {}
    for path in (out, review):
        if path is None or (path == out and not Path(path).exists()):
            continue
        here = decisions.of_table(journal.read(Path(path)))
        for (source, label), decision in here.items():
            if decision.verdict not in WORDS:
                raise InputError(
                    f"{path}: the verdict '{decision.verdict}' of {source} ('{label}'); wanted {', '.join(WORDS)}"
                )
        found |= here
    return found


def with_people(judged: Judged, stuff: Material, said: Said, precision: float) -> tuple[Judged, dict[int, Heard], Ints]:
    """Withdraw the rejections of labels of which people heard that too many are right.

    Returns the verdicts, what was heard of each label that was withdrawn (by its number), and for each decision the row it
    is about, or -1.
    """
    where = verdicts.positions(stuff, said)
    rejected = np.where(where >= 0, judged.verdict[where] == WRONG, False)
    answers = [
        Answer(one.label, str(one.verdict), bool(gone), one.by_chance)
        for one, gone in zip(said.values(), rejected.tolist(), strict=True)
    ]
    at = {name: k for k, name in enumerate(stuff.labels)}
    found = {at[label]: one for label, one in hearing.withdrawals(answers, precision).items()}
    return verdicts.with_hearing(judged, found), found, where


def withdrawn(lists: Lists, precision: float) -> list[str]:
    """Return the labels whose rejections the next ``synth clean`` withdraws, by what people said so far."""
    said = ((one, lists.decided.get(one.pair)) for one in lists.judged)
    answers = (
        Answer(one.label, str(decision.verdict), one.verdict == WORDS[WRONG], decision.by_chance)
        for one, decision in said
        if decision is not None
    )
    return list(hearing.withdrawals(answers, precision))
