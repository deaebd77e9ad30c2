"""``synth audit``: does every claim of a data set hold? With numbers, for programs, people and eyes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth import __version__
from synth.checking import (
    credit,
    disjoint,
    facts,
    features,
    files,
    labelled_facts,
    labels,
    layout,
    metadata,
    planned,
    recomputed,
    shortcuts,
    stored,
    use,
    written,
)
from synth.checking.findings import Finding
from synth.checking.labelled import Labels
from synth.checking.recomputed import LEAVES
from synth.checking.rows import CLIP_LEAVES, IN_DICTIONARIES, Clips, Sources, codes
from synth.publishing import beaten
from synth.steps import labelled_audit
from synth.steps.labelled_audit import labels_of
from synth.steps.listening import Heard, Listener
from synth.steps.progress import Progress, silent
from synth.steps.results import Result
from synth.steps.verify import Folder
from synth.store import parquet
from synth.store.atomic import replacing
from synth.store.memory import give_back
from synth.tables import SEXES, SPLITS

Ints = NDArray[np.int64]

SAMPLE = 2000  # clips that are listened to unless all are wanted


@dataclass(frozen=True, slots=True, repr=False)
class Audited(Result):
    """The findings of an audit, and where its pictures are."""

    out: Path
    findings: tuple[Finding, ...]
    pictures: tuple[Path, ...]

    def in_short(self) -> dict[str, object]:
        """Return how many claims hold, and those that do not."""
        failed = [finding.claim for finding in self.findings if finding.holds is False]
        held = sum(finding.holds is True for finding in self.findings)
        return {"out": self.out, "holds": self.holds, "claims_that_hold": held, "claims_that_do_not": failed}

    @property
    def holds(self) -> bool:
        """Whether no claim was found not to hold."""
        return all(finding.holds is not False for finding in self.findings)


def audit(
    out: str | Path,
    *,
    everything: bool = False,
    roots: Mapping[str, Path] | None = None,
    pictures: bool = True,
    progress: Progress = silent,
) -> Audited:
    """Check every claim of an output folder; write ``audit.json`` and, if wanted, ``pictures/`` into it.

    The data card gets the section on what one number of a clip guesses.

    At most 2,000 clips are listened to, evenly spread, unless ``everything``. Raises InputError when the folder is no data
    set; a claim that does not hold is a finding, never an error.
    """
    folder = Folder.opened(Path(out))
    give_back()
    sources = Sources.of(folder.sources)
    clips = Clips.of(stored.pages(folder.out / "manifest.parquet", CLIP_LEAVES, IN_DICTIONARIES), sources)
    give_back()
    names = _cell_names(folder)
    found = labels_of(folder) if folder.opened_plan.labelled else None
    findings = _on_paper(folder, clips, names, found)
    got = Heard()
    unlike = (
        "" if np.array_equal(clips.offsets, folder.plan.offsets) else "manifest.parquet has other parts than the plan"
    )
    if why := folder.unsound or unlike:
        findings.append(Finding("render", None, f"not rendered again: {why}", {}))
    else:
        with _of_changed_values(findings):
            listener = Listener(folder, clips, sampled(folder, everything), roots or {}, progress, everything, found)
            got = listener.listen(progress)
            findings += listener.findings(got)
    guesses = {finding.claim: finding.figures for finding in findings}
    again = any(one.claim == "render" and one.holds for one in findings) and metadata.version(folder.out) == __version__
    if why := beaten.contradicted(_text(folder.out / "README.md") or "", guesses, again):
        findings.append(Finding("guesses", False, f"README.md on what to beat: {why}; the section is rewritten", {}))
    text = json.dumps(
        {"holds": all(f.holds is not False for f in findings), "findings": [f.as_dict() for f in findings]}, indent=1
    )
    with replacing(folder.out / "audit.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    beaten.write(folder.out / "README.md", guesses)
    drawn: tuple[Path, ...] = ()
    if pictures and all(finding.claim != "values" for finding in findings):
        drawn = _drawn(folder, clips, names, got) if found is None else labelled_audit.drawn(folder, clips, found, got)
    return Audited(folder.out, tuple(findings), drawn)


def _on_paper(folder: Folder, clips: Clips, names: list[str], found: Labels | None) -> list[Finding]:
    """Return the findings that need the tables alone; ``found``: the labels of clips that are used as they are."""
    made = folder.opened_plan
    ids = folder.plan.table.column("clip_id")
    card = folder.out / "README.md"
    plan = folder.plan
    as_planned = made.labelled and len(plan.start_n) == len(clips.source)
    starts = plan.start_n if as_planned else None
    own = _of_mixtures(folder, clips, names) if found is None else labelled_audit.checks(folder, clips, found)
    checks: list[Callable[[], Sequence[Finding]]] = [
        lambda: [files.shards(folder.parts, folder.stamp)],
        lambda: [
            files.digests(
                made.digest,
                folder.metadata.get("digest"),
                folder.sources_digest,
                folder.metadata["sources_digest"],
            )
        ],
        lambda: [layout.finding(folder.wanted)],
        lambda: [metadata.finding(folder.wanted, folder.said)],
        lambda: [files.manifest(folder.out / "manifest.parquet", folder.parts, folder.columns, ids)],
        lambda: [
            files.same_plan(
                clips,
                ids,
                plan.source,
                plan.onset_n / folder.rate_hz,
                plan.length_n / folder.rate_hz,
                plan.offsets,
            )
        ],
        lambda: recomputed.findings(_planned(folder, clips), stored.pages(folder.out / "manifest.parquet", LEAVES)),
        *own,
        lambda: [labels.parts(clips)],
        lambda: disjoint.disjoint(clips),
        lambda: [
            credit.licence(
                clips, starts, _text(card), _text(folder.out / "attribution.txt"), folder.rate_hz, _is_earlier(folder)
            )
        ],
    ]
    options, wanted = made.options, {**json.loads(folder.metadata["recipe"]), **_stored(folder)}
    checks += [
        lambda: [_card(folder, clips, names, found)],
        lambda: [written.recipe(folder.out / "recipe.toml", wanted, options.command)],
    ]
    findings: list[Finding] = []
    for check in checks:
        with _of_changed_values(findings):
            findings += check()
        give_back()
    return findings


def _stored(folder: Folder) -> dict[str, object]:
    """Return the options that are not in the plan: how clips are stored, and what was indexed."""
    options = folder.opened_plan.options
    return {"store": options.store, "codec": options.codec, **written.of_sources(folder.sources, options)}


def _card(folder: Folder, clips: Clips, names: list[str], found: Labels | None) -> Finding:
    """Compare the data card with the tables, sentence by sentence."""
    manifest = folder.out / "manifest.parquet"
    text = _text(folder.out / "README.md")
    pages = pa.concat_tables(stored.pages(manifest, facts.LEAVES))
    options = replace(folder.opened_plan.options, **written.of_sources(folder.sources, folder.opened_plan.options))
    columns = {name: pages.column(name) for name in facts.LEAVES}
    told = facts.Told(options, folder.metadata, metadata.version(folder.out), columns)
    earlier = _is_earlier(folder)
    if found is not None:
        of = labelled_facts.of_earlier_labelled if earlier else labelled_facts.of_labelled
        sentences = of(clips, found, told)
    else:
        sentences = (facts.of_earlier_mixtures if earlier else facts.of_mixtures)(clips, told)
    return written.card(text, _counts(folder, clips, names, found), sentences, options, told.version, earlier)


def _is_earlier(folder: Folder) -> bool:
    """Say whether a folder has the card of version 0.1.0: it says so, and no later version rendered it."""
    return facts.is_earlier(_text(folder.out / "README.md") or "") and metadata.version(folder.out) is None


def _counts(folder: Folder, clips: Clips, names: list[str], found: Labels | None) -> dict[str, dict[str, int]]:
    """Return the clips by class, or by label, and by split; ``all`` is all of them."""
    here = {split: clips.split == k for k, split in enumerate(SPLITS) if (clips.split == k).any()}
    order = [split for split in SPLITS if split in here]
    out = {"all": {split: int(here[split].sum()) for split in order}}
    for split in order:
        if found is None:
            per_class = [int((clips.cell[here[split]] == k).sum()) for k in range(len(names))]
        else:
            per_class = found.counts(here[split]).tolist()
        for name, count in zip(names if found is None else found.names, per_class, strict=True):
            out.setdefault(name, {})[split] = count
    return out


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None


@contextmanager
def _of_changed_values(findings: list[Finding]) -> Iterator[None]:
    """Make an error of a check a finding, where findings say already that a table was changed: it may hold anything."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        if all(finding.holds is not False for finding in findings):
            raise
        findings.append(Finding("values", False, f"a check met values that no data set has ({error!r})", {}))


def _planned(folder: Folder, clips: Clips) -> recomputed.Planned:
    """Return what the plan says of its clips, for the columns that are computed from it."""
    plan, table = folder.plan, folder.plan.table
    columns = [name for name in planned.COLUMNS if name in table.column_names]
    return recomputed.Planned(
        sources=clips.sources,
        clip_id=table.column("clip_id"),
        split=table.column("split"),
        columns={name: table.column(name) for name in columns},
        offsets=plan.offsets,
        source=plan.source,
        start_n=plan.start_n,
        onset_n=plan.onset_n,
        length_n=plan.length_n,
        gain_q12=plan.gain_q12,
        sir_db=plan.sir_db,
        active_s=plan.active_s,
        clip_n=folder.length_n,
        rate_hz=folder.rate_hz,
        spoken=not folder.opened_plan.labelled,
    )


def _of_mixtures(folder: Folder, clips: Clips, names: list[str]) -> list[Callable[[], Sequence[Finding]]]:
    """Return the checks of mixtures of speakers: classes, use of the speakers, order of the parts."""
    asked, weights = json.loads(folder.metadata["clips"]), json.loads(folder.metadata["cells"])
    planned = codes(folder.plan.table.column("cell"), names)[0]
    return [
        lambda: [labels.cells(clips, names, asked, weights, planned)],
        lambda: [labels.labels(clips, names)],
        lambda: [use.use(clips)],
        lambda: [use.dependence(clips, names)],
        lambda: [shortcuts.order(clips, clips.part_level_db.astype(np.float64))],
    ]


def sampled(folder: Folder, everything: bool) -> Ints:
    """Return the rows to listen to: all, or of every shard the first few, so that few pages are read."""
    total = len(folder.plan.table)
    if everything or total <= SAMPLE:
        return np.arange(total)
    each = max(1, SAMPLE // len(folder.parts))
    heard = folder.parts[:: max(1, -(-len(folder.parts) // SAMPLE))]
    return np.concatenate([np.arange(part.first, min(part.first + each, part.end)) for part in heard])


def _drawn(folder: Folder, clips: Clips, names: list[str], got: Heard) -> tuple[Path, ...]:
    """Draw the pictures and return where they are."""
    from synth.publishing import pictures

    where = folder.out / "pictures"
    order = sorted(range(len(names)), key=lambda k: (names[k] != "none", len(names[k]), names[k]))
    splits = [(k, split) for k, split in enumerate(SPLITS) if (clips.split == k).any()]
    counts = {
        split: {names[k]: int(((clips.split == code) & (clips.cell == k)).sum()) for k in order}
        for code, split in splits
    }
    speaker = clips.of_source(clips.sources.code("speaker_id"), -1)
    sex = clips.of_source(clips.sources.sex, -1)
    uses: dict[str, dict[str, Ints]] = {}
    for code, split in splits:
        for sex_code, letter in enumerate(SEXES):
            here = clips.speaks & (speaker >= 0) & (sex == sex_code) & (clips.part_split == code)
            if here.any():
                counted = np.bincount(speaker[here])
                uses.setdefault(split, {})[letter] = counted[counted > 0]
    out = [pictures.classes(where / "classes.png", counts)]
    if uses:
        out.append(pictures.speakers(where / "speakers.png", uses))
    if got.rows:
        rows, measured = np.concatenate(got.rows), features.joined(got.features)
        kinds = {n: f"{n} speaker{'s' * (n != 1)}" for n in np.unique(clips.n).tolist()}
        level = {word: clips.level_db[clips.n == n].astype(np.float64) for n, word in kinds.items()}
        active = {word: measured.active[clips.n[rows] == n] for n, word in kinds.items()}
        shown = {
            names[k]: (clips.ids(np.array(got.examples[k][:1]))[0], got.examples[k][1])
            for k in order
            if k in got.examples
        }
        out.append(pictures.levels(where / "levels.png", level, active))
        out.append(pictures.examples(where / "examples.png", shown, folder.rate_hz))
    return tuple(out)


def _cell_names(folder: Folder) -> list[str]:
    """Return the names of the manifest's class labels."""
    said = layout.features(parquet.File(folder.out / "manifest.parquet").schema_arrow.metadata).get("cell")
    names = said.get("names") if isinstance(said, dict) else None
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if known and names else list(folder.opened_plan.cells)
