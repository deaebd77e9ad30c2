"""Who speaks: speakers and their utterances, levelled, distinct within a clip, each row known without the others.

The uses of one sex in one split are counted 0, 1, 2, …; with P speakers, epoch e holds the uses eP … eP + P - 1 and
uses every speaker once. So use counts differ by at most one at every prefix, and the number of a speaker's own use is
its epoch. What is left to do is to keep a clip that lies across two epochs from holding one speaker twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.planning.cells import Period
from synth.seeds import chain

_HASH_BITS = 24  # of a shuffle's key; equal keys fall back to the order of the items
_ITEM_BITS = 20
Ints = NDArray[np.int64]


def shuffled(stream: np.uint64, owners: Ints, epochs: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Return keyed permutations of range(sizes[k]), one for each (owner, epoch), end to end, and their offsets.

    Each permutation depends on the stream, its owner and its epoch alone. Hash, segment and item share one 64-bit word,
    so all words differ and every sorting algorithm gives the same order.
    """
    if len(sizes) and (int(sizes.max()) > 1 << _ITEM_BITS or len(sizes) > 1 << (64 - _HASH_BITS - _ITEM_BITS)):
        raise InputError(
            f"{int(sizes.max()):,} recordings of one speaker (or of noise) for {len(sizes):,} shuffles: at most "
            f"{1 << _ITEM_BITS:,} of each can be planned; leave some out"
        )
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    segment = np.repeat(np.arange(len(sizes)), sizes)
    item = np.arange(offsets[-1]) - offsets[segment]
    hashed = chain(stream, owners[segment], epochs[segment], item) >> np.uint64(64 - _HASH_BITS)
    words = segment.astype(np.uint64) << np.uint64(_HASH_BITS + _ITEM_BITS)
    words |= hashed << np.uint64(_ITEM_BITS)
    words |= item.astype(np.uint64)
    words.sort()
    return (words & np.uint64((1 << _ITEM_BITS) - 1)).astype(np.int64), offsets


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

    def of(self, rows: Ints, wanted: Ints) -> tuple[Ints, Ints]:
        """Return the speakers of contiguous rows and the epoch of each use, shapes (rows, most).

        ``wanted`` (rows,) says how many speakers each row takes; slots beyond it hold speaker -1.
        """
        uses = self.period.used_before(self.sex, rows)[:, None] + np.arange(self.most)
        epoch = uses // self.count
        taken = np.arange(self.most) < wanted[:, None]
        if self.count >= 2 * self.most - 1:
            found = self._repaired(epoch, uses - epoch * self.count)
        else:
            found = self._cyclic(rows, uses, taken)
        found[~taken] = -1
        epoch[~taken] = 0
        return found, epoch

    def _repaired(self, epoch: Ints, place: Ints) -> Ints:
        """One permutation an epoch; a clip across a border takes the first speakers of the new one that are not in it yet.

        Only the first P - (most - 1) places of an epoch are reordered, so its last ones, which the next border looks
        at, stay as they were drawn, and no repair depends on another.
        """
        size = self.count
        first = max(int(epoch.min()) - 1, 0)
        epochs = np.arange(first, int(epoch.max()) + 1)
        raw = epoch_orders(self.stream, epochs, size)
        tails = self._tails(epochs[1:])
        fixed = raw.copy()
        torn = np.nonzero(tails)[0] + 1
        if len(torn):
            head = raw[torn, : size - (self.most - 1)]
            in_tail = np.zeros((len(torn), size), np.bool_)
            late = np.arange(size) >= size - tails[torn - 1][:, None]
            np.put_along_axis(in_tail, raw[torn - 1], late, axis=1)
            collides = np.take_along_axis(in_tail, head, axis=1)
            order = np.argsort(collides, axis=1, kind="stable")
            fixed[torn, : head.shape[1]] = np.take_along_axis(head, order, axis=1)
        return np.asarray(fixed[epoch - first, place])

    def _tails(self, epochs: Ints) -> Ints:
        """Return how many uses of the clip across the start of each epoch lie before it (0: no clip lies across)."""
        cumulated = self.period.uses[self.sex]
        within = epochs * self.count % cumulated[-1]
        row = np.searchsorted(cumulated, within, side="right") - 1
        return np.asarray(within - cumulated[row])

    def _cyclic(self, rows: Ints, uses: Ints, taken: NDArray[np.bool_]) -> Ints:
        """One cyclic order, drawn anew whenever a clip starts at a use that is a multiple of P.

        With so few speakers an epoch leaves no room for repairs. Consecutive uses of one cyclic order never repeat a
        speaker; drawing it anew keeps a voice from being tied to the cells that fall on its turn.
        """
        size = self.count
        cumulated = self.period.uses[self.sex]
        repeats = size // int(np.gcd(int(cumulated[-1]), size))
        starts = (np.arange(repeats)[:, None] * cumulated[-1] + cumulated[:-1]).reshape(-1)
        since = starts - np.maximum.accumulate(np.where(starts % size == 0, starts, 0))
        keys = uses[:, 0] - since[rows % len(starts)]
        distinct, index = np.unique(keys, return_inverse=True)
        orders = epoch_orders(self.stream, distinct, size)
        return np.asarray(orders[index.reshape(-1)[:, None], (uses - keys[:, None]) % size])


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
