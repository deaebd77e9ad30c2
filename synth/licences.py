"""Licences of recordings, and which of several is the strictest."""

from __future__ import annotations

from collections.abc import Iterable

UNKNOWN = "LicenseRef-unknown"
YOUTUBE = "LicenseRef-YouTube"

# from free to strict; a mixture may be shared only under terms that satisfy all of its sources
_ORDER = (
    "CC0-1.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-3.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-3.0",
    "CC-BY-NC-SA-4.0",
)
_SAYS = {
    "CC0-1.0": "free for any use",
    "CC-BY-4.0": "any use, with credit",
    "CC-BY-NC-SA-4.0": "no commercial use; share alike: the data set only under this same licence, with credit",
    YOUTUBE: "the audio belongs to those who put it on YouTube: share the tables, not the clips",
    UNKNOWN: "at least one source states no licence: ask its owner before you share the data set",
}


def strictest(licences: Iterable[str | None]) -> str:
    """Return the strictest of some SPDX ids; an id that is not known here, or none, counts as strictest of all."""
    found = sorted({licence or UNKNOWN for licence in licences}, key=lambda one: (_rank(one), one))
    return found[-1] if found else UNKNOWN


def says(licence: str) -> str:
    """Return what a licence asks for in a few words, for people."""
    if licence in _SAYS:
        return _SAYS[licence]
    wants = [
        word for mark, word in (("BY", "credit"), ("NC", "no commercial use"), ("SA", "share alike")) if mark in licence
    ]
    return ", ".join(wants) or "see its text"


def _rank(licence: str) -> int:
    return _ORDER.index(licence) if licence in _ORDER else len(_ORDER) + (licence == UNKNOWN)
