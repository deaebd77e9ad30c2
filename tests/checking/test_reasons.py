"""What the card says of sharing is derived a second time: the two agree for any licences, and a changed word is named."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import licences
from synth.checking import reasons
from synth.checking.chart import kind_of
from synth.licences import SEVERAL

IDS = [
    "CC0-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-NC-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
    "CC-BY-NC-ND-3.0", "ODbL-1.0", "MIT", "LicenseRef-foo", "GPL-3.0-only", "LicenseRef-unknown", "LicenseRef-YouTube",
    "LicenseRef-all-rights-reserved",
]  # fmt: skip
CLIPS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(IDS), min_size=1, max_size=4), st.integers(1, 30)), min_size=1, max_size=6
)


def said(clips, adapted=True):
    """Return the paragraph of a card, and what the audit knows: the reasons of the clips, and whether one is known."""
    by_licence, problems = Counter(), Counter()
    for ids, many in clips:
        found = licences.combined(ids, adapted=adapted or len(ids) > 1)
        by_licence[found.licence] += many
        problems.update(dict.fromkeys(found.problems, many))
    sharing = licences.Sharing(by_licence, problems)
    recordings = Counter(one for ids, _ in clips for one in ids)
    return sharing, licences.section(sharing, recordings), recordings


def wrong(paragraph, sharing, clips, recordings, adapted=True):
    held = [(reasons.of_clip(ids, adapted or len(ids) > 1), many) for ids, many in clips]
    held = [one for one in held if one[0]]
    if held:
        until = not any(kind_of(one) == "CLOSED" for one in sharing.clips)
        return reasons.problems(paragraph, held, until) + reasons.not_for_sale(paragraph, recordings)
    if sharing.whole.licence == SEVERAL:
        return [pair for pair in reasons.clash(sorted(sharing.clips)) if pair not in paragraph]
    return reasons.asked(paragraph, sharing.whole.licence)


@settings(max_examples=400, deadline=None)
@given(CLIPS, st.booleans())
def test_an_honest_card(clips, adapted):
    sharing, paragraph, recordings = said(clips, adapted)
    assert wrong(paragraph, sharing, clips, recordings, adapted) == [], paragraph


CHANGES = [
    (r"And 2 further reasons", "And 1 further reasons"),
    (r" And 2 further reasons\.", ""),
    (r"CC-BY-ND-4\.0 forbids", "CC-BY-SA-4.0 forbids"),
    (r"LicenseRef-YouTube: the audio belongs to those who put it on YouTube", "LicenseRef-YouTube: free for any use"),
    (r"CC-BY-NC-4\.0 and CC-BY-SA-4\.0 clash", "CC-BY-NC-4.0 and CC-BY-4.0 clash"),
    (r"may not be shared\. ", "may not be shared until their licence is known. "),
    (r"No commercial use of what is made of CC-BY-NC-4\.0\.", ""),
    (r"(made of CC-BY-NC-4\.0)\.", r"\1 or CC-BY-4.0."),
]


@pytest.mark.parametrize(("old", "new"), CHANGES, ids=[old for old, _ in CHANGES])
def test_a_changed_word(old, new):
    clips = [
        (frozenset({"CC-BY-ND-4.0"}), 9),
        (frozenset({"CC-BY-NC-4.0", "CC-BY-SA-4.0"}), 8),
        (frozenset({"LicenseRef-YouTube", "CC-BY-4.0"}), 7),
        (frozenset({"LicenseRef-foo"}), 6),
        (frozenset({"GPL-3.0-only"}), 5),
    ]
    sharing, paragraph, recordings = said(clips)
    changed = re.sub(old, new, paragraph, count=1)
    assert changed != paragraph, paragraph
    assert wrong(changed, sharing, clips, recordings)


@pytest.mark.parametrize("licence", [one for one in IDS if kind_of(one) not in (None, "CLOSED")])
def test_what_a_licence_asks_for(licence):
    clips = [(frozenset({licence}), 3)]
    sharing, paragraph, recordings = said(clips, adapted=False)
    assert wrong(paragraph, sharing, clips, recordings, adapted=False) == []
    other = "any use; with credit" if kind_of(licence) != "BY" else "free for any use"
    changed = re.sub(r"^(\S+): .*?\.(?= Recordings)", rf"\1: {other}.", paragraph)
    assert wrong(changed, sharing, clips, recordings, adapted=False)
