"""Rows whose labels stand in columns without quotes: nothing in the row tells whether some were cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from synth.corpora.audioset.damaged import Row

_FEW = 3  # each further label is found in a third to a half of the rows: the widest of a whole list are one or two


@dataclass(slots=True)
class Spread:
    """How many such rows have how many labels, and the lines of those that have most."""

    sizes: Counter[int] = field(default_factory=Counter)
    widest: list[int] = field(default_factory=list)
    full: bool = False  # one of the widest has no empty field
    padded: bool = False  # others have some

    def add(self, line: int, row: Row) -> None:
        """Count a row."""
        most = max(self.sizes, default=0)
        if row.fields > most:
            self.widest, self.full = [], False
        if row.fields >= most:
            self.widest.append(line)
            self.full |= row.full
        self.sizes[row.fields] += 1
        self.padded |= not row.full

    def perhaps_cut(self, labels: int, claims: Mapping[str, int], notes: list[str]) -> Iterator[tuple[int, str, str]]:
        """Yield line, kind and reason of rows whose labels fill all columns: further ones may be lost.

        A table cut at nine columns piles rows up there; in a whole one the widest rows are few. Where the header's
        number of labels is that of the file, nothing is lost.
        """
        if not self.sizes or labels == claims.get("num_positive_labels"):
            return
        most = max(self.sizes)
        piled = self.sizes[most] >= _FEW or 1 < self.sizes[most] >= self.sizes[most - 1]
        if (self.full and self.padded) or piled:
            for line in self.widest:
                yield line, "labels-cut", f"fills all {most} label columns: further labels may be lost"
        else:
            notes.append(f"labels stand in columns without quotes; no row seems cut (at most {most} labels)")
