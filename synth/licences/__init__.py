"""Licences of recordings: how they are written, what they ask for, and what a clip made of several may be shared under."""

from synth.licences.sharing import Sharing, section
from synth.licences.spelling import Read, read
from synth.licences.terms import NOT_SHAREABLE, SEVERAL, UNKNOWN, YOUTUBE, Terms, terms
from synth.licences.verdict import Verdict, combined, of_copies, says, strictest

__all__ = [
    "NOT_SHAREABLE",
    "SEVERAL",
    "UNKNOWN",
    "YOUTUBE",
    "Read",
    "Sharing",
    "Terms",
    "Verdict",
    "combined",
    "normalised",
    "of_copies",
    "read",
    "says",
    "section",
    "strictest",
    "terms",
]


def normalised(text: str | None) -> tuple[str, bool]:
    """Return the SPDX id or expression of a licence in the words of a table, and whether it is known; see :func:`read`."""
    found = read(text)
    return found.licence, found.known
