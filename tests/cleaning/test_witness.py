"""A witness without text: embeddings of other groups tell which labels are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from synth.cleaning.decision import CANNOT, WRONG, judge
from synth.cleaning.witness import agreement


def clips(seed, n=400, labels=5, size=32, twins=1):
    """Embeddings round a centre a label, labels given, which are wrong, and groups of so many clips that are almost one."""
    random = np.random.default_rng(seed)
    truth = np.arange(n // twins) % labels
    wrong = random.random(n // twins) < 0.1
    given = np.where(wrong, (truth + random.integers(1, labels, len(truth))) % labels, truth)
    vectors = random.normal(size=(labels, size))[truth] + 1.2 * random.normal(size=(len(truth), size))
    vectors, given, wrong, groups = (
        np.repeat(one, twins, axis=0) for one in (vectors, given, wrong, np.arange(len(truth)))
    )
    return (vectors + 0.01 * random.normal(size=vectors.shape)).astype(np.float32), given, wrong, groups


def test_wrong_labels_are_found_among_the_embeddings():
    vectors, given, wrong, groups = clips(0)
    carries = np.eye(5, dtype=bool)[given]
    found = judge(agreement(vectors, carries, groups), carries, groups)
    flags = found.verdict == WRONG
    assert wrong[flags].mean() >= 0.85
    assert flags[wrong].mean() >= 0.5


def test_no_clip_is_told_by_its_twin():
    """Ten cuts of each video share their wrong label: to a witness that may look at them they confirm each other."""
    vectors, given, wrong, groups = clips(1, n=1200, twins=10, size=96)
    carries = np.eye(5, dtype=bool)[given]
    rows = np.arange(len(given))
    held, leaked = (agreement(vectors, carries, one)[rows, given] for one in (groups, rows))
    assert np.median(held[wrong]) < np.median(leaked[wrong]) - 0.1


def test_shuffled_labels_are_not_judged():
    vectors, given, _, groups = clips(2)
    for seed in range(5):
        carries = np.eye(5, dtype=bool)[np.random.default_rng(seed).permutation(given)]
        found = judge(agreement(vectors, carries, groups, seed), carries, groups, 0.9, seed)
        assert {one.decision for one in found.classes} == {CANNOT}


def test_clips_without_an_embedding_have_no_score():
    vectors, given, _, groups = clips(3)
    vectors[7, 3] = np.nan
    scores = agreement(vectors, np.eye(5, dtype=bool)[given], groups)
    assert np.isnan(scores[7]).all()
    assert np.isfinite(np.delete(scores, 7, axis=0)).all()


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_length_of_embeddings_does_not_count(scale):
    vectors, given, _, groups = clips(4)
    carries = np.eye(5, dtype=bool)[given]
    first, second = (agreement(one, carries, groups) for one in (vectors, vectors * np.float32(scale)))
    assert np.allclose(first, second, atol=1e-4)
