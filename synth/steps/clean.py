"""``synth clean``: a verdict on every label of every clip; nothing is deleted, and what people said stays."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synth import __version__
from synth.cleaning import rows as verdicts
from synth.cleaning import trial as trials
from synth.cleaning.clap.places import AbsentError
from synth.cleaning.decision import WORDS, judge
from synth.cleaning.material import Material, material, mids
from synth.cleaning.null import Bools, named
from synth.cleaning.scores import embeddings as read_embeddings
from synth.cleaning.scores import scores as read_scores
from synth.cleaning.witness import agreement
from synth.errors import InputError, UsageError
from synth.publishing.review import decisions, journal
from synth.steps import judges
from synth.steps.progress import Progress, silent
from synth.steps.related import related
from synth.store import parquet
from synth.tables import FORMAT_VERSION, SOURCES, VERDICTS

SOURCES_BY = "synth index PATH --csv FILE -o sources.parquet"
NEEDED = ("source_id", "path", "labels", "mids", "group_id", "status")
STOP, GO_ON = "stop", "unjudged"  # where the checkpoint is not there


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The verdicts, what was found out about each label, and what was left out.

    ``counts``: rows by verdict, human ones included; ``left_out``: recordings that were not judged and scores that were not
    used, by reason; ``known``: share of the wrong labels whose clips sound like another label; ``gone``: human verdicts on
    labels that are not there any more (kept); ``trial``: what the verdicts are worth on these clips; ``standard``: labels
    that a file of prompts does not speak of; ``absent``: what is missing and how to get it, where the judge was not there
    and nothing was judged; ``related``: pairs of labels that do not speak against each other, those that go ``together``
    nearly always and those of the ``ontology``.
    """

    table: pa.Table
    counts: dict[str, int]
    classes: dict[str, dict[str, Any]]
    known: float
    judges: tuple[str, ...]
    left_out: dict[str, int]
    suggested: int
    humans: int
    gone: int
    trial: trials.Trial | None
    warnings: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    absent: str = ""
    related: Mapping[str, int] = field(default_factory=dict)
    ontology: str | None = None


@dataclass(frozen=True, slots=True)
class _Given:
    """What somebody's model said of the clips; embeddings are turned into scores for whatever labels the clips carry.

    ``absent``: why there was no model to say anything.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float32] | None
    embeddings: NDArray[np.float32] | None
    left_out: Counter[str]
    warnings: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    absent: AbsentError | None = None

    def values(self, stuff: Material, carries: Bools, seed: int) -> list[NDArray[np.float32]]:
        """Return scores (clips, labels), one array a judge."""
        out = [] if self.scores is None else [self.scores]
        if self.embeddings is not None:
            out.append(agreement(self.embeddings, carries, stuff.groups, seed))
        return out


def clean(
    sources: str | Path,
    *,
    scores: str | Path | None = None,
    embeddings: str | Path | None = None,
    checkpoint: str | None = None,
    prompts: str | Path | None = None,
    engine: str = "transformers",
    allow_pickle: bool = False,
    device: str | None = None,
    bfloat16: bool = False,
    without_checkpoint: str = STOP,
    roots: Mapping[str, Path] | None = None,
    precision: float = 0.9,
    trial: float | None = None,
    review: str | Path | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Cleaned:
    """Judge every label of the usable clips of a SOURCES table by ``scores``, ``embeddings``, or both, or by CLAP.

    ``checkpoint``: the CLAP that hears the clips (630k-best, 630k-audioset-best, a file or a folder), with ``prompts``,
    ``engine``, ``allow_pickle``, ``device`` and ``bfloat16`` as in ``synth.cleaning.clap.scored``; ``roots``: where corpora lie now.
    ``without_checkpoint``: where it, or what runs it, is not there, ``stop``, or leave every label ``unjudged``, but for
    what ``out`` holds of an earlier run.

    ``precision``: the share of truly wrong labels to hold among the rejected. ``trial``: the share of clips that are given
    a wrong label for a trial; the verdicts are those of the labels as they are. Human verdicts in ``out`` and ``review``
    are kept and win; where they show that too many of a label's rejected clips are right, its rejections are withdrawn.
    Raises InputError for tables that are missing, damaged, or do not belong together, and for a checkpoint that is not
    there.
    """
    _checked(precision, trial, scores, embeddings, checkpoint, without_checkpoint)
    path = Path(sources)
    _apart(out, sources, scores, embeddings)
    file = parquet.opened(path, SOURCES, SOURCES_BY)
    table = file.read(columns=list(NEEDED))
    stuff = material(table, str(path))
    if checkpoint is None:
        given = _given(stuff, scores, embeddings)
    else:
        asked = judges.Asked(checkpoint, prompts, engine, allow_pickle, device, bfloat16)
        stuff, given = _listened(file, stuff, asked, roots or {}, progress, without_checkpoint)
    if given.absent is not None:
        trial = None  # of nobody
    kin = related(stuff, mids(table), prompts)
    steps = 1 if trial is None else 2
    progress("judge labels", 0, steps)
    values = given.values(stuff, stuff.carries, seed)
    judged = judge(values, stuff.carries, stuff.groups, precision, seed, kin.together, kin.above)
    progress("judge labels", 1, steps)
    tried = None
    if trial is not None:
        planted = trials.plant(stuff.carries, named(stuff.carries, kin.together, kin.above), trial, seed)
        again = given.values(stuff, planted.carries, seed)
        after = judge(again, planted.carries, stuff.groups, precision, seed, kin.together, kin.above)
        tried = trials.compare(judged, after, planted, trial, precision)
        progress("judge labels", 2, steps)
    said = _said(out, review)
    # clips that chance chose estimate the precision of the rest; those heard worst first only flatter the judge
    by_chance = {pair: decision for pair, decision in said.items() if decisions.by_chance(decision.reason)}
    for some in (by_chance, said):
        words = {pair: str(decision.verdict) for pair, decision in some.items()}
        where = verdicts.positions(stuff, words)
        found = verdicts.heard(judged, where, words)
        judged = verdicts.with_hearing(judged, found, precision)
    why_not = f"not judged: {given.absent.what}" if given.absent else None
    table = verdicts.table(stuff, judged, values[0], found, why_not)
    carried: list[bool] = np.any(stuff.carries, axis=0).tolist()
    classes = {
        name: _facts(asdict(one))
        for name, one, there in zip(stuff.labels, judged.classes, carried, strict=True)
        if there
    }
    metadata = {
        "table": VERDICTS.name,
        "format_version": FORMAT_VERSION,
        "synth_version": __version__,
        "sources_digest": _digest(file),
        "precision": str(precision),
        "seed": str(seed),
        "judge": ", ".join(given.names),
        "known": "" if math.isnan(judged.known) else str(judged.known),
        "related": json.dumps(kin.pairs()),
        "classes": json.dumps(classes, ensure_ascii=False),
    }
    warnings = (*given.warnings, *kin.warnings)
    if given.absent is not None:
        warnings = (f"NO LABEL IS JUDGED: {given.absent}",)
        earlier = _earlier(out)
        if earlier is not None:  # what a judge said when it was there stays
            table, metadata = _with_new(earlier, table), parquet.metadata(earlier.schema)
            classes = json.loads(metadata.get("classes", "{}"))
            warnings = (*warnings, f"what {out} holds of an earlier run ({metadata.get('judge')}) stays")
    table = decisions.with_decisions(table, said).replace_schema_metadata(metadata)
    if out is not None:
        parquet.write(table, Path(out))
    counts = Counter(table.column("verdict").to_pylist())
    return Cleaned(
        table,
        {word: counts[word] for word in WORDS},
        classes,
        judged.known,
        given.names,
        dict(+(stuff.left_out + given.left_out)),
        len(judged.missing[0]),
        int((where >= 0).sum()),
        int((where < 0).sum()),
        tried,
        warnings,
        given.standard,
        str(given.absent or ""),
        kin.pairs(),
        None if kin.ontology is None else str(kin.ontology),
    )


def _checked(
    precision: float, trial: float | None, scores: object, embeddings: object, checkpoint: str | None, without: str
) -> None:
    if not 0.5 <= precision < 1:
        raise UsageError(f"--precision {precision:g}: wanted at least 0.5 and less than 1, e.g. 0.9")
    if trial is not None and not 0 < trial <= 0.5:
        raise UsageError(f"--trial {trial:g}: wanted a share of the clips above 0 and at most 0.5, e.g. 0.1")
    given = scores is not None or embeddings is not None
    if not given and checkpoint is None:
        raise UsageError(
            "wanted a judge: --checkpoint NAME (CLAP), --scores FILE (source_id, label, score, of any model), --embeddings "
            "FILE, or the latter two"
        )
    if given and checkpoint is not None:
        raise UsageError(
            "--checkpoint is a judge with scores and embeddings of its own; leave out --scores and --embeddings"
        )
    if without not in (STOP, GO_ON) or (without == GO_ON and checkpoint is None):
        raise UsageError(
            f"--without-checkpoint {without}: wanted {STOP} or {GO_ON}, with a --checkpoint that may not be there"
        )


def _apart(out: str | Path | None, *inputs: str | Path | None) -> None:
    for one in inputs:
        if out is not None and one is not None and Path(out).resolve() == Path(one).resolve():
            raise UsageError(f"-o {out} is one of the inputs; wanted another name, e.g. -o verdicts.parquet")


def _given(stuff: Material, scores: str | Path | None, embeddings: str | Path | None) -> _Given:
    left_out: Counter[str] = Counter()
    names, matrix, vectors = [], None, None
    if scores is not None:
        found = read_scores(Path(scores), stuff.clips, stuff.labels)
        matrix = found.values
        left_out += found.left_out
        names.append(f"scores {Path(scores).name}")
    if embeddings is not None:
        found = read_embeddings(Path(embeddings), stuff.clips)
        vectors = found.values
        left_out += found.left_out
        names.append(f"embeddings {Path(embeddings).name}")
    return _Given(tuple(names), matrix, vectors, left_out)


def _listened(
    file: pq.ParquetFile,
    stuff: Material,
    asked: judges.Asked,
    roots: Mapping[str, Path],
    progress: Progress,
    without: str,
) -> tuple[Material, _Given]:
    """Let CLAP hear the clips; where it is not there and that is no reason to stop, nothing is said of any of them."""
    try:
        heard = judges.heard(file.read(columns=list(judges.COLUMNS)), stuff, asked, roots, progress)
    except AbsentError as absent:
        if without == STOP:
            raise
        return stuff, _Given((), np.full(stuff.carries.shape, np.nan, np.float32), None, Counter(), absent=absent)
    return heard.stuff, _Given(
        (heard.name,), heard.scores, heard.embeddings, heard.left_out, heard.warnings, heard.standard
    )


def _earlier(out: str | Path | None) -> pa.Table | None:
    """Return the verdicts at ``out`` where a judge gave some of them."""
    if out is None or not Path(out).exists():
        return None
    table = journal.read(Path(out))
    return table if table.column("p_wrong").null_count < table.num_rows else None


def _with_new(earlier: pa.Table, table: pa.Table) -> pa.Table:
    """Return the rows of ``earlier``, and those of ``table`` that are about other clips or labels."""
    known, mine = (
        list(zip(*(one.column(name).to_pylist() for name in ("source_id", "label")), strict=True))
        for one in (earlier, table)
    )
    new = set(mine) - set(known)
    return pa.concat_tables(
        [earlier, table.filter(pa.array([pair in new for pair in mine], pa.bool_()))], promote_options="default"
    )


def _said(out: str | Path | None, review: str | Path | None) -> dict[decisions.Pair, decisions.Decision]:
    """Return what people said in earlier verdicts, by source and label; ``review`` before ``out``."""
    said: dict[decisions.Pair, decisions.Decision] = {}
    for path in (out, review):
        if path is None or (path == out and not Path(path).exists()):
            continue
        found = decisions.of_table(journal.read(Path(path)))
        for (source, label), decision in found.items():
            if decision.verdict not in WORDS:
                raise InputError(
                    f"{path}: the verdict '{decision.verdict}' of {source} ('{label}'); wanted {', '.join(WORDS)}"
                )
        said |= found
    return said


def _facts(values: dict[str, Any]) -> dict[str, Any]:
    """Return facts for JSON, which knows no NaN."""
    return {
        name: None
        if isinstance(value, float) and math.isnan(value)
        else round(value, 4)
        if isinstance(value, float)
        else value
        for name, value in values.items()
    }


def _digest(file: pq.ParquetFile) -> str:
    digest = parquet.Digest(SOURCES.names)
    for group in range(file.metadata.num_row_groups):
        digest.update(file.read_row_group(group, columns=SOURCES.names, use_threads=False))
    return digest.hexdigest()
