"""Splits of labelled groups: nothing torn apart, everything near its share, nothing missing that groups could give."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import InfeasibleError
from synth.planning.split import parse_shares
from synth.planning.stratified import Labelled, stratified
from synth.seeds import draw, key

LABELS = st.sampled_from(["a", "b", "c", "d"])
GROUPS = st.lists(
    st.tuples(st.integers(1, 12), st.dictionaries(LABELS, st.integers(1, 12), max_size=4)), min_size=3, max_size=40
).map(
    lambda found: [
        Labelled(f"g{k}", size, {label: min(n, size) for label, n in labels.items()})
        for k, (size, labels) in enumerate(found)
    ]
)
SPLITS = st.sampled_from(["80/10/10", "1/1/1", "60/20/20", "90/0/10", "98/1/1"]).map(parse_shares)


def had(groups: list[Labelled], split: dict[str, str]) -> dict[str, Counter[str]]:
    """Return the clips of each label by split; those of all labels and none under ''."""
    out: dict[str, Counter[str]] = {}
    for group in groups:
        for label, count in {"": group.clips, **group.labels}.items():
            out.setdefault(label, Counter())[split[group.group_id]] += count
    return out


def off(groups: list[Labelled], split: dict[str, str], shares: dict[str, Fraction]) -> float:
    """Return how far the labels' clips are from their shares, added up."""
    return sum(
        abs(counts[name] - float(share) * counts.total())
        for label, counts in had(groups, split).items()
        if label
        for name, share in shares.items()
    )


@given(GROUPS, SPLITS, st.integers(0, 2**32))
def test_every_group_has_one_split_and_every_split_a_group(groups, shares, seed):
    found = stratified(groups, shares, seed)
    assert set(found) == {group.group_id for group in groups}
    assert set(found.values()) == set(shares)


@given(GROUPS, SPLITS, st.integers(0, 2**32))
def test_the_order_in_which_groups_come_does_not_show(groups, shares, seed):
    assert stratified(groups[::-1], shares, seed) == stratified(groups, shares, seed)


@given(st.lists(LABELS, min_size=12, max_size=80), st.sampled_from(["80/10/10", "1/1/1", "60/20/20"]))
def test_single_clips_of_one_label_each_are_shared_out_to_within_one(labels, text):
    """Where nothing holds clips together, a label misses its share by less than two clips: one, and one that fills a gap."""
    shares = parse_shares(text)
    groups = [Labelled(f"g{k}", 1, {label: 1}) for k, label in enumerate(labels)]
    for label, counts in had(groups, stratified(groups, shares, 0)).items():
        for name, share in shares.items():
            assert not label or abs(counts[name] - share * counts.total()) < 2


@given(GROUPS, st.sampled_from(["80/10/10", "1/1/1"]))
def test_a_label_is_missing_only_where_no_split_could_spare_a_group(groups, text):
    shares = parse_shares(text)
    split = stratified(groups, shares, 0)
    of_label = {label: [g for g in groups if label in g.labels] for label in ("a", "b", "c", "d")}
    counts = {label: Counter(split[group.group_id] for group in those) for label, those in of_label.items() if those}
    for label, those in of_label.items():
        for name in shares:
            if not those or counts[label][name]:
                continue
            for group in those:
                own = split[group.group_id]
                last_of_something = any(counts[other][own] == 1 for other in group.labels)
                last_at_all = sum(one == own for one in split.values()) == 1
                assert last_of_something or last_at_all, (label, name, group)


def test_several_labels_are_shared_out_better_than_by_chance():
    words = [f"l{k}" for k in range(20)]
    groups = []
    for k in range(400):
        numbers = (int(one) for one in draw(key("labels", k), np.arange(4)))
        labels = {words[min(n % 20, (n >> 8) % 20)]: 1 for n in numbers}
        groups.append(Labelled(f"v{k}", 1, labels))
    shares = parse_shares("80/10/10")
    found = off(groups, stratified(groups, shares, 0), shares)
    by_chance = []
    for seed in range(20):
        order = sorted(groups, key=lambda g: int(draw(key(seed, g.group_id), np.zeros(1, int))[0]))
        names = ["train"] * 320 + ["val"] * 40 + ["test"] * 40
        by_chance.append(off(groups, {g.group_id: n for g, n in zip(order, names, strict=True)}, shares))
    assert found < 0.4 * min(by_chance)


def test_folds_of_a_cross_validation_are_three_splits():
    """Four groups of the same clips each: the greedy deal alone would leave a split without any."""
    groups = [Labelled(f"fold{k}", 80, {f"l{n}": 8 for n in range(10)}) for k in range(4)]
    assert sorted(Counter(stratified(groups, parse_shares("80/10/10"), 0).values()).values()) == [1, 1, 2]


def test_three_groups_that_share_no_label_fill_three_splits():
    groups = [Labelled(f"g{k}", 1, {f"l{k}": 1}) for k in range(3)]
    assert len(set(stratified(groups, parse_shares("80/10/10"), 0).values())) == 3


def test_another_seed_gives_other_splits():
    groups = [Labelled(f"g{k}", 1, {"a": 1}) for k in range(30)]
    shares = parse_shares("80/10/10")
    assert stratified(groups, shares, 0) == stratified(groups, shares, 0)
    assert stratified(groups, shares, 0) != stratified(groups, shares, 1)


def test_fewer_groups_than_splits_is_refused_with_what_is_possible():
    groups = [Labelled("one", 10, {"a": 10}), Labelled("two", 10, {"a": 10})]
    with pytest.raises(InfeasibleError, match=r"2 groups of clips for 3 splits.*Nearest feasible.*2 shares"):
        stratified(groups, parse_shares("80/10/10"), 0)
    assert set(stratified(groups, parse_shares("80/0/20"), 0).values()) == {"train", "test"}
