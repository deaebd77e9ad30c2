"""In which order the sexes of a clip come, drawn from a table of all orders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from synth.planning.cells import Cell
from synth.planning.speakers import epoch_orders
from synth.seeds import U64, below, key

Ints = NDArray[np.int64]
_MOST_ORDERS = 512  # of a cell: all of them up to 11 speakers, beyond that so many drawn ones


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of all cells end to end; those of cell c are the ``count[c]`` from ``base[c]`` on.

    Shape (orders, most speakers): ``female``, ``rank`` (number of the speaker among those of its sex) and ``empty``.
    """

    count: Ints
    base: Ints
    female: NDArray[np.bool_]
    rank: Ints
    empty: NDArray[np.bool_]

    @classmethod
    def of(cls, cells: tuple[Cell, ...]) -> Orders:
        """Make the table of some cells."""
        most = max(n for n, _ in cells)
        tables = [_orders(n, f, most) for n, f in cells]
        count = np.array([len(table) for table in tables], np.int64)
        female = np.concatenate(tables)
        empty = np.arange(most) >= np.repeat([n for n, _ in cells], count)[:, None]
        rank = np.where(female, female.cumsum(axis=1), (~female).cumsum(axis=1)) - 1
        return cls(count, np.cumsum(count) - count, female, np.where(empty, 0, rank), empty)

    @property
    def most(self) -> int:
        """The most speakers of a clip."""
        return int(self.female.shape[1])

    def drawn(self, cell: Ints, numbers: U64) -> Ints:
        """Return one order for each row, by its cell and a uniform 64-bit number."""
        return np.asarray(self.base[cell] + below(numbers, self.count[cell]))


def _orders(n: int, female: int, most: int) -> NDArray[np.bool_]:
    """Return which slots are female in each order of n speakers, shape (orders, most)."""
    if comb(n, female) > _MOST_ORDERS:
        first = epoch_orders(key("orders", n, female), np.arange(_MOST_ORDERS), n) < female
        return np.pad(first, ((0, 0), (0, most - n)))
    chosen = list(combinations(range(n), female))
    out = np.zeros((len(chosen), most), np.bool_)
    for k, places in enumerate(chosen):
        out[k, list(places)] = True
    return out
