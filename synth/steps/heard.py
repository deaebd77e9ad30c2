"""What people heard, and what follows from it: for ``synth clean``, which applies it, and ``synth review``, which announces it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synth.cleaning import hearing
from synth.cleaning import rows as verdicts
from synth.cleaning.decision import WORDS, WRONG, Judged
from synth.cleaning.hearing import Answer, Heard
from synth.cleaning.material import Material
from synth.cleaning.null import Ints
from synth.cleaning.recalibrated import Check, recalibrated
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


@dataclass(frozen=True, slots=True)
class Listened:
    """Verdicts after people listened. ``withdrawn`` and ``checks``: by the label's number; ``where``: row of each decision, or -1."""

    judged: Judged
    withdrawn: dict[int, Heard]
    checks: dict[int, Check]
    where: Ints


def with_people(judged: Judged, stuff: Material, said: Said, precision: float) -> Listened:
    """Let the random check correct p_wrong and the claimed precision, and withdraw rejections that hold too few wrong labels."""
    where = verdicts.positions(stuff, said)
    rejected = np.where(where >= 0, judged.verdict[where] == WRONG, False)
    answers = [
        Answer(one.label, str(one.verdict), bool(gone), one.by_chance)
        for one, gone in zip(said.values(), rejected.tolist(), strict=True)
    ]
    at = {name: k for k, name in enumerate(stuff.labels)}
    by_chance = np.array([one.by_chance for one in answers], np.bool_)
    judged, checks = recalibrated(judged, where, [one.verdict for one in answers], by_chance)
    found = {at[label]: one for label, one in hearing.withdrawals(answers, precision).items()}
    return Listened(verdicts.with_hearing(judged, found), found, checks, where)


def withdrawn(lists: Lists, precision: float) -> list[str]:
    """Return the labels whose rejections the next ``synth clean`` withdraws, by what people said so far."""
    said = ((one, lists.decided.get(one.pair)) for one in lists.judged)
    answers = (
        Answer(one.label, str(decision.verdict), one.verdict == WORDS[WRONG], decision.by_chance)
        for one, decision in said
        if decision is not None
    )
    return list(hearing.withdrawals(answers, precision))
