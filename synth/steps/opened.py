"""A plan and the sources it was made from, opened and checked to belong together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synth.corpora.folder import NAME as FOLDER
from synth.errors import InputError, UsageError, listed, near
from synth.recipe import ManifestOptions, MixOptions, Options, options
from synth.rendering.planfile import PlanFile
from synth.store import parquet
from synth.tables import FORMAT_VERSION, FRAMES_PER_S, LABELLED_PLAN, PLAN, SOURCES, Table

MADE_BY = "synth plan split.parquet -o plan.parquet"
SOURCES_BY = "synth index PATH -o sources.parquet"
_OF_ANY = ("seed", "recipe", "clips", "cells", "sources_digest", "digest")
_OF_KIND = {"mix": ("noise", "lowered"), "manifest": ("command", "labels", "one_label", "judged", "left_out", "facts")}
_OF_SOURCES = ("table", "format_version", "rate_hz", "split", "csv")
MOST_FRAMES = 24 * 3600 * FRAMES_PER_S  # of a clip: a day


@dataclass(frozen=True, slots=True)
class Opened:
    """A plan with its sources: options, digest of the values, clips by split, cells.

    ``labels``: the classes of clips that have one label each, else none.
    """

    plan: Path
    sources: pa.Table
    options: Options
    digest: str
    clips: dict[str, int]
    cells: tuple[str, ...]
    used: np.ndarray  # (sources,) how often each source is used
    length_n: int
    labels: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether the clips are labelled recordings as they are, not mixtures of speakers."""
        return isinstance(self.options, ManifestOptions)


def read_sources(path: Path, made_by: str) -> pa.Table:
    """Read a SOURCES table whose metadata say what commands need of it: the rate, and which tables described folders.

    Other programs drop the metadata of a table that they write again, and what is not there would be lost silently.
    Raises InputError as :func:`synth.store.parquet.read` does, and for metadata that are gone or were renamed.
    """
    table = parquet.read(path, SOURCES, made_by)
    said = parquet.metadata(table.schema)
    columns = (table.column(name).to_pylist() for name in ("corpus", "speaker_id", "labels"))
    described = any(corpus == FOLDER and (speaker or labels) for corpus, speaker, labels in zip(*columns, strict=True))
    lost = [key for key, needed in (("rate_hz", True), ("csv", described)) if needed and key not in said]
    renamed = [key for key in _OF_SOURCES if key not in said and _renamed([key], said, _OF_SOURCES)]
    if lost or renamed:
        raise InputError(
            f"{path} lacks {listed(lost or renamed)} in its metadata{_renamed(lost or renamed, said, _OF_SOURCES)}: it was changed, or "
            f"written again by a program that drops them. Keep table.schema.metadata (pyarrow), or make it again with: {made_by}"
        )
    return table


def _renamed(lost: Sequence[str], said: Mapping[str, str], known: Sequence[str]) -> str:
    """Return which key that is none of the ``known`` a lost one may have become, in brackets, or nothing."""
    others = [key for key in said if key not in known]
    found = [other for other in others if any(key in near(other, lost) for key in lost)]
    return f" (it has {listed(found)})" if found else ""


def open_plan(plan: Path, sources: Path | None = None, table: pa.Table | None = None) -> Opened:
    """Open a plan and its sources (a file, or the ``table`` itself), and check that they belong together.

    Raises InputError.
    """
    file = parquet.typed(parquet.opened(plan, PLAN, MADE_BY), PLAN, MADE_BY)
    meta = plan_metadata(file, plan)
    if table is None:
        table = _sources_of(plan, sources, meta["sources_digest"])
    index = {name: k for k, name in enumerate(table.column("source_id").to_pylist())}
    digest = _digest(file)
    if meta.get("digest", digest) != digest:
        raise InputError(
            f"the values of {plan} are not those that it was made with (their digest is {digest[:12]}, its metadata say "
            f"{meta['digest'][:12]}): it is damaged or was changed. Make it again with: {MADE_BY}"
        )
    asked = plan_options(meta, plan)
    needed = (*_OF_ANY, *_OF_KIND[asked.command])
    lost = [key for key in needed if key not in meta]
    if lost:
        raise InputError(
            f"{plan} lacks {listed(lost)} in its metadata{_renamed(lost, meta, needed)}: it was changed, or written by another "
            f"program. Make it again with: {MADE_BY}"
        )
    length_n = round(asked.seconds * FRAMES_PER_S) * (asked.rate // FRAMES_PER_S)
    clips = _clips_of(file)
    return Opened(
        plan,
        table,
        asked,
        digest,
        clips,
        tuple(json.loads(meta["cells"])),
        PlanFile(plan, index).used(),
        length_n,
        plan_labels(meta),
    )


def plan_options(meta: Mapping[str, str], plan: Path) -> Options:
    """Return the options in the metadata of a plan. Raises InputError when no command could have written them."""
    try:
        found = options(meta.get("command", MixOptions.command), json.loads(meta["recipe"]), str(plan))
    except (UsageError, KeyError) as error:
        raise InputError(f"{plan}: its metadata are damaged ({error}); wanted a plan made by: {MADE_BY}") from error
    if found.rate < FRAMES_PER_S or found.rate % FRAMES_PER_S or not 1 <= found.seconds * FRAMES_PER_S < MOST_FRAMES:
        raise InputError(
            f"{plan}: its metadata say {found.rate} Hz and clips of {found.seconds:g} s, which no command writes; wanted "
            f"a plan made by: {MADE_BY}"
        )
    return found


def plan_labels(meta: Mapping[str, str]) -> tuple[str, ...]:
    """Return the classes of a plan whose clips have one label each; none for any other plan."""
    return tuple(json.loads(meta["labels"])) if json.loads(meta.get("one_label", "false")) else ()


def plan_table(file: pq.ParquetFile) -> Table:
    """Return which table of the contract a plan file is: that of mixtures, or that of labelled clips."""
    return LABELLED_PLAN if "labels" in file.schema_arrow.names else PLAN


def plan_metadata(file: pq.ParquetFile, plan: Path) -> dict[str, str]:
    """Return the metadata of a plan file. Raises InputError when it does not say what a plan says."""
    found = parquet.file_metadata(file)
    labelled = ("labels",) if found.get("command") == ManifestOptions.command else ()
    for key in ("recipe", "clips", "cells", "sources_digest", *labelled):
        if key not in found:
            raise InputError(f"{plan} has no '{key}' in its metadata; wanted a plan made by: {MADE_BY}")
    if found.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        raise InputError(
            f"{plan} has the format version {found['format_version']}, this synth reads {FORMAT_VERSION}: it is damaged, "
            f"or of another synth. Make one with: {MADE_BY}"
        )
    for key, kind in {"recipe": dict, "clips": dict, "cells": dict, "labels": dict, "one_label": bool}.items():
        try:
            fits = isinstance(json.loads(found.get(key, "false" if kind is bool else "{}")), kind)
        except ValueError:
            fits = False
        if not fits:
            raise InputError(f"{plan}: '{key}' in its metadata is damaged; wanted a plan made by: {MADE_BY}")
    return found


def _sources_of(plan: Path, given: Path | None, digest: str) -> pa.Table:
    """Return the SOURCES table of a plan: the one given, or the one beside the plan whose values it was made from."""
    names = [given] if given else [plan.parent / name for name in ("sources.parquet", "split.parquet")]
    found = [name for name in names if name.exists()] or names[:1]
    for name in found:
        table = read_sources(name, f"{SOURCES_BY}; or say where: --sources FILE")
        if parquet.digest(table, SOURCES.names_in(table.column_names)) == digest:
            return table
    raise InputError(
        f"{plan} was made from other sources than those of {listed(found)} (the digests of their values differ); "
        "give the table the plan was made from: --sources FILE"
    )


def open_digest(plan: Path) -> str:
    """Return the digest of the values of a plan file."""
    return _digest(parquet.opened(plan, PLAN, MADE_BY))


def _digest(file: pq.ParquetFile) -> str:
    digest = parquet.Digest(plan_table(file).names)
    for group in range(file.metadata.num_row_groups):
        digest.update(file.read_row_group(group, use_threads=False))
    return digest.hexdigest()


def _clips_of(file: pq.ParquetFile) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in range(file.metadata.num_row_groups):
        for entry in file.read_row_group(group, columns=["split"]).column(0).value_counts().to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return counts
