"""Numbers in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.units import counted, with_count


@pytest.mark.parametrize(
    ("count", "words", "says"),
    [
        (0, ("clip",), "0 clips"),
        (1, ("clip",), "1 clip"),
        (2000, ("clip",), "2,000 clips"),
        (1.0, ("recording is", "recordings are"), "1 recording is"),
        (2, ("class", "classes"), "2 classes"),
    ],
)
def test_a_count_has_its_noun(count, words, says):
    assert counted(count, *words) == says


@given(st.integers(0, 10**7), st.sampled_from(["recordings without a label", "windows in which nothing is heard"]))
def test_one_of_a_kind_is_in_the_singular(count, several):
    says = with_count(count, several)
    assert says.partition(" ")[0] == f"{count:,}"
    assert says.endswith(several) == (count != 1)
    assert not re.match(r"1 \w+s ", says)


def test_a_reason_that_is_no_plural_stays():
    assert with_count(1, "silent") == "1 silent"
    assert with_count(1, "too-quiet-in-its-windows") == "1 too-quiet-in-its-windows"
