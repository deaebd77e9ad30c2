"""One review in two tabs: no answer is lost, each tab takes back its own, and of two answers the later counts."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synth
from synth.publishing.review import journal
from synth.publishing.review.answers import Answers, Given
from synth.publishing.review.decisions import Decision, latest
from tests.cleaning.tables import long
from tests.publishing.reviewed import Running, human, judged, recordings


@pytest.fixture
def verdicts(tmp_path):
    return judged(recordings(tmp_path / "sounds"))


def decide(running, tab, place, verdict, **more):
    """Answer the clip at a place of the list in a tab; return the pair and what the server says."""
    item = running.get(f"item?list=worst&at={place}")
    said = running.post("decide", {"list": "worst", "row": item["row"], "verdict": verdict, "tab": tab, **more})
    return (item["source_id"], item["label"]), said


def test_a_tab_takes_back_its_own_last_answer_and_not_the_other_tabs(verdicts):
    with Running(verdicts) as running:
        one, _ = decide(running, "a", 0, "keep")
        other, _ = decide(running, "b", 1, "wrong")
        assert [running.get(f"state?tab={tab}")["undo"] for tab in "abc"] == [1, 1, 0]
        back = running.post("undo", {"tab": "a"})
        assert (back["item"]["source_id"], back["taken"], back["others"]) == (one[0], "keep", None)
        assert back["state"]["undo"] == 0
        status, body, _ = running.fetch(
            running.address + "undo", "POST", b'{"tab": "a"}', {"Content-Type": "application/json"}
        )
        assert status == 409
        assert b"this tab has no answer of its own" in body
        done = running.interrupt()
    assert human(verdicts) == {other: "wrong"}
    assert done["decided"] == {"wrong": 1}


def test_of_two_answers_the_later_counts_and_it_is_said(verdicts):
    with Running(verdicts) as running:
        pair, first = decide(running, "a", 0, "keep", seen=None)
        assert first["replaced"] is None
        _, second = decide(running, "b", 0, "wrong", seen=None)
        assert second["replaced"] == "keep", "the page of b had shown no answer"
        _, third = decide(running, "a", 0, "doubtful", seen="wrong")
        assert third["replaced"] is None, "the page of a had shown it"
        lines = journal.pending(verdicts)
        assert [one.verdict for one in lines] == ["keep", "wrong", "doubtful"], "every answer is on the disk"
        running.kill()
    with Running(verdicts) as running:
        running.interrupt()
    assert human(verdicts) == {pair: "doubtful"}


def test_undoing_below_a_later_answer_leaves_the_later_one(verdicts):
    with Running(verdicts) as running:
        pair, _ = decide(running, "a", 0, "keep")
        decide(running, "b", 0, "wrong")
        back = running.post("undo", {"tab": "a"})
        assert (back["item"]["human"], back["taken"], back["others"]) == ("wrong", "keep", "wrong")
        back = running.post("undo", {"tab": "b"})
        assert (back["item"]["human"], back["others"]) == (None, None), "that of a was taken back before"
        decide(running, "a", 0, "keep")
        decide(running, "b", 0, "wrong")
        back = running.post("undo", {"tab": "b"})
        assert (back["item"]["human"], back["others"]) == ("keep", "keep")
        running.interrupt()
    assert human(verdicts) == {pair: "keep"}


def test_a_clip_answered_in_one_tab_is_not_asked_in_the_other(verdicts):
    with Running(verdicts) as running:
        for place in range(11):
            decide(running, "ab"[place % 2], place, "keep")
        assert running.get("next?list=worst&after=-1")["at"] == 11
        assert running.get("next?list=worst&after=11")["at"] == 11
        running.kill()


def test_two_tabs_at_the_same_time_lose_nothing(verdicts):
    """While each answers, takes back and answers again, the other asks for the state: 12 answers are stored."""

    def work(tab: str, places: range) -> None:
        for place in places:
            decide(running, tab, place, "keep")
            running.post("undo", {"tab": tab})
            decide(running, tab, place, "wrong")
            running.get(f"state?tab={tab}")

    with Running(verdicts) as running:
        with ThreadPoolExecutor(2) as tabs:
            list(tabs.map(work, "ab", (range(6), range(6, 12))))
        assert running.get("state?tab=a")["decided"] == 12
        running.kill()
    with Running(verdicts) as running:
        running.interrupt()
    assert list(human(verdicts).values()) == ["wrong"] * 12


@pytest.mark.parametrize("tab", ["x" * 65, 7, None, ["a"]])
def test_what_is_no_name_of_a_tab_is_refused_before_anything_is_stored(verdicts, tab):
    with Running(verdicts) as running:
        body = json.dumps({"list": "worst", "row": 0, "verdict": "keep", "tab": tab}).encode()
        assert running.fetch(running.address + "decide", "POST", body, {"Content-Type": "application/json"})[0] == 400
        assert running.get("state")["decided"] == 0
        running.kill()


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(["keep", "wrong", "undo"])))


@given(STEPS, st.booleans())
def test_what_counts_is_the_last_answer_that_was_not_taken_back(steps, before):
    """Against a plain list of all answers; what is stored, read from its start, gives the same."""
    start = {("x", ""): Decision("x", "", "doubtful")} if before else {}
    answers, decided, stored, plain = Answers(), dict(start), [], []
    for tab, name, what in steps:
        pair = (name, "")
        if what != "undo":
            decision = Decision(*pair, what)
            answers.take(Given(tab, "worst", decision), decided.get(pair))
            decided[pair] = decision
            stored.append(decision)
            plain.append((tab, decision))
            continue
        undone = answers.undone(tab)
        mine = [one for one in plain if one[0] == tab]
        assert (undone is None) == (not mine)
        if undone is not None:
            assert undone.given.decision is mine[-1][1]
            plain = [one for one in plain if one[1] is not mine[-1][1]]
            if undone.counts is not decided.get(undone.counts.pair):
                decided[undone.counts.pair] = undone.counts
                stored.append(undone.counts)
            answers.drop(undone.given)
    expected = {pair: one.verdict for pair, one in start.items()} | {one.pair: one.verdict for _, one in plain}
    assert {pair: one.verdict for pair, one in decided.items() if one.verdict} == expected
    replayed = {pair: one.verdict for pair, one in (start | latest(stored)).items() if one.verdict}
    assert replayed == expected


def test_what_is_decided_while_clean_is_at_work_is_not_lost(verdicts):
    """A review in another terminal ends between the start of ``synth clean`` and its writing of the same file."""
    sources = verdicts.with_name("sources.parquet")
    ids = [f"sounds/{k:02d}.{('wav', 'flac', 'ogg')[k % 3]}" for k in range(12)]
    scores = long(
        verdicts.with_name("scores.csv"), [(one, name, k) for name in ("cat", "dog") for k, one in enumerate(ids)]
    )
    made = {}

    def meanwhile(*_: object) -> None:
        if made:
            return
        with Running(verdicts) as running:
            made[running.decide("keep")] = "keep"
            running.interrupt()

    done = synth.clean(sources, scores=scores, out=verdicts, progress=meanwhile)
    assert len(made) == 1
    assert done.humans == 1
    assert human(verdicts) == made
