"""Who speaks: speakers and their utterances, levelled, distinct within a clip, each row known without the others.

The uses of one sex in one split are counted 0, 1, 2, …; with P speakers, epoch e holds the uses eP … eP + P - 1 and
uses every speaker once. So use counts differ by at most one at every prefix, and the number of a speaker's own use is
its epoch. What is left to do is to keep a clip that lies across two epochs from holding one speaker twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.planning.cells import Period
from synth.seeds import U64, chain, chained

_ITEM_BITS = 20  # the rest of a word is its hash; equal hashes fall back to the order of the items
_ITEMS = np.uint64((1 << _ITEM_BITS) - 1)
Ints = NDArray[np.int64]


def shuffled(stream: np.uint64, owners: Ints, epochs: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Return keyed permutations of range(sizes[k]), one for each (owner, epoch), end to end, and their offsets.

    Each permutation depends on the stream, its owner and its epoch alone. Hash and item share one 64-bit word, so all
    words of a permutation differ and every sorting algorithm gives the same order.
    """
    if len(sizes) and int(sizes.max()) > 1 << _ITEM_BITS:
        raise InputError(
            f"{int(sizes.max()):,} recordings of one speaker (or of noise): at most {1 << _ITEM_BITS:,} can be planned; "
            "leave some out"
        )
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    item = np.arange(offsets[-1])
    item -= np.repeat(offsets[:-1], sizes)
    words = chained(np.repeat(chain(stream, owners, epochs), sizes), item)
    words &= ~_ITEMS
    words |= item.astype(np.uint64)
    _sort_each(words, offsets, sizes)
    words &= _ITEMS
    return words.astype(np.int64), offsets


def _sort_each(words: U64, offsets: Ints, sizes: Ints) -> None:
    """Sort stretches in place, as rows of matrices: thousands of short rows sort ten times as fast as one long one."""
    runs = np.flatnonzero(np.diff(sizes, prepend=-1, append=-1))  # stretches of one size lie together, owner by owner
    if len(runs) * 8 < len(sizes):
        for first, end in pairwise(runs.tolist()):
            words[offsets[first] : offsets[end]].reshape(-1, int(sizes[first])).sort(axis=1)
        return
    bits = np.frexp(sizes)[1]
    for b in np.unique(bits[sizes > 1]).tolist():
        rows = np.flatnonzero(bits == b)
        width = int(sizes[rows].max())
        place = np.arange(width)
        inside = place < sizes[rows, None]
        at = (offsets[rows, None] + place)[inside]
        matrix = np.full(inside.shape, ~np.uint64(0))
        matrix[inside] = words[at]
        matrix.sort(axis=1)
        words[at] = matrix[inside]


def epoch_orders(stream: np.uint64, epochs: Ints, size: int) -> Ints:
    """Return a keyed permutation of range(size) per epoch, shape (len(epochs), size)."""
    orders, _ = shuffled(stream, np.zeros_like(epochs), epochs, np.full(len(epochs), size))
    return orders.reshape(len(epochs), size)


@dataclass(frozen=True, slots=True)
class Speakers:
    """The speakers of one sex in one split: ``count`` of them, at most ``most`` in one clip."""

    stream: np.uint64
    period: Period
    sex: int
    count: int
    most: int

    def of(self, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the speakers of contiguous rows, row after row, the epoch of each use, and where each row's begin.

        Shapes: (uses,), (uses,), (rows + 1,).
        """
        before = self.period.used_before(self.sex, np.append(rows, rows[-1] + 1))
        first, end = int(before[0]), int(before[-1])
        starts = before - first
        if first == end:
            return np.empty(0, np.int64), np.empty(0, np.int64), starts
        if self.count < 2 * self.most - 1:
            uses = np.arange(first, end)
            return self._cyclic(rows, uses, starts), uses // self.count, starts
        epochs = np.arange(first // self.count, (end - 1) // self.count + 1)
        taken = slice(first - int(epochs[0]) * self.count, end - int(epochs[0]) * self.count)
        return self._repaired(epochs).reshape(-1)[taken], np.repeat(epochs, self.count)[taken], starts

    def _repaired(self, epochs: Ints) -> Ints:
        """Return one permutation an epoch, shape (epochs, P), such that no clip across a border holds a speaker twice.

        The clip across takes the first speakers of the new permutation that are not in it yet. Only the first
        P - (most - 1) places of an epoch are reordered, so its last ones, which the next border looks at, stay as they
        were drawn, and no repair depends on another.
        """
        size = self.count
        tails = self._tails(epochs)
        torn = np.flatnonzero(tails)
        orders = epoch_orders(self.stream, np.append(epochs[:1] - 1, epochs) if len(torn) else epochs, size)
        if not len(torn):
            return orders
        before, fixed = orders[:-1], orders[1:].copy()
        head = fixed[torn, : size - (self.most - 1)]
        in_tail = np.zeros((len(torn), size), np.bool_)
        late = np.arange(size) >= size - tails[torn][:, None]
        np.put_along_axis(in_tail, before[torn], late, axis=1)
        collides = np.take_along_axis(in_tail, head, axis=1)
        order = np.argsort(collides, axis=1, kind="stable")
        fixed[torn, : head.shape[1]] = np.take_along_axis(head, order, axis=1)
        return fixed

    def _tails(self, epochs: Ints) -> Ints:
        """Return how many uses of the clip across the start of each epoch lie before it (0: no clip lies across)."""
        cumulated = self.period.uses[self.sex]
        within = epochs * self.count % cumulated[-1]
        row = np.searchsorted(cumulated, within, side="right") - 1
        return np.asarray(within - cumulated[row])

    def _cyclic(self, rows: Ints, uses: Ints, begins: Ints) -> Ints:
        """One cyclic order, drawn again whenever a clip starts at a use that is a multiple of P.

        With so few speakers an epoch leaves no room for repairs. Consecutive uses of one cyclic order never repeat a
        speaker; drawing it again keeps a voice from being tied to the cells that fall on its turn.
        """
        size = self.count
        cumulated = self.period.uses[self.sex]
        repeats = size // int(np.gcd(int(cumulated[-1]), size))
        starts = (np.arange(repeats)[:, None] * cumulated[-1] + cumulated[:-1]).reshape(-1)
        since = starts - np.maximum.accumulate(np.where(starts % size == 0, starts, 0))
        keys = np.repeat(uses[0] + begins[:-1] - since[rows % len(starts)], np.diff(begins))
        distinct, index = np.unique(keys, return_inverse=True)
        orders = epoch_orders(self.stream, distinct, size)
        return np.asarray(orders[index.reshape(-1), (uses - keys) % size])


def levelled(stream: np.uint64, owners: Ints, turns: Ints, sizes: Ints) -> Ints:
    """Return which of its items each owner takes at its turn: all once, in a keyed order, then all again.

    The owners' turns are about alike. ``owners`` and ``turns`` have shape (n,), ``sizes`` gives the number of items per owner; the result is (n,), in
    [0, sizes[owner]).
    """
    if not len(turns):
        return turns
    first = int(turns.min()) // sizes  # the epochs that the turns can lie in, owner by owner
    epochs = int(turns.max()) // sizes - first + 1
    base = np.concatenate([[0], np.cumsum(epochs)])
    who = np.repeat(np.arange(len(sizes)), epochs)
    orders, offsets = shuffled(stream, who, np.arange(base[-1]) - base[who] + first[who], sizes[who])
    own = sizes[owners]
    epoch, place = np.divmod(turns, own)
    return np.asarray(orders[offsets[base[owners] + epoch - first[owners]] + place])
