"""The section of a data card that says what a model has to beat: what one number of a clip guesses, as the audit found it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth.store.atomic import replacing

HEADING = "## What to beat"
BEFORE = "## Licence"  # the section that follows
_TARGETS = {"n_speakers": "the number of speakers", "label": "the label"}
_NUMBERS = {
    "shortcut-active": "the share of the clip in which somebody speaks",
    "shortcut-level": "loudness (RMS)",
    "shortcut-peak": "the peak",
    "shortcut-crest": "the crest factor",
    "shortcut-bandwidth": "the bandwidth",
    "shortcut-floor": "the noise floor",
}


def write(card: Path, findings: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the section into a data card, in place of an older one; ``findings``: figures by claim. Without a card, or
    without figures, nothing is written.
    """
    if not card.is_file():
        return
    try:
        before = card.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a damaged card is a finding; nothing is written into it
        return
    lines = _lines(findings)
    without = re.sub(rf"^{HEADING}\n.*?(?=^## |\Z)", "", before, flags=re.M | re.S)
    if not lines or f"\n{BEFORE}\n" not in without:
        return
    after = without.replace(f"\n{BEFORE}\n", "\n" + "\n".join([HEADING, "", *lines, "", BEFORE]) + "\n", 1)
    if after != before:
        with replacing(card) as temporary:
            temporary.write_text(after, encoding="utf-8")


def _lines(findings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    for target, words in _TARGETS.items():
        told = [
            (findings[claim][target]["accuracy"], findings[claim][target]["chance"], name)
            for claim, name in _NUMBERS.items()
            if target in findings.get(claim, {})
        ]
        if told:
            told.sort(key=lambda one: -one[0])
            guesses = "; ".join(f"{name}: {accuracy:.0%}" for accuracy, _, name in told)
            return [
                f"Guessing {words} from one number of the clip alone is right this often ({told[0][1]:.0%} by chance): {guesses}. "
                "A model has to beat these.",
                "",
                "Results vary by voices and recordings more than by clips: clips of the same voice are not independent. Report "
                "results by speaker or recording, or over several seeds of the split, and not by the number of clips.",
            ]
    return []
