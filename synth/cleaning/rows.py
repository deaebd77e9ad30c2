"""Verdicts as rows of the VERDICTS table, each with its reason in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.cleaning.decision import (
    DOUBTFUL,
    EVERYWHERE,
    KEEP,
    LEAST,
    LEAST_NULL,
    NO_SCORE,
    SMALL,
    UNJUDGED,
    WITHDRAWN,
    WORDS,
    WRONG,
    ClassFacts,
    Judged,
)  # fmt: skip
from synth.cleaning.hearing import Heard, upper_precision
from synth.cleaning.material import Material
from synth.cleaning.null import Bools, Ints
from synth.store import arrays
from synth.tables import HEARD_INSTEAD, VERDICTS

MODEL = "model"


def positions(material: Material, said: Collection[tuple[str, str]]) -> Ints:
    """Return which of the judged pairs each (source_id, label) is (in their order); -1 where the clip or label is gone."""
    place = {name: k for k, name in enumerate(material.clips.ids)}
    column = {name: k for k, name in enumerate(material.labels)}
    starts = np.r_[0, np.cumsum(material.carries.sum(axis=1))]
    found = np.full(len(said), -1, np.int64)
    for k, (source, label) in enumerate(said):
        row, at = place.get(source, -1), column.get(label, -1)
        if row >= 0 and at >= 0 and material.carries[row, at]:
            found[k] = starts[row] + material.carries[row, :at].sum()
    return found


def with_hearing(judged: Judged, found: Mapping[int, Heard]) -> Judged:
    """Return the verdicts without the rejections of these labels (by number), of which too many were heard to be right."""
    verdict, classes = judged.verdict.copy(), list(judged.classes)
    for label, one in found.items():
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
    why_not: str | None = None,
) -> pa.Table:
    """Return the rows of VERDICTS: one for every (clip, label), in the order of the clips.

    ``why_not``: the reason of all of them where there was no judge.
    """
    if why_not is None:
        sentences, sentence = _reasons(material, judged, scores, found)
    else:
        sentences, sentence = [why_not], np.zeros(len(judged.clip), np.int64)
    offsets, values = _missing(material, judged)
    score = scores[judged.clip, judged.label].astype(np.float64)
    columns = {
        "source_id": _texts(material.clips.ids, judged.clip),
        "label": _texts(material.labels, judged.label),
        "score": _numbers(score),
        "p_wrong": _numbers(judged.p_wrong),
        "verdict": _texts(WORDS, judged.verdict.astype(np.int64)),
        "reason": _texts(sentences, sentence),
        "by": _texts((MODEL,), np.zeros(len(judged.clip), np.int64)),
        "suggested": arrays.lists(offsets, values, VERDICTS.schema().field("suggested").type),
    }
    made = pa.table(columns, schema=VERDICTS.schema())
    if why_not is not None:
        return made
    instead = _rivals(judged, judged.instead)
    names = arrays.chosen((*material.labels, ""), np.where(instead >= 0, instead, len(material.labels))).cast(
        pa.string()
    )
    names = pc.if_else(pa.array(instead >= 0), names, pa.scalar(None, pa.string()))
    return made.append_column(HEARD_INSTEAD.name, names)


def _texts(names: Sequence[str], which: Ints) -> pa.Array:
    """Return ``names[which]``."""
    return arrays.chosen(names, which).cast(pa.string())


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    return arrays.numbers(np.nan_to_num(values), pa.float64(), ~np.isnan(values))


def _missing(material: Material, judged: Judged) -> tuple[Ints, pa.Array]:
    """Return the suggested labels of each row's clip, as offsets and texts."""
    clip, label = judged.missing
    order = np.lexsort((label, clip))
    clip, label = clip[order], label[order]
    first, end = (np.searchsorted(clip, judged.clip, side) for side in ("left", "right"))
    offsets = np.r_[0, np.cumsum(end - first)]
    which = np.repeat(first - offsets[:-1], end - first) + np.arange(offsets[-1])
    return offsets, _texts(material.labels, label[which])


def _rivals(judged: Judged, where: Bools) -> Ints:
    """Return the label that is heard most beside each doubtful or rejected one, -1 elsewhere and where not ``where``."""
    asked = (judged.verdict == WRONG) | (judged.verdict == DOUBTFUL)
    return np.where(asked & where, judged.rival, -1)


def _reasons(
    material: Material, judged: Judged, scores: NDArray[np.floating], found: Mapping[int, Heard]
) -> tuple[list[str], Ints]:
    """Return sentences, one for each label, verdict and competitor, and which of them each verdict has."""
    unscored: Bools = np.isnan(scores[judged.clip, judged.label])
    rival = _rivals(judged, judged.instead | (judged.verdict != WRONG))
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
        if verdict == WRONG:
            instead = f"{instead} instead" if other else "; nothing listed is clearly heard"
        sentences.append(_sentence(name, facts, verdict, bool(no_score), instead, found.get(label)))
    return sentences, which


def _sentence(name: str, facts: ClassFacts, verdict: int, no_score: bool, instead: str, heard: Heard | None) -> str:
    if verdict == UNJUDGED:
        if no_score or facts.decision == NO_SCORE:
            return f"no score of '{name}' for this clip"
        if facts.decision == EVERYWHERE:
            return f"no scored clip without '{name}' to compare with: all {facts.scored:,} carry it, or a label that implies it"
        if facts.decision == SMALL:
            return (
                f"too few scored clips: {facts.scored:,} with '{name}' (wanted {LEAST}), {facts.null:,} that speak against it "
                f"(wanted {LEAST_NULL})"
            )
        return f"the judge does not tell clips with '{name}' from others (AUC {facts.auc:.2f})"
    if verdict == KEEP:
        return f"scores like the clips with '{name}'"
    if facts.decision == WITHDRAWN and heard is not None:
        return f"not rejected: of {heard.rejected} rejected clips that were heard, {heard.wrong} were wrong{instead}"
    if verdict == WRONG:
        return f"scores like clips without '{name}'{instead}"
    return f"between the clips with '{name}' and those without{instead}"
