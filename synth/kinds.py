"""Kinds of values that options take: from a command line, a recipe or Python, in the one form that the steps read.

Each kind reads a value or raises ValueError. A text stays as it was written (what it says is judged where it is used);
numbers, lists and ranges become what would be typed: ``3`` is ``3``, ``(1, 3)`` and ``range(1, 4)`` are ``1-3`` speakers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """What an option takes: ``wanted`` says it in words, ``read`` returns a value in its one form, or raises ValueError."""

    wanted: str
    read: Callable[[Any], Any]
    many: bool = False


def whole(value: object) -> int:
    """Return a whole number, of Python or numpy; no truth value and no text is one."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    raise ValueError


def number(value: object) -> float:
    """Return a number, of Python or numpy, as a float."""
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        return float(value)
    raise ValueError


def truth(value: object) -> bool:
    """Return True or False, of Python or numpy."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise ValueError


def text(value: object) -> str:
    """Return a text."""
    if isinstance(value, str):
        return value
    raise ValueError


def path(value: object) -> str:
    """Return a path, given as a text or a path."""
    if isinstance(value, str | os.PathLike):
        return str(os.fspath(value))
    raise ValueError


def paths(value: object) -> tuple[str, ...]:
    """Return paths; one alone is one, never its characters."""
    return (path(value),) if isinstance(value, str | os.PathLike) else tuple(path(one) for one in _listed(value))


def tables(value: object) -> tuple[str, ...]:
    """Return tables as FILE or ROOT=FILE: one, several, or files by the names of their roots."""
    if isinstance(value, Mapping):
        return tuple(f"{path(root)}={path(file)}" for root, file in value.items())
    return paths(value)


def texts(value: object) -> tuple[str, ...]:
    """Return texts; one alone is one, never its characters."""
    return (value,) if isinstance(value, str) else tuple(text(one) for one in _listed(value))


def speakers(value: object) -> str:
    """Return how many speakers: ``3``, ``"1-3"``, ``(1, 3)`` or ``range(1, 4)``."""
    if isinstance(value, str):
        return value
    if isinstance(value, range):
        if value.step != 1 or not len(value):
            raise ValueError
        value = (value[0], value[-1])
    if isinstance(value, Integral):
        return str(whole(value))
    low, high = (whole(one) for one in _listed(value, 2))
    return f"{low}-{high}"


def clips(value: object) -> str:
    """Return clips per split: ``"90/9/9"``, ``(90, 9, 9)``, by name, or one number for train alone."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return str(whole(value))
    return "/".join(str(whole(one)) for one in _by_split(value))


def shares(value: object) -> str:
    """Return shares per split: ``"80/10/10"``, ``(80, 10, 10)``, ``(0.8, 0.1, 0.1)``, or by name."""
    return value if isinstance(value, str) else "/".join(_written(one) for one in _by_split(value))


def span(value: object) -> str:
    """Return a range of numbers: ``"-30:-22"``, ``(-30, -22)``, or one number that stands for both ends."""
    if isinstance(value, str):
        return value
    if isinstance(value, Real | Decimal):
        return _written(value)
    low, high = _listed(value, 2)
    return f"{_written(low)}:{_written(high)}"


def _by_split(value: object) -> list[object]:
    if not isinstance(value, Mapping):
        return _listed(value, 3)
    names = ("train", "val", "test")
    if not value or set(value) - set(names):
        raise ValueError
    return [value.get(name, 0) for name in names]


def _listed(value: object, length: int | None = None) -> list[object]:
    if isinstance(value, str | bytes | Mapping | set | frozenset) or not isinstance(value, Iterable):
        raise ValueError
    out = list(value)
    if length is not None and len(out) != length:
        raise ValueError
    return out


def _written(value: object) -> str:
    """Return a number as it would be typed, exactly."""
    if isinstance(value, Fraction):
        return str(value)
    real = number(value)
    return str(int(real)) if real.is_integer() else repr(real)


TEXT = Kind("a text", text)
WHOLE = Kind("a whole number", whole)
NUMBER = Kind("a number", number)
YES = Kind("true or false", truth)
PATH = Kind("a path", path)
PATHS = Kind("a path or a list of paths", paths, many=True)
TABLES = Kind("a path, a list of paths (FILE or ROOT=FILE), or a path for each root", tables, many=True)
TEXTS = Kind("a text or a list of texts", texts, many=True)
SPEAKERS = Kind("a number such as 3, or a range such as '1-3' or (1, 3)", speakers)
CLIPS = Kind("three whole numbers such as '3600/360/360' or (3600, 360, 360), or one for train alone", clips)
SHARES = Kind("three shares such as '80/10/10' or (80, 10, 10), 'given', or 'subset:NAME=train,…'", shares)
SPAN = Kind("a range such as '-30:-22' or (-30, -22)", span)
OVERLAP = Kind("'full', or a range such as '0:0.5' or (0, 0.5)", span)
