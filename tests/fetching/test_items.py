"""What may be asked for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.fetching.items import Wanted, fault, once


@pytest.mark.parametrize(
    ("start_s", "item_id"),
    [
        (30.0, "--PJHxphWEs_30000"),
        (239.8, "--PJHxphWEs_239800"),
        (0.0, "--PJHxphWEs_0"),
        (float("nan"), "--PJHxphWEs_nan"),
    ],
)
def test_the_id_of_an_item(start_s, item_id):
    assert Wanted("--PJHxphWEs", start_s, start_s + 10).item_id == item_id


@given(st.text(max_size=14) | st.from_regex(r"[\w-]{11}"), st.floats(), st.floats())
def test_only_ids_and_times_that_can_be_asked_for(ytid, start_s, end_s):
    passed = fault(Wanted(ytid, start_s, end_s)) is None
    assert passed <= (re.fullmatch(r"[A-Za-z0-9_-]{11}", ytid) is not None and 0 <= start_s < end_s < 1e6)
    assert isinstance(Wanted(ytid, start_s, end_s).item_id, str)


def test_one_clip_once_however_many_labels_it_has():
    first, again = (
        Wanted("a" * 11, 0.0, 10.0, ("A",), ("/m/a",)),
        Wanted("a" * 11, 0.0, 10.0, ("B", "A"), ("/m/b", "/m/a")),
    )
    other = Wanted("a" * 11, 10.0, 20.0)
    assert once([first, other, again]) == [Wanted("a" * 11, 0.0, 10.0, ("A", "B"), ("/m/a", "/m/b")), other]
