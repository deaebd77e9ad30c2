"""``synth review``: hear what was rejected, and a sample of all; what people decide wins over the model."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from synth.audio.cache import Cache
from synth.errors import InputError, PartialError, UsageError, listed, nearest
from synth.labels import spelled
from synth.publishing.review import csvfile, journal
from synth.publishing.review.clips import Clips, Recording
from synth.publishing.review.decisions import of_table
from synth.publishing.review.estimate import Estimate
from synth.publishing.review.lists import Lists
from synth.publishing.review.server import Server, page_html
from synth.steps import origin
from synth.steps import roots as where
from synth.steps.results import Result
from synth.steps.reviewing import Session
from synth.store import locks, parquet
from synth.tables import SOURCES, VERDICTS
from synth.units import counted

ASKED_PRECISION = 0.9  # where the verdicts do not say which precision they were asked for
_END_IT = "if that is another synth review, end it first (Done on its page, or Ctrl-C)"


@dataclass(slots=True, repr=False)
class Reviewed(Result):
    """What a review came to: decisions of this session by verdict, of all sessions, and the judge's real precision."""

    decided: Counter[str] = field(default_factory=Counter)
    in_all: int = 0
    recovered: int = 0
    estimates: list[Estimate] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    sources: Path | None = None
    warnings: tuple[str, ...] = ()


def review(
    verdicts: str | Path,
    *,
    sources: str | Path | None = None,
    roots: Mapping[str, Path] | None = None,
    port: int = 0,
    sample: int = 30,
    labels: Sequence[str] = (),
    seed: int = 0,
    ready: Callable[[str], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> Reviewed:
    """Serve the review page on this machine until it says Done or Ctrl-C is pressed; return what was decided.

    Every decision is on the disk before the page confirms it, in a journal beside ``verdicts`` that is folded into that
    file at the end, or by the next review after a crash.

    Args:
        verdicts: the VERDICTS table.
        sources: the SOURCES table it judges; by default the one it was made from, or sources.parquet beside it.
        roots: where roots lie on this machine.
        port: of the server; 0: any that is free.
        sample: how many rejected and how many kept clips of each class make the random check.
        labels: the classes to review; none: all.
        seed: of the random check.
        ready: called with the address of the page when the server listens.
        warn: called with what should be known before listening, such as sources that changed.

    Raises:
        InputError: a table that is missing or damaged, recordings that are not there, or another review of this file.
        UsageError: a label that nothing was judged for.
    """
    path = Path(verdicts)
    if sample < 0:
        raise UsageError(f"--sample {sample}: wanted the number of clips a class, e.g. 30, or 0 for no random check")
    journal.checked(path)
    with locks.writing(path.absolute().parent, _END_IT):
        recovered = journal.fold(path)
        table = journal.read(path)
        made_from = origin.found(path, parquet.metadata(table.schema), Path(sources) if sources else None)
        for warning in made_from.warnings:
            if warn:
                warn(warning)
        recordings = _recordings(made_from.path, roots or {})
        lists = Lists(table, recordings, labels=_labels(table, labels), sample=sample, seed=seed)
        if not lists.judged:
            raise InputError(
                f"{path}: none of its {counted(table.num_rows, 'verdict')} is about a recording of these sources (they judge, e.g., "
                f"{listed(lists.gone, 1) or 'nothing'}); give the table they were made from: --sources FILE"
            )
        clips = Clips(recordings)
        for source_id in lists.gone:
            clips.gone[source_id] = "it is not among these sources"
        with journal.Journal(path) as stored:
            session = Session(lists, clips, stored, _asked(table))
            _serve(session, port, ready)
        journal.fold(path)
    estimates = lists.estimates()
    return Reviewed(
        Counter(str(decision.verdict) for decision in session.made()),
        sum(decision.verdict is not None for decision in lists.decided.values()),
        recovered,
        estimates,
        session.withdrawn(),
        clips.gone,
        made_from.path,
        made_from.warnings,
    )


def sources_of(verdicts: str | Path) -> Path:
    """Return where the SOURCES table of some verdicts lies, or should lie. Raises InputError."""
    path = Path(verdicts)
    return origin.place(path, parquet.file_metadata(parquet.opened(path, VERDICTS, journal.MADE_BY)))


def export(verdicts: str | Path, target: str | Path) -> int:
    """Write the decisions of people in a VERDICTS table as CSV; return how many. Raises InputError."""
    path = Path(verdicts)
    found = of_table(journal.read(path))
    csvfile.write(Path(target), found.values())
    return len(found)


def apply(verdicts: str | Path, file: str | Path) -> int:
    """Put the decisions of a CSV into a VERDICTS table, in place of earlier ones; return how many.

    Raises:
        InputError: a CSV without the columns source_id, label, verdict; a verdict that is none; two different verdicts of
            one label; or a review that is going on.
        PartialError: some decisions are about labels that are not in the table; all others were put in.
    """
    path = Path(verdicts)
    found = csvfile.read(Path(file))
    journal.checked(path)
    with locks.writing(path.absolute().parent, _END_IT):
        journal.fold(path)
        table = journal.read(path)
        known = set(zip(table.column("source_id").to_pylist(), table.column("label").to_pylist(), strict=True))
        there = [decision for decision in found if decision.pair in known]
        journal.fold(path, there)
    gone = [f"{decision.source_id} ({decision.label})" for decision in found if decision.pair not in known]
    if gone:
        raise PartialError(
            f"{file}: {len(there):,} of {counted(len(found), 'decision was', 'decisions were')} put into {path}; {counted(len(gone), 'is about a label that is', 'are about labels that are')} "
            f"not in that table: {listed(gone)}. If the recordings only moved, index them under the same root name: "
            "synth index NAME=PATH"
        )
    return len(there)


def _recordings(sources: Path, given: Mapping[str, Path]) -> dict[str, Recording]:
    """Return the recordings of SOURCES that can be heard, by id."""
    columns = ["source_id", "root", "path", "labels", "duration_s", "rate_hz", "status"]
    table = parquet.read(sources, SOURCES, origin.SOURCES_BY).select(columns)
    with Cache() as cache:
        folders = where.located(cache, dict.fromkeys(table.column("root").to_pylist()), given)
    return {
        row["source_id"]: Recording(
            row["source_id"],
            folders[row["root"]],
            row["path"],
            tuple(row["labels"] or ()),
            row["duration_s"],
            row["rate_hz"],
        )
        for row in table.to_pylist()
        if row["status"] == "ok"
    }


def _labels(table: pa.Table, asked: Sequence[str]) -> set[str] | None:
    """Return the requested labels by their names in the table, None for all. Raises UsageError."""
    known = {label: label for label in table.column("label").unique().to_pylist()}
    found = {text: spelled(text, known) for text in asked}
    for text, label in found.items():
        if label is None:
            raise UsageError(
                f"--label {text}: no verdict is about it{nearest(text, known) or '.'} The verdicts are about "
                f"{listed(sorted(known.values()))}"
            )
    return {label for label in found.values() if label is not None} or None


def _asked(table: pa.Table) -> float:
    """Return the precision that the verdicts were made for."""
    try:
        return float(parquet.metadata(table.schema).get("precision", ASKED_PRECISION))
    except ValueError:
        return ASKED_PRECISION


def _serve(session: Session, port: int, ready: Callable[[str], None] | None) -> None:
    try:
        server = Server(page_html(), session.get(), session.post(), port)
    except OSError as error:
        raise InputError(f"--port {port}: {error.strerror}; leave it out and any free port is taken") from error
    try:
        with _ended_by_ctrl_c(server):
            if ready:
                ready(server.address)
            server.serve_forever()
    finally:
        server.server_close()


@contextmanager
def _ended_by_ctrl_c(server: Server) -> Iterator[None]:
    """Let Ctrl-C end the server, the other way to end a review: all is stored.

    Not by an exception: one that comes while Python tidies up after a thread is printed and forgotten.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
