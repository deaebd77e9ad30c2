"""What several licences permit together, against the chart that Creative Commons publishes for adaptations."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth import licences
from synth.checking import credit
from synth.checking.chart import ways_of
from synth.licences import NOT_SHAREABLE, SEVERAL, UNKNOWN, YOUTUBE, combined, of_copies, strictest

# wiki.creativecommons.org/wiki/Wiki/cc_license_compatibility: may works under the licence of the row and of the column be
# combined into one that is shared? Written out by hand.
ORDER = ("CC0", "BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")
CHART = {
    "CC0": "yes yes yes yes no yes no",
    "BY": "yes yes yes yes no yes no",
    "BY-SA": "yes yes yes no no no no",
    "BY-NC": "yes yes no yes no yes no",
    "BY-ND": "no no no no no no no",
    "BY-NC-SA": "yes yes no yes no yes no",
    "BY-NC-ND": "no no no no no no no",
}
IDS = {name: "CC0-1.0" if name == "CC0" else f"CC-{name}-4.0" for name in ORDER}
ALL = (
    *IDS.values(),
    *(
        "CC-BY-3.0",
        "CC-BY-SA-1.0",
        "CC-BY-SA-2.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-3.0-DE",
        "CC-BY-NC-3.0",
        "CC-BY-NC-SA-2.0",
        "CC-BY-NC-SA-3.0",
    ),
    *(
        "MIT",
        "Apache-2.0",
        "CC-PDM-1.0",
        "ODbL-1.0",
        "ODC-By-1.0",
        "GPL-3.0-only",
        "LicenseRef-mine",
        UNKNOWN,
        YOUTUBE,
        NOT_SHAREABLE,
    ),
)
several = st.lists(st.sampled_from(ALL), min_size=1, max_size=6)


def freedom(found: licences.Verdict) -> tuple[bool, bool, bool, bool, bool]:
    return found.forbidden, not found.shareable, found.non_commercial, found.share_alike, found.credit


@pytest.mark.parametrize("row", ORDER)
def test_pairs_are_those_of_the_published_chart(row):
    shared = ["yes" if combined([IDS[row], IDS[column]]).shareable else "no" for column in ORDER]
    assert shared == CHART[row].split()


@pytest.mark.parametrize(
    ("sources", "wanted"),
    [
        (("CC-BY-SA-3.0", "CC-BY-NC-SA-4.0"), NOT_SHAREABLE),
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), NOT_SHAREABLE),
        (("CC-BY-SA-2.0", "CC-BY-NC-2.0"), NOT_SHAREABLE),
        (("CC-BY-NC-ND-4.0",), NOT_SHAREABLE),
        (("CC-BY-ND-3.0", "CC0-1.0"), NOT_SHAREABLE),
        (("ODbL-1.0", "CC-BY-4.0"), "ODbL-1.0"),
        (("ODbL-1.0", "CC-BY-SA-4.0"), NOT_SHAREABLE),
        (("ODbL-1.0", "CC-BY-NC-4.0"), NOT_SHAREABLE),
        (("CC-BY-SA-3.0", "CC-BY-SA-4.0"), "CC-BY-SA-4.0"),
        (("CC-BY-SA-2.0", "CC-BY-SA-3.0", "CC-BY-3.0"), "CC-BY-SA-3.0"),
        (("CC-BY-SA-1.0", "CC-BY-SA-2.0"), NOT_SHAREABLE),  # version 1.0 knows no later version
        (("CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"), "CC-BY-NC-SA-4.0"),
        (("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"), "CC-BY-NC-SA-4.0"),
        (("CC-BY-NC-3.0", "CC-BY-4.0", "CC0-1.0"), "CC-BY-NC-3.0"),
        (("CC-BY-3.0", "CC-BY-4.0"), "CC-BY-4.0"),
        (("MIT", "CC0-1.0"), "MIT"),
        ((UNKNOWN, "CC-BY-NC-4.0"), UNKNOWN),
        ((None, "CC0-1.0"), UNKNOWN),
        ((), UNKNOWN),
        (("GPL-3.0-only", "CC0-1.0"), "GPL-3.0-only"),
        (("GPL-3.0-only", "LicenseRef-mine"), UNKNOWN),
        ((YOUTUBE, "CC-BY-4.0"), YOUTUBE),
        ((YOUTUBE, UNKNOWN), YOUTUBE),
        ((YOUTUBE, "CC-BY-ND-4.0"), NOT_SHAREABLE),
        (("CC-BY-4.0 OR CC-BY-NC-4.0", "CC0-1.0"), "CC-BY-4.0"),
        (("CC-BY-4.0 AND CC-BY-NC-4.0", "CC0-1.0"), "CC-BY-NC-4.0"),
        (("CC-BY-SA-4.0 OR CC-BY-NC-4.0", "CC-BY-NC-3.0"), "CC-BY-NC-4.0"),
        (("CC-BY-SA-4.0 OR CC-BY-NC-4.0", "CC-BY-SA-3.0"), "CC-BY-SA-4.0"),
        (("CC-BY-SA-4.0 AND CC-BY-NC-4.0",), NOT_SHAREABLE),
        (("CC BY-NC 4.0", "CC0-1.0"), "CC BY-NC 4.0"),  # a text that nobody read is not known, and never CC0
        (("cc-by-nc-4.0", "CC0-1.0"), "cc-by-nc-4.0"),
    ],
)
def test_a_mixture_has_the_licence_that_all_permit_or_none(sources, wanted):
    found = combined(sources)
    assert (found.licence, strictest(sources)) == (wanted, wanted)
    assert found.shareable == (
        not wanted.startswith("LicenseRef")
        and not wanted.startswith("GPL")
        and "nc" not in wanted
        and " " not in wanted
    )


def test_the_pair_that_clashes_is_named():
    found = combined(["CC0-1.0", "CC-BY-SA-3.0", "CC-BY-4.0", "CC-BY-NC-SA-4.0"])
    assert set(found.clash) == {"CC-BY-SA-3.0", "CC-BY-NC-SA-4.0"}
    assert "CC-BY-SA-3.0" in found.problems[0]
    assert "no licence satisfies both" in found.problems[0]


def test_unknown_hides_nothing_that_is_known():
    found = combined([UNKNOWN, "CC-BY-NC-4.0"])
    assert (found.shareable, found.forbidden, found.non_commercial) == (False, False, True)
    assert combined([UNKNOWN, "CC-BY-SA-4.0", "CC-BY-NC-4.0"]).forbidden
    assert combined([UNKNOWN, "CC-BY-ND-4.0"]).licence == NOT_SHAREABLE


def test_recordings_beside_each_other_are_no_adaptation():
    assert combined(["CC-BY-NC-ND-4.0"], adapted=False).licence == "CC-BY-NC-ND-4.0"
    assert combined(["CC-BY-NC-ND-4.0"], adapted=False).shareable
    apart = combined(["CC-BY-SA-4.0", "CC-BY-NC-4.0"], adapted=False)
    assert (apart.licence, apart.shareable) == (SEVERAL, True)
    assert combined(["CC-BY-ND-4.0", "CC0-1.0"], adapted=False).licence == SEVERAL
    assert not combined([YOUTUBE, "CC0-1.0"], adapted=False).shareable


@given(several, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_nothing_counts_twice(sources, random):
    mixed = [*sources, *sources]
    random.shuffle(mixed)
    assert combined(mixed) == combined(sources)


@given(several, several)
def test_one_more_source_never_gives_a_freer_result(few, more):
    assert freedom(combined([*few, *more])) >= freedom(combined(few))
    for adapted in (True, False):
        one, both = combined(few, adapted=adapted), combined([*few, *more], adapted=adapted)
        assert one.shareable >= both.shareable
        assert (one.non_commercial, one.share_alike, one.credit) <= (True, True, True)
        assert one.non_commercial <= both.non_commercial


@given(several)
def test_two_at_a_time_gives_the_same_verdict_in_any_grouping(sources):
    left = functools.reduce(lambda a, b: strictest([a, b]), sources)
    right = functools.reduce(lambda a, b: strictest([b, a]), reversed(sources))
    together = combined(sources)
    for one in (left, right):
        assert combined([one], adapted=len(sources) == 1).shareable == together.shareable
        if together.shareable:
            assert one == together.licence


@given(several)
def test_the_result_asks_for_all_that_any_source_asks_for(sources):
    found = combined(sources)
    if found.shareable:
        target = licences.terms(found.licence)
        for source in map(licences.terms, sources):
            assert source.credit <= target.credit
            assert source.non_commercial <= target.non_commercial
            assert source.share_alike in (None, target.share_alike)
            assert not source.no_derivatives
            assert source.known
            assert source.redistribute


@given(
    st.lists(
        st.sampled_from([*ALL, "CC-BY-4.0 OR MIT", "CC-BY-SA-4.0 OR CC-BY-NC-4.0", "CC-BY-4.0 AND CC-BY-NC-3.0"]),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
)
def test_the_derivation_of_the_audit_agrees(sources, changed):
    adapted = changed or len(set(sources)) > 1
    expected = credit._expected([ways_of(one) for one in sorted(set(sources))], adapted)
    found = combined(sources, adapted=adapted)
    assert found.licence in expected.ids
    assert expected.held == (not found.shareable)
    if not any(" " in one for one in sources):
        assert len(expected.ids) == 1
        assert expected.forbidden == found.forbidden


@pytest.mark.parametrize(
    ("copies", "wanted"),
    [
        (("CC0-1.0", "CC-BY-NC-4.0"), "CC-BY-NC-4.0"),
        (("CC-BY-4.0", "CC-BY-3.0"), "CC-BY-4.0"),
        (("CC-BY-4.0", "CC-BY-ND-4.0"), "CC-BY-ND-4.0"),
        (("CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC0-1.0"), "CC-BY-NC-ND-4.0"),
        (("CC-BY-NC-4.0", "CC-BY-ND-4.0"), NOT_SHAREABLE),
        (("CC-BY-SA-3.0", "CC-BY-NC-SA-4.0"), NOT_SHAREABLE),
        (("CC0-1.0", UNKNOWN), UNKNOWN),
        (("MIT", YOUTUBE, UNKNOWN), YOUTUBE),
        (("CC-BY-4.0 OR CC-BY-NC-4.0", "CC0-1.0"), "CC-BY-4.0"),
    ],
)
def test_a_copy_under_a_freer_licence_frees_nothing(copies, wanted):
    assert of_copies(copies) == of_copies(reversed(copies)) == wanted


@given(several)
def test_the_licence_of_copies_leaves_open_what_every_copy_leaves_open_at_most(copies):
    found = of_copies(copies)
    for one in copies:
        for adapted in (True, False):
            its, all_ = combined([one], adapted=adapted), combined([found], adapted=adapted)
            assert all_.shareable <= its.shareable
            assert its.non_commercial <= all_.non_commercial or not all_.shareable
        assert credit._targets(found) <= credit._targets(one) or one == UNKNOWN
