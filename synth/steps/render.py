"""``synth render``: make the audio of a plan, and everything that belongs to a finished data set but its audit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synth import __version__
from synth.audio.cache import Place
from synth.errors import InputError, SynthError, UsageError, listed, typed
from synth.licences import Sharing
from synth.publishing import card, labelled_card
from synth.recipe import MixOptions, Options, of_folder, written
from synth.rendering.credit import Credits
from synth.rendering.engine import rendered
from synth.rendering.features import manifest_schema
from synth.rendering.job import CODECS, STORES, Job
from synth.rendering.planfile import PlanFile
from synth.rendering.shards import stamp
from synth.steps.estimates import FLAC
from synth.steps.material import material
from synth.steps.opened import Opened, open_digest, open_plan, plan_table
from synth.steps.plan import writer
from synth.steps.progress import Note, Progress, silent, unsaid, workers
from synth.steps.results import Result
from synth.store import atomic, locks, parquet
from synth.store.memory import give_back
from synth.tables import MADE_FROM, NOISE
from synth.units import size

BEFORE_THE_PLAN = "sources.parquet"  # all that a run has written before plan.parquet says what the folder is

AGAIN = {"mix": "synth mix --recipe recipe.toml", "manifest": "synth render plan.parquet -o COPY"}


@dataclass(frozen=True, slots=True, repr=False)
class Rendered(Result):
    """What was rendered, and where it lies."""

    out: Path
    clips: dict[str, int]
    shards: int
    bytes: int


def render(
    plan: str | Path,
    *,
    out: str | Path,
    sources: str | Path | None = None,
    roots: Mapping[str, Path] | None = None,
    store: str | None = None,
    codec: str | None = None,
    stems: bool | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
    note: Note = unsaid,
) -> Rendered:
    """Render a plan to the folder ``out``; finished shards of the same plan are kept, so an interrupted run goes on.

    ``sources`` is by default ``sources.parquet`` beside the plan; ``roots`` says where corpora lie now. Raises InputError
    for a source whose hash differs from the plan's, or an output folder that holds another data set.
    """
    opened = open_plan(Path(plan), Path(sources) if sources else None)
    if opened.labelled and stems:
        raise UsageError(f"--stems: {plan} is a plan of labelled clips, and each of them is a single recording")
    changes = {"store": store, "codec": codec} | ({} if opened.labelled else {"stems": stems})
    options = opened.options.with_changes(changes)
    return rendered_to(replace(opened, options=options), Path(out), roots or {}, workers(jobs), progress, note)


def rendered_to(
    opened: Opened,
    out: Path,
    given: Mapping[str, Path],
    jobs: int,
    progress: Progress = silent,
    note: Note = unsaid,
) -> Rendered:
    """Render an opened plan; see :func:`render`. ``note`` is told first where the licences forbid sharing the clips."""
    options = _sources_named(opened)
    opened = replace(opened, options=options)
    if options.store not in STORES or options.codec not in CODECS:
        raise UsageError(
            f"--store {options.store} --codec {options.codec}: wanted one of {listed(STORES)} and one of {listed(CODECS)}"
        )
    refuse_other(out, opened.digest, options)
    _check_space(opened, out)
    sharing = _sharing(opened)
    if sharing.warning:
        note(sharing.warning)
    places, files = material(opened, given, progress)
    with locks.writing(out):
        atomic.clean(out)
        parquet.write(opened.sources, out / "sources.parquet")
        _copy_plan(opened, out / "plan.parquet")
        text = written(options, f"Every option of this data set. The same again: {AGAIN[options.command]}")
        with atomic.replacing(out / "recipe.toml") as temporary:
            temporary.write_text(text, encoding="utf-8")
        job = job_with(opened, out, places, files)
        give_back()
        shards = job.shards(opened.clips)
        done, total = 0, sum(opened.clips.values())
        progress("rendering", 0, total)
        for clips in rendered(job, shards, jobs):
            done += clips
            progress("rendering", done, total)
        _write_manifest(job, [job.table(shard) for shard in shards], out / "manifest.parquet")
        (labelled_card if opened.labelled else card).write(out, sharing)
    size = sum(path.stat().st_size for path in (out / "data").rglob("*") if path.is_file())
    return Rendered(out, dict(opened.clips), len(shards), size)


def refuse_other(out: Path, digest: str, options: Options) -> None:
    """Raise InputError when ``out`` is a file, holds another data set, or something that is no data set."""
    if out.is_file():
        raise InputError(f"{out} is a file; wanted a folder, or a name that is free")
    plan = out / "plan.parquet"
    if not plan.exists():
        strange = [path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")] if out.is_dir() else []
        strange = [name for name in strange if name != BEFORE_THE_PLAN]
        if strange:  # also a README.md or a folder data: they may be anybody's, and would be overwritten
            raise InputError(f"{out} is not empty and holds no data set ({listed(strange)}); choose another --out")
        return
    other = open_digest(plan)
    recipe = out / "recipe.toml"
    if other != digest:
        raise InputError(
            f"{out} holds a data set of another recipe{_difference(recipe, options)}: "
            "choose another --out, or remove that folder"
            + (
                f". To go on with it: {typed('synth', 'mix', '--recipe', recipe, '--out', out)}"
                if isinstance(options, MixOptions)
                else ". Labels with new verdicts make another data set, too"
            )
        )
    if recipe.exists():
        before = of_folder(recipe)
        changed = [name for name in ("store", "codec", "stems") if getattr(before, name) != getattr(options, name)]
        if changed:
            raise InputError(
                f"{out} holds this plan rendered with another --{listed(changed)}: choose another --out, or remove that folder"
            )


def _difference(recipe: Path, options: Options) -> str:
    """Say in what a folder's recipe differs from options; nothing where it cannot be told."""
    try:
        before = of_folder(recipe)
    except SynthError:
        return ""
    if type(before) is not type(options):
        return f" (it was made by synth {before.command})"
    if isinstance(before, MixOptions) and isinstance(options, MixOptions) and before.source != options.source:
        return f" (it was made from {listed(before.source)}, not {listed(options.source)})"
    old, new = before.content(), options.content()
    names = [name for name in new if name in old and old[name] != new[name] and name != "min_active"]
    told = listed(f"--{name.replace('_', '-')} {old[name]}, not {new[name]}" for name in names)
    return f" (it was made with {told})" if names else " (of the same options, from other recordings)"


def job_of(
    opened: Opened, out: Path, given: Mapping[str, Path], progress: Progress = silent, doubted: Collection[int] = ()
) -> Job:
    """Return the job that re-renders an output folder, its sources found and checked (for audit and verify).

    ``doubted``: rows of SOURCES whose files are hashed again, whatever the cache knows of them.
    """
    places, files = material(opened, given, progress, doubted)
    return job_with(opened, out, places, files)


def _sources_named(opened: Opened) -> Options:
    """Return the options of a plan with those that say what was indexed, as SOURCES has it: names of roots, never folders."""
    sources, options = opened.sources, opened.options
    if not isinstance(options, MixOptions):
        return replace(options, sources="sources.parquet")
    pairs = dict.fromkeys(zip(sources.column("root").to_pylist(), sources.column("corpus").to_pylist(), strict=True))
    noise = [root for root, corpus in pairs if corpus == NOISE]
    return replace(
        options,
        source=tuple(root for root, corpus in pairs if corpus != NOISE),
        noise=noise[0] if noise else None,
        csv=_tables(parquet.metadata(sources.schema).get("csv")),
    )


def _tables(said: str | None) -> tuple[str, ...]:
    """Return the tables that SOURCES was made with, as its metadata say: FILE or ROOT=FILE, in a list if it is a new one."""
    if said is None:
        return ()
    return tuple(json.loads(said)) if said.startswith("[") else (said,)


def job_with(opened: Opened, out: Path, places: Mapping[str, Place], files: Mapping[str, Path]) -> Job:
    """Return the job of an opened plan and an output folder, whose samples lie in these places and files."""
    options = opened.options
    return Job(
        plan=out / "plan.parquet",
        sources=out / "sources.parquet",
        out=out,
        digest=opened.digest,
        rate_hz=options.rate,
        length_n=opened.length_n,
        store=options.store,
        codec=options.codec,
        stems=options.stems,
        cells=opened.cells,
        places=places,
        files=files,
        as_is=opened.labelled,
        labels=opened.labels,
    )


def _sharing(opened: Opened) -> Sharing:
    index = {name: k for k, name in enumerate(opened.sources.column("source_id").to_pylist())}
    return Credits(opened.sources, opened.options.rate).sharing(PlanFile(opened.plan, index))


def _check_space(opened: Opened, out: Path) -> None:
    """Raise InputError when the data set cannot fit on the disk of ``out``."""
    folder = next(path for path in (out, *out.absolute().parents) if path.exists())
    need = sum(opened.clips.values()) * 2 * opened.length_n
    if opened.options.stems:
        need += int(opened.used.sum()) * 2 * opened.length_n
    if opened.options.codec == "flac":
        need = int(need * FLAC)
    there = sum(path.stat().st_size for path in (out / "data").rglob("*")) if (out / "data").exists() else 0
    free = shutil.disk_usage(folder).free
    if need - there > free:
        raise InputError(
            f"{out} needs about {size(need - there)} more and {size(free)} are free there: "
            "choose another --out, fewer clips, or --codec flac"
        )


def _copy_plan(opened: Opened, target: Path) -> None:
    """Put the plan into the output folder, with the options it was rendered with; the values are the same."""
    if target.exists() and target.resolve() == opened.plan.resolve():
        return
    file = parquet.File(opened.plan)
    meta = parquet.file_metadata(file) | {"recipe": json.dumps(opened.options.content()), "digest": opened.digest}
    table = plan_table(file)
    with atomic.replacing(target) as temporary, writer(temporary, table.schema()) as out:
        for group in range(file.metadata.num_row_groups):
            out.write_table(file.read_row_group(group, use_threads=False).select(table.names).cast(table.schema()))
        out.add_key_value_metadata(dict(sorted(meta.items())))  # the order they are given in shows in the bytes


def _write_manifest(job: Job, tables: list[Path], target: Path) -> None:
    """Write manifest.parquet: the rows of all shards without their audio."""
    extra = [] if job.store == "parquet" else [pa.field("file_name", pa.string())]
    schema = manifest_schema(job.cells, job.labels, extra)
    schema = schema.with_metadata({**(schema.metadata or {}), **stamp(job), MADE_FROM: _made_from(job)})
    names = schema.names
    with atomic.replacing(target) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for path in tables:
            rows = parquet.File(path).read(columns=names, use_threads=False).select(names)
            if extra:
                rows = _with_folder(rows, path.parent.relative_to(job.out))
            writer.write_table(rows.replace_schema_metadata(schema.metadata))


def _made_from(job: Job) -> str:
    """Return what plan and sources say beside their rows, and which version rendered, as JSON."""
    said = {
        name: parquet.file_metadata(parquet.File(path)) for name, path in (("plan", job.plan), ("sources", job.sources))
    }
    return json.dumps({"synth": __version__, **said}, sort_keys=True, ensure_ascii=False)


def _with_folder(rows: pa.Table, folder: Path) -> pa.Table:
    import pyarrow.compute as pc

    position = rows.schema.get_field_index("file_name")
    full = pc.binary_join_element_wise(folder.as_posix(), rows.column("file_name"), "/")
    return rows.set_column(position, rows.schema.field("file_name"), full)
