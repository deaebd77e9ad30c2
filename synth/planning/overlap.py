"""Turns: where in the clip each speaker comes and goes, for a nominal overlap.

n speakers have turns of equal length that begin at even distances and together fill the clip. The overlap is
the share of the clip in which two or more turns run, to within half a frame a turn, as all turns are of one length.
What is heard in the end is measured and recorded per clip: people pause within their turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from synth.errors import InfeasibleError

STEPS = 11  # nominal overlaps are drawn from so many evenly spaced values, so that few window lengths occur


@dataclass(frozen=True, slots=True)
class Turns:
    """Frames of a turn, frames between the first onset and the last, hops between them: turn k starts at k * span // hops."""

    length: int
    span: int
    hops: int


def turns(speakers: int, frames: int, overlap: Fraction) -> Turns:
    """Return the turns of a clip of so many frames with a nominal overlap from 0 to 1."""
    n = speakers
    if n < 2:
        return Turns(frames, 0, 1)
    if overlap * (n + 1) >= n - 1:  # the middle turns overlap on both sides: all but the first and last hop is shared
        length = round(frames - (n - 1) * frames * (1 - overlap) / 2)
    else:  # each pair of neighbours shares its own stretch
        length = round(frames * (1 + overlap) / n)
    return Turns(length, frames - length, n - 1)


def table(fewest: int, most: int, frames: int, overlap: tuple[Fraction, Fraction] | None) -> list[list[Turns]]:
    """Return the turns by [number of speakers][step of the nominal overlap]; one step when all speak throughout."""
    if overlap is None:
        return [[Turns(frames, 0, 1)] for _ in range(most + 1)]
    low, high = overlap
    count = STEPS if high > low else 1
    steps = [low + (high - low) * Fraction(k, max(count - 1, 1)) for k in range(count)]
    return [[turns(n, frames, step) for step in steps] for n in range(most + 1)]


def check(plan: list[list[Turns]], fewest_active: int, frames: int) -> None:
    """Raise InfeasibleError when a turn is too short to be heard for ``fewest_active`` frames."""
    shortest = min(turn.length for by_step in plan for turn in by_step)
    if shortest < fewest_active:
        needed = -(
            -2 * frames * fewest_active // (2 * max(shortest, 1) - 1)
        )  # lengths were rounded by half a frame at most
        raise InfeasibleError(
            f"with this --overlap and {len(plan) - 1} speakers the shortest turn lasts {shortest / 50:g} s, but each speaker "
            f"must be active for {fewest_active / 50:g} s. Nearest feasible: --seconds {needed / 50:g}, "
            f"or --min-active {shortest / 50:g}, or more overlap"
        )
