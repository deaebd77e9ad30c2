"""One review: what its pages ask for, what they decide, and what is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from synth.publishing.review import journal
from synth.publishing.review.answers import Answers, Given
from synth.publishing.review.clips import Clips, GoneError
from synth.publishing.review.decisions import SAYS, Decision
from synth.publishing.review.estimate import KEPT, REJECTED, together
from synth.publishing.review.lists import RANDOM, WORST, Lists
from synth.publishing.review.server import Answer, RefusedError, as_json
from synth.steps import heard as people

MOST_NAME = 64  # characters of a tab's name


class Session:
    """What the pages ask for and what they decide. For several tabs and threads: one request at a time, but for sounds."""

    def __init__(self, lists: Lists, clips: Clips, stored: journal.Journal, asked: float) -> None:
        self._before = dict(lists.decided)
        self._lists, self._clips, self._stored, self._asked = lists, clips, stored, asked
        self._answers = Answers()
        self._lock = threading.Lock()

    def get(self) -> dict[str, Callable[[Mapping[str, str]], Answer]]:
        """Return what may be asked for, by name."""
        return {
            "state": self._alone(lambda query: as_json(self._state(_tab(query)))),
            "item": self._alone(self._item),
            "next": self._alone(self._next),
            "audio": lambda query: Answer(self._heard(query, self._clips.wav), "audio/wav", ranges=True),
            "picture": lambda query: Answer(self._heard(query, self._clips.picture), "image/png"),
        }

    def post(self) -> dict[str, Callable[[Mapping[str, Any]], Answer]]:
        """Return what may be done, by name."""
        return {"decide": self._alone(self._decide), "undo": self._alone(self._take_back), "done": self._done}

    def _alone(self, how: Callable[[Mapping[str, Any]], Answer]) -> Callable[[Mapping[str, Any]], Answer]:
        def answered(query: Mapping[str, Any]) -> Answer:
            with self._lock:
                return how(query)

        return answered

    def made(self) -> list[Decision]:
        """Return what was decided in this session and not taken back."""
        decided = self._lists.decided.items()
        return [decision for pair, decision in decided if decision.verdict and decision is not self._before.get(pair)]

    def withdrawn(self) -> list[str]:
        """Return the classes whose rejections hold too few wrong labels, by what people heard."""
        return people.withdrawn(self._lists, self._asked)

    def _state(self, tab: str) -> dict[str, Any]:
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
            "undo": self._answers.count(tab),
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
        decision, tab = self._lists.decision(row, verdict, name), _tab(body)
        replaced = self._answers.other(tab, decision.pair)
        before = self._lists.decided.get(decision.pair)
        self._stored.append(decision)
        self._answers.take(Given(tab, name, decision), before)
        self._lists.take(decision)
        told = replaced is None or replaced.verdict == body.get("seen")  # the page had shown it
        return as_json(self._state(tab) | {"replaced": None if told or replaced is None else replaced.verdict})

    def _take_back(self, body: Mapping[str, Any]) -> Answer:
        """Take back the last answer of this tab; what another tab answered later about the same clip stays."""
        tab = _tab(body)
        undone = self._answers.undone(tab)
        if undone is None:
            raise RefusedError(HTTPStatus.CONFLICT, "there is nothing to take back: this tab has no answer of its own")
        if undone.counts is not self._lists.decided.get(undone.counts.pair):
            self._stored.append(undone.counts)
            self._lists.take(undone.counts)
        self._answers.drop(undone.given)
        name, mine = undone.given.list, undone.given.decision
        place = self._lists.place(name, self._lists.row_of(mine.pair))
        return as_json(
            {
                "state": self._state(tab),
                "item": self._shown(name, place or 0),
                "taken": mine.verdict,
                "others": undone.counts.verdict if undone.others else None,
            }
        )

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


def _tab(query: Mapping[str, Any]) -> str:
    """Return the name that a tab gave itself."""
    name = query.get("tab", "")
    if not isinstance(name, str) or len(name) > MOST_NAME:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "wanted tab=NAME, a short one")
    return name
