"""Sizes in words: bytes in the unit that fits them."""

from __future__ import annotations

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """Return a number of bytes in the decimal unit that fits: ``840 bytes``, ``1.4 MB``, ``139 MB``, ``6.4 GB``."""
    value, unit = float(count), 0
    while unit < len(_UNITS) - 1 and round(abs(value), 1 if abs(value) < 10 else 0) >= 1000:
        value, unit = value / 1000, unit + 1
    small = unit > 0 and round(abs(value), 1) < 10 and round(value, 1) != round(value)
    return f"{value:.1f} {_UNITS[unit]}" if small else f"{value:,.0f} {_UNITS[unit]}"
