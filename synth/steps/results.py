"""What a step returns shows itself in a few lines, however much it holds."""

from __future__ import annotations

import reprlib
import textwrap
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa

WIDTH, LINES, VALUE = 110, 4, 70  # of a repr: characters in a line, lines, characters of one value


class Result:
    """Base of what steps return, in place of the repr of a dataclass: ``@dataclass(repr=False)``."""

    __slots__ = ()

    def __repr__(self) -> str:
        text = (
            f"{type(self).__name__}({', '.join(f'{name}={short(value)}' for name, value in self.in_short().items())})"
        )
        return "\n".join(
            textwrap.wrap(
                text,
                WIDTH,
                subsequent_indent="  ",
                max_lines=LINES,
                placeholder=" …)",
                break_on_hyphens=False,
            )
        )

    def in_short(self) -> Mapping[str, Any]:
        """Return what the repr shows, by name: the fields, or what says more."""
        return {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]  # a dataclass


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple, self.maxset = 2, 4, 3, 3, 3
        self.maxstring = self.maxother = self.maxlong = VALUE

    def repr_instance(self, x: object, level: int) -> str:
        if isinstance(x, pa.Table):
            return f"<table, {x.num_rows:,} rows>"
        if isinstance(x, Path):
            return self.repr_str(str(x), level)
        if isinstance(x, Result):
            return f"{type(x).__name__}(…)"
        if isinstance(x, dict):  # a Counter and its like
            return self.repr_dict(x, level)
        return super().repr_instance(x, level)


def short(value: object) -> str:
    """Return a value in at most ``VALUE`` characters, on one line."""
    text = " ".join(_Short().repr(value).split())
    return text if len(text) <= VALUE else f"{text[: VALUE - 1]}…"


def made(rendered: Any, audited: Any, parts: str) -> dict[str, object]:  # noqa: ANN401  # results of steps above this file
    """Return the facts of a data set that was rendered and audited; ``parts`` names the results of the steps."""
    return {
        "out": rendered.out,
        "clips": rendered.clips,
        "bytes": rendered.bytes,
        "holds": audited.holds,
        "steps": parts,
    }
