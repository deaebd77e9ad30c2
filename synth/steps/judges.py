"""A judge that hears the clips itself, for ``synth clean``: where the recordings lie, and what it says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.audio.cache import Cache
from synth.cleaning import clap
from synth.cleaning.clap import selftest
from synth.cleaning.clap.scorer import Judge
from synth.cleaning.material import Material
from synth.steps import roots as where
from synth.steps.progress import Progress

COLUMNS = ("source_id", "root", "path", "labels", "mids", "ytid", "attribution", "pcm_sha256", "rate_hz", "duration_s")
NONE = "none of these"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which CLAP is asked, and how: see ``synth.cleaning.clap.scored``."""

    checkpoint: str
    prompts: str | Path | None = None
    engine: str = "transformers"
    allow_pickle: bool = False
    device: str | None = None
    bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What the judge said: ``stuff`` with a column more where it was asked for none of these, ``scores`` (clips, labels),
    ``embeddings`` (clips, dimensions), its ``name`` with the hash of its weights, ``left_out``, ``warnings``, and the labels
    that only the ``standard`` sentences asked about, although there was a file of prompts.
    """

    stuff: Material
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    name: str
    left_out: Counter[str]
    warnings: tuple[str, ...]
    standard: tuple[str, ...]


def heard(sources: pa.Table, stuff: Material, asked: Asked, roots: Mapping[str, Path], progress: Progress) -> Heard:
    """Let CLAP hear the clips of ``stuff``; ``sources`` has at least COLUMNS, ``roots`` says where corpora lie now.

    Raises InputError for roots that are nowhere and as ``synth.cleaning.clap.scored``, ClaimError for a judge that fails
    its self-test.
    """
    rows = sources.filter(pc.is_in(sources.column("source_id"), value_set=pa.array(stuff.clips.ids)))
    names, paths = rows.column("root").to_pylist(), rows.column("path").to_pylist()
    with Cache() as cache:
        places = where.located(cache, sorted(set(names)), roots)
    files = [places[name] / path for name, path in zip(names, paths, strict=True)]
    found = clap.scored(
        rows,
        files,
        stuff.labels,
        asked.checkpoint,
        progress,
        prompts=Path(asked.prompts) if asked.prompts else None,
        engine=asked.engine,
        allow_pickle=asked.allow_pickle,
        device=asked.device,
        bfloat16=asked.bfloat16,
    )
    left_out = Counter(f"not heard ({why.partition(':')[0]})" for why in found.problems.values())
    scores = found.scores
    if not np.isnan(found.none_of_these).all():
        stuff = replace(
            stuff,
            labels=(*stuff.labels, NONE),
            carries=np.column_stack([stuff.carries, np.zeros(len(stuff.carries), np.bool_)]),
        )
        scores = np.column_stack([scores, found.none_of_these])
    return Heard(stuff, scores, found.embeddings, found.judge, left_out, found.warnings, found.standard)


def self_test(asked: Asked) -> tuple[str, selftest.SelfTest]:
    """Let CLAP hear sounds that everybody knows; return its name and how it did."""
    judge = Judge(
        asked.checkpoint,
        engine=asked.engine,
        allow_pickle=asked.allow_pickle,
        device=asked.device,
        bfloat16=asked.bfloat16,
    )
    return judge.says, selftest.run(judge)
