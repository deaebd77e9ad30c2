"""Verdicts as rows of the VERDICTS table, each with its reason in a sentence; what people said goes before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.cleaning.decision import (
    DOUBTFUL,
    KEEP,
    LEAST,
    NO_SCORE,
    SMALL,
    UNJUDGED,
    WITHDRAWN,
    WORDS,
    WRONG,
    ClassFacts,
    Judged,
)  # fmt: skip
from synth.cleaning.hearing import upper_precision, withdrawn
from synth.cleaning.material import Material
from synth.cleaning.null import Bools, Ints
from synth.store import arrays
from synth.tables import VERDICTS

HUMAN, MODEL = "human", "model"
Said = Mapping[tuple[str, str], Mapping[str, object]]  # (source_id, label) to the row that a person wrote


@dataclass(frozen=True, slots=True)
class Heard:
    """What people said of a label's clips: how many they heard among those that the judge rejects, and how many are wrong."""

    rejected: int
    wrong: int


def positions(material: Material, said: Said) -> Ints:
    """Return which of the judged pairs each human verdict is about (in its order); -1 where the clip or label is gone."""
    place = {name: k for k, name in enumerate(material.clips.ids)}
    column = {name: k for k, name in enumerate(material.labels)}
    starts = np.r_[0, np.cumsum(material.carries.sum(axis=1))]
    found = np.full(len(said), -1, np.int64)
    for k, (source, label) in enumerate(said):
        row, at = place.get(source, -1), column.get(label, -1)
        if row >= 0 and at >= 0 and material.carries[row, at]:
            found[k] = starts[row] + material.carries[row, :at].sum()
    return found


def heard(judged: Judged, where: Ints, said: Said) -> dict[int, Heard]:
    """Return what was heard of the rejected clips of each label (by number); doubtful is no answer."""
    counts: dict[int, list[int]] = {}
    for position, row in zip(where.tolist(), said.values(), strict=True):
        if position < 0 or judged.verdict[position] != WRONG or row["verdict"] not in (WORDS[KEEP], WORDS[WRONG]):
            continue
        one = counts.setdefault(int(judged.label[position]), [0, 0])
        one[0] += 1
        one[1] += row["verdict"] == WORDS[WRONG]
    return {label: Heard(*one) for label, one in counts.items()}


def with_hearing(judged: Judged, found: Mapping[int, Heard], precision: float) -> Judged:
    """Return the verdicts without the rejections of labels of which too many were heard to be right."""
    verdict, classes = judged.verdict.copy(), list(judged.classes)
    for label, one in found.items():
        if withdrawn(one.wrong, one.rejected, precision):
            verdict[(judged.label == label) & (verdict == WRONG)] = DOUBTFUL
            classes[label] = replace(
                classes[label], rejected=0, expected=upper_precision(one.wrong, one.rejected), decision=WITHDRAWN
            )
    return replace(judged, verdict=verdict, classes=tuple(classes))


def table(
    material: Material,
    judged: Judged,
    scores: NDArray[np.floating],
    found: Mapping[int, Heard],
    said: Said,
    where: Ints,
) -> pa.Table:
    """Return the rows of VERDICTS: one for every (clip, label), in the order of the clips; then those that are gone."""
    sentences, sentence = _reasons(material, judged, scores, found)
    words, word, by = list(WORDS), judged.verdict.astype(np.int64), np.zeros(len(judged.clip), np.int64)
    gone = []
    for position, (key, row) in zip(where.tolist(), said.items(), strict=True):
        if position < 0:
            gone.append((key, row))
            continue
        word[position], by[position] = words.index(str(row["verdict"])), 1
        sentence[position] = len(sentences)
        sentences.append(str(row["reason"] or ""))
    offsets, values = _missing(material, judged)
    score = scores[judged.clip, judged.label].astype(np.float64)
    columns = {
        "source_id": _texts(material.clips.ids, judged.clip, [key[0] for key, _ in gone]),
        "label": _texts(material.labels, judged.label, [key[1] for key, _ in gone]),
        "score": _numbers(score, [row["score"] for _, row in gone]),
        "p_wrong": _numbers(judged.p_wrong, [row["p_wrong"] for _, row in gone]),
        "verdict": _texts(words, word, [str(row["verdict"]) for _, row in gone]),
        "reason": _texts(sentences, sentence, [str(row["reason"] or "") for _, row in gone]),
        "by": _texts((MODEL, HUMAN), by, [HUMAN] * len(gone)),
        "suggested": arrays.lists(
            np.r_[offsets, np.full(len(gone), offsets[-1])], values, VERDICTS.schema().field("suggested").type
        ),
    }
    return pa.table(columns, schema=VERDICTS.schema())


def _texts(names: Sequence[str], which: Ints, more: Sequence[str]) -> pa.Array:
    """Return ``names[which]``, and some more."""
    return pa.concat_arrays([arrays.chosen(names, which).cast(pa.string()), arrays.texts(more)])


def _numbers(values: NDArray[np.float64], more: list[object]) -> pa.Array:
    whole = np.r_[values, np.array([np.nan if one is None else one for one in more], np.float64)]
    return arrays.numbers(np.nan_to_num(whole), pa.float64(), ~np.isnan(whole))


def _missing(material: Material, judged: Judged) -> tuple[Ints, pa.Array]:
    """Return the suggested labels of each row's clip, as offsets and texts."""
    clip, label = judged.missing
    order = np.lexsort((label, clip))
    clip, label = clip[order], label[order]
    first, end = (np.searchsorted(clip, judged.clip, side) for side in ("left", "right"))
    offsets = np.r_[0, np.cumsum(end - first)]
    which = np.repeat(first - offsets[:-1], end - first) + np.arange(offsets[-1])
    return offsets, _texts(material.labels, label[which], [])


def _reasons(
    material: Material, judged: Judged, scores: NDArray[np.floating], found: Mapping[int, Heard]
) -> tuple[list[str], Ints]:
    """Return sentences, one for each label, verdict and competitor, and which of them each verdict has."""
    unscored: Bools = np.isnan(scores[judged.clip, judged.label])
    rival = np.where((judged.verdict == KEEP) | (judged.verdict == UNJUDGED), -1, judged.rival)
    width = len(material.labels) + 1
    code = ((judged.label * len(WORDS) + judged.verdict) * 2 + unscored) * width + rival + 1
    codes, which = np.unique(code, return_inverse=True)
    sentences = []
    for one in codes.tolist():
        rest, other = divmod(one, width)
        rest, no_score = divmod(rest, 2)
        label, verdict = divmod(rest, len(WORDS))
        name, facts = material.labels[label], judged.classes[label]
        instead = f"; '{material.labels[other - 1]}' is heard" if other else ""
        sentences.append(_sentence(name, facts, verdict, bool(no_score), instead, found.get(label)))
    return sentences, which


def _sentence(name: str, facts: ClassFacts, verdict: int, no_score: bool, instead: str, heard: Heard | None) -> str:
    if verdict == UNJUDGED:
        if no_score or facts.decision == NO_SCORE:
            return f"no score of '{name}' for this clip"
        if facts.decision == SMALL:
            return f"too few scored clips: {facts.scored:,} with '{name}', {facts.null:,} without (wanted {LEAST})"
        return f"the judge does not tell clips with '{name}' from others (AUC {facts.auc:.2f})"
    if verdict == KEEP:
        return f"scores like the clips with '{name}'"
    if facts.decision == WITHDRAWN and heard is not None:
        return f"not rejected: of {heard.rejected} rejected clips that were heard, {heard.wrong} were wrong{instead}"
    if verdict == WRONG:
        return f"scores like clips without '{name}'{instead}"
    return f"between the clips with '{name}' and those without{instead}"
