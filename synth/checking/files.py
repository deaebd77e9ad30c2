"""The files of a data set belong together: shards of this plan, a plan of these sources, a manifest of these shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.checking import stored
from synth.checking.findings import Finding, named
from synth.checking.rows import Clips
from synth.errors import InputError
from synth.store.parquet import File, Stretches
from synth.units import counted

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_ROWS = 100  # differing rows that are looked for


def shards(parts: Sequence[stored.Part], wanted: Mapping[str, str]) -> Finding:
    """Check that every shard of the plan is there, whole, and says that it was made from this plan.

    ``wanted``: what a shard's metadata must say.
    """
    wrong = [f"{part.name} {why}" for part in parts if (why := stored.problem(part, wanted))]
    says = (
        f"{len(parts) - len(wrong):,} of {counted(len(parts), 'shard')} are whole and of this plan"
        f"{named(wrong) if wrong else ''}"
    )
    return Finding("shards", not wrong, says, {"shards": len(parts), "wrong": wrong[:100]})


def digests(plan: str, plan_says: str | None, sources: str, plan_wants: str) -> Finding:
    """Check the digest of the plan's values against its metadata, and that of SOURCES against what the plan was made from."""
    wrong = []
    if plan_says is not None and plan_says != plan:
        wrong.append(f"the values of plan.parquet have the digest {plan[:12]}, its metadata say {plan_says[:12]}")
    if sources != plan_wants:
        wrong.append(f"sources.parquet has the digest {sources[:12]}, the plan was made from {plan_wants[:12]}")
    says = "; ".join(wrong) or f"the plan's values ({plan[:12]}) and its sources ({sources[:12]}) are unchanged"
    return Finding("digests", not wrong, says, {"plan": plan, "sources": sources})


def same_plan(
    clips: Clips, ids: pa.ChunkedArray, source: Ints, onset_s: Floats, duration_s: Floats, offsets: Ints
) -> Finding:
    """Check that the manifest's clips and parts are those of the plan, in its order.

    Of the plan: ``ids`` (clips,), ``offsets`` (clips + 1,), and of all parts end to end source (row of SOURCES), onset and
    duration in seconds.
    """
    wrong = []
    if not clips.clip_id.equals(ids):
        pairs = zip(clips.clip_id.to_pylist(), ids.to_pylist(), strict=False)
        other = [a for a, b in pairs if a != b]
        wrong.append(f"clip_id: {counted(len(other), 'clip')} in another order or of another name{named(other)}")
    if not np.array_equal(offsets, clips.offsets):
        wrong.append("clips have another number of parts")
    else:
        for name, of_plan, found in (
            ("source", source.astype(np.float64), clips.source.astype(np.float64)),
            ("onset", onset_s, clips.onset_s),
            ("duration", duration_s, clips.duration_s),
        ):
            off = of_plan != found
            if off.any():
                names = clips.ids(clips.clip_of_part[off])
                wrong.append(f"the {name} of {counted(int(off.sum()), 'part')} differs{named(names)}")
    says = (
        f"manifest.parquet and plan.parquet: {'; '.join(wrong)}"
        if wrong
        else (f"the parts of {counted(len(clips), 'clip')} in manifest.parquet are those of plan.parquet")
    )
    return Finding("plan", not wrong, says, {"differing": wrong})


def manifest(path: Path, parts: Sequence[stored.Part], columns: Sequence[str], ids: pa.ChunkedArray) -> Finding:
    """Check that the manifest has the rows of the shards; ``ids`` are the clips' ids by row of the plan."""
    why, rows = manifest_differs(path, parts, columns)
    shown = [ids[row].as_py() for row in rows if row < len(ids)]
    says = f"{why}{named(shown)}" if why else f"{counted(len(ids), 'row')} of manifest.parquet are those of the shards"
    return Finding("manifest", not why, says, {"differing": shown})


def manifest_differs(path: Path, parts: Sequence[stored.Part], columns: Sequence[str]) -> tuple[str, list[int]]:
    """Return how the manifest differs from the shards that can be read, or nothing, and the first rows that do."""
    mine = File(path, memory_map=True)
    total = parts[-1].end if parts else 0
    if mine.metadata.num_rows != total:
        return f"manifest.parquet has {counted(mine.metadata.num_rows, 'row')}, the plan {total:,}", []
    stretch = Stretches(mine, columns)
    rows: list[int] = []
    unread: list[str] = []
    for part in parts:
        file, _ = stored.opened(part)
        if file is None:
            continue
        try:
            theirs = file.read(columns=list(columns), use_threads=False)
        except InputError as error:
            unread.append(stored.without_folder(error, part))
            continue
        slice_ = stretch.read(part.first, part.end)
        if theirs.num_rows == slice_.num_rows:
            rows += [part.first + row for row in _differing(slice_, theirs, MOST_ROWS - len(rows))]
    wrong = ["rows of manifest.parquet are not those of the shards"] if rows else []
    return "; ".join([*wrong, *unread[:3]]), rows


def _differing(a: pa.Table, b: pa.Table, limit: int) -> list[int]:
    """Return the first rows in which two tables of the same length differ, by halving."""
    if limit <= 0 or not a.num_rows or a.equals(b):
        return []
    if a.num_rows == 1:
        return [0]
    half = a.num_rows // 2
    first = _differing(a.slice(0, half), b.slice(0, half), limit)
    return first + [half + row for row in _differing(a.slice(half), b.slice(half), limit - len(first))]
