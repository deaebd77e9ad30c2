"""Turns: as much overlap as was asked for, inside the clip."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import InfeasibleError
from synth.planning.overlap import STEPS, Turns, check, table, turns

SHARES = st.fractions(0, 1, max_denominator=1000)


def voices(turn: Turns, speakers: int, frames: int) -> np.ndarray:
    """Return how many turns run in each frame, counted one by one."""
    counts = np.zeros(frames, int)
    for k in range(speakers):
        onset = k * turn.span // turn.hops
        counts[onset : onset + turn.length] += 1
    return counts


@given(st.integers(2, 20), st.integers(40, 3000), SHARES)
def test_the_overlap_is_the_one_asked_for(speakers, frames, overlap):
    turn = turns(speakers, frames, overlap)
    counts = voices(turn, speakers, frames)
    shared = int((counts >= 2).sum())
    assert turn.length > 0
    assert turn.span + turn.length == frames
    assert counts[0] >= 1 <= counts[-1], "the turns do not reach from end to end"
    assert (counts == 0).sum() <= speakers / 2
    assert abs(shared - overlap * frames) <= speakers / 2 + 1


@given(st.integers(40, 3000), SHARES)
def test_for_two_it_is_so_within_a_frame(frames, overlap):
    counts = voices(turns(2, frames, overlap), 2, frames)
    assert abs(int((counts >= 2).sum()) - overlap * frames) <= 1


@given(st.integers(2, 12), st.integers(1, 40), st.integers(0, 40))
def test_where_whole_frames_allow_it_the_overlap_is_exact(speakers, unit, percent):
    frames = unit * speakers * (speakers - 1) * 100
    overlap = Fraction(percent, 100)
    shared = int((voices(turns(speakers, frames, overlap), speakers, frames) >= 2).sum())
    assert shared == overlap * frames


@given(st.integers(0, 1), st.integers(1, 500), SHARES)
def test_one_alone_has_the_whole_clip(speakers, frames, overlap):
    assert turns(speakers, frames, overlap) == Turns(frames, 0, 1)


@given(st.integers(2, 20), st.integers(1, 500))
def test_full_overlap_is_all_at_once(speakers, frames):
    turn = turns(speakers, frames, Fraction(1))
    assert (turn.length, turn.span) == (frames, 0)


@given(st.integers(2, 8), st.integers(100, 1000))
def test_more_overlap_means_longer_turns(speakers, frames):
    lengths = [turns(speakers, frames, Fraction(k, 20)).length for k in range(21)]
    assert lengths == sorted(lengths)


def test_a_range_has_eleven_steps_from_end_to_end():
    found = table(1, 3, 1000, (Fraction(0), Fraction(1, 2)))
    assert [len(steps) for steps in found] == [STEPS] * 4
    assert found[2][0] == turns(2, 1000, Fraction(0))
    assert found[2][-1] == turns(2, 1000, Fraction(1, 2))
    assert [len(steps) for steps in table(1, 3, 1000, (Fraction(1, 3), Fraction(1, 3)))] == [1] * 4
    assert table(1, 3, 1000, None) == [[Turns(1000, 0, 1)]] * 4


@pytest.mark.parametrize("speakers", [2, 3, 6, 20])
@pytest.mark.parametrize("fewest", [26, 35, 50])
def test_turns_too_short_to_be_heard_name_what_would_do(speakers, fewest):
    import re

    frames, none = 50, (Fraction(0), Fraction(0))
    with pytest.raises(InfeasibleError) as caught:
        check(table(1, speakers, frames, none), fewest, frames)
    found = re.search(r"--seconds ([\d.]+), or --min-active ([\d.]+)", str(caught.value))
    assert found
    longer, less = (round(float(word) * 50) for word in found.groups())
    check(table(1, speakers, longer, none), fewest, longer)
    check(table(1, speakers, frames, none), less, frames)
