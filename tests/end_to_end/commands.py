"""Run ``synth`` as its users do, in a process of its own, and read what it left."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import soundfile

from synth.store.parquet import digest

SYNTH = (sys.executable, "-m", "synth")
DEADLINE_S = 300  # of one command; none comes near it, and no result depends on it


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def says(self) -> str:
        """All that it printed, on one line: messages are wrapped for no one."""
        return " ".join((self.out + self.err).split())

    @property
    def json(self) -> dict[str, Any]:
        """The object on standard output of a command with --json."""
        return json.loads(self.out)


def synth(*words: object, code: int | None = 0, cwd: Path | None = None, **env: str) -> Done:
    """Run a command to its end; ``code`` is the exit status it must have (None: any)."""
    ran = subprocess.run(
        [*SYNTH, *map(str, words)],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **env},
        timeout=DEADLINE_S,
    )
    done = Done(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))
    if code is not None and done.code != code:
        raise AssertionError(
            f"synth {' '.join(map(str, words))}\nexit {done.code}, wanted {code}\n{done.out}\n{done.err}"
        )
    assert "Traceback" not in done.err, done.err
    return done


def planned(folder: Path, *source: object, split: str = "80/10/10", plan: tuple = (), index: tuple = ()) -> Path:
    """Index, split and plan into ``folder``; return the plan, its sources lie beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    options = dict(zip(plan[::2], plan[1::2], strict=True))
    shared = [word for name in ("--speakers", "--clips", "--seed") if name in options for word in (name, options[name])]
    synth("index", *(source or ["demo-voices"]), *index, "-o", folder / "indexed.parquet")
    synth("split", folder / "indexed.parquet", "--split", split, *shared, "-o", folder / "sources.parquet")
    synth("plan", folder / "sources.parquet", *plan, "-o", folder / "plan.parquet")
    return folder / "plan.parquet"


def files(folder: Path, skip: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the sha256 of every file below a folder, by path."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in sorted(found.items()) if name not in skip}


def values(path: Path) -> str:
    """Return the digest of the values of all columns of a table."""
    table = pq.read_table(path)
    return digest(table, table.column_names)


def rows(path: Path, *columns: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file."""
    return pq.ParquetFile(path).read(columns=list(columns) or None).to_pylist()


def cell_names(folder: Path) -> list[str]:
    """Return the names of the classes of a data set."""
    schema = pq.read_schema(folder / "manifest.parquet")
    return json.loads(schema.metadata[b"huggingface"])["info"]["features"]["cell"]["names"]


def samples(audio: bytes | Path) -> np.ndarray:
    """Return the 16-bit samples of an encoded clip."""
    opened = io.BytesIO(audio) if isinstance(audio, bytes) else audio
    return soundfile.read(opened, dtype="int16")[0]


def clips(folder: Path, *columns: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of all shards, in the order of the manifest, audio and stems as 16-bit samples."""
    for split in ("train", "val", "test"):
        for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
            for batch in pq.ParquetFile(path).iter_batches(columns=list(columns) or None):
                for row in batch.to_pylist():
                    if "audio" in row:
                        row["audio"] = samples(row["audio"]["bytes"])
                    if "stems" in row:
                        row["stems"] = [samples(stem["bytes"]) for stem in row["stems"]]
                    yield row


def litter(folder: Path) -> list[str]:
    """Return what must not be left in a finished folder: names with a dot in front, temporary names."""
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.name.startswith((".", "~", "tmp"))]
