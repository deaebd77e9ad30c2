"""What lies beside ``data/`` and would be loaded with it, or run: tables, lists, sounds and scripts that are not synth's.

Libraries that load a folder take what has a known ending, a script that is called like the folder, or a description of
the set that they believe before the files. Texts, pictures and one's own documents do no harm, nor do further tables of
synth (verdicts, scores, sources) or another data set of synth in a folder of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from synth.errors import InputError
from synth.store.parquet import File
from synth.tables import LEDGER, SCORES, SOURCES, VERDICTS

_TABLES = ("manifest.parquet", "plan.parquet", "sources.parquet")
_OURS = (*_TABLES, "audit.json", "recipe.toml", "README.md", "attribution.txt")
_LOADED = (
    ".parquet", ".arrow", ".feather", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xml", ".h5", ".hdf5", ".lance",
    ".zip", ".tar", ".gz", ".bz2", ".xz", ".zst", ".py", ".pkl", ".npy", ".npz", ".safetensors",
    ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aiff", ".aif",
)  # fmt: skip


def strays(out: Path) -> list[str]:
    """Return what lies in a folder beside ``data/`` that a library might load, by its path below the folder, sorted."""
    found = []
    for where, folders, files in os.walk(out):
        here = Path(where)
        top = here == out
        folders[:] = [
            name
            for name in folders
            if not name.startswith((".", "__"))
            and not (top and name in ("data", "pictures"))
            and not _is_set(here / name)
        ]
        for name in files:
            path = here / name
            if name.startswith(".") or (top and name in _OURS) or not name.lower().endswith(_LOADED):
                continue
            if not _is_table(path):
                found.append(path.relative_to(out).as_posix())
    return sorted(found)


def _is_set(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _TABLES)


def _is_table(path: Path) -> bool:
    """Say whether a file is a further table of synth, without sounds in it."""
    if path.suffix.lower() != ".parquet":
        return False
    try:
        names = set(File(path).schema_arrow.names)
    except InputError:
        return False
    tables = (SOURCES.required, LEDGER.required, VERDICTS.required, SCORES.required)
    return "audio" not in names and any(names >= set(required) for required in tables)
