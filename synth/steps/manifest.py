"""``synth manifest``: labelled clips as they are, split by group alike in labels, rendered and checked like mixtures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Unpack

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth import __version__
from synth.errors import InfeasibleError, InputError, UsageError, listed
from synth.planning import labelled, verdicts
from synth.planning import split as splitting
from synth.planning.request import checked_rate, whole_frames
from synth.planning.stratified import Labelled, stratified
from synth.publishing.review import journal
from synth.recipe import ManifestOptions, over
from synth.steps.audit import Audited, audit
from synth.steps.keywords import ManifestKeywords
from synth.steps.opened import open_plan, read_sources
from synth.steps.plan import writer
from synth.steps.progress import Note, Progress, silent, unsaid, workers
from synth.steps.remeasured import remeasured
from synth.steps.render import Rendered, rendered_to
from synth.steps.results import Result, made
from synth.steps.split import BY_SHARE, given, groups_of, says_split, with_splits
from synth.store import parquet
from synth.store.atomic import replacing
from synth.store.memory import give_back
from synth.tables import FORMAT_VERSION, FRAMES_PER_S, LABELLED_PLAN, SOURCES, SPLITS
from synth.units import counted, with_count

SOURCES_BY = "synth index PATH --csv FILE -o sources.parquet"
VERDICTS_BY = "synth clean sources.parquet -o verdicts.parquet"
ROW_GROUP = 16_384
SILENT = "windows in which nothing is heard"


@dataclass(frozen=True, slots=True, repr=False)
class Planned(Result):
    """A plan of labelled clips: clips by split, and by split and label; what was left out, by reason.

    ``facts``: recordings cut, recordings padded, labels judged wrong, labels kept unjudged, seconds beyond the clips;
    ``every``: whether a long recording makes several clips. ``told``: the splits are those of the table that describes
    the recordings, as nobody asked for others.
    """

    path: Path
    sources: pa.Table
    digest: str
    clips: dict[str, int]
    labels: dict[str, dict[str, int]]
    left_out: dict[str, int]
    facts: dict[str, float]
    every: bool
    told: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Manifested(Result):
    """What each step gave."""

    planned: Planned
    rendered: Rendered
    audited: Audited

    def in_short(self) -> dict[str, object]:
        """Return what was made and whether it holds; each step's result has the rest."""
        return made(self.rendered, self.audited, "planned, rendered, audited")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The rows of SOURCES that go along, which of them are used, and the labels that each keeps."""

    table: pa.Table
    taken: NDArray[np.bool_]
    kept: verdicts.Kept
    left_out: Counter[str]


def manifest(
    sources: str | Path | pa.Table | None = None,
    *,
    out: str | Path,
    jobs: int | None = None,
    recipe: ManifestOptions | None = None,
    roots: Mapping[str, Path] | None = None,
    progress: Progress = silent,
    note: Note = unsaid,
    **options: Unpack[ManifestKeywords],
) -> Manifested:
    """Make a data set of the labelled recordings of a SOURCES table, each clip as it is, cut or padded to one length.

    The options are those of the command. Run again after an interruption, finished shards
    are kept. Raises UsageError for an unknown label, InfeasibleError when a split would get nothing, InputError for
    recordings that are missing or changed, or a folder that holds another data set.
    """
    chosen = over(recipe or ManifestOptions(), options, "synth.manifest()")
    where = sources if sources is not None else chosen.sources
    if where is None:
        raise UsageError(f"wanted a table of sources; make one with: {SOURCES_BY}")
    given_roots = roots or {}
    with TemporaryDirectory(prefix="synth-") as scratch:
        plan = planned(where, chosen, Path(scratch) / "plan.parquet", given_roots, workers(jobs), progress, note)
        opened = open_plan(plan.path, None, plan.sources)
        opened = replace(opened, options=opened.options.with_changes({"store": chosen.store}))
        rendered = rendered_to(opened, Path(out), given_roots, workers(jobs), progress, note)
    give_back()
    return Manifested(plan, rendered, audit(out, progress=progress, pictures=False))


def planned(
    sources: str | Path | pa.Table,
    options: ManifestOptions,
    out: Path,
    roots: Mapping[str, Path],
    jobs: int,
    progress: Progress = silent,
    note: Note = unsaid,
) -> Planned:
    """Write the plan of labelled clips to ``out``; the sources of the result are those that it was made from."""
    rate_hz, frames = checked_rate(options.rate), whole_frames("--seconds", options.seconds)
    table = sources if isinstance(sources, pa.Table) else read_sources(Path(sources), SOURCES_BY)
    told = options.split is None and says_split(table)
    options = replace(options, split="given" if told else options.split or BY_SHARE)
    chosen = _chosen(table, options, note)
    ready = remeasured(chosen.table, chosen.taken, rate_hz, roots, jobs, progress)
    status = ready.column("status").to_pylist()
    taken = chosen.taken & np.fromiter((one == "ok" for one in status), np.bool_, len(status))
    found = labelled.windows(ready, taken, rate_hz, frames * (rate_hz // FRAMES_PER_S), options.windows)
    left_out = chosen.left_out + Counter({SILENT: found.silent, "silent": int((chosen.taken & ~taken).sum())})
    if not len(found.source):
        raise InfeasibleError(f"no clip is left: {_said(left_out)}")
    ready, split = _split(ready, found, chosen.kept, options)
    ids = ready.column("source_id").to_pylist()
    order = labelled.ordered(found, ids, split, options.seed)
    left_out += Counter({"in no split": int((split < 0).sum())})
    tables = {
        name: labelled.rows(found, order[split[order] == k], name, ids, chosen.kept.labels, chosen.kept.verified)
        for k, name in enumerate(SPLITS)
    }
    tables = {name: rows for name, rows in tables.items() if rows.num_rows}
    if not tables:
        raise InfeasibleError(f"no clip is left: {_said(left_out)}")
    whole = pa.concat_tables(tables.values())
    digest = parquet.digest(whole, LABELLED_PLAN.names)
    clips = {name: rows.num_rows for name, rows in tables.items()}
    labels = {name: dict(sorted(_counted(rows).items())) for name, rows in tables.items()}
    facts = {
        "cut": found.cut,
        "padded": found.padded,
        "beyond_s": round(found.beyond_s, 2),
        "labels_dropped": sum(chosen.kept.verdicts.values()),
        "labels_unjudged": chosen.kept.unjudged,
    }
    metadata = {
        "table": "plan",
        "format_version": FORMAT_VERSION,
        "synth_version": __version__,
        "command": options.command,
        "seed": str(options.seed),
        "sources_digest": parquet.digest(ready, SOURCES.names_in(ready.column_names)),
        "recipe": json.dumps(options.content()),
        "clips": json.dumps(clips),
        "cells": "{}",
        "labels": json.dumps(dict(sorted(_counted(whole).items())), ensure_ascii=False),
        "one_label": json.dumps(all(len(one) == 1 for one in whole.column("labels").to_pylist())),
        "judged": json.dumps(chosen.kept.judged),
        "left_out": json.dumps({why: count for why, count in sorted(left_out.items()) if count}),
        "facts": json.dumps(facts),
        "digest": digest,
    }
    with replacing(out) as temporary, writer(temporary, whole.schema) as file:
        file.write_table(whole, row_group_size=ROW_GROUP)
        file.add_key_value_metadata(dict(sorted(metadata.items())))
    left = {why: count for why, count in sorted(left_out.items()) if count}
    return Planned(out, ready, digest, clips, labels, left, facts, options.windows == "all", told)


def _chosen(table: pa.Table, options: ManifestOptions, note: Note) -> _Chosen:
    """Choose recordings and labels. Recordings that keep no label are counted and do not go along; damaged ones do."""
    labels = [tuple(one or ()) for one in table.column("labels").to_pylist()]
    ids, status = (table.column(name).to_pylist() for name in ("source_id", "status"))
    asked = verdicts.named(options.label, _names(table, labels), note) if options.label else ()
    good = np.fromiter((one == "ok" for one in status), np.bool_, len(status))
    judged = _judged(Path(options.verdicts), set(ids)) if options.verdicts else None
    of_good = [one if ok else () for one, ok in zip(labels, good.tolist(), strict=True)]
    kept = verdicts.kept(ids, of_good, asked, judged, options.min_verdict)
    kept.recordings[verdicts.NO_LABEL] -= int((~good).sum())
    has = np.fromiter((bool(one) for one in kept.labels), np.bool_, len(ids))
    bad = Counter(one for one in status if one != "ok")
    if not has.any():
        raise InfeasibleError(
            f"no recording is left to make clips of: {_said(kept.recordings + bad)} of {counted(len(ids), 'recording')}. Labels come "
            f"from the corpus (AudioSet) or from a CSV with the columns path and labels: {SOURCES_BY}"
        )
    lost = [label for label in asked if not any(label in one for one in kept.labels)]
    if lost:
        raise InfeasibleError(
            f"--label {lost[0]}: no recording with it is left ({_said(kept.recordings + bad)}); leave that label out"
        )
    along = np.nonzero(has | ~good)[0]
    slim = verdicts.Kept(
        [kept.labels[k] for k in along.tolist()],
        [kept.verified[k] for k in along.tolist()],
        verdicts=kept.verdicts,
        judged=kept.judged,
        unjudged=kept.unjudged,
    )
    return _Chosen(table.take(pa.array(along)), has[along], slim, +kept.recordings + bad)


def _names(table: pa.Table, labels: list[tuple[str, ...]]) -> dict[str, str]:
    """Return the labels by their names and machine ids."""
    named = {name: name for names in labels for name in names}
    by_mid: dict[str, str] = {}
    for names, mids in zip(labels, table.column("mids").to_pylist(), strict=True):
        if mids and len(mids) == len(names):
            by_mid.update(zip(mids, names, strict=True))
    return by_mid | named


def _judged(path: Path, ids: set[str]) -> dict[tuple[str, str], str]:
    table = journal.read(path).select(["source_id", "label", "verdict", "by"])
    judged = verdicts.counting(table.to_pylist())
    if judged and not any(source in ids for source, _ in judged):
        raise InputError(
            f"--verdicts {path}: none of its {counted(len(judged), 'verdict')} is about one of these sources (they judge, e.g., "
            f"{next(iter(judged))[0]}); wanted the verdicts of this table: {VERDICTS_BY}"
        )
    return judged


def _split(
    table: pa.Table, found: labelled.Windows, kept: verdicts.Kept, options: ManifestOptions
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return SOURCES with splits, and the split of each window (index into SPLITS, -1: none)."""
    groups = table.column("group_id").to_pylist()
    assigned: Mapping[str, str | None]
    wanted = options.split or BY_SHARE
    if wanted == "given":
        assigned = given(table)
    elif wanted.startswith("subset:"):
        assigned = splitting.by_subset(groups_of(table), splitting.parse_subsets(wanted))
    else:
        members: dict[str, Counter[str]] = {}
        sizes: Counter[str] = Counter()
        for source in found.source.tolist():
            if groups[source] is None:
                continue
            members.setdefault(groups[source], Counter()).update(kept.labels[source])
            sizes[groups[source]] += 1
        assigned = stratified(
            [Labelled(name, sizes[name], members[name]) for name in sorted(members)],
            splitting.parse_shares(wanted),
            options.seed,
        )
    ready, _ = with_splits(table, assigned, wanted)
    rank = {name: k for k, name in enumerate(SPLITS)}
    split = np.array([rank.get(name, -1) for name in ready.column("split").to_pylist()], np.int64)[found.source]
    empty = [name for name in SPLITS if name in assigned.values() and rank[name] not in split]
    if empty:
        raise InfeasibleError(
            f"--split {wanted}: no clip is left for {listed(empty)}; what was there is silent or damaged. Nearest "
            "feasible: without that split, or split by share (80/10/10)"
        )
    return ready, split


def _counted(rows: pa.Table) -> Counter[str]:
    return Counter(rows.column("labels").combine_chunks().flatten().to_pylist())


def _said(counts: Counter[str]) -> str:
    return listed(with_count(count, why) for why, count in sorted(counts.items()) if count) or "nothing was there"
