"""What is asked for: understood, or refused with what was wanted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import UsageError
from synth.planning.request import MOST_SPEAKERS, clip_counts, parsed, speakers
from synth.recipe import MixOptions


def test_the_defaults_are_understood():
    found = parsed(MixOptions(), noise=False)
    assert (found.fewest, found.most) == (1, 3)
    assert found.clips == {"train": 3600, "val": 360, "test": 360}
    assert (found.frames, found.frame_n, found.length_n) == (50, 320, 16_000)
    assert (found.min_active, found.sir, found.level) == (25, 50, (-330, -220))
    assert (found.overlap, found.snr) == (None, None)
    assert parsed(MixOptions(), noise=True).snr == (0, 200)


@pytest.mark.parametrize(("seconds", "frames"), [(0.02, 1), (0.5, 13), (1.0, 25), (1.5, 38), (2.0, 50), (30.0, 50)])
def test_half_the_clip_and_at_most_a_second_must_be_active(seconds, frames):
    assert parsed(MixOptions(seconds=seconds), noise=False).min_active == frames


@pytest.mark.parametrize("text", ["full", "0:1", "0.25", "1/3:2/3"])
def test_overlaps(text):
    found = parsed(MixOptions(overlap=text), noise=False).overlap
    wanted = {"full": None, "0:1": (0, 1), "0.25": (Fraction(1, 4),) * 2, "1/3:2/3": (Fraction(1, 3), Fraction(2, 3))}
    assert found == wanted[text]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"speakers": "0-3"}, "--speakers 1-3"),
        ({"speakers": "0"}, "background noise"),
        ({"speakers": ""}, "--speakers"),
        ({"speakers": "3-1"}, "did you mean 1-3"),
        ({"speakers": "1-"}, "range"),
        ({"speakers": "-2"}, "range"),
        ({"speakers": "two"}, "range"),
        ({"speakers": "1-21"}, f"at most {MOST_SPEAKERS}"),
        ({"rate": 11_025}, "multiple of 50"),
        ({"rate": 0}, "4000 to 192000"),
        ({"rate": 200_000}, "4000 to 192000"),
        ({"seconds": 0.0}, "more than 0"),
        ({"seconds": -1.0}, "more than 0"),
        ({"seconds": float("nan")}, "--seconds"),
        ({"seconds": float("inf")}, "--seconds"),
        ({"seconds": 4000.0}, "an hour"),
        ({"seconds": 1.01}, "the nearest is 1"),
        ({"seconds": 0.001}, "the nearest is 0.02"),
        ({"min_active": 1.5}, "longer than the clip"),
        ({"min_active": 0.0}, "--min-active"),
        ({"sir_db": -1.0}, "0 to 30"),
        ({"sir_db": float("nan")}, "0 to 30"),
        ({"sir_db": 31.0}, "0 to 30"),
        ({"level_dbfs": "-22:-33"}, "did you mean -33:-22"),
        ({"level_dbfs": "loud"}, "LOW:HIGH"),
        ({"level_dbfs": "-80:-20"}, "-70 to 0"),
        ({"level_dbfs": "-20:1"}, "-70 to 0"),
        ({"level_dbfs": "nan:0"}, "LOW:HIGH"),
        ({"level_dbfs": "-inf:0"}, "LOW:HIGH"),
        ({"overlap": "-0.1:1"}, "from 0 to 1"),
        ({"overlap": "0:1.1"}, "from 0 to 1"),
        ({"overlap": "1:0"}, "smaller one first"),
        ({"overlap": "some"}, "wanted 'full'"),
        ({"clips": "1/2"}, "--clips"),
        ({"clips": "0/0/0"}, "--clips"),
        ({"clips": "1/2/-3"}, "--clips"),
        ({"clips": "1e3/1/1"}, "--clips"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_wanted(options, says):
    with pytest.raises(UsageError) as caught:
        parsed(replace(MixOptions(), **options), noise=False)
    assert says in str(caught.value)


def test_the_snr_is_only_read_with_noise():
    assert parsed(MixOptions(snr_db="nonsense"), noise=False).snr is None
    with pytest.raises(UsageError, match="--snr-db"):
        parsed(MixOptions(snr_db="nonsense"), noise=True)


@given(st.integers(0, MOST_SPEAKERS), st.integers(0, MOST_SPEAKERS))
def test_ranges_of_speakers(a, b):
    low, high = sorted((a, b))
    assert speakers(f"{low}-{high}") == (low, high)
    assert speakers(str(high)) == (high, high)


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=3).filter(any))
def test_a_zero_means_that_there_is_no_such_split(numbers):
    found = clip_counts("/".join(map(str, numbers)))
    assert list(found.values()) == [n for n in numbers if n]
    assert set(found) == {name for name, n in zip(("train", "val", "test"), numbers, strict=True) if n}
