"""Labels that a clip probably should carry: a hint, no more.

For training, a label is present where it is carried and kept, absent where it is neither carried nor suggested (or is
carried and judged wrong), and unknown everywhere else. Unknown ones belong out of the loss: masking a few suspects is most
of what can be gained (Fonseca and others, "Addressing missing labels in large-scale sound event recognition", 2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.null import Bools, Ints

HIGHEST = 0.01  # share of the clips without a label among which it may be missing
PRESENT, UNKNOWN, ABSENT = 1, 0, -1


def suspects(heard: NDArray[np.float32], scores: NDArray[np.floating], named: Bools, good: Ints) -> Ints:
    """Return the clips in which one label is probably missing; all (clips,): evidence, scores, and whether it is named.

    They score at least like the middle one of the clips that carry and keep the label (``good``, row numbers), and are
    among the highest hundredth of those without it.
    """
    if not len(good):
        return np.zeros(0, np.int64)
    odds = np.log((1 - HIGHEST) / HIGHEST)
    return np.nonzero(~named & (heard >= odds) & (scores >= np.median(scores[good])))[0]


def presence(carries: Bools, kept: Bools, wrong: Bools, missing: tuple[Ints, Ints]) -> NDArray[np.int8]:
    """Return whether each label is PRESENT, ABSENT or UNKNOWN in each clip (clips, labels).

    ``kept`` and ``wrong``: of the labels carried, row by row (the order of ``np.nonzero(carries)``); ``missing``: clips and
    labels that are suggested.
    """
    out = np.where(carries, UNKNOWN, ABSENT).astype(np.int8)
    out[carries] = np.where(kept, PRESENT, np.where(wrong, ABSENT, UNKNOWN))
    out[missing] = UNKNOWN
    return out
