"""``synth verify``: render a sample again and compare it with the data; are all shards there, and the manifest theirs?"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.envelope import frame_length
from synth.checking import files, layout, left_out, metadata, planned, stored
from synth.checking.metadata import Planned
from synth.errors import ClaimError, InputError, typed
from synth.recipe import ManifestOptions, MixOptions
from synth.rendering.job import Job
from synth.rendering.mixer import Mixer
from synth.rendering.planfile import PlanFile, PlanRows
from synth.rendering.samples import Samples
from synth.rendering.shards import stamp
from synth.steps.opened import MADE_BY, SOURCES_BY, Opened, open_digest, plan_labels, plan_metadata, plan_options
from synth.steps.progress import Progress, silent
from synth.steps.render import job_of, job_with
from synth.steps.results import Result
from synth.store import arrays, parquet
from synth.tables import LABEL, MANIFEST, NOISE, PLAN, SOURCES

Ints = NDArray[np.int64]
Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True, repr=False)
class Verified(Result):
    """What was compared: how many of the clips were rendered again, the ids of those that differ, and other problems."""

    out: Path
    checked: int
    of: int
    differing: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the folder is what its plan makes."""
        return not self.differing and not self.problems


def verify(
    out: str | Path,
    *,
    everything: bool = False,
    sample: int = 200,
    roots: Mapping[str, Path] | None = None,
    progress: Progress = silent,
) -> Verified:
    """Render clips of an output folder again, from its plan and the corpora, and compare every sample with ``data/``.

    ``sample`` clips, evenly spread, or ``everything``; stems are compared where the folder has them, FLAC after decoding.
    Also: every shard is there, whole, of this plan, data/ holds nothing else, and the manifest's rows are those of the
    shards. Raises InputError when the folder is no data set, a table of it is damaged, or its sources are not to be found.
    """
    folder = Folder.opened(Path(out))
    total = len(folder.plan.table)
    problems = [f"{part.name} {why}" for part in folder.parts if (why := stored.problem(part, folder.stamp))]
    differing: dict[str, None] = dict.fromkeys(
        name
        for part in folder.parts
        if stored.problem(part, folder.stamp)
        for name in folder.ids(part.first, part.first + 1)
    )
    why, rows = files.manifest_differs(folder.out / "manifest.parquet", folder.parts, folder.columns)
    problems += [why] if why else []
    problems += layout.problems(folder.wanted) + metadata.problems(folder.wanted, folder.said)
    problems += [folder.unsound] if folder.unsound else []
    differing |= dict.fromkeys(name for row in rows for name in folder.ids(row, row + 1))
    chosen = (
        np.arange(total) if everything else np.unique(np.linspace(0, total - 1, min(sample, total)).astype(np.int64))
    )
    if folder.unsound:
        return Verified(folder.out, 0, total, tuple(differing), tuple(problems))
    again = Again(folder, folder.job(chosen, roots or {}, progress))
    checked = 0
    for part, wanted in stored.runs_of(chosen, folder.parts):
        for run in stored.read(part, wanted, folder.length_n, folder.rate_hz):
            mix, stems = again.clips(run.first, len(run.mix))
            rows_ = set(run.damaged) | differing_rows(run, mix, stems)
            differing |= dict.fromkeys(name for row in sorted(rows_) for name in folder.ids(row, row + 1))
            checked += len(run.mix)
            progress("verifying", checked, len(chosen))
    return Verified(folder.out, checked, total, tuple(differing), tuple(problems))


def differing_rows(run: stored.Run, mix: Pcm, stems: Sequence[Pcm]) -> set[int]:
    """Return the rows of a run whose samples, or whose stems where it has any, are others than those rendered again."""
    rows = {run.first + int(k) for k in np.nonzero((run.mix != mix).any(axis=1))[0]}
    if run.stems is not None:
        rows |= {
            run.first + k
            for k, (found, made) in enumerate(zip(run.stems, stems, strict=True))
            if found.shape != made.shape or not np.array_equal(found, made)
        }
    return rows


@dataclass(frozen=True)
class Folder:
    """An output folder: its plan, its sources, and where its shards should lie."""

    out: Path
    sources: pa.Table
    plan: PlanRows
    metadata: Mapping[str, str]
    opened_plan: Opened
    parts: tuple[stored.Part, ...]
    stamp: Mapping[str, str]

    @classmethod
    def opened(cls, out: Path) -> Folder:
        """Open a folder without judging whether its tables belong together. Raises InputError when it is no data set."""
        if not any((out / f"{name}.parquet").is_file() for name in ("sources", "plan", "manifest")):
            raise InputError(_no_set(out))
        sources = parquet.read(out / "sources.parquet", SOURCES, SOURCES_BY)
        file = parquet.typed(parquet.opened(out / "plan.parquet", PLAN, MADE_BY), PLAN, MADE_BY)
        rendered_by = typed("synth", "render", out / "plan.parquet", "-o", out)
        parquet.typed(parquet.opened(out / "manifest.parquet", MANIFEST, rendered_by), MANIFEST, rendered_by)
        metadata = plan_metadata(file, out / "plan.parquet")
        ids = {name: k for k, name in enumerate(sources.column("source_id").to_pylist())}
        plan = PlanFile(out / "plan.parquet", ids).whole()
        options = plan_options(metadata, out / "plan.parquet")
        data = out / "data"
        in_files = not any(data.glob("*.parquet")) and any(data.glob("*/*/metadata.parquet"))
        options = replace(options, store="files" if in_files else "parquet")
        frame_n = frame_length(options.rate)
        made = Opened(
            plan=out / "plan.parquet",
            sources=sources,
            options=options,
            digest=open_digest(out / "plan.parquet"),
            clips=_clips(plan.table.column("split")),
            cells=tuple(json.loads(metadata["cells"])),
            used=np.bincount(plan.source, minlength=len(ids)),
            length_n=round(options.seconds * options.rate / frame_n) * frame_n,
            labels=plan_labels(metadata),
        )
        job = job_with(made, out, {}, {})
        parts = [
            stored.Part(
                shard.name,
                job.table(shard),
                shard.row,
                shard.row + shard.end - shard.first,
                not in_files,
                options.codec,
            )
            for shard in job.shards(made.clips)
        ]
        return cls(out, sources, plan, metadata, made, tuple(parts), stamp(job))

    @property
    def wanted(self) -> layout.Wanted:
        """What the plan says of the files in ``data/``."""
        made = self.opened_plan
        classes = {"cell": made.cells, LABEL.name: made.labels}
        return layout.Wanted(
            out=self.out,
            shards=self.parts,
            rate_hz=self.rate_hz,
            length_n=self.length_n,
            codec=made.options.codec,
            stems=made.options.stems,
            stamp=self.stamp,
            classes={name: names for name, names in classes.items() if names},
            ids=self.plan.table.column("clip_id"),
            parts=np.diff(self.plan.offsets),
        )

    @cached_property
    def sources_digest(self) -> str:
        """The digest of the values of SOURCES."""
        return parquet.digest(self.sources, SOURCES.names_in(self.sources.column_names))

    @cached_property
    def unsound(self) -> str:
        """Why the plan cannot be rendered as it stands, or nothing: its values, or those of SOURCES, were changed."""
        if self.metadata.get("digest", self.opened_plan.digest) != self.opened_plan.digest:
            return "the values of plan.parquet are not those that it was made with"
        if self.sources_digest != self.metadata["sources_digest"]:
            return "sources.parquet has other values than those that the plan was made from"
        plan = self.plan
        frames, own = (arrays.as_numpy(self.sources.column(name), np.int64) for name in ("frames", "rate_hz"))
        there = np.ceil(frames * (self.rate_hz / np.maximum(own, 1)))
        fits = (plan.start_n >= 0) & (plan.start_n + plan.length_n <= there[plan.source])
        fits &= (plan.onset_n >= 0) & (plan.length_n > 0) & (plan.onset_n + plan.length_n <= self.length_n)
        if not fits.all():
            clip = self.ids(*((k := int(plan.clip_of_part[~fits][0])), k + 1))[0]
            return f"plan.parquet has windows that lie outside their recording or their clip, e.g. in {clip}"
        return ""

    @property
    def columns(self) -> list[str]:
        """The columns of its manifest."""
        return [*MANIFEST.names, *([LABEL.name] if self.opened_plan.labels else [])]

    @property
    def rate_hz(self) -> int:
        """The rate of the clips."""
        return self.opened_plan.options.rate

    @property
    def length_n(self) -> int:
        """Samples in a clip."""
        return self.opened_plan.length_n

    @property
    def stored_as(self) -> str:
        """How each clip should be stored, in words."""
        codec = self.opened_plan.options.codec.upper()
        return f"{codec} of {self.length_n:,} samples, 16 bits, at {self.rate_hz:,} Hz"

    @cached_property
    def said(self) -> Planned:
        """What rows and recipe say, for the metadata of the tables to be compared with."""
        made, plan = self.opened_plan, self.plan
        options = made.options
        noise = [name == NOISE for name in self.sources.column("corpus").to_pylist()]
        lowered = None
        if isinstance(options, MixOptions) and not self.unsound:
            level = arrays.as_numpy(plan.table.column("level_dbfs"), np.float64).astype(np.float64)
            lowered = planned.lowered(level, plan.gain_q12, plan.offsets, made.clips, options.seed, options.level_dbfs)
        lost = None
        if isinstance(options, ManifestOptions) and not self.unsound:
            content = options.content()
            lost = left_out.counted(self.sources, plan.table, plan.source, self.rate_hz, self.length_n, content)
        noisy = bool(np.array(noise)[plan.source].any())
        return Planned(options.command, options.content(), noisy, lowered, lost)

    def job(self, rows: Ints, given: Mapping[str, Path], progress: Progress, without: Collection[str] = ()) -> Job:
        """Return the job that makes the clips again; the recordings of ``rows`` are hashed again, as nothing is taken on trust.

        ``without``: source_ids that are not looked for, as no clip of ``rows`` uses them. Raises UnlikeError for other
        recordings that are missing, or not those that the plan was made for, InputError where a root is not to be found.
        """
        made = self.opened_plan
        if without:
            made = replace(made, used=np.where(self.rows_of(without), 0, made.used))
        wanted = np.zeros(len(self.plan.table), np.bool_)
        wanted[rows] = True
        doubted = np.unique(self.plan.source[np.repeat(wanted, np.diff(self.plan.offsets))])
        return job_of(made, self.out, given, progress, doubted.tolist())

    def rows_of(self, ids: Collection[str]) -> NDArray[np.bool_]:
        """Return which rows of SOURCES have one of these ids, shape (S,)."""
        return np.isin(self.sources.column("source_id").to_numpy(zero_copy_only=False).astype(np.str_), list(ids))

    def ids(self, first: int, end: int) -> list[str]:
        """Return the ids of some clips."""
        return [str(name) for name in self.plan.table.column("clip_id").slice(first, end - first).to_pylist()]


class Again:
    """Makes clips of a folder again, from the corpora."""

    def __init__(self, folder: Folder, job: Job) -> None:
        self._folder, self._plan, self._job = folder, folder.plan, job
        self._mixer = Mixer(folder.length_n, folder.rate_hz, job.as_is)

    @cached_property
    def _samples(self) -> Samples:
        table = self._folder.sources
        dc_n, rate_hz = (arrays.as_numpy(table.column(name), np.int64).astype(np.int64) for name in ("dc_n", "rate_hz"))
        ids = table.column("source_id").to_pylist()
        return Samples(ids, self._folder.rate_hz, self._job.places, self._job.files, dc_n, rate_hz)

    def window(self, source: int, start: int, length: int) -> Pcm:
        """Return samples of a source as they are rendered."""
        return self._samples.window(source, start, length)

    def is_mapped(self, source_id: str) -> bool:
        """Return whether a source lies decoded in the arena."""
        return source_id in self._job.places

    def clips(self, first: int, count: int) -> tuple[Pcm, list[Pcm]]:
        """Return the samples (count, length_n) of rows of the plan, and the stems of each, in the order of the parts."""
        plan, length = self._plan, self._folder.length_n
        bounds = plan.offsets[first : first + count + 1]
        out = np.empty((count, length), np.int16)
        flat = np.empty((int(bounds[-1] - bounds[0]), length), np.int16)
        stems = []
        columns = (plan.source, plan.start_n, plan.length_n, plan.onset_n, plan.gain_q12)
        parts = list(zip(*(column[bounds[0] : bounds[-1]].tolist() for column in columns), strict=True))
        for k, (a, b) in enumerate(
            zip((bounds[:-1] - bounds[0]).tolist(), (bounds[1:] - bounds[0]).tolist(), strict=True)
        ):
            heard = [(self.window(source, start, n), onset, gain) for source, start, n, onset, gain in parts[a:b]]
            stems.append(flat[a:b])
            try:
                self._mixer.mix(heard, out[k], stems[-1])
            except ClaimError:  # it passes 16 bits: nothing that a file could hold
                out[k] = 0
        return out, stems


def _no_set(out: Path) -> str:
    """Say that a path is no data set, and which one was meant, or how one is made."""
    what = "holds no data set (no plan.parquet)" if out.is_dir() else "is no folder"
    if out.exists():
        near = next((one for one in out.absolute().parents if (one / "plan.parquet").is_file()), None)
        if near is not None:
            return f"{out} {what}; did you mean the data set {near if out.is_absolute() else os.path.relpath(near)}?"
    name = out.with_suffix("") if out.is_file() else f"{out.absolute().name}-set" if out.is_dir() else out
    return f"{out} {what}; wanted a data set, as made by: {typed('synth', 'mix', '--speakers', '1-3', '--out', name)}"


def _clips(column: pa.ChunkedArray) -> dict[str, int]:
    """Return the clips by split, in the order of the plan."""
    counts: dict[str, int] = {}
    for entry in column.value_counts().to_pylist():
        counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return counts
