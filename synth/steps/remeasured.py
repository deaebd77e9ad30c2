"""Sources measured at one rate, made ready for clips at another: through the cache, so that no file is read twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.cache import Cache
from synth.audio.measured import Measured
from synth.errors import InputError, listed
from synth.steps import index
from synth.steps import roots as where
from synth.steps.progress import Progress
from synth.steps.spoken import spoken
from synth.store import arrays, parquet
from synth.tables import NOISE, SOURCES
from synth.units import counted


def remeasured(
    sources: pa.Table,
    taken: NDArray[np.bool_],
    rate: int,
    given: Mapping[str, Path],
    jobs: int,
    progress: Progress,
) -> pa.Table:
    """Return a SOURCES table whose rows ``taken`` (S,) are measured for clips at ``rate`` Hz; the others keep no measures.

    The table itself where it was measured at that rate. Raises InputError naming recordings that are missing or changed.
    """
    said = parquet.metadata(sources.schema)
    if said.get("rate_hz") == json.dumps(rate):
        return sources
    roots, paths, hashes = (sources.column(name).to_pylist() for name in ("root", "path", "sha256"))
    rows = np.nonzero(taken)[0].tolist()
    with Cache() as cache:
        folders = where.located(cache, sorted({roots[k] for k in rows}), given)
        found, _, _ = index.measure(cache, [folders[roots[k]] / paths[k] for k in rows], rate, jobs, progress)
    wrong = [
        f"{roots[k]}/{paths[k]} ({fact.reason or 'other bytes'})"
        for k, fact in zip(rows, found, strict=True)
        if fact.sha256 != hashes[k]
    ]
    if wrong:
        raise InputError(
            f"{len(wrong)} of {counted(len(rows), 'recording is', 'recordings are')} missing, or not those that these sources were made from: "
            f"{listed(wrong)}. Put the original files back, say where the corpus lies (--root NAME=PATH), or index again"
        )
    names, speakers, labels = (sources.column(name).to_pylist() for name in ("corpus", "speaker_id", "labels"))
    found = [
        spoken(fact, names[k] != NOISE and speakers[k] is not None, bool(labels[k]))
        for k, fact in zip(rows, found, strict=True)
    ]
    facts = [Measured("", "")] * len(roots)
    for k, fact in zip(rows, found, strict=True):
        facts[k] = fact
    status, reason = (sources.column(name).to_pylist() for name in ("status", "reason"))
    for k, fact in zip(rows, found, strict=True):
        status[k], reason[k] = fact.status, fact.reason
    columns = index.at_rate(facts) | {"status": arrays.texts(status), "reason": arrays.texts(reason)}
    for name, column in columns.items():
        position = sources.schema.get_field_index(name)
        if position < 0:  # a table of an earlier version
            sources = sources.append_column(SOURCES.schema().field(name), column)
        else:
            sources = sources.set_column(position, sources.schema.field(name), column)
    return sources.replace_schema_metadata({**said, "rate_hz": json.dumps(rate)})
