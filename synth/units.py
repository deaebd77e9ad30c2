"""Numbers in words: bytes in the unit that fits them, counts with their noun."""

from __future__ import annotations

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def counted(count: float, one: str, several: str = "") -> str:
    """Return a whole number and its noun: ``1 clip``, ``2,000 clips``; ``several``: the plural, where it is not ``one`` with an s.

    Both may go on with what follows the noun: ``counted(n, "clip differs", "clips differ")``.
    """
    return f"{count:,.0f} {one if count == 1 else several or f'{one}s'}"


def with_count(count: float, several: str) -> str:
    """Return a number and a phrase whose first word is a plural: ``1 recording without a label``, of ``recordings without …``."""
    first, blank, rest = several.partition(" ")
    return f"{count:,.0f} {first.removesuffix('s') if count == 1 and rest else first}{blank}{rest}"


def size(count: float) -> str:
    """Return a number of bytes in the decimal unit that fits: ``840 bytes``, ``1.4 MB``, ``139 MB``, ``6.4 GB``."""
    value, unit = float(count), 0
    while unit < len(_UNITS) - 1 and round(abs(value), 1 if abs(value) < 10 else 0) >= 1000:
        value, unit = value / 1000, unit + 1
    small = unit > 0 and round(abs(value), 1) < 10 and round(value, 1) != round(value)
    return f"{value:.1f} {_UNITS[unit]}" if small else f"{value:,.0f} {_UNITS[unit]}"
