"""Which segments of a list are taken: those that carry what was asked for, in an order that only grows.

The place of a segment in the order is drawn from the seed and its own name, so that nothing else in a list moves it.
Segments of several asked labels go to the rarest first. With a larger limit the order is the same and longer: what was
chosen stays chosen.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

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
        labels: codes that are asked for; a segment needs one of them.
        without: codes that no chosen segment may carry.
        single_label: only segments with one label in all.
        limit: most segments in all; None for no limit.
        max_per_label: most segments of each asked label; a segment of two of them counts for both.
        excluded: ids of videos that are not wanted.
        excluded_segments: ids and starts in ms of segments that are not wanted.
        seed: of the order.
    """

    labels: frozenset[int]
    without: frozenset[int] = frozenset()
    single_label: bool = False
    limit: int | None = None
    max_per_label: int | None = None
    excluded: frozenset[bytes] = frozenset()
    excluded_segments: frozenset[tuple[bytes, int]] = frozenset()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows that were chosen, in order.

    ``candidates`` counts the segments of each asked label before any limit, ``chosen`` those that were chosen;
    ``left_out`` says why segments that carry an asked label were not.
    """

    rows: NDArray[np.int64]
    candidates: dict[int, int]
    chosen: dict[int, int]
    left_out: dict[str, int]


def choose(pool: Pool, wish: Wish) -> Chosen:
    """Choose segments.

    A segment that stands in the pool twice (the same id and start) is taken once: its first row counts. Candidates are
    taken in rounds: in round m each asked label, the rarest first, gets its next segment unless it has m already, and
    no segment is taken that would give one of its asked labels more than m. So after m rounds every label has at most m,
    the rarest has m if there are so many, and what m rounds chose is the beginning of what m + 1 rounds choose: no limit
    that is raised takes anything back. Without any limit all are taken, in drawn order.
    """
    left_out: dict[str, int] = {}
    rows = np.flatnonzero(_carries(pool, wish.labels))

    def keep(good: NDArray[np.bool_], why: str) -> None:
        nonlocal rows
        if not good.all():
            left_out[why] = int(len(good) - good.sum())
            rows = rows[good]

    keep(_first_of_each(pool, rows), "listed twice")
    if wish.without:
        keep(~_carries(pool, wish.without)[rows], "with an unwanted label")
    if wish.single_label:
        keep(np.diff(pool.offsets)[rows] == 1, "with several labels")
    if wish.excluded or wish.excluded_segments:
        keep(~_excluded(pool, rows, wish), "excluded by their ids")
    rows = rows[_order(pool, rows, wish.seed)]
    sets = _asked(pool, rows, wish.labels)
    candidates = _counts(sets, wish.labels)
    taken = _rounds(sets, candidates, wish.limit, wish.max_per_label)
    if len(taken) < len(rows):
        left_out["beyond the limits"] = len(rows) - len(taken)
    return Chosen(rows[taken], candidates, _counts([sets[k] for k in taken], wish.labels), left_out)


def _carries(pool: Pool, codes: frozenset[int]) -> NDArray[np.bool_]:
    """Return whether each segment carries one of some labels, (n,)."""
    owner = np.repeat(np.arange(len(pool.ytid)), np.diff(pool.offsets))
    out = np.zeros(len(pool.ytid), np.bool_)
    out[owner[_table(pool, codes)[pool.codes]]] = True
    return out


def _table(pool: Pool, codes: frozenset[int]) -> NDArray[np.bool_]:
    wanted = np.zeros(int(pool.codes.max(initial=-1)) + 1, np.bool_)
    wanted[[code for code in codes if code < len(wanted)]] = True
    return wanted


def _excluded(pool: Pool, rows: NDArray[np.int64], wish: Wish) -> NDArray[np.bool_]:
    ids = wish.excluded | {ytid for ytid, _ in wish.excluded_segments}
    found = np.isin(pool.ytid[rows], np.array(sorted(ids), pool.ytid.dtype))
    for k in np.flatnonzero(found):
        ytid = bytes(pool.ytid[rows[k]])
        found[k] = ytid in wish.excluded or (ytid, int(pool.start_ms[rows[k]])) in wish.excluded_segments
    return found


def _asked(pool: Pool, rows: NDArray[np.int64], labels: frozenset[int]) -> list[tuple[int, ...]]:
    """Return the asked labels of each row, in ascending order."""
    wanted = _table(pool, labels)[pool.codes]
    before = np.concatenate([[0], np.cumsum(wanted, dtype=np.int64)])
    codes = pool.codes[wanted].tolist()
    starts, ends = before[pool.offsets[rows]].tolist(), before[pool.offsets[rows + 1]].tolist()
    return [tuple(sorted(set(codes[start:end]))) for start, end in zip(starts, ends, strict=True)]


def _counts(sets: Sequence[tuple[int, ...]], labels: frozenset[int]) -> dict[int, int]:
    counts = Counter(code for codes in sets for code in codes)
    return {code: counts[code] for code in sorted(labels)}


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


def _rounds(
    sets: Sequence[tuple[int, ...]], candidates: Mapping[int, int], limit: int | None, most: int | None
) -> list[int]:
    """Return positions in the order of choice; ``sets`` are the asked labels of each candidate, in drawn order.

    Which candidates may be taken depends on their set of asked labels alone, so there is a queue for each such set, and
    for each label a heap of its queues by the position of their heads.
    """
    if limit is None and most is None:
        return list(range(len(sets)))
    end = len(sets) if limit is None else min(limit, len(sets))
    queues: dict[tuple[int, ...], deque[int]] = {}
    for position, codes in enumerate(sets):
        queues.setdefault(codes, deque()).append(position)
    heaps: dict[int, list[tuple[int, tuple[int, ...]]]] = {label: [] for label in candidates}
    for codes, queue in queues.items():
        for label in codes:
            heaps[label].append((queue[0], codes))
    for heap in heaps.values():
        heapify(heap)
    waiting = sorted((label for label in heaps if heaps[label]), key=lambda label: (candidates[label], label))
    have = dict.fromkeys(heaps, 0)
    taken: list[int] = []
    level = 0
    while waiting and len(taken) < end and (most is None or level < most):
        level += 1
        for label in waiting:
            if have[label] >= level or len(taken) >= end:
                continue
            found = _free(heaps[label], queues, have, level)
            if found:
                taken.append(queues[found].popleft())
                for other in found:
                    have[other] += 1
        waiting = [label for label in waiting if heaps[label]]
    return taken


def _free(
    heap: list[tuple[int, tuple[int, ...]]],
    queues: Mapping[tuple[int, ...], deque[int]],
    have: Mapping[int, int],
    level: int,
) -> tuple[int, ...] | None:
    """Return the set whose queue has the earliest head among those of which no label has ``level`` segments yet."""
    full, found = [], None
    while heap and found is None:
        head, codes = heappop(heap)
        queue = queues[codes]
        if queue and queue[0] == head:
            full.append((head, codes))
            if all(have[code] < level for code in codes):
                found = codes
        elif queue:  # another label of this set took its head
            heappush(heap, (queue[0], codes))
    for entry in full:
        heappush(heap, entry)
    return found
