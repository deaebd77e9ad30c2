"""Which stretches of sound have a pitch: what tells speech from noise that comes and goes.

A fan that is switched, wind, a slammed door and crackle rise over their background as syllables do, but nothing in them
repeats; in speech a vowel does, with the period of the voice. The normalised autocorrelation of a stretch of 64 ms says how
much (a usual measure of voicing: B. S. Atal, L. R. Rabiner, "A pattern recognition approach to voiced-unvoiced-silence
classification", IEEE Trans. ASSP 24, 1976). It is taken of the band from 250 to 750 Hz, where noise hides vowels least and
hum is faint. Sums are of integers below 2**53, so the answer is the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Coarse = NDArray[np.float32]

STRETCH, PART = 128, 96  # samples at about 2 kHz: 64 ms, of which 48 ms are compared with what comes a period later
SHORTEST, LONGEST = 4, 26  # periods: voices of 77 to 500 Hz; higher ones repeat after two periods and three
ALIKE = 0.55  # how like itself, 1 at most, a voice is a period later in one of the stretches that are looked at
LOOKS = 3  # stretches that are looked at: the loudest place in each third of a run

_PLACES = np.arange(STRETCH + 2)


def voiced(coarse: Coarse, first: Ints, end: Ints, level: Bytes) -> Bools:
    """Return which runs of frames of a recording have a pitch, shape (runs,): frames ``first`` to ``end`` of 20 ms each.

    ``coarse``: whole numbers at about 2 kHz, shape (frames, samples of a frame); ``level``: a byte per frame, larger =
    quieter, which says where the loudest places are. Runs are of 3 frames or more, in order, and do not touch.
    """
    samples, a_frame = coarse.ravel(), coarse.shape[1]
    last = len(samples) - len(_PLACES)
    if not len(first) or last < 0:
        return np.zeros(len(first), np.bool_)
    begin = loudest(first, end, level) * a_frame + (a_frame - STRETCH) // 2
    cut = samples[np.minimum(np.maximum(begin, 0), last)[:, None] + _PLACES]
    return np.asarray(alike(cut).reshape(-1, LOOKS).max(axis=1) >= ALIKE, np.bool_)


def loudest(first: Ints, end: Ints, level: Bytes) -> Ints:
    """Return the first of the loudest frames in each third of each run, shape (3 * runs,)."""
    edges = np.empty((len(first), LOOKS + 1), np.int64)
    for k in range(LOOKS + 1):
        edges[:, k] = first + (end - first) * k // LOOKS
    ranked = np.empty(len(level) + 1, np.int64)  # level, then place: the least is the first of the loudest
    ranked[:-1] = level
    ranked <<= 32
    ranked += np.arange(len(ranked))
    least = np.minimum.reduceat(ranked, edges.ravel()).reshape(-1, LOOKS + 1)
    return np.asarray(least[:, :LOOKS].ravel() & 0xFFFFFFFF, np.int64)


def alike(cut: Coarse) -> NDArray[np.float64]:
    """Return how much stretches (m, 130) of whole numbers resemble themselves a period later, shape (m,): 1 at most.

    The period is the one with the largest sum of products; its sum is divided by the energies of both parts.
    """
    moves = (cut[:, 2:] - cut[:, :-2]).astype(np.float64)
    line, place = moves.strides
    shape = (len(moves), LONGEST + 1 - SHORTEST, PART)
    later = np.ndarray(shape, np.float64, moves, SHORTEST * place, (line, place, place))
    here = moves[:, :PART]
    found = np.einsum("ijk,ik->ij", later, here)
    which = np.arange(len(moves)), found.argmax(axis=1)
    then = later[which]
    energies = np.einsum("ij,ij->i", here, here) * np.einsum("ij,ij->i", then, then)
    return np.asarray(found[which] / np.sqrt(np.maximum(energies, 1.0)), np.float64)
