"""Which group goes where: whole, enough of them, alike, and what is said when that cannot be."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synth.errors import InfeasibleError, InputError, UsageError
from synth.planning.split import Group, by_share, by_subset, counts, parse_shares, parse_subsets
from synth.tables import SPLITS

SHARES = parse_shares("80/10/10")


def people(female: int, male: int, corpus: str = "a") -> list[Group]:
    names = [("F", k) for k in range(female)] + [("M", k) for k in range(male)]
    return [Group(f"{corpus}/{sex}{k}", sex, corpus, ()) for sex, k in names]


def tally(groups: list[Group], found: dict[str, str], **wanted: object) -> Counter[str]:
    here = [group for group in groups if all(getattr(group, name) == value for name, value in wanted.items())]
    return Counter(found[group.group_id] for group in here)


def test_twenty_voices_for_up_to_three_speakers():
    groups = people(10, 10)
    found = by_share(groups, SHARES, 0, dict.fromkeys(SPLITS, 3))
    for sex in "FM":
        assert tally(groups, found, sex=sex) == {"train": 4, "val": 3, "test": 3}


def test_many_speakers_are_cut_as_asked():
    groups = people(500, 700)
    found = by_share(groups, SHARES, 0, dict.fromkeys(SPLITS, 3))
    assert tally(groups, found, sex="F") == {"train": 400, "val": 50, "test": 50}
    assert tally(groups, found, sex="M") == {"train": 560, "val": 70, "test": 70}


@st.composite
def asked(draw):
    percent = draw(st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(any))
    shares = parse_shares("/".join(map(str, percent)))
    corpora = draw(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=1, max_size=4))
    groups = [group for k, (f, m) in enumerate(corpora) for group in people(f, m, f"corpus{k}")]
    return groups, shares, draw(st.integers(1, 5)), draw(st.integers(0, 3))


@given(asked())
def test_every_group_is_in_one_split_and_each_split_has_enough(case):
    groups, shares, most, seed = case
    need = dict.fromkeys(shares, most)
    by_sex = {sex: [g for g in groups if g.sex == sex] for sex in "FM"}
    assume(all(not own or len(own) >= most * len(shares) for own in by_sex.values()))
    found = by_share(groups, shares, seed, need)
    assert set(found) == {group.group_id for group in groups}
    assert set(found.values()) <= set(shares)
    for own in by_sex.values():
        if own:
            had = tally(own, found)
            assert min(had[split] for split in shares) >= most
            free = {split: share for split, share in shares.items() if share * len(own) >= most}
            if len(free) == len(shares):
                assert all(abs(had[split] - share * len(own)) < 1 for split, share in shares.items())


@given(asked())
def test_each_corpus_is_cut_as_the_whole_is(case):
    groups, shares, most, seed = case
    by_sex = {sex: [g for g in groups if g.sex == sex] for sex in "FM"}
    assume(all(not own or len(own) >= most * len(shares) for own in by_sex.values()))
    found = by_share(groups, shares, seed, dict.fromkeys(shares, most))
    for own in by_sex.values():
        whole = tally(own, found)
        for corpus in {group.corpus for group in own}:
            here = [group for group in own if group.corpus == corpus]
            for split, n in tally(here, found).items():
                share = Fraction(whole[split], len(own))
                assert abs(n - share * len(here)) <= Fraction(3, 2), "the difference of two prefixes"


@given(st.integers(0, 2**40), st.integers(12, 40), st.randoms(use_true_random=False))
def test_the_order_of_the_groups_does_not_matter_and_the_seed_does(seed, number, rng):
    groups = people(number, number)
    mixed = groups[:]
    rng.shuffle(mixed)
    need = dict.fromkeys(SPLITS, 3)
    assert by_share(groups, SHARES, seed, need) == by_share(mixed, SHARES, seed, need)
    assert by_share(groups, SHARES, seed, need) != by_share(groups, SHARES, seed + 1, need)


@given(
    st.integers(0, 300),
    st.lists(st.integers(1, 50), min_size=3, max_size=3),
    st.lists(st.integers(0, 8), min_size=3, max_size=3),
)
def test_counts_add_up_and_none_is_below_its_fewest(total, percent, least):
    assume(sum(least) <= total)
    shares = parse_shares("/".join(map(str, percent)))
    fewest = dict(zip(SPLITS, least, strict=True))
    found = counts(total, shares, fewest)
    assert sum(found.values()) == total
    assert list(found) == list(shares)
    assert all(found[split] >= fewest[split] for split in SPLITS)
    if all(share * total >= fewest[split] for split, share in shares.items()):
        assert all(abs(found[split] - share * total) < 1 for split, share in shares.items())


def test_noise_recordings_are_dealt_too():
    groups = [*people(9, 9), *(Group(f"n{k}", None, "noise", (), noise=True) for k in range(30))]
    found = by_share(groups, SHARES, 0, dict.fromkeys(SPLITS, 3))
    assert tally(groups, found, noise=True) == {"train": 24, "val": 3, "test": 3}


def test_too_little_noise_names_the_numbers():
    groups = [*people(9, 9), Group("n1", None, "noise", (), noise=True)]
    with pytest.raises(InfeasibleError, match="1 noise recording for 3 splits"):
        by_share(groups, SHARES, 0, {})


def test_people_of_unknown_sex_are_dealt_by_share():
    groups = [*people(9, 9), *(Group(f"x{k}", None, "a", ()) for k in range(40))]
    found = by_share(groups, SHARES, 0, dict.fromkeys(SPLITS, 3))
    assert tally(groups, found, sex=None) == {"train": 32, "val": 4, "test": 4}


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 6), st.sampled_from(["80/10/10", "1/0/1", "50/25/25"]))
def test_what_cannot_be_names_numbers_and_a_request_that_can(female, male, most, text):
    groups, shares = people(female, male), parse_shares(text)
    short = [n for n in (female, male) if 0 < n < most * len(shares)]
    need = dict.fromkeys(shares, most)
    if not short:
        by_share(groups, shares, 0, need)
        return
    with pytest.raises(InfeasibleError) as caught:
        by_share(groups, shares, 0, need)
    says = str(caught.value)
    assert re.match(r"(1 (fe)?male speaker is|\d+ (fe)?male speakers are) too few", says)
    assert f"make {most * len(shares)}" in says
    assert f"hold {most} of one sex" in says
    fewer = re.search(r"--speakers up to (\d+) with th(?:is|ese) (?:(\d+) )?split", says)
    if fewer:
        by_share(groups, shares, 0, dict.fromkeys(shares, int(fewer.group(1))))
    less = re.search(r"(\d+) splits? with up to (\d+) speaker", says)
    if less:
        names = list(shares)[: int(less.group(1))]
        part = {name: Fraction(1, len(names)) for name in names}
        by_share(groups, part, 0, dict.fromkeys(names, int(less.group(2))))
    smallest = min(n for n in (female, male) if n)
    assert bool(fewer) == (smallest >= len(shares)), "the nearest request is named where there is one"
    assert bool(less) == (smallest >= most)


def test_a_split_without_clips_needs_no_speakers():
    groups = people(6, 6)
    found = by_share(groups, SHARES, 0, {"train": 5, "val": 0, "test": 0})
    assert tally(groups, found, sex="F")["train"] >= 5


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("80/10/10", {"train": Fraction(4, 5), "val": Fraction(1, 10), "test": Fraction(1, 10)}),
        ("1/0/0", {"train": Fraction(1)}),
        ("0/0.5/1.5", {"val": Fraction(1, 4), "test": Fraction(3, 4)}),
        ("1/3/2/3"[:5], {"train": Fraction(1, 6), "val": Fraction(1, 2), "test": Fraction(1, 3)}),
    ],
)
def test_shares_add_up_to_one(text, shares):
    assert parse_shares(text) == shares


@pytest.mark.parametrize("text", ["", "80/20", "80/10/10/0", "a/b/c", "0/0/0", "-1/1/1", "80-10-10", "nan/1/1", "1//1"])
def test_shares_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match="--split"):
        parse_shares(text)


def test_subsets_are_mapped():
    assert parse_subsets("subset:dev-clean=val,train-clean-5=train") == {"dev-clean": "val", "train-clean-5": "train"}


@pytest.mark.parametrize(
    "text", ["subset:", "subset:a", "subset:a=", "subset:=train", "subset:a=dev", "subset:a=val,a=test"]
)
def test_subsets_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match="wanted subset:NAME=SPLIT"):
        parse_subsets(text)


GROUPS = [Group("a/1", "F", "a", ("dev",)), Group("a/2", "M", "a", ("big", "small")), Group("a/3", "M", "a", ())]


def test_groups_follow_their_subset():
    assert by_subset(GROUPS, {"dev": "val", "big": "train"}) == {"a/1": "val", "a/2": "train", "a/3": None}
    assert by_subset(GROUPS, {"small": "train", "big": "train"})["a/2"] == "train"


def test_a_group_in_subsets_of_two_splits_is_named():
    with pytest.raises(InputError, match=r"1 speaker is in subsets of two splits: a/2 \(test, train\)"):
        by_subset(GROUPS, {"small": "test", "big": "train"})


def test_an_unknown_subset_is_told_the_known_ones():
    with pytest.raises(InputError, match="no subset devel; these sources have big, dev, small"):
        by_subset(GROUPS, {"devel": "val"})
