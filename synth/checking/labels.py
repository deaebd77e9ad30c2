"""Labels: the number of clips of each cell, also among the first n clips for any n, and whether labels agree with the parts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synth.checking.findings import Finding, named
from synth.checking.rows import COPIED, Clips
from synth.tables import SPLITS, cell_name
from synth.units import counted

Ints = NDArray[np.int64]


def cells(
    clips: Clips, names: list[str], asked: Mapping[str, int], weights: Mapping[str, int], planned: Ints
) -> Finding:
    """Check the number of clips requested and found, by split and cell, and that every prefix has each cell to within one of its share.

    ``names``: the manifest's class labels; ``asked``: clips by split; ``weights``: how often each cell comes in a period;
    ``planned``: the cell of each clip in the plan, as an index into ``names``. (That the shards have the manifest's rows is
    a finding of its own.)
    """
    period = sum(weights.values())
    wrong: list[str] = []
    figures: dict[str, dict[str, dict[str, float]]] = {}
    worst = 0.0
    for code, split in enumerate(SPLITS):
        here = np.nonzero(clips.split == code)[0]
        want = asked.get(split, 0)
        if not want and not len(here):
            continue
        if len(here) != want:
            wrong.append(f"{split} has {counted(len(here), 'clip')}, wanted {want:,}")
        share = np.arange(1, len(here) + 1) / period
        figures[split] = {}
        for name in dict.fromkeys([*weights, *names]):
            weight = weights.get(name, 0)
            is_it = clips.cell[here] == (names.index(name) if name in names else -1)
            had = int(is_it.sum())
            off = float(np.abs(np.cumsum(is_it) - share * weight).max(initial=0.0))
            worst = max(worst, off)
            figures[split][name] = {"asked": round(want * weight / period, 3), "had": had}
            if abs(had - want * weight / period) > 1:
                wrong.append(f"{split} has {had:,} of {name}, wanted {want * weight / period:,.1f}")
            elif off > 1 + 1e-9:
                wrong.append(f"the first clips of {split} miss the share of {name} by {off:.2f} clips")
    if len(planned) != len(clips):
        wrong.append(f"the plan has {counted(len(planned), 'row')}, the manifest {len(clips):,}")
    elif differ := clips.ids(planned != clips.cell):
        wrong.append(f"the plan gives another cell to {counted(len(differ), 'clip')}{named(differ)}")
    total = sum(asked.values())
    says = (
        "; ".join(wrong[:6])
        if wrong
        else f"{total:,} clips requested, {len(clips):,} found, in {len(weights):,} class{'es' * (len(weights) != 1)}; the first "
        f"n clips of a split, for any n, are within {worst:.2f} clips of each class's share"
    )
    return Finding("cells", not wrong, says, {"asked": dict(asked), "cells": figures, "prefix_off": round(worst, 4)})


def labels(clips: Clips, names: list[str]) -> Finding:
    """Check that n_speakers, n_female, n_male, cell and speakers_sex are those of the parts, and no voice is there twice."""
    count = len(clips)
    speaks, owner = clips.speaks, clips.clip_of_part
    sex = clips.of_source(clips.sources.sex, -1)
    speaker = clips.of_source(clips.sources.code("speaker_id"), -1)
    female = np.bincount(owner[speaks & (sex == 0)], minlength=count)
    male = np.bincount(owner[speaks & (sex == 1)], minlength=count)
    voices = np.bincount(owner[speaks], minlength=count)
    who = speaks & (speaker >= 0)
    pairs = np.unique(owner[who] * (len(clips.sources.names("speaker_id")) + 1) + speaker[who])
    distinct = np.bincount(pairs // (len(clips.sources.names("speaker_id")) + 1), minlength=count)
    distinct += np.bincount(owner[speaks & (speaker < 0)], minlength=count)  # a nameless voice is one of its own
    rank = {name: k for k, name in enumerate(names)}
    most = int(max(female.max(initial=0), male.max(initial=0))) + 1
    of_sexes = np.array([rank.get(cell_name(f, m), -1) for f in range(most) for m in range(most)], np.int64)
    nameless = female + male < voices
    cell = np.where(nameless, clips.cell, of_sexes[female * most + male])
    wrong = {
        "n_speakers": clips.n != distinct,
        "n_female": (clips.n_female != female) & ~nameless,
        "n_male": (clips.n_male != male) & ~nameless,
        "cell": clips.cell != cell,
        "speakers_sex": _letters_differ(clips, speaks, sex),
        "one voice twice": distinct < voices,
    }
    bad = {name: mask for name, mask in wrong.items() if mask.any()}
    says = (
        "; ".join(f"{name}: {counted(int(m.sum()), 'clip')}{named(clips.ids(m))}" for name, m in bad.items())
        if bad
        else f"n_speakers, n_female, n_male, cell and speakers_sex of {counted(count, 'clip')} are those of their parts; "
        "no clip holds one speaker twice"
    )
    return Finding("labels", not bad, says, {name: int(mask.sum()) for name, mask in wrong.items()})


def parts(clips: Clips) -> Finding:
    """Check that what a part says of its source (speaker, sex, text, …) is what SOURCES says."""
    wrong: dict[str, NDArray[np.bool_]] = {"source_id": ~clips.known}
    for name in COPIED:
        wrong[name] = clips.known & clips.differs[name]
    bad = {name: mask for name, mask in wrong.items() if mask.any()}
    says = (
        "; ".join(
            f"{name} differs from SOURCES in {counted(int(m.sum()), 'part')}{named(clips.ids(clips.clip_of_part[m]))}"
            for name, m in bad.items()
        )
        if bad
        else f"speaker, sex, text and the rest of {counted(len(clips.source), 'part')} are what SOURCES says of their recordings"
    )
    return Finding("parts", not bad, says, {name: int(mask.sum()) for name, mask in wrong.items()})


def _letters_differ(clips: Clips, speaks: NDArray[np.bool_], sex: Ints) -> NDArray[np.bool_]:
    """Return which clips have a speakers_sex that is not a letter per speaker, in the order of the parts."""
    letters = np.frombuffer(b"?FM", np.uint8)[np.clip(sex, -1, 1) + 1]
    counts = np.bincount(clips.clip_of_part[speaks], minlength=len(clips))
    # a string as a number in base 4 (its length in front), so that all rows compare at once
    digit = np.searchsorted(np.frombuffer(b"?FM", np.uint8), letters[speaks])
    ends = np.cumsum(counts)
    place = ends[clips.clip_of_part[speaks]] - 1 - np.arange(int(counts.sum()))
    found = counts * 4**24 + np.bincount(
        clips.clip_of_part[speaks], weights=(digit * 4.0**place), minlength=len(clips)
    ).astype(np.int64)
    code, names = clips.sexes, clips.sexes_names
    value = {"?": 0, "F": 1, "M": 2}
    said = [
        len(name) * 4**24 + sum(value.get(letter, 3) * 4 ** (len(name) - 1 - k) for k, letter in enumerate(name))
        for name in names
    ]
    return np.asarray(found != np.array([*said, -1], np.int64)[np.maximum(code, -1)], np.bool_)
