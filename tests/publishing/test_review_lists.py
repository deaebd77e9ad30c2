"""The order of what is heard, and what chance chose."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.publishing.review import csvfile, decisions
from synth.publishing.review.decisions import Decision
from synth.publishing.review.estimate import KEPT, REJECTED
from synth.publishing.review.lists import RANDOM, WORST, Lists
from synth.tables import VERDICTS
from tests.publishing.reviewed import row


def table(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=VERDICTS.schema())


def lists(rows: list[dict], **more) -> Lists:
    return Lists(table(rows), {one["source_id"] for one in rows}, **more)


def rows(n: int = 200) -> list[dict]:
    """Two classes; the rejections that the judge is surer of are more often true."""
    return [row(f"s/{k}", "ab"[k % 2], 1 - k / n) for k in range(n)]


def names(found: Lists, name: str) -> list[str]:
    return [found.judged[int(k)].source_id for k in found.order[name]]


def test_the_worst_come_first_and_everything_comes():
    some = [
        row("s/kept", "a", 0.1, "keep"),
        row("s/unjudged", "a", 0.99, "unjudged"),
        row("s/doubtful", "a", 0.6, "doubtful"),
        row("s/wrong", "a", 0.95, "wrong"),
        row("s/worst", "a", 0.99, "wrong"),
    ]
    assert names(lists(some), WORST) == ["s/worst", "s/wrong", "s/doubtful", "s/kept", "s/unjudged"]


def test_the_random_check_holds_as_many_of_each_class_and_kind():
    found = lists(rows(), sample=30)
    assert {(one.label, one.of, one.population, len(one.rows)) for one in found.strata} == {
        ("a", KEPT, 50, 30), ("a", REJECTED, 50, 30), ("b", KEPT, 50, 30), ("b", REJECTED, 50, 30)
    }  # fmt: skip
    assert len(found.order[RANDOM]) == 120
    first = [found.judged[int(k)] for k in found.order[RANDOM][:4]]
    assert {(one.label, one.verdict) for one in first} == {(x, y) for x in "ab" for y in ("wrong", "keep")}


def test_a_longer_check_begins_with_the_shorter_and_does_not_depend_on_the_order_of_the_table():
    short, long = lists(rows(), sample=10), lists(rows()[::-1], sample=30)
    assert names(short, RANDOM) == names(long, RANDOM)[:40]
    assert names(lists(rows(), sample=10, seed=1), RANDOM) != names(short, RANDOM)


def test_chance_has_no_preference():
    """Of 50 rejected clips each is among the 30 drawn in about 60 % of 200 seeds."""
    drawn = dict.fromkeys(range(100), 0)
    for seed in range(200):
        for one in lists(rows(), sample=30, seed=seed).strata:
            if one.of == REJECTED:
                for k in one.rows:
                    drawn[k] += 1
    assert min(drawn.values()) >= 90
    assert max(drawn.values()) <= 150


def test_hearing_the_worst_alone_estimates_nothing():
    found = lists(rows(), sample=30)
    for place in found.order[WORST][:60]:
        found.take(found.decision(int(place), "wrong", WORST))
    assert all(one.heard == 0 for one in found.estimates())


def test_a_judge_that_is_right_about_its_surest_only_is_found_out():
    """Half of the rejections are true, those it is surest of. Worst first flatters; the random check does not."""
    found = lists(rows(400), sample=30)

    def truth(k: int) -> str:
        return "wrong" if found.judged[k].p_wrong > 0.75 else "keep"

    for place in found.order[WORST][:60]:  # all truly wrong
        assert truth(int(place)) == "wrong"
        found.take(found.decision(int(place), truth(int(place)), WORST))
    for place in found.order[RANDOM]:
        if found.verdict(int(place)) is None:
            found.take(found.decision(int(place), truth(int(place)), RANDOM))
    for one in found.estimates():
        if one.of == REJECTED:
            assert one.heard == 30
            assert one.low <= 0.5 <= one.high
            assert one.high < 0.9


def test_decisions_of_another_check_are_no_sample_of_this_one():
    some = rows()
    first = lists(some, sample=5, seed=1)
    for k in first.order[RANDOM][:8]:
        first.take(first.decision(int(k), "wrong", RANDOM))
    kept = decisions.with_decisions(table(some), first.decided)
    again = Lists(kept, {one["source_id"] for one in some}, sample=5, seed=1)
    assert again.estimates() == first.estimates()
    assert sum(one.heard for one in again.estimates()) == 8
    other = Lists(kept, {one["source_id"] for one in some}, sample=50, seed=2)
    assert sum(one.heard for one in other.estimates()) == 0


def test_a_decision_takes_its_row_over_and_can_be_taken_back():
    some = rows(4)
    one = Decision("s/0", "a", "keep", "worst first")
    kept = decisions.with_decisions(table(some), {one.pair: one})
    assert kept.select(VERDICTS.names).to_pylist() == [
        {**some[0], "verdict": "keep", "by": "human", "reason": "heard worst first: the label is right"},
        *some[1:],
    ]
    assert kept.column("model_verdict").to_pylist() == ["wrong", None, None, None]
    assert kept.column("model_reason").to_pylist() == [some[0]["reason"], None, None, None]
    assert decisions.with_decisions(kept, {one.pair: one}).equals(kept), "twice is once"
    other = Decision("s/0", "a", "doubtful", "worst first")
    assert decisions.of_table(decisions.with_decisions(kept, {one.pair: other})) == {one.pair: other}
    back = Decision("s/0", "a", None)
    assert decisions.with_decisions(kept, {one.pair: back}).select(VERDICTS.names).to_pylist() == some


def test_a_pair_with_a_row_of_each_kind_gets_one_row():
    model = row("s/0", "a", 0.9)
    both = table([model, {**model, "by": "human", "verdict": "keep", "reason": "looked at"}])
    assert decisions.of_table(both)[("s/0", "a")].verdict == "keep"
    assert Lists(both, {"s/0"}).judged[0].verdict == "wrong"
    one = Decision("s/0", "a", "doubtful")
    kept = decisions.with_decisions(both, {one.pair: one}).to_pylist()
    assert [(each["verdict"], each["by"], each["model_verdict"]) for each in kept] == [("doubtful", "human", "wrong")]


def test_a_decision_about_a_pair_that_is_judged_no_more_is_kept():
    one = Decision("s/9", "gone", "wrong", "worst first")
    kept = decisions.with_decisions(table(rows(2)), {one.pair: one})
    assert kept.num_rows == 3
    assert decisions.of_table(kept) == {one.pair: one}
    again = decisions.with_decisions(kept, {one.pair: Decision("s/9", "gone", None)})
    assert again.to_pylist()[2]["verdict"] == "unjudged"


CHECKED = {"by": "human", "verdict": "keep"}


@pytest.mark.parametrize(
    ("reason", "columns", "by_chance", "seed"),
    [
        ("heard in the random check of seed 3: the label is right", {}, True, 3),  # from before there was a column
        ("heard in the random check of seed -2: the label is right", {"check": None}, True, -2),
        ("heard worst first: the label is right", {}, False, None),
        ("in the random check of seed 3 I heard a dog", {}, False, None),
        (None, {}, False, None),
        ("bird in the background", {"check": True, "check_seed": 5}, True, 5),  # the column, whatever the sentence
        ("heard in the random check of seed 3: the label is right", {"check": False}, False, None),
        ("", {"check": True}, True, None),
    ],
)
def test_a_column_says_whether_chance_chose_a_clip(reason, columns, by_chance, seed):
    schema = table([row("s/0", "a", 0.9)]).schema
    for name in columns:
        schema = schema.append(pa.field(name, pa.bool_() if name == "check" else pa.int64()))
    human = pa.Table.from_pylist([row("s/0", "a", 0.9) | CHECKED | {"reason": reason} | columns], schema)
    found = decisions.of_table(human)[("s/0", "a")]
    assert (found.by_chance, found.seed) == (by_chance, seed)
    again = decisions.with_decisions(human, {found.pair: found})
    assert again.column("check").to_pylist() == [by_chance]
    assert again.column("check_seed").to_pylist() == [seed]
    assert decisions.of_table(again) == {found.pair: found}, "a second reading finds the same"


HEARD = st.sampled_from(
    [(decisions.WORST_FIRST, None), (decisions.RANDOM_CHECK, None), (decisions.RANDOM_CHECK, 7), ("", None)]
)


@given(HEARD, st.sampled_from(sorted(decisions.SAYS)), st.text(max_size=30))
def test_a_decision_comes_back_from_table_journal_and_csv(tmp_path_factory, heard, verdict, words):
    one = Decision("s/0", "a", verdict, heard[0], words, heard[1])
    kept = decisions.with_decisions(table(rows(2)), {one.pair: one})
    found = decisions.of_table(kept)[one.pair]
    assert (found.verdict, found.reason, found.by_chance, found.seed) == (verdict, one.reason, one.by_chance, one.seed)
    assert decisions.recorded(asdict(one)) == one
    folder = tmp_path_factory.mktemp("csv")
    csvfile.write(folder / "d.csv", [one])
    assert csvfile.read(folder / "d.csv") == [found]


def test_a_journal_from_before_the_seed_had_a_field():
    line = {"source_id": "s/0", "label": "a", "verdict": "keep", "heard": "in the random check of seed 4", "words": ""}
    assert decisions.recorded(line) == Decision("s/0", "a", "keep", decisions.RANDOM_CHECK, seed=4)
    with pytest.raises(TypeError):
        decisions.recorded(line | {"mood": "good"})


def test_the_check_of_another_seed_does_not_estimate_but_is_by_chance():
    lists = Lists(table(rows(40)), {f"s/{k}" for k in range(40)}, sample=5, seed=1)
    row = int(lists.order[RANDOM][0])
    other = Decision(*lists.judged[row].pair, "keep", decisions.RANDOM_CHECK, seed=2)
    lists.take(other)
    assert sum(one.heard for one in lists.estimates()) == 0
    lists.take(lists.decision(row, "keep", RANDOM))
    assert sum(one.heard for one in lists.estimates()) == 1
