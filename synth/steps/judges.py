"""What a judge says of the clips, for ``synth clean``: somebody's files, a CLAP that hears them itself, or nobody."""

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
from synth.cleaning.clap.places import AbsentError
from synth.cleaning.clap.scorer import Judge
from synth.cleaning.material import Material
from synth.cleaning.null import Bools
from synth.cleaning.scores import embeddings as read_embeddings
from synth.cleaning.scores import scores as read_scores
from synth.cleaning.witness import agreement
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
class Words:
    """What a judge said of the clips of ``stuff``: ``scores`` (clips, labels), ``embeddings`` (clips, dimensions), or both.

    ``names``: of the files, or of the model with the hash of its weights; ``left_out``: recordings and scores that could
    not be used, by reason; ``standard``: labels that a file of prompts does not speak of; ``absent``: why there was no
    judge to say anything.
    """

    stuff: Material
    names: tuple[str, ...]
    scores: NDArray[np.float32] | None
    embeddings: NDArray[np.float32] | None
    left_out: Counter[str]
    warnings: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    absent: AbsentError | None = None

    def values(self, carries: Bools, seed: int) -> list[NDArray[np.float32]]:
        """Return scores (clips, labels), one array a judge: embeddings have some for whatever labels the clips carry."""
        out = [] if self.scores is None else [self.scores]
        if self.embeddings is not None:
            out.append(agreement(self.embeddings, carries, self.stuff.groups, seed))
        return out


def of_files(stuff: Material, scores: str | Path | None, embeddings: str | Path | None) -> Words:
    """Return what somebody's model said; InputError for files that do not fit."""
    left_out: Counter[str] = Counter()
    names, matrix, vectors = [], None, None
    if scores is not None:
        found = read_scores(Path(scores), stuff.clips, stuff.labels)
        matrix = found.values
        left_out += found.left_out
        names.append(f"scores {Path(scores).name}")
    if embeddings is not None:
        found = read_embeddings(Path(embeddings), stuff.clips)
        vectors = found.values
        left_out += found.left_out
        names.append(f"embeddings {Path(embeddings).name}")
    return Words(stuff, tuple(names), matrix, vectors, left_out)


def of_nobody(stuff: Material, absent: AbsentError) -> Words:
    """Return the silence of a judge that is not there."""
    return Words(stuff, (), np.full(stuff.carries.shape, np.nan, np.float32), None, Counter(), absent=absent)


def of_clap(sources: pa.Table, stuff: Material, asked: Asked, roots: Mapping[str, Path], progress: Progress) -> Words:
    """Let CLAP hear the clips of ``stuff``; ``sources`` has at least COLUMNS, ``roots`` says where corpora lie now.

    A label more, ``none of these``, is asked for where the prompts have sentences for it. Raises InputError for roots that
    are nowhere and as ``synth.cleaning.clap.scored``, ClaimError for a judge that fails its self-test.
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
    return Words(stuff, (found.judge,), scores, found.embeddings, left_out, found.warnings, found.standard)


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
