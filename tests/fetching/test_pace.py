"""The pace, with a clock that is set by hand: no waiting."""

from __future__ import annotations

import itertools
from threading import Event

import pytest

from synth.fetching.pace import MOST_REFUSALS, Pace, Patience, retry_after_s


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_three_hundred_an_hour():
    clock = Clock()
    pace = Pace(300, clock)
    begun = []
    while clock.now < 1000 + 3600:
        if pace.take() == 0:
            begun.append(clock.now)
        clock.now += 0.5  # workers look up more often than there are turns
    assert len(begun) == 300
    assert all(later - earlier >= 12 for earlier, later in itertools.pairwise(begun))


def test_it_says_how_long_to_wait_and_saves_no_turns_up():
    clock = Clock()
    pace = Pace(300, clock)
    assert pace.take() == 0
    assert pace.take() == pytest.approx(12)
    clock.now += 500
    assert pace.take() == 0
    assert pace.take() == pytest.approx(12)  # not forty turns at once


def test_a_hold_holds_everything():
    clock = Clock()
    pace = Pace(1e9, clock)
    assert pace.hold(60)
    assert not pace.hold(30)  # while it is held, a shorter one changes nothing
    assert pace.take() == pytest.approx(60)
    clock.now += 60
    assert pace.take() == 0
    assert pace.hold(5)


def test_a_stop_ends_the_waiting():
    pace, stop = Pace(1), Event()
    assert pace.turn(stop)
    stop.set()
    assert not pace.turn(stop)  # an hour from its turn


def test_patience():
    patience = Patience()
    assert [patience.refused() for _ in range(MOST_REFUSALS + 1)] == [False] * MOST_REFUSALS + [True]
    patience.succeeded()
    assert not patience.refused()
    assert [patience.failed("format", 3) for _ in range(3)] == [False, False, True]
    assert not patience.failed("http", 3) and not patience.failed("format", 3)  # of one kind in a row


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        (" 0 ", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, 999_999_999),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 9),
        ("Fri, 31 Dec 1999 23:00:00 GMT", 0),
        ("Fri, 99 Dec 1999 23:00:00 GMT", None),
    ],
)
def test_retry_after(header, seconds):
    assert retry_after_s(header, now=946684790.0) == seconds
