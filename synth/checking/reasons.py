"""Why clips may not be shared, and what their licence asks for, as the data card says it: derived again by the chart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from synth.checking.chart import kind_of, permits
from synth.licences import NOT_SHAREABLE, UNKNOWN

MOST = 3  # reasons that a card spells out; it counts the others
_FORBIDS = " forbids sharing adaptations"
_NO_SALE = "no commercial use"
_ALIKE = "share alike: what is made of it only under this same licence"
_ASKS = {
    "PD": "free for any use",
    "BY": "any use; with credit",
    "ODBL": f"any use; {_ALIKE}; with credit",
    "BY-SA": f"any use; {_ALIKE}; with credit",
    "BY-NC": f"{_NO_SALE}; with credit",
    "BY-NC-SA": f"{_NO_SALE}; {_ALIKE}; with credit",
    "BY-ND": "no derivatives: a mixture or a cut may not be shared; with credit",
    "BY-NC-ND": f"{_NO_SALE}; no derivatives: a mixture or a cut may not be shared; with credit",
}
_SHUT = {
    "LicenseRef-YouTube": "the audio belongs to those who put it on YouTube",
    "LicenseRef-all-rights-reserved": "the audio may not be shared",
    NOT_SHAREABLE: "the clips may not be shared",
    UNKNOWN: "at least one recording states no licence",
}
_UNTIL = " until their licence is known"
_REASON = re.compile(rf"\S+(?={_FORBIDS})|\S+ and \S+ clash")
_MORE = re.compile(r"And ([\d,]+) further reasons?\.")
_OF_NC = re.compile(r"No commercial use of what is made of (.+?)\.(?= [A-Z]|$)")


def of_clip(ids: Iterable[str], adapted: bool) -> list[str]:
    """Return how each reason begins for which a clip of recordings under all these ids may not be shared; none: it may."""
    kinds = {one: kind_of(one) for one in sorted(ids)}
    shut = [one for one, kind in kinds.items() if kind in (None, "CLOSED")]
    out = [f"{one}: {_SHUT.get(one, 'what it asks for is not known here')}" for one in shut]
    fixed = [one for one, kind in kinds.items() if adapted and kind and kind.endswith("ND")]
    out += [f"{one}{_FORBIDS}" for one in fixed]
    return out + (clash(kinds) if adapted else [])


def clash(ids: Iterable[str]) -> list[str]:
    """Return the first pair of ids (in order) that permit adaptations, and neither covers the other, as a card says it."""
    pairs = combinations([one for one in ids if not (kind_of(one) or "CLOSED").endswith(("ND", "CLOSED"))], 2)
    return next(([f"{a} and {b} clash"] for a, b in pairs if not (permits(a, b) or permits(b, a))), [])


def problems(paragraph: str, clips: Sequence[tuple[Sequence[str], int]], until_known: bool) -> list[str]:
    """Return what a card's paragraph says otherwise of clips that may not be shared.

    ``clips``: the reasons of some clips, and how many these are; ``until_known``: nothing that is known forbids it.
    """
    counts: dict[str, int] = {}
    for reasons, many in clips:
        for one in reasons:
            counts[one] = counts.get(one, 0) + many
    order = sorted(counts, key=lambda one: (-counts[one], one))
    wrong = [f"it lacks the reason '{one}'" for one in order[:MOST] if one not in paragraph]
    known = {one.removesuffix(_FORBIDS) for one in order}
    wrong += [f"it gives the reason '{one}', which is none" for one in _REASON.findall(paragraph) if one not in known]
    more = f"{len(order) - MOST:,}" if len(order) > MOST else ""
    said = _MORE.findall(paragraph)
    if said != ([more] if more else []):
        wrong.append(f"it says {' and '.join(said) or 'no'} further reasons, there are {more or 'none'}")
    if (_UNTIL in paragraph) != until_known:
        wrong.append(f"it {'does not say' if until_known else 'says'} '{_UNTIL.strip()}'")
    return wrong


def not_for_sale(paragraph: str, recordings: Iterable[str]) -> list[str]:
    """Return what a paragraph says otherwise of the recordings (their ids) whose use must not be commercial."""
    strict = [one for one in sorted(recordings) if " " not in one and "NC" in (kind_of(one) or "")]
    wanted = [" or ".join(strict)] if strict else []
    found = _OF_NC.findall(paragraph)
    return [] if found == wanted else [f"it forbids commercial use of {', '.join(found) or 'none'}, wanted {strict}"]


def asked(paragraph: str, licence: str) -> list[str]:
    """Return what a paragraph says otherwise of what the licence of the whole asks for; clips may be shared under it."""
    wanted = _ASKS.get(kind_of(licence) or "")
    if wanted is None or paragraph.startswith(f"{licence}: {wanted}."):
        return []
    return [f'it says "{paragraph[:100]}", wanted "{licence}: {wanted}."']
