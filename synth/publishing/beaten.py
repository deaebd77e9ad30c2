"""The section of a data card that says what a model has to beat: what one number of a clip guesses, as the audit found it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth.store.atomic import replacing

HEADING = "## What to beat"
BEFORE = "## Licence"  # the section that follows
_CLIPS, _ROUNDED = "clips", 1.0  # of the figures: their number, and by how many percent two may differ
_TARGETS = {"n_speakers": "the number of speakers", "label": "the label"}
_NUMBERS = {
    "shortcut-active": "the share of the clip in which somebody speaks",
    "shortcut-level": "loudness (RMS)",
    "shortcut-peak": "the peak",
    "shortcut-crest": "the crest factor",
    "shortcut-bandwidth": "the bandwidth",
    "shortcut-floor": "the noise floor",
}
_OF_SAMPLES = ("shortcut-level", "shortcut-peak", "shortcut-crest")  # whoever speaks when


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


def contradicted(text: str, findings: Mapping[str, Mapping[str, Any]], again: bool) -> str:
    """Return how the section in the text of a card differs from what was found in as many clips, or nothing.

    ``again``: when they speak was measured in the recordings, by the version that made the set; otherwise it may differ a
    little, and only what does not depend on it is compared. The words of another version, or figures of another sample,
    contradict nothing.
    """
    section = re.search(rf"^{HEADING}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if section is None:
        return ""
    told, found = (_shares(one) for one in (section[1], "\n".join(_lines(findings))))
    if not found or told.get(_CLIPS) != found[_CLIPS]:
        return ""
    sure = [name for name in found if again or name in (_NUMBERS[claim] for claim in _OF_SAMPLES)]
    off = [name for name in sure if abs(told.get(name, found[name]) - found[name]) > _ROUNDED]
    return "; ".join(f"it says {told[name]:g} % of guesses by {name}, {found[name]:g} % are right" for name in off)


def _shares(text: str) -> dict[str, float]:
    """Return the percentages of a section by what they are of, and the number of clips."""
    out = {name.strip(): float(share) for name, share in re.findall(r"(?:;|often[^:]*:) ([^:;]+): (\d+)%", text)}
    if by_chance := re.search(r"(\d+)% by chance, ([\d,]+) clips", text):
        out |= {"chance": float(by_chance[1]), _CLIPS: float(by_chance[2].replace(",", ""))}
    return out


def _lines(findings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    for target, words in _TARGETS.items():
        told = [
            (
                findings[claim][target]["accuracy"],
                findings[claim][target]["chance"],
                name,
                findings[claim][target]["clips"],
            )
            for claim, name in _NUMBERS.items()
            if target in findings.get(claim, {})
        ]
        if told:
            told.sort(key=lambda one: -one[0])
            guesses = "; ".join(f"{name}: {accuracy:.0%}" for accuracy, _, name, _ in told)
            return [
                f"Guessing {words} from one number of the clip alone is right this often ({told[0][1]:.0%} by chance, "
                f"{max(one[3] for one in told):,} clips): {guesses}. "
                "A model has to beat these.",
                "",
                "Results vary by voices and recordings more than by clips: clips of the same voice are not independent. Report "
                "results by speaker or recording, or over several seeds of the split, and not by the number of clips.",
            ]
    return []
