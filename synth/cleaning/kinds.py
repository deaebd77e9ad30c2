"""Two kinds of rejection: another label is heard instead, or nothing listed is heard.

The first kind shows what is there in place of the label. The second has two causes that no score tells apart: the sound is
none of the labels, or the judge does not hear this clip's label. Judges that miss some right clips err nearly always in the
second kind, so it is what people should listen to before they drop anything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.null import Bools

ODDS = 9.0  # the strongest of the labels that a clip does not carry is so strong by chance in one clip of ten
BLOCK = 65_536


def another_is_heard(evidence: NDArray[np.float32], named: Bools) -> Bools:
    """Return in which clips (clips,) a label stands out that they do not carry.

    ``evidence`` (clips, labels): log odds of each score's rank among the clips without the label, NaN for none; ``named``
    (clips, labels): labels carried, or related to those. The strongest of m others must have odds of 9 m: by chance alone
    the strongest of m independent ones is that strong in about one clip of ten.
    """
    out = np.zeros(len(evidence), np.bool_)
    for start in range(0, len(evidence), BLOCK):
        rows = slice(start, start + BLOCK)
        others = np.where(named[rows] | np.isnan(evidence[rows]), -np.inf, evidence[rows])
        count = np.isfinite(others).sum(axis=1)
        out[rows] = (count > 0) & (others.max(axis=1, initial=-np.inf) >= np.log(ODDS * np.maximum(count, 1)))
    return out
