"""Which group goes to which split when clips have labels: whole groups only, every label shared out alike.

Iterative stratification (Sechidis, Tsoumakas, Vlahavas: "On the stratification of multi-label data", ECML PKDD 2011,
algorithm 1), with groups of clips in place of single clips: the label with the fewest clips left is shared out first,
because a common one can still be put right later. Then single groups are moved as long as that helps, which halves what
the first deal is off where clips have several labels. What is due to a split is counted in whole numbers, so nothing
depends on rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from synth.errors import InfeasibleError
from synth.seeds import draw, key
from synth.units import counted

PASSES = 8  # over all groups, at most, to put right what the first deal could not see coming
ALL = ""  # stands for all clips of a group, among its labels


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a split must not tear apart: how many clips it has, and with each label."""

    group_id: str
    clips: int
    labels: Mapping[str, int]


def stratified(groups: Sequence[Labelled], shares: Mapping[str, Fraction], seed: int) -> dict[str, str]:
    """Return the split of each group by id, so that clips and each label's clips are near the ``shares`` (sum 1).

    Groups that are alike are dealt in a keyed order. Where there are groups enough, no split is left without clips, nor
    without a label that others have. Raises InfeasibleError when there are fewer groups than splits.
    """
    if len(groups) < len(shares):
        raise InfeasibleError(
            f"{counted(len(groups), 'group')} of clips for {counted(len(shares), 'split')} ({', '.join(shares)}): a group "
            "is never torn apart, or the test set is heard in training. Nearest feasible: --split with "
            f"{counted(max(len(groups), 1), 'share that is', 'shares that are')} not 0, or sources with more groups"
        )
    dealt = _Dealt(groups, shares, seed)
    dealt.all_labels()
    dealt.improve()
    dealt.fill()
    return {group.group_id: dealt.names[split] for group, split in zip(groups, dealt.split, strict=True)}


class _Dealt:
    """The state of a deal: the split of each group (-1: none yet), what is still due, and what each split has."""

    def __init__(self, groups: Sequence[Labelled], shares: Mapping[str, Fraction], seed: int) -> None:
        self.names = list(shares)
        self.split = [-1] * len(groups)
        self._groups = groups
        self._holds = [{ALL: group.clips, **group.labels} for group in groups]
        self._keyed = [int(draw(key(seed, "split", group.group_id), np.zeros(1, np.int64))[0]) for group in groups]
        self._of_label: dict[str, list[int]] = {}
        for k, held in enumerate(self._holds):
            for label in held:
                self._of_label.setdefault(label, []).append(k)
        self._left = {label: sum(self._holds[k][label] for k in those) for label, those in self._of_label.items()}
        self._unit = lcm(*(share.denominator for share in shares.values()))  # a clip counts so much
        self._due = [
            {label: int(share * self._unit) * count for label, count in self._left.items()} for share in shares.values()
        ]

    def all_labels(self) -> None:
        """Deal the groups, those of the rarest label first; of one label the largest first, or they fit nowhere."""
        while True:
            rest = [(count, label) for label, count in self._left.items() if count and label != ALL]
            label = min(rest)[1] if rest else ALL
            todo = [k for k in self._of_label.get(label, ()) if self.split[k] < 0]
            for k in sorted(todo, key=lambda k: (-self._holds[k][label], self._keyed[k], self._groups[k].group_id)):
                self._put(k, max(range(len(self.names)), key=lambda j: (self._due[j][label], self._due[j][ALL], -j)))
            if label == ALL:
                return

    def improve(self) -> None:
        """Move single groups to another split as long as that brings labels and sizes nearer to their shares."""
        order = sorted(range(len(self._groups)), key=lambda k: (self._keyed[k], self._groups[k].group_id))
        others = range(len(self.names))
        for _ in range(PASSES):
            moved = False
            for k in order:
                own = self.split[k]
                harm, best = min(((self._harm(k, j)[0], j) for j in others if j != own), default=(0, own))
                if harm < 0:
                    self._put(k, best)
                    moved = True
            if not moved:
                return

    def fill(self) -> None:
        """Give a group to each split that has none of something, from a split that can spare it."""
        for label in sorted(self._of_label, key=lambda one: (one != ALL, len(self._of_label[one]), one)):
            for j in range(len(self.names)):
                if any(self.split[k] == j for k in self._of_label[label]):
                    continue
                spare = [k for k in self._of_label[label] if self._can_go(k, [ALL] if label == ALL else self._holds[k])]
                if spare:
                    self._put(min(spare, key=lambda k: (*self._harm(k, j), self._keyed[k])), j)

    def _put(self, k: int, split: int) -> None:
        before, self.split[k] = self.split[k], split
        for label, count in self._holds[k].items():
            self._due[split][label] -= self._unit * count
            if before < 0:
                self._left[label] -= count
            else:
                self._due[before][label] += self._unit * count

    def _can_go(self, k: int, labels: Iterable[str]) -> bool:
        """Return whether the split of a group has another group with each of some labels."""
        return all(
            any(self.split[other] == self.split[k] for other in self._of_label[label] if other != k) for label in labels
        )

    def _harm(self, k: int, split: int) -> tuple[int, int]:
        """Return how much further from their shares all labels, and all clips, are when a group goes to another split."""
        harm = 0
        for label, count in self._holds[k].items():
            for j, change in ((self.split[k], self._unit * count), (split, -self._unit * count)):
                harm += (self._due[j][label] + change) ** 2 - self._due[j][label] ** 2
        return harm, self._groups[k].clips
