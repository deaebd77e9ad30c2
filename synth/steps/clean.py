"""``synth clean``: a verdict on every label of every clip; nothing is deleted, and what people said stays."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth import __version__
from synth.cleaning import rows as verdicts
from synth.cleaning import trial as trials
from synth.cleaning.clap.places import AbsentError
from synth.cleaning.decision import JUDGED, WORDS, WRONG, Judged, judge
from synth.cleaning.material import Material, material, mids
from synth.cleaning.null import Bools, named
from synth.cleaning.recalibrated import Check
from synth.errors import UsageError
from synth.publishing.review import decisions, journal
from synth.steps import heard as people
from synth.steps import judges, origin
from synth.steps.judges import Words
from synth.steps.progress import Progress, silent
from synth.steps.related import Related, related
from synth.steps.results import Result
from synth.store import atomic, locks, parquet
from synth.tables import FORMAT_VERSION, HEARD_INSTEAD, SOURCES, VERDICTS
from synth.units import with_count

SOURCES_BY = "synth index PATH --csv FILE -o sources.parquet"
LEAST_SURE = 5  # wrong labels at the least: with fewer, and
MOST_SPREAD = 8  # so many times more at the most, nobody knows how many are wrong
NEEDED = ("source_id", "path", "labels", "mids", "group_id", "status")
STOP, GO_ON = "stop", "unjudged"  # where the checkpoint is not there


@dataclass(frozen=True, slots=True, repr=False)
class Cleaned(Result):
    """The verdicts, what was found out about each label, and what was left out.

    ``counts``: rows by verdict, human ones included; ``left_out``: recordings that were not judged and scores that were not
    used, by reason; ``known``: share of the wrong labels whose clips sound like another label; ``gone``: human verdicts on
    labels that are not there any more (kept); ``trial``: what the verdicts are worth on these clips; ``standard``: labels
    that a file of prompts does not speak of; ``absent``: what is missing and how to get it, where the judge was not there
    and nothing was judged; ``related``: pairs of a label and its parent, those that go ``together`` nearly always and
    those of the ``ontology``; ``rejected``: by kind (``another_heard``: another label is heard instead, ``nothing_heard``:
    nothing listed is) how many labels the judge rejects, and how many of them the random check heard and found wrong.
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
    rejected: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is judged by: the judge's words, which labels are related, what was asked for."""

    words: Words
    kin: Related
    precision: float
    seed: int

    def values(self, carries: Bools) -> list[NDArray[np.float32]]:
        """Return the scores of each judge for labels (clips, labels): those that the clips carry, or others for a trial."""
        return self.words.values(carries, self.seed)

    def judged(self, values: list[NDArray[np.float32]], carries: Bools) -> Judged:
        """Judge labels by their scores."""
        groups = self.words.stuff.groups
        return judge(values, carries, groups, self.precision, self.seed, self.kin.above)

    def tried(self, judged: Judged, share: float) -> trials.Trial:
        """Plant wrong labels in a share of the clips, judge again, and see what was found."""
        carries = self.words.stuff.carries
        planted = trials.plant(carries, named(carries, self.kin.above), share, self.seed)
        after = self.judged(self.values(planted.carries), planted.carries)
        return trials.compare(judged, after, planted, share, self.precision)


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
    people.said(out, review)  # before hours of judging: can it be read?
    if checkpoint is None:
        words = judges.of_files(stuff, scores, embeddings)
    else:
        asked = judges.Asked(checkpoint, prompts, engine, allow_pickle, device, bfloat16)
        try:
            words = judges.of_clap(file.read(columns=list(judges.COLUMNS)), stuff, asked, roots or {}, progress)
        except AbsentError as absent:
            if without_checkpoint == STOP:
                raise
            words = judges.of_nobody(stuff, absent)
    stuff = words.stuff
    case = _Case(words, related(stuff, mids(table), prompts), precision, seed)
    share = trial if words.absent is None else None  # nobody is not tried
    steps = 1 if share is None else 2
    progress("judge labels", 0, steps)
    values = case.values(stuff.carries)
    judged = case.judged(values, stuff.carries)
    progress("judge labels", 1, steps)
    tried = None
    if share is not None:
        tried = case.tried(judged, share)
        progress("judge labels", 2, steps)
    made_from = origin.remembered(path, None if out is None else Path(out), origin.digest(file))
    with locks.briefly(Path(out)) if out is not None else nullcontext():  # what people decided meanwhile is in it
        said = people.said(out, review)
        listened = people.with_people(judged, stuff, said, precision)
        before, judged = judged, listened.judged
        why_not = f"not judged: {words.absent.what}" if words.absent else None
        found = verdicts.table(stuff, judged, values[0], listened.withdrawn, why_not)
        classes = _classes(stuff, judged, listened.checks)
        metadata = _metadata(case, judged, classes) | made_from
        warnings = (*words.warnings, *case.kin.warnings, *_hardly_known(judged))
        if words.absent is not None:
            warnings = (f"NO LABEL IS JUDGED: {words.absent}",)
            earlier = _earlier(out)
            if earlier is not None:  # what a judge said when it was there stays
                found, metadata = _with_new(earlier, found), parquet.metadata(earlier.schema)
                classes = json.loads(metadata.get("classes", "{}"))
                warnings = (*warnings, f"what {out} holds of an earlier run ({metadata.get('judge')}) stays")
        found = decisions.with_decisions(found, said).replace_schema_metadata(metadata)
        if out is not None:
            parquet.write(found, Path(out))
    counts = Counter(found.column("verdict").to_pylist())
    rejected = _rejected(found, before, listened, said)
    return Cleaned(
        found,
        {word: counts[word] for word in WORDS},
        classes,
        judged.known,
        words.names,
        dict(+(stuff.left_out + words.left_out)),
        len(judged.missing[0]),
        int((listened.where >= 0).sum()),
        int((listened.where < 0).sum()),
        tried,
        warnings,
        words.standard,
        str(words.absent or ""),
        case.kin.pairs(),
        None if case.kin.ontology is None else str(case.kin.ontology),
        rejected,
    )


def _hardly_known(judged: Judged) -> tuple[str, ...]:
    """Return a warning where something is rejected and the number of wrong labels may be a few or many times that.

    Then the precision is little more than a guess: with 6 wrong clips of 300 a label and right ones 2.5 standard deviations
    up, none of them listed labels, sets of which .95 was requested held .88 (tests/bench/cleaning.py --large).
    """
    sure = [one for one in judged.classes if one.decision == JUDGED]
    least, most = (sum(getattr(one, end) * one.scored for one in sure) for end in ("low", "high"))
    rejected = sum(one.rejected for one in sure)
    if not rejected or least >= LEAST_SURE or most < MOST_SPREAD * least:
        return ()
    return (
        f"between {least:.0f} and {with_count(round(most), 'label')} may be wrong (90 % ranges), too few to be sure of the "
        "requested precision: listen to the rejected before dropping them (synth review)",
    )


def _classes(stuff: Material, judged: Judged, checks: Mapping[int, Check]) -> dict[str, dict[str, Any]]:
    """Return what was found out about each label that a clip carries, and what the random check found of its rejected.

    ``expected``: precision of the rejected, by the judge and by what was heard of them; ``precision_low`` and
    ``precision_high``: its 90 % interval from the ``heard`` ones alone, of which ``heard_wrong`` are wrong.
    """
    out = {}
    for k, (name, one) in enumerate(zip(stuff.labels, judged.classes, strict=True)):
        if stuff.carries[:, k].any():
            check = checks.get(k)
            facts = asdict(one) | {
                "heard": check.heard.rejected if check else 0,
                "heard_wrong": check.heard.wrong if check else 0,
                "precision_low": check.low if check else None,
                "precision_high": check.high if check else None,
            }
            out[name] = _facts(facts)
    return out


def _rejected(
    table: pa.Table, judged: Judged, listened: people.Listened, said: people.Said
) -> dict[str, dict[str, int]]:
    """Return, for each kind of rejection, how many there are in the table, and how many the random check heard and found wrong."""
    column = HEARD_INSTEAD.name
    if column not in table.column_names:
        return {}
    gone = table.filter(pc.and_(pc.equal(table.column("verdict"), "wrong"), pc.equal(table.column("by"), "model")))
    nothing = gone.column(column).null_count
    out = {
        "another_heard": {"rejected": gone.num_rows - nothing, "heard": 0, "heard_wrong": 0},
        "nothing_heard": {"rejected": nothing, "heard": 0, "heard_wrong": 0},
    }
    for row, one in zip(listened.where.tolist(), said.values(), strict=True):
        if row >= 0 and one.by_chance and judged.verdict[row] == WRONG and one.verdict in ("keep", "wrong"):
            kind = out["another_heard" if judged.instead[row] else "nothing_heard"]
            kind["heard"] += 1
            kind["heard_wrong"] += one.verdict == "wrong"
    return out


def _metadata(case: _Case, judged: Judged, classes: Mapping[str, Any]) -> dict[str, str]:
    return {
        "table": VERDICTS.name,
        "format_version": FORMAT_VERSION,
        "synth_version": __version__,
        "precision": str(case.precision),
        "seed": str(case.seed),
        "judge": ", ".join(case.words.names),
        "known": "" if math.isnan(judged.known) else str(judged.known),
        "related": json.dumps(case.kin.pairs()),
        "classes": json.dumps(classes, ensure_ascii=False),
    }


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
            "FILE, or --scores with --embeddings"
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
    """Raise InputError where the table to be written is a folder, UsageError where it is one of the inputs."""
    if out is not None:
        atomic.to_file(out, "verdicts.parquet")
    for one in inputs:
        if out is not None and one is not None and Path(out).resolve() == Path(one).resolve():
            raise UsageError(f"-o {out} is one of the inputs; wanted another name, e.g. -o verdicts.parquet")


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
