"""Which segments of a list are taken: those that carry what was asked for, in an order that only grows.

The place of a segment in the order is drawn from the seed and its own name, so that nothing else in a list moves it.
Segments of several asked labels go to the rarest first. With a larger limit the order is the same and longer: what was
chosen stays chosen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth import seeds


@dataclass(frozen=True, slots=True)
class Pool:
    """n segments: ids (n, S11), starts in ms (n,), and their labels: those of segment i are
    ``codes[offsets[i]:offsets[i + 1]]``, numbers from 0.
    """

    ytid: NDArray[np.bytes_]
    start_ms: NDArray[np.int64]
    offsets: NDArray[np.int64]
    codes: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        labels: for each asked label the codes that count as it: its own, and those of its descendants if wanted.
        without: codes that no chosen segment may carry.
        single_label: only segments with one label.
        limit: most segments in all; None for no limit.
        max_per_label: most segments of each asked label; a segment of two of them counts for both.
        excluded: ids that are not wanted.
        seed: of the order.
    """

    labels: Mapping[str, frozenset[int]]
    without: frozenset[int] = frozenset()
    single_label: bool = False
    limit: int | None = None
    max_per_label: int | None = None
    excluded: frozenset[bytes] = frozenset()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows that were chosen, in order, and how many candidates each asked label had before any limit."""

    rows: NDArray[np.int64]
    candidates: dict[str, int]
    chosen: dict[str, int]
    repeated: int


def choose(pool: Pool, wish: Wish) -> Chosen:
    """Choose segments.

    A segment that stands in the pool twice (the same id and start) is taken once: its first row counts. Candidates are
    taken in rounds: in round m each asked label, the rarest first, gets its next segment unless it has m already, and
    no segment is taken that would give one of its asked labels more than m. So after m rounds every label has at most m,
    and what m rounds chose is the beginning of what m + 1 rounds choose.
    """
    names = sorted(wish.labels)
    asked = _carries(pool, [wish.labels[name] for name in names])
    good = asked.any(axis=1)
    if wish.without:
        good &= ~_carries(pool, [wish.without])[:, 0]
    if wish.single_label:
        good &= np.diff(pool.offsets) == 1
    if wish.excluded:
        good &= ~np.isin(pool.ytid, np.array(sorted(wish.excluded), pool.ytid.dtype))
    rows = np.flatnonzero(good)
    once = _first_of_each(pool, rows)
    rows, repeated = rows[once], int(len(rows) - once.sum())
    asked = asked[rows]
    counts = asked.sum(axis=0)
    ranked = rows[(order := _order(pool, rows, wish.seed))]
    asked = asked[order]
    rarest = sorted(range(len(names)), key=lambda k: (int(counts[k]), names[k]))
    taken = _rounds(asked, rarest, wish.limit, wish.max_per_label)
    return Chosen(
        ranked[taken],
        {name: int(counts[k]) for k, name in enumerate(names)},
        {name: int(asked[taken, k].sum()) for k, name in enumerate(names)},
        repeated,
    )


def _carries(pool: Pool, groups: Sequence[frozenset[int]]) -> NDArray[np.bool_]:
    """Return whether each segment carries a label of each group, shape (n, number of groups)."""
    n = len(pool.ytid)
    most = int(pool.codes.max(initial=-1)) + 1
    owner = np.repeat(np.arange(n), np.diff(pool.offsets))
    out = np.zeros((n, len(groups)), np.bool_)
    for k, group in enumerate(groups):
        wanted = np.zeros(most, np.bool_)
        wanted[[code for code in group if code < most]] = True
        out[owner[wanted[pool.codes]], k] = True
    return out


def _words(ytid: NDArray[np.bytes_]) -> NDArray[np.uint64]:
    """Return ids of up to 16 bytes as two numbers each, (n, 2), the same on every machine."""
    padded = np.ascontiguousarray(ytid.astype("S16"))
    return np.frombuffer(padded.tobytes(), np.dtype("<u8")).reshape(-1, 2).astype(np.uint64)


def _first_of_each(pool: Pool, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows are the first of their segment."""
    words, start_ms = _words(pool.ytid[rows]), pool.start_ms[rows]
    order = np.lexsort((rows, start_ms, words[:, 1], words[:, 0]))
    again = (words[order][1:] == words[order][:-1]).all(axis=1) & (start_ms[order][1:] == start_ms[order][:-1])
    first = np.ones(len(rows), np.bool_)
    first[order[1:][again]] = False
    return first


def _order(pool: Pool, rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the drawn order of rows: a function of the seed and of each segment's own id and start."""
    words = _words(pool.ytid[rows])
    drawn = seeds.chain(seeds.key(seed, "selection", "order"), words[:, 0], words[:, 1], pool.start_ms[rows])
    return np.lexsort((pool.start_ms[rows], words[:, 1], words[:, 0], drawn)).astype(np.int64)


def _rounds(asked: NDArray[np.bool_], rarest: Sequence[int], limit: int | None, most: int | None) -> NDArray[np.int64]:
    """Return positions in the order of choice; ``asked`` has a row per candidate, in drawn order, a column per label.

    Which candidates may be taken depends on their set of asked labels alone, so there is a queue for each such set.
    """
    n = len(asked)
    end = n if limit is None else min(limit, n)
    if asked.shape[1] == 1:
        return np.arange(end if most is None else min(end, most))
    sets, which = np.unique(asked, axis=0, return_inverse=True)
    queues = [deque(np.flatnonzero(which.reshape(-1) == k).tolist()) for k in range(len(sets))]
    labels_of = [np.flatnonzero(one).tolist() for one in sets]
    queues_of = {label: [k for k, labels in enumerate(labels_of) if label in labels] for label in rarest}
    have = dict.fromkeys(rarest, 0)
    taken: list[int] = []
    level = 0
    while len(taken) < end and (most is None or level < most):
        level += 1
        for label in rarest:
            if have[label] >= level or len(taken) >= end:
                continue
            queues_of[label] = [k for k in queues_of[label] if queues[k]]
            free = [k for k in queues_of[label] if all(have[other] < level for other in labels_of[k])]
            if not free:
                continue
            best = min(free, key=lambda k: queues[k][0])
            taken.append(queues[best].popleft())
            for other in labels_of[best]:
                have[other] += 1
    return np.array(taken, np.int64)
