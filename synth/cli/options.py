"""Options that several commands share; their defaults come from the recipe's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from synth.recipe import ManifestOptions, MixOptions, Options

_DEFAULT = MixOptions()
LISTEN = 30  # rejected clips of a label that tell whether a judge is deaf to part of it
Command = Callable[..., Any]


def _option(
    name: str,
    text: str,
    kind: Any = str,  # noqa: ANN401  # what click takes for a type
    metavar: str | None = None,
    of: Options = _DEFAULT,
    multiple: bool = False,
) -> Callable[[Command], Command]:
    value = getattr(of, name.strip("-").replace("-", "_"))
    shown = (
        ""
        if value is None or value == ()
        else f"  [default: {value:g}]"
        if isinstance(value, float)
        else f"  [default: {value}]"
    )
    return click.option(name, type=kind, default=None, metavar=metavar, help=text + shown, multiple=multiple)


SPEAKERS = _option("--speakers", "How many speakers a clip has, e.g. 1-3 or 2.", metavar="N[-M]")
_SPLIT_HELP = (
    "Shares of train/val/test, or subset:NAME=train,…, or 'given'.  [default: what the --csv says, else 80/10/10]"
)
SPLIT = _option("--split", _SPLIT_HELP)
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


_CLIPS = ManifestOptions()
_MANIFEST = (
    _option("--label", "Keep only this label (its name or machine id); repeatable.", of=_CLIPS, multiple=True),
    _option("--verdicts", "What synth clean and synth review said of the labels.", metavar="FILE", of=_CLIPS),
    _option(
        "--min-verdict",
        "Drop labels that were judged worse; unjudged ones stay.",
        click.Choice(["keep", "doubtful", "wrong"]),
        of=_CLIPS,
    ),
    _option(
        "--windows",
        "Of recordings longer than a clip: the start, or all windows one after another.",
        click.Choice(["start", "all"]),
        of=_CLIPS,
    ),
    _option("--split", _SPLIT_HELP, of=_CLIPS),
    _option("--seconds", "Length of a clip: longer recordings are cut, shorter ones padded.", float, of=_CLIPS),
    _option("--rate", "Sample rate of the clips in Hz.", int, of=_CLIPS),
    SEED,
    STORE,
    CODEC,
)


def manifest_options(function: Command) -> Command:
    """Add the options of clips that are used as they are."""
    for option in reversed(_MANIFEST):
        function = option(function)
    return function
