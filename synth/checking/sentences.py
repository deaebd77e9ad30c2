"""Sentences of a data card that say a number or a name, as they should be, and what stands there instead.

A card belongs to its owner, who may add to it. Synth's sentences in it are claims: they are known by their first words, or
by their words around the numbers. One that says something else is wrong, and so is a fact that is not told any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
KNOWN_BY = 8  # letters at the beginning, without a number among them, that tell a sentence
_NEAR = 2e-4  # a number so near to the middle of two that can be written may be either
_NEW = re.compile(r"[-#|>`]|\d+\.\s|$")  # begins a line that goes on nothing


@dataclass(frozen=True, slots=True)
class Value:
    """A number or a name in a sentence: how it may be written, best first, and what of its kind looks like (a pattern).

    Without a way to write it, it is not known, and may be anything of its kind.
    """

    shown: tuple[str, ...]
    slot: str = NUMBER


Piece = str | Value


@dataclass(frozen=True)
class Sentence:
    """What a card should say. ``anywhere``: within a line, not only at its beginning; ``must``: its lack is a fault."""

    pieces: tuple[Piece, ...]
    must: bool = True
    anywhere: bool = False

    @cached_property
    def plain(self) -> str:
        """The sentence as it should stand there."""
        return "".join(one if isinstance(one, str) else (*one.shown, "…")[0] for one in self.pieces)

    @cached_property
    def _begins(self) -> str:
        first = self.pieces[0] if self.pieces else ""
        return first if isinstance(first, str) and len(first) >= KNOWN_BY and not self.anywhere else ""

    def found(self, lines: Sequence[str]) -> tuple[bool, str]:
        """Return whether it stands in some lines, and the first line that says something else instead, or nothing."""
        right, wrong = False, ""
        for line in lines:
            looked = self._loose.finditer(line) if self.anywhere else filter(None, [self._loose.match(line)])
            for one in looked:
                fits = self._exact.match(line, one.start())
                right |= bool(fits)
                wrong = wrong or ("" if fits else line)
            if self._begins and line.startswith(self._begins):
                fits = self._exact.match(line)
                right |= bool(fits)
                wrong = wrong or ("" if fits else line)
        return right, wrong

    @cached_property
    def _exact(self) -> re.Pattern[str]:
        return self._pattern(lambda value: "|".join(re.escape(one) for one in value.shown) or value.slot)

    @cached_property
    def _loose(self) -> re.Pattern[str]:
        return self._pattern(lambda value: value.slot)

    def _pattern(self, inside: Callable[[Value], str]) -> re.Pattern[str]:
        parts = [re.escape(one) if isinstance(one, str) else f"(?:{inside(one)})" for one in self.pieces]
        before = r"(?<![\w.,])" if self.pieces and isinstance(self.pieces[0], Value) else ""
        after = r"(?![\w])(?![.,]\d)" if self.pieces and isinstance(self.pieces[-1], Value) else ""
        return re.compile(before + "".join(parts) + after)


def count(number: int) -> Value:
    """Return a whole number as it is written: 1,234."""
    return Value((f"{number:,}",))


def things(number: float, one: str, several: str = "") -> Value:
    """Return a whole number and its noun, as it is written for one and for several; one may stand with the plural, too."""
    many = several or f"{one}s"
    shown = ([f"{number:,.0f} {one}"] if number == 1 else []) + [f"{number:,.0f} {many}"]
    return Value(tuple(shown), f"{NUMBER} (?:{re.escape(one)}|{re.escape(many)})")


def plain(number: int) -> Value:
    """Return a whole number without commas."""
    return Value((str(number),))


def measured(number: float, digits: int) -> Value:
    """Return a number with so many digits behind the point."""
    shown = [f"{one:.{digits}f}" for one in (number, number - _NEAR, number + _NEAR)]
    return Value(tuple(dict.fromkeys(shown)))


def short(number: float) -> Value:
    """Return a number in as few digits as it needs."""
    return Value((f"{number:g}",))


def joined(pieces: Iterable[Sequence[Piece]], between: str = ", ") -> list[Piece]:
    """Return pieces of a list one after another, with commas between."""
    out: list[Piece] = []
    for one in pieces:
        out += [between, *one] if out else one
    return out


def lines(text: str) -> list[str]:
    """Return the lines of a card; one that was wrapped is whole again."""
    out: list[str] = []
    code = False
    for line in text.splitlines():
        code ^= line.startswith("```")
        bare = " ".join(line.split())
        if out and out[-1] and not code and not _NEW.match(bare) and not out[-1].startswith(("#", "```", "|", "---")):
            out[-1] += f" {bare}"
        else:
            out.append(bare)
    return out


def compared(text: str, sentences: Iterable[Sentence]) -> tuple[list[str], list[str]]:
    """Return what a card says otherwise, a sentence each, and which sentences it lacks."""
    wrong, lacking = [], []
    there = lines(text)
    for one in sentences:
        right, other = one.found(there)
        if other:
            wrong.append(f'it says "{_cut(other)}", wanted "{_cut(one.plain)}"')
        elif not right and one.must:
            lacking.append(f'it does not say "{_cut(one.plain)}"')
    return wrong, lacking


def _cut(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:297]}…"
