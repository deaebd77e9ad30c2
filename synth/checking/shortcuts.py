"""The shortcut audit: what correlates with a class without being it must not tell it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.checking.features import Features
from synth.checking.findings import Finding
from synth.checking.predict import Accuracy, accuracy

Ints = NDArray[np.int64]

MARGIN = 0.03  # a barred number may beat chance by so much, or by 3.5 standard errors where these are more
SAYS = {
    "level": "level (RMS)",
    "dc": "DC (mean sample)",
    "peak": "peak",
    "crest": "crest factor",
    "active": "active share",
}
BARRED = {"level": MARGIN, "dc": MARGIN}
REPORTED = ("peak", "crest", "active")


def shortcuts(features: Features, n: Ints, cell: Ints, rows: Ints) -> list[Finding]:
    """Return a finding per number; ``n`` and ``cell`` (clips,) are the classes, ``rows`` the rows of the data set."""
    out = []
    for name in (*BARRED, *REPORTED):
        values = getattr(features, name)
        told = {"n_speakers": accuracy(values, n, rows), "cell": accuracy(values, cell, rows)}
        out.append(finding(f"shortcut-{name}", SAYS[name], told, BARRED.get(name)))
    return out


def finding(claim: str, what: str, told: dict[str, Accuracy | None], margin: float | None) -> Finding:
    """Judge accuracies against chance; without a margin they are only reported."""
    figures: dict[str, Any] = {}
    words, holds = [], True
    for target, one in told.items():
        if one is None:
            continue
        figures[target] = {
            "accuracy": round(one.accuracy, 4),
            "chance": round(one.chance, 4),
            "standard_error": round(one.error, 4),
            "clips": one.clips,
        }
        text = f"{target} in {one.accuracy:.1%} of {one.clips:,} clips (chance {one.chance:.1%}"
        if margin is not None:
            bar = one.bar(margin)
            figures[target]["bar"] = round(bar, 4)
            holds &= one.accuracy <= bar
            text += f", at most {bar:.1%} allowed"
        words.append(text + ")")
    if not words:
        return Finding(claim, None, f"{what}: too few clips or classes to tell", figures)
    return Finding(claim, None if margin is None else holds, f"{what} tells {'; '.join(words)}", figures)
