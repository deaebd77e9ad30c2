"""Claims of labelled clips that are used as they are: their labels are those of their recordings, and they are heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.checking.activity import INAUDIBLE_DBFS, Measured
from synth.checking.features import Features
from synth.checking.findings import Finding, named
from synth.checking.predict import accuracy
from synth.checking.rows import Clips, codes, filled
from synth.checking.shortcuts import SAYS, Told, finding
from synth.tables import FRAMES_PER_S, SPLITS
from synth.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of some rows end to end, as indexes into ``names``, those of row i in ``offsets[i]:offsets[i + 1]``.

    ``mask``: 1 where it is verified, 0 where not, -1 where nothing says it; ``one``: (rows,) the number of the class, where the table has such a column.
    """

    names: list[str]
    offsets: Ints
    code: Ints
    mask: Ints
    one: Ints | None = None

    @classmethod
    def of(cls, table: pa.Table, names: Sequence[str] | None = None) -> Labels:
        """Take the columns labels, and labels_mask and label where they are there; ``names`` by default those found."""
        lists = table.column("labels").combine_chunks()
        code, known = codes(lists.flatten(), names)
        sizes = _sizes(lists)
        mask = np.full(len(code), -1, np.int64)
        if "labels_mask" in table.column_names:
            masks = table.column("labels_mask").combine_chunks()
            fits = np.repeat(_sizes(masks) == sizes, sizes)
            mask[fits] = [
                bool(value)
                for values, size in zip(masks.to_pylist(), sizes.tolist(), strict=True)
                if len(values or ()) == size
                for value in values or ()
            ]
        one = None
        if "label" in table.column_names:
            one = filled(table.column("label").combine_chunks(), -1)
        return cls(known, np.concatenate([[0], np.cumsum(sizes)]), code, mask, one)

    @property
    def owner(self) -> Ints:
        """The row of each label."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @property
    def alone(self) -> Ints:
        """The label of each row that has exactly one, -1 for the others, shape (rows,)."""
        out = np.full(len(self.offsets) - 1, -1, np.int64)
        single = np.diff(self.offsets) == 1
        out[single] = self.code[self.offsets[:-1][single]]
        return out

    @property
    def first(self) -> Ints:
        """The first label of each row, -1 where it has none."""
        out = np.full(len(self.offsets) - 1, -1, np.int64)
        some = np.diff(self.offsets) > 0
        out[some] = self.code[self.offsets[:-1][some]]
        return out

    def counts(self, rows: Bools) -> Ints:
        """Return how many of some rows have each label, shape (names,)."""
        return np.bincount(self.code[rows[self.owner] & (self.code >= 0)], minlength=len(self.names))


def labels(clips: Clips, found: Labels, planned: Labels, classes: Sequence[str]) -> Finding:
    """Check the manifest's labels against the plan's, and both against those that SOURCES has of the recording.

    ``planned`` has the names of ``found``; ``classes``: the names of the column ``label``, if there is one.
    """
    count = len(clips)
    single = np.diff(clips.offsets) == 1
    source = np.where(single, clips.source[np.minimum(clips.offsets[:-1], max(len(clips.source) - 1, 0))], -1)
    own = Labels.of(clips.sources.table, found.names)
    width = len(found.names) + 1
    there = np.unique(own.owner[own.code >= 0] * width + own.code[own.code >= 0])
    foreign = ~np.isin(source[found.owner] * width + found.code, there)
    wrong = {
        "labels are not those of the plan": _rows_differ(found, planned, found.code, planned.code),
        "labels_mask is not that of the plan": _rows_differ(found, planned, found.mask, planned.mask),
        "a label is not one of the recording": np.bincount(found.owner[foreign], minlength=count) > 0,
        "no label": np.diff(found.offsets) == 0,
        "not one recording": ~single,
    }
    if found.one is not None:
        rank = {name: k for k, name in enumerate(classes)}
        of_class = np.array([*(rank.get(name, -1) for name in found.names), -1], np.int64)[found.alone]
        wrong["label is not the clip's one label"] = (found.one != of_class) | (of_class < 0)
    bad = {name: mask for name, mask in wrong.items() if mask.any()}
    says = "; ".join(f"{name}: {counted(int(m.sum()), 'clip')}{named(clips.ids(m))}" for name, m in bad.items()) or (
        f"the labels of {counted(count, 'clip')} are those of the plan, and labels of their recordings"
    )
    return Finding("labels", not bad, says, {name: int(mask.sum()) for name, mask in wrong.items()})


def counts(clips: Clips, found: Labels, asked: Mapping[str, int], totals: Mapping[str, int]) -> Finding:
    """Check the clips of each split, and those with each label, against what the plan says it has."""
    wrong: list[str] = []
    figures: dict[str, Any] = {}
    for code, split in enumerate(SPLITS):
        here = clips.split == code
        had = int(here.sum())
        if had != asked.get(split, 0):
            wrong.append(f"{split} has {counted(had, 'clip')}, wanted {asked.get(split, 0):,}")
        if had:
            figures[split] = dict(zip(found.names, found.counts(here).tolist(), strict=True))
    every = dict(zip(found.names, found.counts(np.ones(len(clips), np.bool_)).tolist(), strict=True))
    wrong += [
        f"{every.get(name, 0):,} clips have {name}, wanted {totals.get(name, 0):,}"
        for name in dict.fromkeys([*totals, *every])
        if every.get(name, 0) != totals.get(name, 0)
    ]
    by_split = ", ".join(
        f"{int((clips.split == k).sum()):,} in {name}" for k, name in enumerate(SPLITS) if name in figures
    )
    says = (
        "; ".join(wrong[:6])
        or f"{counted(len(clips), 'clip')} with {counted(len(every), 'label')} as planned: {by_split}"
    )
    return Finding("counts", not wrong, says, {"clips": dict(asked), "labels": figures})


def spread(clips: Clips, found: Labels) -> Finding:
    """Report labels that a split lacks, and how unlike the splits are in labels. How alike they can be, groups decide."""
    here = [(k, split) for k, split in enumerate(SPLITS) if (clips.split == k).any()]
    table = np.array([found.counts(clips.split == k) for k, _ in here]).reshape(len(here), -1)
    share = np.array([(clips.split == k).mean() for k, _ in here])
    total = table.sum(axis=0)
    lacking = [f"{found.names[c]} in {here[j][1]}" for j, c in np.argwhere((table == 0) & (total > 0)).tolist()]
    off = np.abs(table - share[:, None] * total)
    figures: dict[str, Any] = {"lacking": lacking[:100], "share_of_clips": {}}
    figures["share_of_clips"] = {split: round(float(one), 4) for (_, split), one in zip(here, share, strict=True)}
    if not off.size:
        return Finding("label-splits", None, "no clip has a label", figures)
    j, c = np.unravel_index(int(off.argmax()), off.shape)
    furthest = (
        f"{found.names[c]} has {int(table[j, c]):,} of {int(total[c]):,} clips in {here[j][1]}, an even share would be "
        f"{share[j] * total[c]:,.1f}"
    )
    figures |= {"furthest_off_clips": round(float(off.max()), 2), "furthest": furthest}
    says = (
        f"{counted(len(lacking), 'time')} a split has no clip of a label{named(lacking)}"
        if lacking
        else f"every label has clips in every split ({counted(len(found.names), 'label')})"
    )
    return Finding("label-splits", None if lacking else True, f"{says}; largest deviation: {furthest}", figures)


def heard(clips: Clips, measured: Measured, promised_s: NDArray[np.float32], how: str) -> Finding:
    """Check that something is heard in every clip, for as long as the plan promises (parts,). ``how``: what was measured."""
    active_s = measured.frames / FRAMES_PER_S
    promise = np.nan_to_num(promised_s[measured.part].astype(np.float64))
    short = active_s < promise - 0.02 - 1e-6
    silent = (measured.frames < 1) | (measured.level_db < INAUDIBLE_DBFS)
    owner = clips.clip_of_part[measured.part]
    bad = np.nonzero(short | silent)[0]
    shown = [
        f"{name} ({active_s[k]:.2f} s of {promise[k]:.2f} s)"
        for name, k in zip(clips.ids(owner[bad[:5]]), bad[:5].tolist(), strict=True)
    ]
    looked = len(np.unique(owner))
    says = (
        f"{len(bad):,} of {counted(looked, 'clip')} are silent, or for longer than promised, wanted none{named(shown)}"
        if len(bad)
        else f"something is heard in all of {counted(looked, 'clip')}, for {active_s.min(initial=np.inf):.2f} s at least"
    )
    figures = {
        "clips": looked,
        "silent": int(silent.sum()),
        "shorter_than_promised": int(short.sum()),
        "examples": shown,
    }
    return Finding("active", not len(bad) if looked else None, f"{says}; {how}", figures)


def told(clips: Clips, measured: Features, alone: Ints, rows: Ints) -> list[Finding]:
    """Report how well level, bandwidth and the rest tell the label of clips that have one.

    Nothing is barred: a recording is as it is, and how loud or bright it is may belong to the thing itself. ``alone``
    (clips,): the label of each clip, -1 for those with several.
    """
    root = clips.of_source(clips.sources.code("root"), -1)[clips.offsets[rows]].astype(np.float64)
    numbers = [(name, what, getattr(measured, name), False) for name, what in SAYS.items()]
    if len(np.unique(root)) > 1:
        numbers.append(("root", "the corpus", root, True))
    out = []
    for name, what, values, kinds in numbers:
        seen = np.where(alone[rows] >= 0, values, np.nan)
        one: Told = {"label": (accuracy(seen, alone[rows], rows, kinds=kinds), None)}
        out.append(finding(name, what, one, barred=False))
    return out


def _sizes(lists: pa.Array) -> Ints:
    return filled(pc.list_value_length(lists), 0)


def _rows_differ(a: Labels, b: Labels, first: NDArray[np.generic], second: NDArray[np.generic]) -> Bools:
    """Return which rows of two tables differ in what they hold, shape (rows of ``a``,)."""
    if np.array_equal(a.offsets, b.offsets):
        return np.bincount(a.owner[first != second], minlength=len(a.offsets) - 1) > 0
    count = min(len(a.offsets), len(b.offsets)) - 1
    out = np.ones(len(a.offsets) - 1, np.bool_)
    for k in range(count):
        mine, theirs = first[a.offsets[k] : a.offsets[k + 1]], second[b.offsets[k] : b.offsets[k + 1]]
        out[k] = not np.array_equal(mine, theirs)
    return out
