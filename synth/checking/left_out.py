"""What a plan of labelled clips says of what is in none of its rows, held against what the tables still have.

Recordings that kept no label do not go along in ``sources.parquet``, so of them only the plan knows. Those that are cut,
padded or damaged do, and so do those in which nothing was heard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.store import arrays
from synth.tables import FRAMES_PER_S, SPLITS

Ints = NDArray[np.int64]
SILENT, NO_SPLIT = "windows in which nothing is heard", "in no split"  # as plans say it
_BY_LABEL = "recordings "  # so begin the reasons of what went along in no table
_ROUNDED_S = 0.006
Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What the tables say, each as the least and the most that it can be: ``left_out`` by reason, and single ``facts``.

    ``windows``: those that are no clips, for any reason; ``judged``: some labels are verified and others are not.
    """

    left_out: Limits
    facts: Limits
    windows: int
    judged: bool


def counted(
    sources: pa.Table, plan: pa.Table, source: Ints, rate_hz: int, length_n: int, options: Mapping[str, object]
) -> Counted:
    """Count; ``source`` (clips,): the row of SOURCES that each clip is made of; ``options``: those of the recipe."""
    status = sources.column("status").to_pylist()
    taken = np.array([one == "ok" for one in status], np.bool_)
    total = _samples_n(sources, rate_hz)[taken]
    each = np.maximum(total // length_n, 1) if options.get("windows") == "all" else np.ones(len(total), np.int64)
    split = np.array([name in SPLITS for name in sources.column("split").to_pylist()], np.bool_)[taken]
    beyond_s = float(np.maximum(total - each * length_n, 0).sum()) / rate_hz
    used, first = np.unique(source, return_index=True)
    mask = plan.column("labels_mask")
    doubted = sum(one.count(False) for one in mask.take(arrays.numbers(first, pa.int64())).to_pylist())
    verified = mask.combine_chunks().flatten().to_pylist()
    lost = int(each.sum()) - len(plan)
    damaged = {one: float(status.count(one)) for one in set(status) - {"ok"}}
    cut, padded = (float(one.sum()) for one in (total > length_n, total < length_n))
    return Counted(
        {
            **{one: (count, count) for one, count in damaged.items()},
            SILENT: (max(lost - int(each[~split].sum()), 0), lost),
            NO_SPLIT: (0, min(int(each[~split].sum()), lost)),
        },
        {
            "cut": (cut, cut),
            "padded": (padded, padded),
            "beyond_s": (beyond_s - _ROUNDED_S, beyond_s + _ROUNDED_S),
            "labels_unjudged": (
                doubted if options.get("min_verdict") == "keep" else 0,
                doubted if len(used) == taken.sum() else np.inf,
            ),
        },
        lost,
        len(set(verified)) > 1,
    )


def problems(said: Mapping[str, str], there: Counted) -> list[str]:
    """Return what the metadata of a plan say otherwise, a sentence each."""
    try:
        left, facts = ({name: float(n) for name, n in json.loads(said[key]).items()} for key in ("left_out", "facts"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return ["plan.parquet: 'left_out' or 'facts' in its metadata is damaged"]
    others = {name: (0.0, 0.0) for name in left if name not in there.left_out and not name.startswith(_BY_LABEL)}
    wrong = _beyond("left_out", left, {**others, **there.left_out}) + _beyond("facts", facts, there.facts)
    if (lost := left.get(SILENT, 0) + left.get(NO_SPLIT, 0)) != there.windows:
        wrong.append(
            f"plan.parquet says that {lost:,.0f} clips were left out, its sources have {there.windows:,} more than it"
        )
    if said.get("judged") == "false" and (there.judged or facts.get("labels_dropped")):
        wrong.append("plan.parquet says judged = false, and labels were judged")
    return wrong


def _beyond(key: str, said: Mapping[str, float], there: Limits) -> list[str]:
    out = []
    for name, (least, most) in there.items():
        found = said.get(name, 0)
        if not least <= found <= most:
            wanted = f"{least:,.6g}" if least == most else f"{least:,.6g} to {most:,.6g}"
            out.append(f"plan.parquet says {key}.{name} = {found:,.6g}, its sources have {wanted}")
    return out


def _samples_n(sources: pa.Table, rate_hz: int) -> Ints:
    """Return the samples of each recording at the rate of the clips, (S,): the nearest whole number that its frames allow."""
    frames, own = (arrays.as_numpy(sources.column(name), np.int64).astype(np.int64) for name in ("frames", "rate_hz"))
    sizes = [len(one or b"") for one in sources.column("envelope").to_pylist()]
    frame_n = rate_hz // FRAMES_PER_S
    least = np.array(sizes, np.int64) * frame_n
    exact = np.ceil(frames * (rate_hz / np.maximum(own, 1)) - 0.5).astype(np.int64)
    return np.asarray(np.clip(exact, least, least + frame_n - 1), np.int64)
