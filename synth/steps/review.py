"""``synth review``: hear what was rejected, and a sample of all; what people decide wins over the model."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pyarrow as pa

from synth.audio.cache import Cache
from synth.errors import InputError, PartialError, UsageError, listed, nearest
from synth.publishing.review import csvfile, journal
from synth.publishing.review.clips import Clips, GoneError, Recording
from synth.publishing.review.decisions import SAYS, Decision, of_table
from synth.publishing.review.estimate import KEPT, REJECTED, Estimate, together
from synth.publishing.review.lists import RANDOM, WORST, Lists
from synth.publishing.review.server import Answer, RefusedError, Server, as_json, page_html
from synth.steps import heard as people
from synth.steps import roots as where
from synth.store import locks, parquet
from synth.tables import SOURCES

SOURCES_BY = "synth index PATH -o sources.parquet; or say where: --sources FILE"
ASKED_PRECISION = 0.9  # where the verdicts do not say which precision they were asked for
_END_IT = "if that is another synth review, end it first (Done on its page, or Ctrl-C)"


@dataclass(slots=True)
class Reviewed:
    """What a review came to: decisions of this session by verdict, of all sessions, and the judge's real precision."""

    decided: Counter[str] = field(default_factory=Counter)
    in_all: int = 0
    recovered: int = 0
    estimates: list[Estimate] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)


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
) -> Reviewed:
    """Serve the review page on this machine until it says Done or Ctrl-C is pressed; return what was decided.

    Every decision is on the disk before the page confirms it, in a journal beside ``verdicts`` that is folded into that
    file at the end, or by the next review after a crash.

    Args:
        verdicts: the VERDICTS table.
        sources: the SOURCES table it judges; by default sources.parquet beside it.
        roots: where roots lie on this machine.
        port: of the server; 0: any that is free.
        sample: how many rejected and how many kept clips of each class make the random check.
        labels: the classes to review; none: all.
        seed: of the random check.
        ready: called with the address of the page when the server listens.

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
        recordings = _recordings(path, Path(sources) if sources else path.parent / "sources.parquet", roots or {})
        lists = Lists(table, recordings, labels=_labels(table, labels), sample=sample, seed=seed)
        if not lists.judged:
            raise InputError(
                f"{path}: none of its {table.num_rows:,} verdicts is about a recording of these sources (they judge, e.g., "
                f"{listed(lists.gone, 1) or 'nothing'}); give the table they were made from: --sources FILE"
            )
        clips = Clips(recordings)
        for source_id in lists.gone:
            clips.gone[source_id] = "it is not among these sources"
        with journal.Journal(path) as stored:
            session = _Session(lists, clips, stored, _asked(table))
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
    )


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
            f"{file}: {len(there):,} of {len(found):,} decisions were put into {path}; {len(gone):,} are about labels that "
            f"are not in that table: {listed(gone)}. If the recordings only moved, index them under the same root name: "
            "synth index NAME=PATH"
        )
    return len(there)


def _recordings(verdicts: Path, sources: Path, given: Mapping[str, Path]) -> dict[str, Recording]:
    """Return the recordings of SOURCES that can be heard, by id."""
    columns = ["source_id", "root", "path", "labels", "duration_s", "rate_hz", "status"]
    table = parquet.read(sources, SOURCES, SOURCES_BY).select(columns)
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
    """Return the labels asked for by their names in the table, None for all. Raises UsageError."""
    known = {label.casefold(): label for label in table.column("label").unique().to_pylist()}
    for text in asked:
        if text.casefold() not in known:
            raise UsageError(
                f"--label {text}: no verdict is about it{nearest(text.casefold(), known)} The verdicts are about "
                f"{listed(sorted(known.values()))}"
            )
    return {known[text.casefold()] for text in asked} or None


def _asked(table: pa.Table) -> float:
    """Return the precision that the verdicts were made for."""
    try:
        return float(parquet.metadata(table.schema).get("precision", ASKED_PRECISION))
    except ValueError:
        return ASKED_PRECISION


def _serve(session: _Session, port: int, ready: Callable[[str], None] | None) -> None:
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


class _Session:
    """What the page asks for and what it decides; one at a time."""

    def __init__(self, lists: Lists, clips: Clips, stored: journal.Journal, asked: float) -> None:
        self._before = dict(lists.decided)
        self._lists, self._clips, self._stored, self._asked = lists, clips, stored, asked
        self._undo: list[tuple[Decision, str]] = []
        self._lock = threading.Lock()

    def get(self) -> dict[str, Callable[[Mapping[str, str]], Answer]]:
        """Return what may be asked for, by name."""
        return {
            "state": lambda _: as_json(self._state()),
            "item": self._item,
            "next": self._next,
            "audio": lambda query: Answer(self._heard(query, self._clips.wav), "audio/wav", ranges=True),
            "picture": lambda query: Answer(self._heard(query, self._clips.picture), "image/png"),
        }

    def post(self) -> dict[str, Callable[[Mapping[str, Any]], Answer]]:
        """Return what may be done, by name."""
        return {"decide": self._decide, "undo": self._take_back, "done": self._done}

    def made(self) -> list[Decision]:
        """Return what was decided in this session and not taken back."""
        decided = self._lists.decided.items()
        return [decision for pair, decision in decided if decision.verdict and decision is not self._before.get(pair)]

    def withdrawn(self) -> list[str]:
        """Return the classes whose rejections hold too few wrong labels, by what people heard."""
        return people.withdrawn(self._lists, self._asked)

    def _state(self) -> dict[str, Any]:
        estimates = self._lists.estimates()
        totals = [together(one for one in estimates if one.of == of) for of in (REJECTED, KEPT)]
        return {
            "lists": {
                name: {"size": len(order), "decided": self._lists.done(name)}
                for name, order in self._lists.order.items()
            },
            "estimates": [asdict(one) for one in estimates],
            "together": [asdict(one) for one in totals if one],
            "asked": self._asked,
            "withdrawn": self.withdrawn(),
            "undo": len(self._undo),
            "decided": sum(decision.verdict is not None for decision in self._lists.decided.values()),
            "gone": len(self._clips.gone),
        }

    def _item(self, query: Mapping[str, Any]) -> Answer:
        name, place = self._list(query), _number(query, "at")
        if place >= len(self._lists.order[name]):
            raise RefusedError(HTTPStatus.NOT_FOUND, "no clip of that number")
        return as_json(self._shown(name, place))

    def _next(self, query: Mapping[str, Any]) -> Answer:
        name = self._list(query)
        place = self._lists.next_open(name, _number(query, "after", least=-1))
        return as_json(None if place is None else self._shown(name, place))

    def _shown(self, name: str, place: int) -> dict[str, Any]:
        """Return what the page shows of a clip; in the random check the judge's opinion only once it was decided."""
        row = int(self._lists.order[name][place])
        judged = self._lists.judged[row]
        recording = self._clips.recordings[judged.source_id]
        human = self._lists.verdict(row)
        blind = name == RANDOM and human is None
        with suppress(GoneError):  # it is told below
            self._clips.check(judged.source_id)
        return {
            "list": name,
            "at": place,
            "size": len(self._lists.order[name]),
            "row": row,
            "source_id": judged.source_id,
            "label": judged.label,
            "others": [label for label in recording.labels if label != judged.label],
            "duration_s": recording.duration_s,
            "rate_hz": recording.rate_hz,
            "human": human,
            "blind": blind,
            "verdict": None if blind else judged.verdict,
            "p_wrong": None if blind else judged.p_wrong,
            "reason": None if blind else judged.reason,
            "suggested": [] if blind else list(judged.suggested),
            "gone": self._clips.gone.get(judged.source_id),
        }

    def _heard(self, query: Mapping[str, Any], how: Callable[[str], bytes]) -> bytes:
        try:
            return how(self._lists.judged[self._row(query)].source_id)
        except GoneError as error:
            raise RefusedError(HTTPStatus.NOT_FOUND, str(error)) from None

    def _decide(self, body: Mapping[str, Any]) -> Answer:
        name, row, verdict = self._list(body), self._row(body), body.get("verdict")
        if not isinstance(verdict, str) or verdict not in SAYS:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"wanted a verdict: {', '.join(SAYS)}")
        if self._lists.place(name, row) is None:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "that clip is not in this list")
        try:
            self._clips.check(self._lists.judged[row].source_id)
        except GoneError as error:  # nobody can have heard it
            raise RefusedError(HTTPStatus.GONE, f"not stored: {error}") from None
        decision = self._lists.decision(row, verdict, name)
        with self._lock:
            self._stored.append(decision)
            self._undo.append((self._lists.take(decision), name))
        return as_json(self._state())

    def _take_back(self, _: Mapping[str, Any]) -> Answer:
        with self._lock:
            if not self._undo:
                raise RefusedError(HTTPStatus.CONFLICT, "there is nothing to take back")
            before, name = self._undo[-1]
            self._stored.append(before)
            self._lists.take(before)
            self._undo.pop()
        place = self._lists.place(name, self._lists.row_of(before.pair))
        return as_json({"state": self._state(), "item": self._shown(name, place or 0)})

    def _done(self, _: Mapping[str, Any]) -> Answer:
        return Answer(b"{}", "application/json", last=True)

    def _list(self, query: Mapping[str, Any]) -> str:
        name = query.get("list")
        if name not in (WORST, RANDOM):
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"wanted list {WORST} or {RANDOM}")
        return str(name)

    def _row(self, query: Mapping[str, Any]) -> int:
        row = _number(query, "row")
        if row >= len(self._lists.judged):
            raise RefusedError(HTTPStatus.NOT_FOUND, "no clip of that number")
        return row


def _number(query: Mapping[str, Any], name: str, least: int = 0) -> int:
    try:
        number = int(str(query.get(name)))
    except ValueError:
        number = least - 1
    if number < least:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"wanted {name}=NUMBER")
    return number
