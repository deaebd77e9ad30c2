"""Options that several commands share; their defaults come from the recipe's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from synth.recipe import MixOptions

_DEFAULT = MixOptions()
Command = Callable[..., Any]


def _option(name: str, text: str, kind: Any = str, metavar: str | None = None) -> Callable[[Command], Command]:  # noqa: ANN401
    value = getattr(_DEFAULT, name.strip("-").replace("-", "_"))
    shown = (
        ""
        if value is None or value == ()
        else f"  [default: {value:g}]"
        if isinstance(value, float)
        else f"  [default: {value}]"
    )
    return click.option(name, type=kind, default=None, metavar=metavar, help=text + shown)


SPEAKERS = _option("--speakers", "How many speakers a clip has, e.g. 1-3 or 2.", metavar="N[-M]")
SPLIT = _option("--split", "Shares of train/val/test, or subset:NAME=train,…, or 'given'.")
SEED = _option("--seed", "Seed of every draw.", int)
CLIPS = _option("--clips", "Clips in train/val/test; a zero means no such split.", metavar="N/N/N")
RATE = _option("--rate", "Sample rate of the clips in Hz.", int)
JOBS = click.option("-j", "--jobs", type=click.IntRange(min=1), default=None, help="Processes.  [default: one a core]")
ROOTS = click.option(
    "--root", "roots", multiple=True, metavar="NAME=PATH", help="Where a corpus lies on this machine; repeatable."
)
STORE = _option(
    "--store", "parquet: audio in the tables; files: one audio file a clip.", click.Choice(["parquet", "files"])
)
CODEC = _option("--codec", "How clips are encoded.", click.Choice(["wav", "flac"]))
STEMS = click.option("--stems/--no-stems", default=None, help="Keep each part of a clip; they sum to it bit for bit.")

_PLAN = (
    SPEAKERS,
    CLIPS,
    _option("--seconds", "Length of a clip.", float),
    RATE,
    _option(
        "--balance",
        "nested (each n alike, then each sex count), n, cells, or a CSV: n_female,n_male,weight.",
        metavar="HOW",
    ),
    SEED,
    click.option(
        "--min-active",
        type=float,
        default=None,
        help="Seconds each speaker is active.  [default: half the clip, at most 1]",
    ),
    _option("--sir-db", "Speakers of a clip differ in level by at most so many dB.", float),
    _option("--level-dbfs", "Range of the clips' level (RMS), the same for every class.", metavar="LOW:HIGH"),
    _option("--overlap", "full (all speak throughout), or a range of shares such as 0:0.5.", metavar="LOW:HIGH"),
    _option("--snr-db", "Range of speech over noise, with --noise.", metavar="LOW:HIGH"),
    CODEC,
    STEMS,
)


def plan_options(function: Command) -> Command:
    """Add the options that a plan records."""
    for option in reversed(_PLAN):
        function = option(function)
    return function
