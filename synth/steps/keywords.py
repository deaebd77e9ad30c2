"""The options of data sets as Python takes them: names and types; their defaults are those of the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from synth.recipe import ManifestOptions, MixOptions

Paths = str | Path | Sequence[str | Path]
Speakers = str | int | tuple[int, int] | range
Clips = str | int | tuple[int, int, int] | Mapping[str, int]
Shares = str | tuple[float, float, float] | Mapping[str, float]
Span = str | float | tuple[float, float]


class MixKeywords(TypedDict, total=False):
    """The options of ``synth mix`` and ``synth plan``."""

    speakers: Speakers
    source: Paths
    csv: Paths | Mapping[str, str | Path]
    noise: str | Path | None
    clips: Clips
    seconds: float
    rate: int
    balance: str | Path
    split: Shares
    seed: int
    min_active: float | None
    sir_db: float
    level_dbfs: Span
    overlap: Span
    snr_db: Span
    store: str
    codec: str
    stems: bool


class ManifestKeywords(TypedDict, total=False):
    """The options of ``synth manifest``."""

    label: str | Sequence[str]
    verdicts: str | Path | None
    min_verdict: str
    windows: str
    split: Shares
    seconds: float
    rate: int
    seed: int
    store: str
    codec: str


DEFAULTS: dict[type, MixOptions | ManifestOptions] = {MixKeywords: MixOptions(), ManifestKeywords: ManifestOptions()}
