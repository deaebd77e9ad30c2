"""``synth index``: read corpora, measure every recording, and write the SOURCES table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from synth import corpora
from synth.audio import arena
from synth.audio.cache import Cache, Stamp, folder
from synth.audio.measured import Measured
from synth.corpora.items import Corpus, Item, Oddities, Oddity
from synth.errors import InputError, UsageError
from synth.steps import roots as where
from synth.steps.progress import Progress, silent, workers
from synth.steps.reconciled import of_one_sex, reconciled
from synth.steps.results import Result
from synth.steps.spoken import spoken
from synth.store import arrays, atomic, parquet
from synth.tables import FORMAT_VERSION, FRAMES_PER_S, NOISE, SOURCES
from synth.units import counted

CHUNK_FILES = 128
CHUNK_BYTES = 32 << 20
Row = tuple[where.Root, Corpus, Item]


@dataclass(frozen=True, slots=True, repr=False)
class Indexed(Result):
    """A SOURCES table and what was met on the way; ``oddities`` are those of all corpora together."""

    table: pa.Table
    corpora: tuple[tuple[where.Root, Corpus], ...]
    oddities: tuple[Oddity, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    fresh: int = 0
    arena: bool = True


def index(
    paths: Sequence[str | Path],
    *,
    csv: corpora.Given = None,
    noise: Sequence[str | Path] = (),
    rate: int = 16000,
    roots: Mapping[str, Path] | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Indexed:
    """Index folders of recordings for clips at ``rate`` Hz; write SOURCES to ``out`` if given.

    ``csv``: tables that say what is known of folders of one's own; a path, several, or a path for each root by its name.
    Files that did not change since they were last measured are not read again. Raises InputError for a folder that
    cannot be read as a corpus; a damaged file is a row with a status and a reason.
    """
    if rate % FRAMES_PER_S or not 4000 <= rate <= 192_000:
        raise UsageError(f"--rate {rate}: wanted a multiple of {FRAMES_PER_S} Hz from 4000 to 192000, e.g. 16000")
    target = atomic.to_file(out, "sources.parquet") if out else None
    with Cache() as cache:
        places = where.named(cache, paths, noise, roots)
        found = list(zip(places, corpora.read_all(places, csv), strict=True))
        oddities = Oddities()
        rows = _of_one_sex([(root, corpus, item) for root, corpus in found for item in corpus.items], oddities)
        wanted = [
            root.folder / item.path if item.status == "ok" else Measured("", item.status, item.reason)
            for root, _, item in rows
        ]
        facts, fresh, kept = measure(cache, wanted, rate, workers(jobs), progress)
    facts = [
        spoken(fact, corpus.name != NOISE and item.speaker_id is not None, bool(item.labels))
        for fact, (_, corpus, item) in zip(facts, rows, strict=True)
    ]
    terms = {root.name: (corpus.licence, corpus.attribution) for root, corpus in found}
    done = reconciled([(root.name, item) for root, _, item in rows], facts, terms)
    rows = [(root, corpus, item) for (root, corpus, _), item in zip(rows, done.items, strict=True)]
    facts = done.facts
    table = _as_table(rows, facts, rate, _tables(found))
    result = Indexed(table, tuple(found), (*oddities.all(), *done.oddities), fresh=fresh, arena=kept)
    for (root, _, item), fact in zip(rows, facts, strict=True):
        result.counts[fact.status] += 1
        result.examples.setdefault(fact.status, f"{root.name}/{item.path}: {fact.reason}")
    if not result.counts["ok"]:
        listed = "; ".join(f"{n} {status} ({result.examples[status]})" for status, n in result.counts.items())
        raise InputError(f"none of {counted(len(rows), 'recording')} can be used: {listed or 'no audio files'}")
    if target:
        parquet.write(table, target)
    return result


def _of_one_sex(rows: Sequence[Row], oddities: Oddities) -> list[Row]:
    items = of_one_sex([(root.name, item) for root, _, item in rows], oddities)
    return [(root, corpus, item) for (root, corpus, _), item in zip(rows, items, strict=True)]


def _tables(found: Sequence[tuple[where.Root, Corpus]]) -> dict[str, str]:
    """Return the tables for the metadata, as --csv takes them, without the folders that they lie in."""
    named = [(root.name, corpus.table) for root, corpus in found if corpus.table]
    texts = [table if len(found) == 1 else f"{root}={table}" for root, table in named]
    return {"csv": json.dumps(texts, ensure_ascii=False)} if texts else {}


def measure(
    cache: Cache, wanted: Sequence[Path | Measured], rate: int, jobs: int, progress: Progress
) -> tuple[list[Measured], int, bool]:
    """Return the measures at ``rate`` Hz of files (what is known already stays), how many files were read, and whether
    their samples went into the arena.
    """
    facts: list[Measured | None] = [None if isinstance(one, Path) else one for one in wanted]
    todo: list[tuple[int, Stamp]] = []
    for k, path in enumerate(wanted):
        if not isinstance(path, Path):
            continue
        try:
            todo.append((k, Stamp.of(path)))
        except OSError as error:
            facts[k] = Measured("", "unreadable", f"{error.strerror}")
    unread: list[tuple[int, Stamp]] = []
    for (k, stamp), sha in zip(todo, cache.hashes([stamp for _, stamp in todo]), strict=True):
        facts[k] = cache.known(sha, rate) if sha else None
        if facts[k] is None:
            unread.append((k, stamp))
    atomic.clean_after_dead(folder() / "arena")
    keep = arena.fits(sum(stamp.size for _, stamp in unread))
    done, total = len(wanted) - len(unread), len(wanted)
    progress("indexing", done, total)
    pool = ThreadPoolExecutor(jobs)
    try:
        chunks = list(_chunks(unread, jobs))
        futures = {
            pool.submit(
                arena.measure_chunk, [Path(stamp.path) for _, stamp in chunk], rate, atomic.replacing if keep else None
            ): chunk
            for chunk in chunks
        }
        for future in as_completed(futures):
            chunk, results = futures[future], future.result()
            cache.remember(
                rate, [(stamp, fact, place) for (_, stamp), (fact, place) in zip(chunk, results, strict=True)]
            )
            for (k, _), (fact, _) in zip(chunk, results, strict=True):
                facts[k] = fact
            done += len(chunk)
            progress("indexing", done, total)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [fact for fact in facts if fact is not None], len(unread), keep


def _chunks(unread: Sequence[tuple[int, Stamp]], jobs: int) -> Iterator[list[tuple[int, Stamp]]]:
    """Cut the work into pieces of limited size; small corpora into enough pieces for all workers."""
    most = max(1, min(CHUNK_FILES, -(-len(unread) // jobs)))
    chunk: list[tuple[int, Stamp]] = []
    size = 0
    for entry in unread:
        if chunk and (len(chunk) >= most or size + entry[1].size > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(entry)
        size += entry[1].size
    if chunk:
        yield chunk


def _as_table(rows: Sequence[Row], facts: Sequence[Measured], rate: int, more: dict[str, str]) -> pa.Table:
    items = [item for _, _, item in rows]

    def texts(values: Iterator[str | None]) -> pa.Array:
        return arrays.texts(list(values))

    def lists(values: list[tuple[str, ...]]) -> pa.Array:
        offsets = np.concatenate([[0], np.cumsum([len(value) for value in values], dtype=np.int64)])
        return arrays.lists(offsets, arrays.texts([text for value in values for text in value]))

    columns = {
        "source_id": texts(f"{root.name}/{item.path}" for root, _, item in rows),
        "corpus": texts(corpus.name for _, corpus, _ in rows),
        "root": texts(root.name for root, _, _ in rows),
        "path": texts(item.path for item in items),
        "sha256": texts(fact.sha256 or None for fact in facts),
        "pcm_sha256": texts(fact.pcm_sha256 for fact in facts),
        "format": texts(fact.format for fact in facts),
        "rate_hz": _numbers([fact.rate_hz for fact in facts], pa.int32()),
        "channels": _numbers([fact.channels for fact in facts], pa.int32()),
        "frames": _numbers([fact.frames for fact in facts], pa.int64()),
        "duration_s": _numbers([f.frames / f.rate_hz if f.frames and f.rate_hz else None for f in facts], pa.float64()),
        "scaled_db": _numbers([fact.scaled_db for fact in facts], pa.float64()),
        "labels": lists([item.labels for item in items]),
        "mids": lists([item.mids for item in items]),
        "start_s": _numbers([item.start_s for item in items], pa.float64()),
        "end_s": _numbers([item.end_s for item in items], pa.float64()),
        **at_rate(facts),
        "licence": texts(item.licence or corpus.licence for _, corpus, item in rows),
        "attribution": texts(item.attribution or corpus.attribution for _, corpus, item in rows),
        "status": texts(fact.status for fact in facts),
        "reason": texts(fact.reason for fact in facts),
    }
    for name in SOURCES.names:
        if name not in columns:
            columns[name] = texts(getattr(item, name) for item in items)
    metadata = {"table": "sources", "format_version": FORMAT_VERSION, "rate_hz": json.dumps(rate), **more}
    return pa.Table.from_arrays([columns[name] for name in SOURCES.names], schema=SOURCES.schema(metadata))


def at_rate(facts: Sequence[Measured]) -> dict[str, pa.Array]:
    """Return the columns of SOURCES that depend on the rate of the clips."""
    return {
        "dc_n": _numbers([fact.dc_n for fact in facts], pa.int32()),
        "level_dbfs": _numbers([None if f.level_tenths is None else f.level_tenths / 10 for f in facts], pa.float64()),
        "peak_dbfs": _numbers([None if f.peak_tenths is None else f.peak_tenths / 10 for f in facts], pa.float64()),
        "active_s": _numbers(
            [None if f.active_frames is None else f.active_frames / FRAMES_PER_S for f in facts], pa.float64()
        ),
        "envelope": arrays.blobs([fact.rms for fact in facts]),
        "peaks": arrays.blobs([fact.peaks for fact in facts]),
        "speech": arrays.blobs([fact.speech for fact in facts]),
    }


def _numbers(values: Sequence[int | float | None], kind: pa.DataType) -> pa.Array:
    valid = np.array([value is not None for value in values], np.bool_)
    return arrays.numbers(np.array([0 if value is None else value for value in values]), kind, valid)
