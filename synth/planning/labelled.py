"""The plan of clips that are used as they are: one part a clip, its gain 1, cut or padded to one length.

What there is to draw is the order of the clips, by a hash of the recording and the window: corpora lie sorted by label,
and who reads a data set as a stream should not meet one label after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.decibels import UNITY
from synth.audio.envelope import active_thresholds, frame_length
from synth.errors import UsageError, nearest
from synth.seeds import chain, key
from synth.store import arrays
from synth.tables import FRAMES_PER_S, LABELLED_PLAN, PART_PLAN

Ints = NDArray[np.int64]
WINDOWS = ("start", "all")


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of some recordings, end to end, shape (windows,): source (its row), start, length (samples), active frames.

    ``silent``: windows in which nothing is heard; ``beyond_s``: seconds of recordings that no window covers; ``cut``,
    ``padded``: recordings longer and shorter than a clip.
    """

    source: Ints
    start_n: Ints
    length_n: Ints
    active: Ints
    silent: int
    beyond_s: float
    cut: int
    padded: int


def windows(sources: pa.Table, taken: NDArray[np.bool_], rate_hz: int, length_n: int, which: str) -> Windows:
    """Lay windows of ``length_n`` samples over the recordings ``taken`` (S,) of a SOURCES table measured at ``rate_hz``.

    ``start``: one from the beginning; ``all``: one after another, as many as fit. A shorter recording is one window of its
    own length. Windows in which nothing is heard are left out. Raises UsageError for another word.
    """
    if which not in WINDOWS:
        raise UsageError(f"--windows {which}: wanted one of {', '.join(WINDOWS)}{nearest(which, WINDOWS)}")
    rms, offsets = arrays.ragged(sources.column("envelope"))
    frame_n, rows = frame_length(rate_hz), np.nonzero(taken)[0]
    total = _samples(sources, rate_hz, np.diff(offsets) * frame_n, frame_n)[rows]
    count = np.maximum(total // length_n, 1) if which == "all" else np.ones(len(rows), np.int64)
    source = np.repeat(rows, count)
    start = (np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)) * length_n
    length = np.minimum(np.repeat(total, count) - start, length_n)
    threshold = np.repeat(active_thresholds(rms, offsets), np.diff(offsets))
    before = np.concatenate([[0], np.cumsum(rms <= threshold, dtype=np.int64)])
    first = offsets[source] + start // frame_n
    active = before[first + length // frame_n] - before[first]
    heard = active > 0
    return Windows(
        source=source[heard],
        start_n=start[heard],
        length_n=length[heard],
        active=active[heard],
        silent=int((~heard).sum()),
        beyond_s=float((total - np.minimum(count * length_n, total)).sum() / rate_hz),
        cut=int((total > length_n).sum()),
        padded=int((total < length_n).sum()),
    )


def ordered(found: Windows, ids: Sequence[str], split: Ints, seed: int) -> Ints:
    """Return the windows (of the splits 0, 1, … of ``split``, shape (windows,), -1: none) in the order of the plan."""
    named = np.array([key(one) for one in ids], np.uint64)[found.source]
    words = chain(key(seed, "order"), named, found.start_n)
    order = np.lexsort((found.start_n, found.source, words, split))
    return np.asarray(order[split[order] >= 0], np.int64)


def rows(
    found: Windows,
    order: Ints,
    split: str,
    ids: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    verified: Sequence[tuple[bool, ...]],
) -> pa.Table:
    """Return the plan's rows of one split: the windows ``order`` of it; ``labels`` and their mask by recording (S,)."""
    source = found.source[order]
    count = len(order)
    nothing, alone = np.zeros(count, np.bool_), np.arange(count + 1)
    values: dict[str, pa.Array] = {
        "source_id": arrays.texts([ids[k] for k in source.tolist()]),
        "start_n": arrays.numbers(found.start_n[order], pa.int32()),
        "onset_n": arrays.numbers(np.zeros(count), pa.int32()),
        "length_n": arrays.numbers(found.length_n[order], pa.int32()),
        "gain_q12": arrays.numbers(np.full(count, UNITY), pa.int32()),
        "active_s": arrays.numbers(found.active[order] / FRAMES_PER_S, pa.float32()),
        "sir_db": arrays.numbers(np.zeros(count), pa.float32(), nothing),
    }
    parts = pa.StructArray.from_arrays([values[field.name] for field in PART_PLAN], fields=list(PART_PLAN))
    mine = [labels[k] for k in source.tolist()]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in mine], dtype=np.int64)])
    mask = np.array([good for k in source.tolist() for good in verified[k]], np.bool_)
    schema = LABELLED_PLAN.schema()
    columns = {
        "clip_id": arrays.numbered(f"{split}-", 0, count),
        "split": arrays.texts([split] * count),
        "cell": arrays.texts([None] * count),
        "parts": arrays.lists(alone, parts, schema.field("parts").type),
        "labels": arrays.lists(
            ends, arrays.texts([label for one in mine for label in one]), schema.field("labels").type
        ),
        "labels_mask": arrays.lists(ends, arrays.bools(mask), schema.field("labels_mask").type),
    }
    for name in LABELLED_PLAN.names:
        if name not in columns:
            columns[name] = arrays.numbers(np.zeros(count), schema.field(name).type, nothing)
    return pa.Table.from_arrays([columns[name] for name in LABELLED_PLAN.names], schema=schema)


def _samples(sources: pa.Table, rate_hz: int, least: Ints, frame_n: int) -> Ints:
    """Return the samples of each recording at the output rate; ``least``: those in its whole frames.

    The resampler gives the nearest whole number, and of two the smaller.
    """
    frames, own = (arrays.as_numpy(sources.column(name), np.int64).astype(np.int64) for name in ("frames", "rate_hz"))
    own = np.maximum(own, 1)
    return np.asarray(np.clip(-((own - 2 * frames * rate_hz) // (2 * own)), least, least + frame_n - 1), np.int64)
