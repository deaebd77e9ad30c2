"""``synth plan``: decide every clip of a data set on paper, from SOURCES with splits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Unpack

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synth import __version__
from synth.errors import InfeasibleError, InputError
from synth.planning.cells import Period, period, weights
from synth.planning.plan import MANY, Planner
from synth.planning.pool import Pool
from synth.planning.request import Request, parsed
from synth.planning.rows import CODED, batch
from synth.recipe import MixOptions, over
from synth.steps.keywords import MixKeywords
from synth.steps.opened import read_sources
from synth.steps.progress import Progress, silent
from synth.steps.results import Result
from synth.store import parquet
from synth.store.atomic import replacing, to_file
from synth.store.memory import kept
from synth.tables import FORMAT_VERSION, FRAMES_PER_S, NOISE, PLAN, SOURCES
from synth.units import counted

MADE_BY = "synth index PATH -o sources.parquet && synth split sources.parquet -o split.parquet"
ROW_GROUP, LARGE_ROW_GROUP = 8_192, 32_768  # rows of a plan that a renderer holds: few, or of a large plan in less time


@dataclass(frozen=True, slots=True, repr=False)
class Planned(Result):
    """A plan's facts: clips by split and cell, rows lowered, recordings left out (reason, count, example) by split."""

    path: Path
    digest: str
    clips: dict[str, int]
    cells: dict[str, dict[str, int]]
    lowered: int
    left_out: dict[str, list[tuple[str, int, str]]]
    metadata: dict[str, str]


def plan(
    sources: str | Path | pa.Table,
    *,
    out: str | Path,
    recipe: MixOptions | None = None,
    progress: Progress = silent,
    **options: Unpack[MixKeywords],
) -> Planned:
    """Write the plan of a data set to ``out``; the options are those of :func:`synth.mix`.

    Raises InfeasibleError, before any row is made, when the sources cannot fill the cells.
    """
    return planned(sources, over(recipe or MixOptions(), options, "synth.plan()"), Path(out), progress)


def planned(sources: str | Path | pa.Table, options: MixOptions, out: Path, progress: Progress = silent) -> Planned:
    """Write the plan of resolved options; see :func:`plan`."""
    to_file(out, "plan.parquet")
    table = sources if isinstance(sources, pa.Table) else read_sources(Path(sources), MADE_BY)
    said = parquet.metadata(table.schema)
    options = options.with_changes({"split": said.get("split", options.split or "given")})
    rate = json.loads(said.get("rate_hz", "null"))
    if rate is not None and rate != options.rate:
        raise InputError(
            f"these sources were measured for clips at {rate} Hz, the plan asks for {options.rate} Hz; "
            f"measure them again: synth index PATH --rate {options.rate} -o sources.parquet"
        )
    check_speakers(table)
    _check_speech(table)
    pool = Pool.of(table, options.rate)
    request = parsed(options, noise=bool((pool.usable & pool.noise).any()))
    options = replace(options, min_active=request.min_active / FRAMES_PER_S)  # a recipe says every default
    if (pool.split[pool.usable] < 0).all():
        raise InputError(
            "these sources have no splits yet: synth split sources.parquet --split 80/10/10 -o split.parquet"
        )
    laid = period(weights(options.balance, request.fewest, request.most, _female_share(pool)))
    _check_clips(pool, request)
    planners = [Planner(pool, request, laid, split) for split in request.clips]
    fewest = min(min(planner.speakers) for planner in planners)
    for planner in planners:
        planner.check(fewest)
    digest, lowered = parquet.Digest(PLAN.names), 0
    total, done = sum(request.clips.values()), 0
    held = LARGE_ROW_GROUP if total > MANY else ROW_GROUP
    metadata = _metadata(options, request, laid, parquet.digest(table, SOURCES.names_in(table.column_names)))
    with kept(), replacing(out) as temporary, writer(temporary, CODED) as file:
        for planner in planners:
            first = 0
            for block in planner.blocks(request.clips[planner.split]):
                rows = batch(block, planner.split, first, laid, request, pool.ids)
                digest.update(rows)
                lowered += int(block.lowered.sum())
                first += rows.num_rows
                file.write_table(pa.Table.from_batches([rows]), row_group_size=held)
                done += rows.num_rows
                progress("planning", done, total)
        metadata |= {"lowered": str(lowered), "digest": digest.hexdigest()}
        file.add_key_value_metadata(dict(sorted(metadata.items())))
    return Planned(
        path=out,
        digest=digest.hexdigest(),
        clips=dict(request.clips),
        cells={split: laid.cell_counts(count) for split, count in request.clips.items()},
        lowered=lowered,
        left_out={planner.split: planner.left_out() for planner in planners},
        metadata=metadata,
    )


def writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return a writer for plan rows: few bytes a row, and the same bytes for the same rows."""
    return pq.ParquetWriter(
        path,
        schema,
        compression="lz4",  # a tenth quicker to write than zstd, and a twentieth larger
        store_schema=False,  # or the dictionaries of the arrays would come back as dictionaries
        write_statistics=False,
        write_batch_size=1 << 16,  # fewer and larger steps than by default
        use_dictionary=[name for name in _leaves(schema) if name != "clip_id"],
        column_encoding={"clip_id": "DELTA_BYTE_ARRAY"},
    )


def _leaves(schema: pa.Schema) -> list[str]:
    """Return the names of the columns as Parquet sees them."""
    names = []
    for field in schema:
        if pa.types.is_list(field.type) and not pa.types.is_struct(field.type.value_type):
            names.append(f"{field.name}.list.element")
        elif pa.types.is_list(field.type):
            names += [f"{field.name}.list.element.{child.name}" for child in field.type.value_type]
        else:
            names.append(field.name)
    return names


def _metadata(options: MixOptions, request: Request, laid: Period, sources: str) -> dict[str, str]:
    return {
        "table": "plan",
        "format_version": FORMAT_VERSION,
        "synth_version": __version__,
        "seed": str(options.seed),
        "sources_digest": sources,
        "recipe": json.dumps(options.content()),
        "clips": json.dumps(dict(request.clips)),
        "cells": json.dumps(dict(zip(laid.names, laid.counts, strict=True))),
        "noise": json.dumps(request.snr is not None),
    }


def _female_share(pool: Pool) -> Fraction:
    """Return the share of female speakers among all that can be used."""
    can = pool.usable & ~pool.noise & (pool.speaker >= 0)
    female = len(np.unique(pool.speaker[can & (pool.sex == 0)]))
    male = len(np.unique(pool.speaker[can & (pool.sex == 1)]))
    return Fraction(female, female + male) if female + male else Fraction(1, 2)


def check_speakers(table: pa.Table) -> None:
    """Raise InputError where no recording of a SOURCES table that can be used has a speaker."""
    columns = (table.column(name).to_pylist() for name in ("corpus", "speaker_id", "status"))
    good = [(corpus, speaker) for corpus, speaker, status in zip(*columns, strict=True) if status == "ok"]
    if all(speaker is None for corpus, speaker in good if corpus != NOISE):
        raise InputError(
            f"none of the {counted(len(good), 'recording')} that can be used has a speaker; wanted a table with the columns "
            "path, speaker_id and sex: the command that reads the recordings (synth mix, synth index) with --csv FILE"
        )


def _check_speech(table: pa.Table) -> None:
    """Raise InputError where speakers may be drawn from recordings of which the table does not say when somebody speaks."""
    columns = [table.column(name).to_pylist() for name in ("source_id", "corpus", "speaker_id", "status")]
    lacks = [True] * table.num_rows
    if "speech" in table.column_names:
        lacks = table.column("speech").is_null().to_pylist()
    for name, corpus, speaker, status, lacking in zip(*columns, lacks, strict=True):
        if corpus != NOISE and speaker is not None and status == "ok" and lacking:
            raise InputError(
                f"these sources do not say when somebody speaks (column speech, e.g. of {name}): an earlier version took "
                f"every loud frame for speech. Index again: {MADE_BY}"
            )


def _check_clips(pool: Pool, request: Request) -> None:
    """Raise InfeasibleError when a split that is to get clips has no sources at all."""
    from synth.tables import SPLITS

    for split, clips in request.clips.items():
        if not (pool.split == SPLITS.index(split)).any():
            have = [name for k, name in enumerate(SPLITS) if (pool.split == k).any()]
            nearest: Mapping[str, int] = {name: request.clips.get(name, 0) if name in have else 0 for name in SPLITS}
            raise InfeasibleError(
                f"--clips asks for {counted(clips, 'clip')} in {split}, but no source is in {split} (splits with sources: "
                f"{', '.join(have)}). Nearest feasible: --clips {'/'.join(str(nearest[name]) for name in SPLITS)}, "
                f"or a --split with a share for {split}"
            )
