"""What Creative Commons' chart for adaptations says of licences: may something under one stand under another?

The chart is that of wiki.creativecommons.org/wiki/Wiki/cc_license_compatibility, row by row; nothing of how the licences
were written is used here but the names of the special ids.
"""

from __future__ import annotations

import re

from synth.licences import NOT_SHAREABLE, UNKNOWN

# the kind of a source, and the kinds of licence that an adaptation of it may have, from free to strict
CHART = {
    "PD": ("PD", "BY", "BY-NC", "ODBL", "BY-SA", "BY-NC-SA"),
    "BY": ("BY", "BY-NC", "ODBL", "BY-SA", "BY-NC-SA"),
    "BY-NC": ("BY-NC", "BY-NC-SA"),
    "ODBL": ("ODBL",),
    "BY-SA": ("BY-SA",),
    "BY-NC-SA": ("BY-NC-SA",),
    "BY-ND": (),
    "BY-NC-ND": (),
    "CLOSED": (),
}
FREEDOM = ("PD", "BY", "ODBL", "BY-SA", "BY-NC", "BY-NC-SA", "BY-ND", "BY-NC-ND")
_KINDS = {
    "PD": "CC0-1.0 CC-PDM-1.0 PDDL-1.0 Unlicense 0BSD",
    "BY": "MIT ISC BSD-2-Clause BSD-3-Clause Apache-2.0 ODC-By-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0",
    "ODBL": "ODbL-1.0",
    "CLOSED": f"LicenseRef-YouTube LicenseRef-all-rights-reserved {NOT_SHAREABLE}",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
Ways = frozenset[frozenset[str]]


def permits(source: str, target: str) -> bool:
    """Say whether an adaptation of ``source`` may stand under ``target``."""
    mine, its = kind_of(source), kind_of(target)
    if mine is None or its is None or its not in CHART[mine]:
        return False
    if mine == its and mine.endswith("SA"):
        return version(source) == version(target) or 1.0 < version(source) < version(target)
    return True


def kind_of(one: str) -> str | None:
    """Return the row of the chart that an id belongs to; None where its terms are not known."""
    words = one.split("-")
    if words[:2] == ["CC", "BY"]:
        found = "-".join(words[1 : next((k for k, word in enumerate(words) if word[:1].isdigit()), len(words))])
        return found if found in CHART else None
    return _KIND_OF.get(one)


def version(one: str) -> float:
    """Return the version of a Creative Commons licence, 0 of any other."""
    found = re.search(r"^CC-BY.*?-([0-9]\.[0-9])", one)
    return float(found[1]) if found else 0.0


def ways_of(text: str) -> Ways:
    """Return the sets of ids, one of which satisfies an expression: OR of AND of ids and parentheses."""
    words = re.findall(r"[()]|[^\s()]+", text)

    def either() -> set[frozenset[str]]:
        out = both()
        while words and words[0] == "OR":
            words.pop(0)
            out |= both()
        return out

    def both() -> set[frozenset[str]]:
        out = one()
        while words and words[0] == "AND":
            words.pop(0)
            right = one()
            out = {a | b for a in out for b in right}
        return out

    def one() -> set[frozenset[str]]:
        word = words.pop(0) if words else UNKNOWN
        if word == "(":
            inner = either()
            if words:
                words.pop(0)
            return inner
        if words and words[0] == "WITH":
            word = " ".join([word, words.pop(0), *(words.pop(0) for _ in range(1) if words)])
        return {frozenset([word])}

    ways = either()
    return frozenset([frozenset([text])]) if words else frozenset(ways)
