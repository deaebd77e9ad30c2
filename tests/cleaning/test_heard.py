"""What follows from hearing: two kinds of rejection, p_wrong and precision corrected by a random sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.cleaning.decision import WRONG, judge
from synth.cleaning.hearing import Heard, interval
from synth.cleaning.kinds import another_is_heard
from synth.cleaning.recalibrated import PRIOR_HEARD, moved, posterior, recalibrated
from synth.publishing.review import decisions, journal
from synth.publishing.review.decisions import Decision
from tests.cleaning import simulated
from tests.cleaning.tables import cleaned, long, run, sources

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array)


@given(SHARES, st.floats(0.01, 0.99))
def test_moved_probabilities_keep_their_order_and_have_the_mean(p_wrong, mean):
    after = moved(p_wrong, mean)
    assert after.mean() == pytest.approx(mean, abs=1e-6)
    order = np.argsort(p_wrong, kind="stable")
    assert (np.diff(after[order]) >= -1e-12).all()
    assert ((after >= 0) & (after <= 1)).all()


def test_the_sample_decides_the_more_the_larger_it_is():
    p_wrong = np.full(100, 0.95)
    means = [posterior(p_wrong, Heard(n, n // 2)) for n in (0, 4, 30, 1000)]
    assert means[0] == pytest.approx(0.95)
    assert means[1] == pytest.approx((0.95 * PRIOR_HEARD + 2) / (PRIOR_HEARD + 4))
    assert means == sorted(means, reverse=True)
    assert means[-1] == pytest.approx(0.5, abs=0.01)


def test_by_chance_a_label_stands_out_in_one_clip_of_ten_at_most():
    random = np.random.default_rng(0)
    for labels in (2, 3, 10, 50):
        rank = random.uniform(1e-6, 1 - 1e-6, (20_000, labels))
        named = np.zeros((20_000, labels), bool)
        named[:, 0] = True
        found = another_is_heard(np.log(rank / (1 - rank)).astype(np.float32), named).mean()
        assert 0.08 <= found <= 0.11, labels


def test_a_label_that_stands_out():
    named = np.array([[True, False, False]] * 5)
    evidence = np.array([[9, 4, 0], [9, 2, 2], [9, np.nan, 2.3], [9, np.nan, np.nan], [0, -4, -4]], np.float32)
    assert another_is_heard(evidence, named).tolist() == [True, False, True, False, False]
    assert not another_is_heard(np.zeros((3, 1), np.float32), np.ones((3, 1), bool)).any()


@pytest.fixture(scope="module")
def judged():
    """Verdicts on 1,350 clips of three labels, a quarter wrong, half of those of no label; and which are wrong."""
    scores, given, wrong = simulated.together(450, 3, 4.0, 0.25, 0.5, 5)
    return judge(scores, np.eye(3, dtype=bool)[given], None, 0.9, 0), wrong


def answers(judged, rows, wrong):
    """Return the arguments of a random check that hears these rows."""
    return np.array(rows, np.int64), ["wrong" if one else "keep" for one in wrong], np.ones(len(rows), bool)


def test_wrong_clips_of_other_labels_are_of_the_first_kind_and_foreign_ones_of_the_second(judged):
    found, wrong = judged
    gone = found.verdict == WRONG
    assert found.instead[gone].mean() == pytest.approx(0.5, abs=0.15)
    assert wrong[gone & found.instead].mean() >= 0.9
    assert found.instead[~wrong].mean() <= 0.12


def test_each_kind_follows_its_own_sample(judged):
    """Where nothing listed is heard half of the heard clips are right; where another label is heard all are wrong."""
    found, _ = judged
    mine = (found.verdict == WRONG) & (found.label == 0)
    another, nothing = (np.nonzero(mine & (found.instead == kind))[0] for kind in (True, False))
    rows = [*another[:10], *nothing[:20]]
    after, checks = recalibrated(found, *answers(found, rows, [True] * 10 + [True, False] * 10))
    assert checks[0].heard == Heard(30, 20)
    assert (checks[0].low, checks[0].high) == interval(20, 30)
    rest = nothing[20:]
    expected = (PRIOR_HEARD * found.p_wrong[nothing].mean() + 10) / (PRIOR_HEARD + 20)
    assert after.p_wrong[rest].mean() == pytest.approx(expected, abs=1e-6)
    assert after.p_wrong[another[10:]].mean() >= found.p_wrong[another].mean() - 1e-9
    assert checks[0].low <= after.classes[0].expected <= checks[0].high
    assert after.classes[0].expected < found.classes[0].expected - 0.1
    untouched = np.setdiff1d(np.arange(len(found.label)), np.r_[rest, another[10:]])
    np.testing.assert_array_equal(after.p_wrong[untouched], found.p_wrong[untouched])
    assert after.classes[1:] == found.classes[1:]


def test_clips_that_were_chosen_correct_nothing(judged):
    found, _ = judged
    rows = np.nonzero(found.verdict == WRONG)[0][:20]
    where, said, chance = answers(found, rows, [False] * 20)
    after, checks = recalibrated(found, where, said, ~chance)
    assert checks == {}
    np.testing.assert_array_equal(after.p_wrong, found.p_wrong)
    kept = np.nonzero(found.verdict != WRONG)[0][:20]
    assert recalibrated(found, *answers(found, kept, [True] * 20))[1] == {}
    gone = replace(found, p_wrong=found.p_wrong.copy())
    assert recalibrated(gone, np.full(3, -1), ["keep"] * 3, np.ones(3, bool))[1] == {}


def test_a_deaf_judge_is_corrected_by_those_who_listen(tmp_path):
    """An eighth of the right clips is scored like clips without the label: after 30 heard ones p_wrong is near the truth."""
    carriers, others, wrong = simulated.alone(800, 3.5, 0.2, 8, 0.08)
    ids = sources(tmp_path / "s.parquet", [["oboe"]] * 800 + [["other"]] * len(others))
    scores = long(tmp_path / "s.csv", list(zip(ids, ["oboe"] * len(ids), np.r_[carriers, others], strict=True)))
    words = (tmp_path / "s.parquet", "--scores", scores, "-o", tmp_path / "v.parquet", "--precision", "0.8")
    before = cleaned(*words)
    first = run("clean", *words).output
    count = before["classes"]["oboe"]["rejected"]
    assert before["rejected"] == {
        "another_heard": {"rejected": 0, "heard": 0, "heard_wrong": 0},
        "nothing_heard": {"rejected": count, "heard": 0, "heard_wrong": 0},
    }
    assert f"{count} rejected: in 0 another label is heard; in {count} nothing listed is heard" in first
    advice = "Listen to the random check before dropping, 30 rejected clips of each label or all that there are"
    assert f"{advice}: synth review {tmp_path / 'v.parquet'}" in first
    rows = pq.read_table(tmp_path / "v.parquet").to_pylist()
    gone = [k for k, row in enumerate(rows) if row["verdict"] == "wrong"]
    truth = wrong[gone].mean()
    assert before["classes"]["oboe"]["expected"] - truth >= 0.08
    chosen = np.random.default_rng(1).permutation(gone)[:30]
    with journal.Journal(tmp_path / "v.parquet") as stored:
        for k in chosen:
            said = "wrong" if wrong[k] else "keep"
            stored.append(Decision(ids[k], "oboe", said, decisions.RANDOM_CHECK, seed=0))
    after = cleaned(*words)
    facts = after["classes"]["oboe"]
    heard_wrong = int(wrong[chosen].sum())
    assert (facts["heard"], facts["heard_wrong"]) == (30, heard_wrong)
    assert facts["precision_low"] <= truth <= facts["precision_high"]
    table = pq.read_table(tmp_path / "v.parquet").to_pylist()
    rest = sorted(set(gone) - set(chosen.tolist()))
    moved_to = np.mean([table[k]["p_wrong"] for k in rest])
    assert abs(moved_to - truth) < abs(before["classes"]["oboe"]["expected"] - truth)
    assert after["rejected"]["nothing_heard"]["heard"] == 30
    assert f"{heard_wrong} of 30 are wrong where nothing listed is heard" in run("clean", *words).output


def test_the_kind_is_a_column_and_in_the_reason(tmp_path):
    scores, given, _ = simulated.together(60, 3, 4.0, 0.2, 0.5, 5)
    names = ("bell", "cat", "drum")
    ids = sources(tmp_path / "s.parquet", [[names[k]] for k in given])
    rows = [(one, name, scores[k, n]) for k, one in enumerate(ids) for n, name in enumerate(names)]
    words = ("--scores", long(tmp_path / "s.csv", rows), "-o", tmp_path / "v.parquet")
    said = cleaned(tmp_path / "s.parquet", *words)
    table = pq.read_table(tmp_path / "v.parquet").to_pylist()
    gone = [row for row in table if row["verdict"] == "wrong"]
    instead = [row for row in gone if row["heard_instead"]]
    assert 0 < len(instead) < len(gone)
    assert said["rejected"]["another_heard"]["rejected"] == len(instead)
    assert said["rejected"]["nothing_heard"]["rejected"] == len(gone) - len(instead)
    for row in gone:
        end = (
            f"'{row['heard_instead']}' is heard instead" if row["heard_instead"] else "nothing listed is clearly heard"
        )
        assert row["reason"] == f"scores like clips without '{row['label']}'; {end}"
    assert all(row["heard_instead"] is None for row in table if row["verdict"] in ("keep", "unjudged"))
