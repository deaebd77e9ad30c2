"""Large classes: the precision that was asked for is held where the null of a label holds clips that lack it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from synth.cleaning.cells import rising
from synth.cleaning.decision import ALIKE, CANNOT, JUDGED, WRONG, decided, judge, weighed
from synth.cleaning.margins import correlation
from synth.cleaning.ranks import evidence, ranked
from synth.cleaning.shapes import log_ratio
from tests.cleaning.simulated import together


def pooled(n, k, d, share, foreign, seeds):
    """Return, over runs, precision and recall at .8, .9, .95 asked, and how often the intervals hold the truth."""
    counts, covered = np.zeros((3, 3)), []
    for seed in seeds:
        scores, label, wrong = together(n, k, d, share, foreign, seed)
        known = weighed(scores.astype(np.float32), np.eye(k, dtype=bool)[label], None, seed)
        for at, asked in enumerate((0.8, 0.9, 0.95)):
            found = decided(known, asked)
            flags = found.verdict == WRONG
            counts[at] += [(flags & wrong).sum(), flags.sum(), wrong.sum()]
        rates = [wrong[label == one].mean() for one in range(k)]
        covered += [one.low <= rate <= one.high for one, rate in zip(found.classes, rates, strict=True)]
    hit, flagged, real = counts.T
    return hit / flagged, hit / real, np.mean(covered)


# each in some 600 to 3,000 rejections: a precision is sure to two hundredths, and recall of the best that can be to three
@pytest.mark.parametrize(
    ("n", "k", "share", "foreign", "recall"),
    [
        (1000, 3, 0.05, 0.0, 0.85),
        (3000, 3, 0.05, 0.0, 0.85),
        (3000, 3, 0.02, 0.0, 0.75),
        (3000, 3, 0.05, 0.5, 0.6),
        (3000, 3, 0.1, 1.0, 0.6),
        (1000, 10, 0.05, 0.0, 0.75),
        (1000, 10, 0.1, 0.5, 0.65),
    ],
)
def test_the_precision_asked_for_is_held_in_large_classes(n, k, share, foreign, recall):
    precision, found, covered = pooled(n, k, 3.0, share, foreign, range(6 if k == 3 else 3))
    assert (precision >= np.array([0.8, 0.9, 0.95]) - 0.045).all()
    assert found[1] >= recall
    assert covered >= 0.75


def test_few_wrong_clips_of_small_groups_cost_no_precision_and_many_are_found():
    """With 6 wrong clips a label the share is hardly known: what is rejected is precise all the same."""
    precision, _, covered = pooled(300, 3, 2.5, 0.02, 0.5, range(25))
    assert (precision >= np.array([0.8, 0.9, 0.95]) - 0.08).all()  # some 150, 110 and 80 rejections
    assert covered >= 0.9
    precision, found, _ = pooled(300, 3, 2.5, 0.2, 1.0, range(8))
    assert (precision >= np.array([0.8, 0.9, 0.95]) - 0.045).all()
    assert found[1] >= 0.35


@pytest.mark.parametrize(("k", "foreign", "recall"), [(6, 0.0, 0.9), (3, 1.0, 0.55), (6, 1.0, 0.65)])
def test_labels_whose_scores_rise_and_fall_together_are_told(k, foreign, recall):
    """Half of the variance is one factor of the clip: the labels are not taken as independent."""
    hit = flagged = real = 0
    for seed in range(3):
        scores, label, wrong = together(1000, k, 3.0, 0.1, foreign, seed, alike=0.5)
        scores = scores.astype(np.float32)
        carries = np.eye(k, dtype=bool)[label]
        heard = evidence(ranked(scores, carries, seed), len(scores))
        assert correlation(heard, carries, seed) > ALIKE
        flags = judge(scores, carries, None, 0.9, seed).verdict == WRONG
        hit, flagged, real = hit + (flags & wrong).sum(), flagged + flags.sum(), real + wrong.sum()
    assert hit / flagged >= 0.87
    assert hit / real >= recall


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 8), st.integers(0, 2**31))
def test_independent_scores_are_not_correlated_whatever_the_labels_add(k, seed):
    scores, label, _ = together(200, k, 3.0, 0.1, 0.5, seed)
    carries = np.eye(k, dtype=bool)[label]
    found = correlation(evidence(ranked(scores, carries, seed), len(scores)), carries, seed)
    assert abs(found) < 0.15
    assert k > 2 or found == 0  # no clip is without both of two labels


def test_two_judges_find_more_than_one():
    hit, alone, flagged, real = 0, 0, 0, 0
    for seed in range(2):
        scores, label, wrong = together(600, 4, 2.5, 0.1, 0.5, seed)
        truth = np.arange(len(label)) % 4
        something = ~(wrong & (label == truth))
        other = np.random.default_rng([seed, 9]).normal(0, 1, scores.shape)  # a judge whose errors are its own
        other[something, truth[something]] += 2
        carries = np.eye(4, dtype=bool)[label]
        both = judge([scores, other], carries, None, 0.9, seed).verdict == WRONG
        hit, flagged, real = hit + (both & wrong).sum(), flagged + both.sum(), real + wrong.sum()
        alone += ((judge(scores, carries, None, 0.9, seed).verdict == WRONG) & wrong).sum()
    assert hit / flagged >= 0.82
    assert hit > alone


def test_the_order_of_clips_does_not_matter():
    """Which clips a null is drawn from may change with the order; below ten thousand all are in it."""
    scores, label, _ = together(400, 3, 3.0, 0.1, 0.5, 3)
    carries = np.eye(3, dtype=bool)[label]
    order = np.random.default_rng(3).permutation(len(label))
    first, second = judge(scores, carries), judge(scores[order], carries[order])
    again = np.empty(len(label))
    again[order] = second.p_wrong
    assert np.abs(first.p_wrong - again).mean() < 0.01
    assert ((first.p_wrong > 0.5) != (again > 0.5)).mean() < 0.01


def test_a_label_that_nobody_confuses_changes_little():
    scores, label, _ = together(400, 3, 3.0, 0.1, 0.0, 4)
    carries = np.eye(3, dtype=bool)[label]
    random = np.random.default_rng(4)
    more = np.r_[np.c_[scores, random.normal(size=len(scores))], random.normal([0.0, 0.0, 0.0, 6.0], 1, (400, 4))]
    given_too = np.r_[np.c_[carries, np.zeros(len(carries), bool)], np.tile([False, False, False, True], (400, 1))]
    first, second = judge(scores, carries), judge(more, given_too)
    assert np.abs(first.p_wrong - second.p_wrong[: len(label)]).mean() < 0.02


def test_more_evidence_for_a_label_never_makes_it_likelier_wrong():
    """Clips of one label with the same score of the others: p_wrong falls with the own score."""
    scores, label, _ = together(500, 3, 3.0, 0.1, 0.5, 5)
    mine = np.nonzero(label == 0)[0]
    scores[mine[:200], 1:] = 0.3
    p = judge(scores, np.eye(3, dtype=bool)[label]).p_wrong[mine[:200]]
    assert (np.diff(p[np.argsort(scores[mine[:200], 0])]) <= 1e-9).all()
    scores, label, _ = together(500, 3, 3.0, 0.1, 0.0, 5)
    mine = np.nonzero(label == 0)[0]
    scores[mine[:200], 0] = 0.8
    scores[mine[:200], 2] = -0.5
    p = judge(scores, np.eye(3, dtype=bool)[label]).p_wrong[mine[:200]]
    assert (np.diff(p[np.argsort(scores[mine[:200], 1])]) >= -1e-9).all()


def test_a_label_that_the_judge_is_deaf_to_stays_out_of_the_model():
    scores, label, _ = together(600, 5, 3.0, 0.1, 0.0, 6)
    scores[:, 4] = np.random.default_rng(0).normal(size=len(scores))
    found = judge(scores, np.eye(5, dtype=bool)[label])
    assert [one.decision for one in found.classes] == [JUDGED] * 4 + [CANNOT]
    assert np.isnan(found.p_wrong[found.label == 4]).all()


def test_clips_without_a_score_are_unjudged_in_large_classes_too():
    scores, label, wrong = together(600, 3, 3.0, 0.1, 0.0, 7)
    lost = np.random.default_rng(7).random(scores.shape) < 0.1
    found = judge(np.where(lost, np.nan, scores), np.eye(3, dtype=bool)[label])
    unscored = lost[np.arange(len(label)), label]
    assert (np.isnan(found.p_wrong) == unscored).all()
    flags = found.verdict == WRONG
    assert wrong[flags].mean() >= 0.82


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(np.float64, (3, 12), elements=st.floats(0, 10)),
    arrays.arrays(np.float64, (3, 12), elements=st.floats(0.01, 10)),
)
def test_isotonic_steps_rise_and_keep_the_whole(one, other):
    share = rising(one, other)
    weight = one + other
    assert (np.diff(share, axis=1) >= -1e-9).all()
    assert np.allclose((share * weight).sum(axis=1), one.sum(axis=1), atol=1e-6)
    steps = np.unique(share[0].round(9))
    assert len(steps) <= 12


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 4.5), st.floats(0.6, 1.5))
def test_a_higher_score_never_speaks_against_a_label(mu, sd):
    assert (np.diff(log_ratio(mu, sd, np.linspace(-8, 8, 300))) >= -1e-9).all()


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float32, 40, elements=st.integers(0, 12).map(float)), st.integers(0, 99))
def test_a_rank_is_the_middle_of_its_ties_and_weights_of_one_change_nothing(column, seed):
    carries = np.random.default_rng(seed).random((40, 1)) < 0.3
    carries[0] = False
    (one,) = ranked(column[:, None], carries, seed)
    null = column[~carries[:, 0]]
    share = ((null[:, None] < column).sum(axis=0) + (null[:, None] <= column).sum(axis=0) + 1) / (2 * len(null) + 2)
    assert np.allclose(evidence([one], 40)[:, 0], np.log(share / (1 - share)), atol=1e-5)
    table = one.standing(np.ones(len(null)))
    assert (np.diff(table[:-1]) >= 0).all()
    order = np.argsort(column)
    assert (np.diff(table[one.place][order]) >= 0).all()
