"""A witness that needs no text: do clips with a label lie together among the embeddings?

Each clip is scored by a linear classifier per label that was trained on the other groups' clips and their labels as
they are (out-of-sample scores, as in confident learning: Northcutt, Jiang and Chuang, JAIR 2021). A wrong label never
takes part in its own trial, and no clip is told by another cut of the same video.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth import seeds
from synth.cleaning.null import Bools, Floats, Ints

FOLDS = 10
RIDGE = 0.1  # of the mean variance: at this size embeddings of 512 numbers hold for some hundred clips
BLOCK = 65_536


def agreement(embeddings: NDArray[np.float32], carries: Bools, groups: Ints, seed: int = 0) -> NDArray[np.float32]:
    """Return scores (clips, labels) of ``embeddings`` (clips, dimensions); NaN for clips without an embedding.

    Ridge regression on the labels, cross-validated over ten folds of whole ``groups``. Memory is that of ten (dimensions, dimensions) matrices.
    """
    n, size = embeddings.shape
    have: Bools = np.asarray(~np.isnan(embeddings).any(axis=1), np.bool_)
    fold = _folds(groups, seed)
    width = carries.shape[1]
    gram = np.zeros((FOLDS, size + 1, size + 1))
    cross = np.zeros((FOLDS, size + 1, width))
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        for k in range(FOLDS):
            mine = rows[have[rows] & (fold[rows] == k)]
            x = _unit(embeddings[mine])
            gram[k] += x.T @ x
            cross[k] += x.T @ carries[mine]
    out = np.full((n, width), np.nan, np.float32)
    whole, targets = gram.sum(axis=0), cross.sum(axis=0)
    for k in range(FOLDS):
        weights = _solved(whole - gram[k], targets - cross[k])
        mine = np.nonzero(have & (fold == k))[0]
        for start in range(0, len(mine), BLOCK):
            rows = mine[start : start + BLOCK]
            out[rows] = _unit(embeddings[rows]) @ weights
    return out


def _solved(gram: Floats, cross: Floats) -> Floats:
    """Return ridge weights (dimensions + 1, labels): the constant is not held back."""
    total = max(gram[-1, -1], 1.0)
    mean = gram[-1, :-1] / total
    scatter = gram[:-1, :-1] / total - np.outer(mean, mean)
    held = RIDGE * max(float(np.trace(scatter)) / len(scatter), 1e-12)
    slope = np.linalg.solve(
        scatter + held * np.eye(len(scatter)), cross[:-1] / total - np.outer(mean, cross[-1] / total)
    )
    return np.asarray(np.r_[slope, (cross[-1] / total - mean @ slope)[None]])


def _unit(rows: NDArray[np.float32]) -> Floats:
    """Return rows of length 1, and a constant beside them."""
    x = rows.astype(np.float64)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return np.asarray(np.c_[x, np.ones(len(x))])


def _folds(groups: Ints, seed: int) -> Ints:
    return seeds.below(seeds.draw(seeds.key(seed, "folds"), groups), FOLDS)
