"""The clips that are judged and the labels that they carry, as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synth.cleaning.names import Clips
from synth.cleaning.null import Bools, Ints
from synth.errors import InputError

IMPLIED = 0.9  # a label that so many clips of another one carry as well is its parent, or another word for it
LEAST_PAIRS = 10


@dataclass(frozen=True, slots=True)
class Material:
    """The usable, labelled clips of a SOURCES table; ``left_out`` counts the others by status."""

    clips: Clips
    labels: tuple[str, ...]  # in alphabetic order
    carries: Bools  # (clips, labels)
    groups: Ints  # (clips,)
    left_out: Counter[str]

    def above(self) -> Bools:
        """Return which labels (rows) nearly all clips of which others (columns) carry as well, (labels, labels)."""
        counts = self.carries.sum(axis=0)
        both = np.array([self.carries[column].sum(axis=0) for column in self.carries.T]).reshape(counts.size, -1)
        found: Bools = (both >= IMPLIED * np.maximum(counts, 1)) & (counts >= LEAST_PAIRS)
        np.fill_diagonal(found, False)
        return found


def material(sources: pa.Table, where: str) -> Material:
    """Return the clips to judge; ``sources`` has source_id, path, labels, group_id and status. Raises InputError for none."""
    status = sources.column("status").to_pylist()
    labels = sources.column("labels").to_pylist()
    left_out = Counter(one for one in status if one != "ok")
    rows = [k for k, one in enumerate(status) if one == "ok" and labels[k]]
    left_out["no label"] = status.count("ok") - len(rows)
    if not rows:
        raise InputError(
            f"{where}: none of its {len(status):,} recordings is usable and has a label. Labels come from the corpus (AudioSet) "
            "or from a CSV with the columns path and labels: synth index PATH --csv FILE -o sources.parquet"
        )
    ids, paths, groups = (_picked(sources.column(name).to_pylist(), rows) for name in ("source_id", "path", "group_id"))
    names = tuple(sorted({label for k in rows for label in labels[k]}))
    at = {name: k for k, name in enumerate(names)}
    clip = [i for i, k in enumerate(rows) for _ in labels[k]]
    label = [at[one] for k in rows for one in labels[k]]
    carries = np.zeros((len(rows), len(names)), np.bool_)
    carries[clip, label] = True
    numbers: dict[str, int] = {}
    group = [
        numbers.setdefault(str(one if one is not None else own), len(numbers))
        for one, own in zip(groups, ids, strict=True)
    ]
    return Material(Clips(ids, paths), names, carries, np.array(group, np.int64), +left_out)


def mids(sources: pa.Table) -> dict[str, str]:
    """Return AudioSet's machine id of each label that has one."""
    out: dict[str, str] = {}
    for labels, ids in zip(sources.column("labels").to_pylist(), sources.column("mids").to_pylist(), strict=True):
        if labels and ids and len(labels) == len(ids):
            out.update(zip(labels, ids, strict=True))
    return out


def _picked(values: Sequence[str], rows: Sequence[int]) -> list[str]:
    return [values[k] for k in rows]
