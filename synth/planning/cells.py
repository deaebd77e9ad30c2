"""Cells, their weights, and the period that lays them out evenly.

A cell is (n, f): how many speakers, and how many of them are female. Weights become whole counts in a period of at
most 10,000 rows; row i of a split has the cell at i modulo the period, so any row is known without the rows before
it, and every prefix holds each cell to within one of its share.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import comb, lcm
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError, UsageError, nearest
from synth.tables import cell_name

LONGEST_PERIOD = 10_000
BALANCES = ("nested", "n", "cells")
Cell = tuple[int, int]  # number of speakers, number of female speakers


def cells_of(fewest: int, most: int) -> list[Cell]:
    """Return all cells for a range of speakers, fewest speakers first, males first."""
    return [(n, f) for n in range(fewest, most + 1) for f in range(n + 1)]


def weights(balance: str, fewest: int, most: int, female_share: Fraction) -> dict[Cell, Fraction]:
    """Return the share of each cell.

    ``nested``: each n alike and within n each f alike; ``n``: each n alike, sexes as in the pool (``female_share`` of
    it is female); ``cells``: all cells alike; otherwise a CSV file with the columns n_female, n_male, weight.
    """
    cells = cells_of(fewest, most)
    count = most - fewest + 1
    if balance == "nested":
        return {(n, f): Fraction(1, count * (n + 1)) for n, f in cells}
    if balance == "cells":
        return {cell: Fraction(1, len(cells)) for cell in cells}
    if balance == "n":
        p = female_share
        return {(n, f): comb(n, f) * p**f * (1 - p) ** (n - f) / count for n, f in cells}
    if not balance.lower().endswith(".csv"):
        raise UsageError(
            f"--balance {balance}: wanted one of {', '.join(BALANCES)}, or a CSV file with the columns "
            f"n_female, n_male, weight{nearest(balance, BALANCES)}"
        )
    return _from_csv(Path(balance), fewest, most)


def _from_csv(path: Path, fewest: int, most: int) -> dict[Cell, Fraction]:
    if not path.is_file():
        raise InputError(f"--balance {path}: no such file; wanted a CSV with the columns n_female, n_male, weight")
    shares: dict[Cell, Fraction] = {}
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file)
        wanted = {"n_female", "n_male", "weight"}
        if not wanted <= set(reader.fieldnames or ()):
            raise InputError(f"{path}: columns {reader.fieldnames}; wanted n_female, n_male, weight")
        for row in reader:
            number = reader.line_num
            try:
                f, m, weight = int(row["n_female"]), int(row["n_male"]), Fraction(row["weight"])
            except (ValueError, TypeError, ZeroDivisionError) as error:
                raise InputError(f"{path}, line {number}: {row}: wanted two counts and a weight ({error})") from error
            if min(f, m) < 0 or weight < 0 or not fewest <= f + m <= most:
                raise InputError(
                    f"{path}, line {number}: {f} female and {m} male with weight {weight}; wanted counts of "
                    f"{fewest} to {most} speakers together and a weight of at least 0"
                )
            shares[(f + m, f)] = shares.get((f + m, f), Fraction(0)) + weight
    total = sum(shares.values())
    if total <= 0:
        raise InputError(f"{path}: the weights add up to {total}; wanted more than 0")
    return {cell: share / total for cell, share in sorted(shares.items()) if share > 0}


def whole_counts(shares: Mapping[Cell, Fraction]) -> dict[Cell, int]:
    """Return counts in a period of at most ``LONGEST_PERIOD`` rows: exact if possible, else by largest remainder."""
    period = reduce(lcm, (share.denominator for share in shares.values()), 1)
    period = min(period, LONGEST_PERIOD)
    order = list(shares)
    floors = {cell: int(shares[cell] * period) for cell in order}
    rest = sorted(order, key=lambda cell: (floors[cell] - shares[cell] * period, cell))
    for cell in rest[: period - sum(floors.values())]:
        floors[cell] += 1
    for cell in [cell for cell in order if shares[cell] > 0 and not floors[cell]]:  # a rare cell is not dropped
        floors[cell] += 1
        floors[max(order, key=lambda other: floors[other])] -= 1
    return {cell: count for cell, count in floors.items() if count > 0}


def laid_out(counts: Sequence[int]) -> NDArray[np.int64]:
    """Return a sequence with ``counts[k]`` times k, every prefix within one of its share of each.

    Earliest deadline first; Tijdeman: "The chairman assignment problem", Discrete Mathematics 32 (1980) 323-330: with
    K items no prefix is off by more than 1 - 1 / (2K - 2).
    """
    k, total = len(counts), sum(counts)
    if k == 1:
        return np.zeros(total, np.int64)
    slack = 2 * k - 2
    had = [0] * k
    out = np.empty(total, np.int64)
    for t in range(1, total + 1):
        # t * w - had >= 1 / slack, and the smallest (had + 1 - 1 / slack) / w, in whole numbers
        chosen, best = -1, (0, 1)
        for i in range(k):
            if slack * (t * counts[i] - had[i] * total) >= total:
                deadline = (slack * (had[i] + 1) - 1, counts[i])
                if chosen < 0 or deadline[0] * best[1] < best[0] * deadline[1]:
                    chosen, best = i, deadline
        if chosen < 0:
            chosen = max(range(k), key=lambda i: (t * counts[i] - had[i] * total, -i))
        had[chosen] += 1
        out[t - 1] = chosen
    return out


@dataclass(frozen=True, slots=True)
class Period:
    """The cells of a data set and their order, repeated for ever.

    ``order``: (D,) index into ``cells``; ``uses``: per sex (F, M), shape (D + 1,), speakers of that sex used by the rows
    before each row of the period.
    """

    cells: tuple[Cell, ...]
    counts: tuple[int, ...]
    order: NDArray[np.int64]
    uses: tuple[NDArray[np.int64], NDArray[np.int64]]

    @property
    def length(self) -> int:
        """Rows in a period."""
        return len(self.order)

    @property
    def names(self) -> list[str]:
        """The names of the cells, e.g. F, M, FF."""
        return [cell_name(f, n - f) for n, f in self.cells]

    def most(self, sex: int) -> int:
        """The most speakers of a sex (0 female, 1 male) in one clip."""
        return max(f if sex == 0 else n - f for n, f in self.cells)

    def cell_index(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cell of each row."""
        return np.asarray(self.order[rows - rows // self.length * self.length])  # quicker than %

    def used_before(self, sex: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many speakers of a sex the rows before each row have used."""
        uses = self.uses[sex]
        periods = rows // self.length
        return np.asarray(periods * uses[-1] + uses[rows - periods * self.length])

    def cell_counts(self, clips: int) -> dict[str, int]:
        """Return how many of the first ``clips`` rows are in each cell."""
        index = np.bincount(self.order[: clips % self.length], minlength=len(self.cells))
        whole = clips // self.length
        return {name: whole * n + int(m) for name, n, m in zip(self.names, self.counts, index, strict=True)}


def period(shares: Mapping[Cell, Fraction]) -> Period:
    """Make the period of some shares."""
    counts = whole_counts(shares)
    cells = tuple(counts)
    order = laid_out(list(counts.values()))
    female = np.array([f for _, f in cells], np.int64)[order]
    male = np.array([n - f for n, f in cells], np.int64)[order]
    uses = (np.concatenate([[0], female.cumsum()]), np.concatenate([[0], male.cumsum()]))
    return Period(cells, tuple(counts.values()), order, uses)
