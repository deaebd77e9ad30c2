"""Which labels stay: what was asked for, and what no judge found worse than wanted."""

from __future__ import annotations

import pytest

from synth.errors import InputError, UsageError
from synth.planning.verdicts import counting, kept, named


def said(source: str, label: str, verdict: str, by: str = "model") -> dict[str, str]:
    return {"source_id": source, "label": label, "verdict": verdict, "by": by}


def test_a_human_wins_over_a_model_and_a_later_row_over_an_earlier():
    found = counting(
        [
            said("a", "x", "keep", "human"),
            said("a", "x", "wrong"),
            said("b", "x", "wrong"),
            said("b", "x", "keep"),
            said("c", "x", "keep"),
            said("c", "x", "wrong", "human"),
        ]
    )
    assert found == {("a", "x"): "keep", ("b", "x"): "keep", ("c", "x"): "wrong"}


def test_a_verdict_that_is_none_is_named_with_its_row():
    with pytest.raises(InputError, match="row 2: 'good'"):
        counting([said("a", "x", "keep"), said("a", "y", "good")])


@pytest.mark.parametrize(
    ("least", "stays"),
    [("keep", ["keep", "unjudged"]), ("doubtful", ["keep", "doubtful", "unjudged"]),
     ("wrong", ["keep", "doubtful", "wrong", "unjudged"])],
)  # fmt: skip
def test_labels_judged_worse_go(least, stays):
    words = ["keep", "doubtful", "wrong", "unjudged"]
    judged = {("a", word): word for word in words}
    found = kept(["a"], [words], (), judged, least)
    assert found.labels == [tuple(sorted(stays))]
    assert found.verified == [tuple(word == "keep" for word in sorted(stays))]
    assert found.verdicts.total() == 4 - len(stays)


def test_a_judge_who_knows_nothing_takes_nothing_away():
    found = kept(["a", "b"], [["x"], ["y"]], (), {}, "keep")
    assert found.labels == [("x",), ("y",)]
    assert found.verified == [(False,), (False,)]
    assert kept(["a"], [["x"]], (), None, "keep").verified == [(True,)]


def test_recordings_without_a_label_are_counted_by_reason():
    judged = {("c", "x"): "wrong"}
    found = kept(["a", "b", "c", "d"], [[], ["y"], ["x"], ["x", "y"]], ("x",), judged, "keep")
    assert found.labels == [(), (), (), ("x",)]
    assert found.recordings == {
        "recordings without a label": 1,
        "recordings without a requested label": 1,
        "recordings with every label below --min-verdict keep": 1,
    }


def test_labels_are_named_in_any_case_or_by_their_machine_id():
    known, said = {"Accordion": "Accordion", "/m/0mkg": "Accordion", "saw": "saw"}, []
    assert named(("ACCORDION", "/m/0mkg", "saw"), known, said.append) == ("Accordion", "saw")
    assert said == ["--label ACCORDION: taken for 'Accordion', as it is spelled here"]
    with pytest.raises(UsageError, match="did you mean 'Accordion'"):
        named(("acordion",), known, said.append)
    with pytest.raises(UsageError, match=r"--label x: no source has it\. These sources have no labels at all"):
        named(("x",), {}, said.append)
    with pytest.raises(UsageError, match=r"no source has it\. These sources have Accordion, saw"):
        named(("thunderstorm",), known, said.append)


def test_labels_joined_by_commas_are_told_apart():
    known = {name: name for name in ("dog", "car horn", "Water, tap")}
    assert named(("Water, tap",), known, print) == ("Water, tap",)
    with pytest.raises(UsageError, match=r"for each of them: --label dog --label 'car horn'"):
        named(("dog, car horn",), known, print)
    with pytest.raises(UsageError, match=r"--label dog,cat: no source has it"):
        named(("dog,cat",), known, print)


def test_a_least_verdict_that_is_none_is_refused():
    with pytest.raises(UsageError, match="keep, doubtful, wrong"):
        kept([], [], (), None, "unjudged")
