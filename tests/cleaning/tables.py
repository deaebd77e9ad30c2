"""Small SOURCES tables and scores in files, and the command that judges them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from synth.cli.main import main
from synth.tables import SOURCES


def sources(
    path: Path,
    labels: Sequence[Sequence[str]],
    status: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> list[str]:
    """Write a SOURCES table of clips ``clips/0.wav``, … with these labels; return their ids."""
    n = len(labels)
    columns = {column.name: pa.nulls(n, column.type) for column in SOURCES.columns}
    ids = [f"clips/{k}.wav" for k in range(n)]
    kind = {column.name: column.type for column in SOURCES.columns}
    columns["source_id"] = pa.array(ids)
    columns["root"] = pa.array(["clips"] * n)
    columns["path"] = pa.array([f"{k}.wav" for k in range(n)])
    columns["labels"] = pa.array([list(one) for one in labels], kind["labels"])
    columns["group_id"] = pa.array(list(groups) if groups else ids)
    columns["status"] = pa.array(list(status) if status else ["ok"] * n)
    pq.write_table(pa.table(columns, schema=SOURCES.schema()), path)
    return ids


def long(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = ("source_id", "label", "score")) -> Path:
    """Write a CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def run(*words: object) -> Result:
    """Run a command of synth in this process."""
    found = CliRunner().invoke(main, [str(word) for word in words], prog_name="synth")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def cleaned(*words: object) -> dict[str, object]:
    """Run ``synth clean`` and return what it says to programs."""
    found = run("clean", *words, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def refused(*words: object) -> str:
    """Run ``synth clean``, which is to end with exit code 3; return the message on one line."""
    found = run("clean", *words)
    assert found.exit_code == 3, found.output
    return " ".join(found.stderr.split())
