"""Data sets made wrong on purpose: edit a plan, a table or the audio of an honest one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synth.audio.encode import WAV_HEADER_BYTES
from synth.steps.render import render
from synth.store.parquet import digest, file_metadata
from synth.tables import PLAN, SOURCES


def plan_rows(folder: Path) -> list[dict]:
    return pq.ParquetFile(folder / "plan.parquet").read().to_pylist()


def rendered_from(honest: Path, rows: list[dict], out: Path) -> Path:
    """Render a changed plan as if it had been planned so: its metadata and its digest agree with its values."""
    work = out.with_name(f"{out.name}-plan")
    work.mkdir()
    shutil.copy(honest / "sources.parquet", work)
    table = pa.Table.from_pylist(rows, schema=PLAN.schema({}))
    metadata = {**file_metadata(pq.ParquetFile(honest / "plan.parquet")), "digest": digest(table, PLAN.names)}
    pq.write_table(table.cast(PLAN.schema(metadata)), work / "plan.parquet")
    render(work / "plan.parquet", out=out, jobs=1)
    return out


def of_an_earlier_version(folder: Path, out: Path, **rendering: object) -> Path:
    """Render the plan of a folder as an earlier version did: its SOURCES know nothing of speech, nor does their digest."""
    work = out.with_name(f"{out.name}-plan")
    work.mkdir()
    sources = pq.ParquetFile(folder / "sources.parquet").read().select(SOURCES.required)
    pq.write_table(sources, work / "sources.parquet")
    file = pq.ParquetFile(folder / "plan.parquet")
    metadata = {**file_metadata(file), "sources_digest": digest(sources, SOURCES.required)}
    pq.write_table(file.read().cast(PLAN.schema(metadata)), work / "plan.parquet")
    render(work / "plan.parquet", out=out, jobs=1, **rendering)
    return out


def copied(honest: Path, out: Path) -> Path:
    shutil.copytree(honest, out)
    return out


def table_edited(path: Path, column: str, edit) -> None:
    """Change the values of a column with ``edit(row number, value)`` and keep everything else of the file."""
    table = pq.ParquetFile(path).read()
    values = [edit(k, value) for k, value in enumerate(table.column(column).to_pylist())]
    position = table.schema.get_field_index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(position, field, pa.array(values, field.type)), path)


def audio_edited(folder: Path, edit) -> None:
    """Change samples in data/ with ``edit(n_speakers, samples)``; ``None`` leaves a clip alone."""
    for path in sorted((folder / "data").glob("*.parquet")):
        counts = iter(pq.ParquetFile(path).read(columns=["n_speakers"]).column(0).to_pylist())

        def one(_: int, audio: dict, counts=counts) -> dict:
            header, pcm = audio["bytes"][:WAV_HEADER_BYTES], np.frombuffer(audio["bytes"][WAV_HEADER_BYTES:], np.int16)
            changed = edit(next(counts), pcm)
            return audio if changed is None else {**audio, "bytes": header + changed.astype(np.int16).tobytes()}

        table_edited(path, "audio", one)


def failed(result) -> set[str]:
    return {finding.claim for finding in result.findings if finding.holds is False}


def found(result, claim: str):
    return next(finding for finding in result.findings if finding.claim == claim)


def audit_json(folder: Path) -> dict:
    return json.loads((folder / "audit.json").read_text())
