"""Whether a judge can tell the clips of a label from others at all; if not, its scores decide nothing."""

from __future__ import annotations

import numpy as np

from synth.cleaning.null import Floats

LEAST_AUC = 0.75
LIMIT_SPREAD = 0.23  # standard deviation of the ranks of a judge of that AUC: few lucky clips may show less
SURE = 2.33  # standard errors: 99 %, one-sided
SURE_OF_MANY = 2.8  # likewise where many labels are looked at: one that is lucky is not believed


def able(auc: Floats, error: Floats) -> Floats:
    """Return a lower limit of each label's AUC (labels,), each leaning on the others as far as they are alike.

    ``error``: standard errors. Normal-normal empirical Bayes (DerSimonian and Laird, "Meta-analysis in clinical trials",
    1986): where the judge hears all labels alike, a small class is believed to be heard as well as the rest.
    """
    error = np.maximum(error, 1e-4)
    if len(auc) < 3:
        return np.asarray(auc - SURE * error)
    weight = 1 / error**2
    mean = (weight * auc).sum() / weight.sum()
    excess = (weight * (auc - mean) ** 2).sum() - (len(auc) - 1)
    between = max(excess / (weight.sum() - (weight**2).sum() / weight.sum()), 0.0) + 1e-6
    total = 1 / (error**2 + between)
    mean = (total * auc).sum() / total.sum()
    trust = between / (between + error**2)
    spread = trust * error**2 + (1 - trust) ** 2 / total.sum()
    return np.asarray(trust * auc + (1 - trust) * mean - SURE_OF_MANY * np.sqrt(spread))
