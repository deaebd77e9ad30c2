"""Licence and attribution of each clip of a plan, and whether the clips may be shared."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth import licences
from synth.rendering.planfile import PlanFile, PlanRows
from synth.store import arrays

Ints = NDArray[np.int64]
_PAGE = 16_384  # clips that are looked at together


class Credits:
    """Whom a clip credits and under which licence it stands, from a SOURCES table.

    A mixture is an adaptation of its recordings, and so is a clip that is cut out of one. A labelled clip that holds its
    whole recording is not: to change the rate, or to average the channels, is no adaptation (CC BY 4.0, section 2a4).
    """

    def __init__(self, sources: pa.Table, rate_hz: int) -> None:
        columns = [sources.column(name).to_pylist() for name in ("licence", "attribution")]
        pairs = list(zip(*columns, strict=True))
        self._names = sorted(set(pairs), key=str)
        rank = {name: k for k, name in enumerate(self._names)}
        self._codes = np.array([rank[pair] for pair in pairs], np.int64)
        frames, own = (
            arrays.as_numpy(sources.column(name), np.int64).astype(np.int64) for name in ("frames", "rate_hz")
        )
        self._least = (frames * rate_hz - own) / np.maximum(own, 1)  # samples at the output rate, but for one

    def columns(self, rows: PlanRows) -> tuple[pa.Array, pa.Array]:
        """Return the columns licence and attribution of some rows."""
        index, groups = self._grouped(rows)
        written = [self._verdict(group).licence for group in groups]
        credits = ["; ".join(dict.fromkeys(text for (_, text), _ in group if text)) for group in groups]
        at = arrays.numbers(index, pa.int64())
        return arrays.texts(written).take(at), arrays.texts(credits).take(at)

    def sharing(self, plan: PlanFile) -> licences.Sharing:
        """Return whether the clips of a whole plan may be shared."""
        clips, problems = Counter[str](), Counter[str]()
        for first in range(0, plan.clips, _PAGE):
            index, groups = self._grouped(plan.rows(first, min(first + _PAGE, plan.clips)))
            for group, count in zip(groups, np.bincount(index, minlength=len(groups)).tolist(), strict=True):
                found = self._verdict(group)
                clips[found.licence] += count
                problems.update(dict.fromkeys(found.problems, count))
        return licences.Sharing(clips, problems)

    def _verdict(self, group: list[tuple[tuple[str | None, str | None], bool]]) -> licences.Verdict:
        adapted = len(group) > 1 or any(changed for _, changed in group)
        return licences.combined((licence for (licence, _), _ in group), adapted=adapted)

    def _grouped(self, rows: PlanRows) -> tuple[Ints, list[list[tuple[tuple[str | None, str | None], bool]]]]:
        """Return for each clip the number of its group, and per group what its parts are: (licence, attribution), changed."""
        used = self._codes[rows.source] * 2 + self._changed(rows)
        index = np.zeros(len(rows.offsets) - 1, np.int64)
        found: dict[frozenset[int], int] = {}
        if len(used) and (used == used[0]).all() and (np.diff(rows.offsets) > 0).all():
            found[frozenset(used[:1].tolist())] = 0
        else:
            codes, bounds = used.tolist(), rows.offsets.tolist()
            for clip, (first, end) in enumerate(pairwise(bounds)):
                index[clip] = found.setdefault(frozenset(codes[first:end]), len(found))
        return index, [[(self._names[code >> 1], bool(code & 1)) for code in sorted(group)] for group in found]

    def _changed(self, rows: PlanRows) -> NDArray[np.bool_]:
        if "labels" not in rows.table.column_names:
            return np.ones(len(rows.source), np.bool_)
        whole = (rows.start_n == 0) & (rows.length_n >= self._least[rows.source])
        return np.asarray(~whole, np.bool_)
