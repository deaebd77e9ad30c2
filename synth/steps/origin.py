"""Which SOURCES table verdicts were made from: remembered by ``synth clean``, found again by ``synth review``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from synth.errors import InputError
from synth.store import parquet
from synth.tables import SOURCES

SOURCES_BY = "synth index PATH -o sources.parquet; or say where: --sources FILE"
_USUAL = "sources.parquet"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the SOURCES of some verdicts lie, and what is to be said of it: moved, or changed since."""

    path: Path
    warnings: tuple[str, ...] = ()


def remembered(sources: Path, verdicts: Path | None, digest: str) -> dict[str, str]:
    """Return metadata of a VERDICTS table: its SOURCES, as a path from the folder of the table, and their digest."""
    name = sources.name
    if verdicts is not None:
        try:
            name = Path(os.path.relpath(sources.resolve(), verdicts.resolve().parent)).as_posix()
        except ValueError:  # on another drive
            name = sources.resolve().as_posix()
    return {"sources": name, "sources_digest": digest}


def digest(file: pq.ParquetFile) -> str:
    """Return the digest of a SOURCES table."""
    total = parquet.Digest(SOURCES.names)
    for group in range(file.metadata.num_row_groups):
        total.update(file.read_row_group(group, columns=SOURCES.names, use_threads=False))
    return total.hexdigest()


def place(verdicts: Path, metadata: Mapping[str, str]) -> Path:
    """Return where the SOURCES of a VERDICTS table should lie: where they are, if they are in one of the places."""
    places = _places(verdicts, metadata)
    return next((one for one in places if one.is_file()), places[0])


def found(verdicts: Path, metadata: Mapping[str, str], given: Path | None) -> Origin:
    """Return the SOURCES of a VERDICTS table, or those that are ``given``. Raises InputError where they are nowhere."""
    name = metadata.get("sources")
    path = given or place(verdicts, metadata)
    if given is None and name and not path.is_file():
        raise InputError(
            f"{verdicts} was made from {name} (as seen from its folder), and {path} does not exist; wanted that table of "
            "sources. Say where it is: --sources FILE"
        )
    warnings = []
    if given is None and name and path != _places(verdicts, metadata)[0]:
        warnings.append(f"{verdicts} was made from {name}, which is not there any more; {path} is used")
    before = metadata.get("sources_digest")
    if before and digest(parquet.opened(path, SOURCES, SOURCES_BY)) != before:
        warnings.append(
            f"{path} is not the table that {verdicts} was made from, or has changed since: verdicts on recordings or labels "
            "that are not in it are left out. synth clean makes new verdicts and keeps what people decided"
        )
    return Origin(path, tuple(warnings))


def _places(verdicts: Path, metadata: Mapping[str, str]) -> list[Path]:
    names = [name for name in (metadata.get("sources"),) if name]
    names = [*names, *(Path(name).name for name in names), _USUAL]
    return [Path(os.path.normpath(verdicts.parent / name)) for name in names]
