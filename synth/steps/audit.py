"""``synth audit``: does every claim of a data set hold? With numbers, for programs, people and eyes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio.envelope import active_thresholds, frame_length
from synth.checking import activity, audio, credit, disjoint, features, files, labels, shortcuts, stored, use
from synth.checking.features import Features
from synth.checking.findings import Finding
from synth.checking.rows import CLIP_LEAVES, IN_DICTIONARIES, Clips, Sources
from synth.errors import InputError
from synth.steps.progress import Progress, silent, workers
from synth.steps.render import job_of
from synth.steps.verify import Again, Folder, differing_rows
from synth.store import arrays, parquet
from synth.store.atomic import replacing
from synth.tables import MANIFEST, SEXES, SOURCES, SPLITS

Ints = NDArray[np.int64]

SAMPLE = 2000  # clips that are listened to unless all are wanted
REMEASURED_N = 100_000_000  # samples of whole recordings that are measured anew unless all are wanted
DECODING = 10  # how much dearer a sample is that must be decoded first


@dataclass(frozen=True, slots=True)
class Audited:
    """The findings of an audit, and where its pictures are."""

    out: Path
    findings: tuple[Finding, ...]
    pictures: tuple[Path, ...]

    @property
    def holds(self) -> bool:
        """Whether no claim was found not to hold."""
        return all(finding.holds is not False for finding in self.findings)


def audit(
    out: str | Path,
    *,
    everything: bool = False,
    roots: Mapping[str, Path] | None = None,
    jobs: int | None = None,
    pictures: bool = True,
    progress: Progress = silent,
) -> Audited:
    """Check every claim of an output folder; write ``audit.json`` and, if wanted, ``pictures/`` into it.

    At most 2,000 clips are listened to, evenly spread, unless ``everything``. Raises InputError when the folder is no data
    set; a claim that does not hold is a finding, never an error.
    """
    folder = Folder.opened(Path(out))
    sources = Sources.of(folder.sources)
    manifest = stored.rows(folder.out / "manifest.parquet", CLIP_LEAVES, IN_DICTIONARIES)
    clips = Clips.of(manifest, sources)
    names = _cell_names(folder)
    findings = _on_paper(folder, clips, names)
    got = _Heard()
    if len(clips) == len(folder.plan.table):
        findings += _listened(folder, clips, everything, roots or {}, workers(jobs), progress, got)
    text = json.dumps(
        {"holds": all(f.holds is not False for f in findings), "findings": [f.as_dict() for f in findings]}, indent=1
    )
    with replacing(folder.out / "audit.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    drawn = _drawn(folder, clips, names, got) if pictures else ()
    return Audited(folder.out, tuple(findings), drawn)


def _on_paper(folder: Folder, clips: Clips, names: list[str]) -> list[Finding]:
    """Return the findings that need the tables alone."""
    asked, weights = json.loads(folder.metadata["clips"]), json.loads(folder.metadata["cells"])
    made = folder.opened_plan
    ids = folder.ids(0, len(folder.plan.table))
    card = folder.out / "README.md"
    plan = folder.plan
    return [
        files.shards(folder.parts, folder.stamp),
        files.digests(
            made.digest,
            folder.metadata.get("digest"),
            parquet.digest(folder.sources, SOURCES.names),
            folder.metadata["sources_digest"],
        ),
        files.manifest(folder.out / "manifest.parquet", folder.parts, MANIFEST.names, ids),
        files.same_plan(
            clips,
            ids,
            plan.source,
            plan.onset_n / folder.rate_hz,
            plan.length_n / folder.rate_hz,
            plan.offsets,
        ),
        labels.cells(clips, names, asked, weights, _cells_elsewhere(folder, names)),
        labels.labels(clips, names),
        labels.parts(clips),
        *disjoint.disjoint(clips),
        use.use(clips),
        use.dependence(clips, names),
        credit.licence(clips, card.read_text(encoding="utf-8") if card.exists() else None),
        shortcuts.order(clips, clips.part_level_db),
    ]


def _cells_elsewhere(folder: Folder, names: list[str]) -> dict[str, Ints]:
    """Return the cell of each clip as the plan and the shards have it."""
    from synth.checking.rows import codes

    out = {"plan": codes(folder.plan.table.column("cell"), names)[0]}
    found = [
        arrays.as_numpy(stored.rows(part.table, ["cell"]).column("cell"), np.int64)
        for part in folder.parts
        if stored.opened(part)[0] is not None
    ]
    shards = np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)
    if len(shards) == len(folder.plan.table):  # a missing shard is a finding of its own
        out["shards"] = shards
    return out


@dataclass(slots=True)
class _Heard:
    """What was gathered while listening."""

    rows: list[Ints] = field(default_factory=list)
    features: list[Features] = field(default_factory=list)
    bare: list[Features] = field(default_factory=list)
    parts: list[Ints] = field(default_factory=list)
    frames: list[Ints] = field(default_factory=list)
    level_db: list[NDArray[np.float64]] = field(default_factory=list)
    differ: set[int] = field(default_factory=set)
    damaged: list[int] = field(default_factory=list)
    unsummed: list[int] = field(default_factory=list)
    with_stems: int = 0
    from_stems: bool = False
    hashes: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[int, tuple[int, NDArray[np.int16]]] = field(default_factory=dict)  # by cell: row and samples


def _listened(
    folder: Folder,
    clips: Clips,
    everything: bool,
    given: Mapping[str, Path],
    jobs: int,
    progress: Progress,
    got: _Heard,
) -> list[Finding]:
    """Return the findings that need samples; what was measured is left in ``got``."""
    chosen = sampled(folder, everything)
    again, why = None, ""
    try:
        again = Again(folder, job_of(folder.opened_plan, folder.out, given, jobs, progress))
    except InputError as error:
        why = re.sub(r" is not at [^;]+;", " is not here;", str(error))  # audit.json holds no path of this machine
    thresholds, how = _thresholds(folder, again, chosen, everything)
    done = 0
    for part, wanted in stored.runs_of(chosen, folder.parts):
        for run in stored.read(part, wanted, folder.length_n, folder.rate_hz):
            _listen(folder, clips, again, thresholds, run, got)
            done += len(run.mix)
            progress("auditing", done, len(chosen))
    if not got.rows:
        return []
    rows = np.concatenate(got.rows)
    measured = features.joined(got.features)
    bare = features.joined(got.bare) if got.bare else None
    options = folder.opened_plan.options
    promised = folder.plan.active_s
    min_active = options.min_active if options.min_active is not None else min(options.seconds / 2, 1.0)
    heard = activity.Measured(np.concatenate(got.parts), np.concatenate(got.frames), np.concatenate(got.level_db))
    how = "measured in the stems of data/, with thresholds from sources.parquet" if got.from_stems else how
    active = activity.finding(clips, heard, promised, min_active, options.sir_db, how)
    if again is None and not got.from_stems:
        active = Finding("active", None, f"not checked: {why}", {})
    plain = bool((folder.plan.gain_q12 == 4096).all())
    return [
        disjoint.duplicates(clips, got.hashes),
        active,
        audio.rendered(clips, rows, np.array(sorted(got.differ), np.int64), np.array(got.damaged, np.int64), why),
        *([audio.stems(clips, got.with_stems, np.array(got.unsummed, np.int64))] if got.with_stems else []),
        audio.levels(clips, rows, measured.level),
        audio.unclipped(clips, rows, measured.full, plain),
        *_shortcuts(folder, clips, again, rows, measured, bare),
    ]


def _listen(
    folder: Folder, clips: Clips, again: Again | None, thresholds: NDArray[np.int16], run: stored.Run, got: _Heard
) -> None:
    """Measure some neighbouring clips."""
    plan, frame_n = folder.plan, frame_length(folder.rate_hz)
    count = len(run.mix)
    rows = np.arange(run.first, run.first + count)
    a, b = int(plan.offsets[run.first]), int(plan.offsets[run.first + count])
    part = np.arange(a, b)
    source = plan.source[a:b]
    speaks = ~clips.sources.noise[source]
    limit, gain = thresholds[source], plan.gain_q12[a:b]
    if again is not None:
        mix, stems = again.clips(run.first, count)
        got.differ |= differing_rows(run, mix, stems) - set(run.damaged)
        windows = np.zeros((b - a, folder.length_n), np.int16)
        for k in range(b - a):
            window = again.window(int(source[k]), int(plan.start_n[a + k]), int(plan.length_n[a + k]))
            windows[k, : len(window)] = window
        found = activity.windows_bytes(windows, frame_n)
    elif run.stems is not None and sum(map(len, run.stems)) == b - a:
        found = activity.windows_bytes(_cut(np.concatenate(run.stems), plan.onset_n[a:b]), frame_n)
        limit, gain = activity.in_stems(limit, gain), np.full(b - a, 4096)
        got.from_stems = True
    else:
        rms, offsets = arrays.ragged(folder.sources.column("envelope"))
        found = activity.table_bytes(rms, offsets, source, plan.start_n[a:b], plan.length_n[a:b], frame_n)
    if run.stems is not None:
        for k, one in enumerate(run.stems):
            got.with_stems += 1
            if not np.array_equal(one.sum(axis=0, dtype=np.int32), run.mix[k]):
                got.unsummed.append(run.first + k)
    heard = activity.heard(found, limit, gain, frame_n)
    owner = plan.clip_of_part[a:b] - run.first
    voices = activity.voices(
        heard.active[speaks], plan.onset_n[a:b][speaks], owner[speaks], count, folder.length_n, frame_n
    )
    got.parts.append(part[speaks])
    got.frames.append(heard.frames[speaks])
    got.level_db.append(heard.level_db[speaks])
    got.rows.append(rows)
    got.damaged += run.damaged
    got.features.append(features.measured(run.mix, voices, folder.rate_hz))
    if again is not None:
        bare = _bare(stems, owner, speaks, run.mix.shape) if not speaks.all() else mix
        same = np.array_equal(bare, run.mix)
        got.bare.append(got.features[-1] if same else features.measured(bare, voices, folder.rate_hz))
    for k, cell in enumerate(clips.cell[rows].tolist()):
        got.hashes.setdefault(sha256(run.mix[k].data).hexdigest(), []).append(run.first + k)
        if cell not in got.examples:
            got.examples[cell] = run.first + k, run.mix[k].copy()


def _cut(stems: NDArray[np.int16], onset_n: Ints) -> NDArray[np.int16]:
    """Return stems (parts, samples) shifted to begin with their windows."""
    out = np.zeros_like(stems)
    for k, onset in enumerate(onset_n.tolist()):
        out[k, : stems.shape[1] - onset] = stems[k, onset:]
    return out


def _bare(
    stems: list[NDArray[np.int16]], owner: Ints, speaks: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.int16]:
    """Return the sums of the speakers alone."""
    out = np.zeros(shape, np.int32)
    for k, stem in enumerate(np.concatenate(stems)):
        if speaks[k]:
            out[owner[k]] += stem
    return np.clip(out, -32768, 32767).astype(np.int16)


def _shortcuts(
    folder: Folder,
    clips: Clips,
    again: Again | None,
    rows: Ints,
    measured: Features,
    bare: Features | None,
) -> list[Finding]:
    """Return the findings of the shortcut audit that need samples."""
    told = shortcuts.clips(measured, bare, clips.n[rows], clips.cell[rows], rows)
    rms, offsets = arrays.ragged(folder.sources.column("envelope"))
    told["floor"] |= shortcuts.recordings(clips, activity.dynamics(rms, offsets))
    if again is not None:
        told["bandwidth"] |= shortcuts.recordings(clips, _bandwidths(folder, again, rows))
    out = [
        shortcuts.finding(name, what, told[name], name not in shortcuts.REPORTED)
        for name, what in shortcuts.SAYS.items()
    ]
    corpus = clips.sources.code("corpus")
    if len(np.unique(corpus[clips.source[clips.known & clips.speaks]])) > 1:
        of_corpus = shortcuts.recordings(clips, corpus.astype(np.float64), kinds=True)
        out.append(shortcuts.finding("corpus", "the corpus", of_corpus))
    return out


def _bandwidths(folder: Folder, again: Again, rows: Ints) -> NDArray[np.float64]:
    """Return the bandwidth of one window of each source that the sampled clips use, NaN for the others."""
    plan = folder.plan
    wanted = np.zeros(len(plan.table), np.bool_)
    wanted[rows] = True
    part = np.nonzero(wanted[plan.clip_of_part])[0]
    source, first = np.unique(plan.source[part], return_index=True)
    out = np.full(folder.sources.num_rows, np.nan)
    step = 64
    for begin in range(0, len(source), step):
        windows = np.zeros((len(source[begin : begin + step]), folder.length_n), np.float32)
        for row, (k, p) in enumerate(
            zip(source[begin : begin + step].tolist(), part[first[begin : begin + step]].tolist(), strict=True)
        ):
            window = again.window(k, int(plan.start_n[p]), int(plan.length_n[p]))
            windows[row] = np.resize(window, folder.length_n)  # a shorter one is repeated: no step into silence
        out[source[begin : begin + step]] = features.bandwidth(windows, folder.rate_hz)
    return out


def _thresholds(folder: Folder, again: Again | None, chosen: Ints, everything: bool) -> tuple[NDArray[np.int16], str]:
    """Return the activity threshold of each source, measured anew where it can be, and how they were found."""
    rms, offsets = arrays.ragged(folder.sources.column("envelope"))
    thresholds = active_thresholds(rms, offsets).astype(np.int16)
    if again is None:
        return thresholds, "thresholds from the envelopes in sources.parquet"
    frame_n = frame_length(folder.rate_hz)
    plan = folder.plan
    wanted = np.zeros(len(plan.table), np.bool_)
    wanted[chosen] = True
    used = np.unique(plan.source[wanted[plan.clip_of_part]])
    size = np.diff(offsets)[used] * frame_n
    ids = folder.sources.column("source_id").to_pylist()
    cost = size * np.array([1 if again.is_mapped(ids[k]) else DECODING for k in used.tolist()], np.int64)
    some = used if everything else used[:: max(1, -(-int(cost.sum()) // REMEASURED_N))]
    for k in some.tolist():
        samples = again.window(k, 0, int(offsets[k + 1] - offsets[k]) * frame_n)
        thresholds[k] = activity.threshold_of(samples, folder.rate_hz)
    how = f"measured in the recordings, thresholds over the whole of {len(some):,} of {len(used):,} of them"
    return thresholds, how + ("" if len(some) == len(used) else ", the others' from sources.parquet")


def sampled(folder: Folder, everything: bool) -> Ints:
    """Return the rows to listen to: all, or of every row group the first few, so that few pages are read."""
    total = len(folder.plan.table)
    if everything or total <= SAMPLE:
        return np.arange(total)
    blocks = [row for part in folder.parts for row in range(part.first, part.end, folder.batch)]
    ends = [
        min(row + folder.batch, part.end) for part in folder.parts for row in range(part.first, part.end, folder.batch)
    ]
    each = max(1, SAMPLE // len(blocks))
    pairs = list(zip(blocks, ends, strict=True))[:: max(1, -(-len(blocks) // SAMPLE))]
    return np.concatenate([np.arange(row, min(row + each, end)) for row, end in pairs])


def _drawn(folder: Folder, clips: Clips, names: list[str], got: _Heard) -> tuple[Path, ...]:
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
    schema = parquet.opened(folder.out / "manifest.parquet", MANIFEST, "synth render").schema_arrow
    found = json.loads(parquet.metadata(schema).get("huggingface", "{}"))
    return list(found.get("info", {}).get("features", {}).get("cell", {}).get("names", folder.opened_plan.cells))
