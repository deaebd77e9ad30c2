"""What may be done with something that is made of recordings under several licences.

A mixture is an adaptation of each of its recordings, so it may be shared only under a licence that all of them permit.
Such a licence is always one of theirs: it asks for all that the others ask for. Where there is none, some pair clashes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice, product

from synth.licences.spelling import alternatives
from synth.licences.terms import NOT_SHAREABLE, RESERVED, SEVERAL, UNKNOWN, YOUTUBE, fits, terms

MOST_CHOICES = 256  # ways to choose between the licences joined by OR; beyond, those that are looked at decide
_SAYS = {
    UNKNOWN: "at least one recording states no licence: ask its owner before you share the data set",
    YOUTUBE: "the audio belongs to those who put it on YouTube: share the tables, not the clips",
    RESERVED: "the audio may not be shared: share the tables, not the clips",
    NOT_SHAREABLE: "the clips may not be shared: the licences of their recordings forbid it",
    SEVERAL: "every clip may be shared under a licence of its own (column licence); no licence covers the whole",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The licence of something made of several recordings.

    ``licence``: an SPDX id. ``shareable``: whether it may be shared (False also where that is not known).
    ``forbidden``: whether something that is known forbids it. ``problems``: why it may not be shared, each a sentence
    without its full stop. ``clash``: the first pair that no licence satisfies.
    ``non_commercial``: whether any of the recordings forbids commercial use, or may do so.
    """

    licence: str
    shareable: bool
    forbidden: bool
    non_commercial: bool
    share_alike: bool
    credit: bool
    problems: tuple[str, ...] = ()
    clash: tuple[str, str] | None = None

    @property
    def _strictness(self) -> tuple[bool, bool, bool, bool, bool]:
        return self.forbidden, not self.shareable, self.non_commercial, self.share_alike, self.credit


def strictest(licences: Iterable[str | None]) -> str:
    """Return the licence of a mixture of recordings under these licences; see :func:`combined`."""
    return combined(licences).licence


def combined(licences: Iterable[str | None], *, adapted: bool = True) -> Verdict:
    """Return what an adaptation of recordings under these SPDX ids or expressions may be shared under; none is unknown.

    The licence is the one among them that asks for all that the others ask for, of several the latest version. It is
    ``LicenseRef-not-shareable`` where two of them clash or one forbids adaptations, and the id of what forbids sharing, or
    is not known, where there is a single such id. Of licences joined by OR the freest choice counts. Without ``adapted``:
    of recordings that stand unchanged beside each other; then licences that clash give ``LicenseRef-several``.
    """
    return _combined(frozenset(licence or UNKNOWN for licence in licences), adapted)


def of_copies(licences: Iterable[str | None]) -> str:
    """Return the licence of one recording of which there are copies under each of these SPDX ids: the strictest.

    None is unknown. Where each asks for something that no other asks for, it is ``LicenseRef-not-shareable``: a copy under
    a freer licence frees nothing.
    """
    stated = sorted({licence or UNKNOWN for licence in licences})
    if len(stated) == 1:
        return stated[0]
    found = combined(stated, adapted=False).licence
    if found != SEVERAL:
        return found
    closest = [one for one in stated if terms(one).no_derivatives]
    if any(terms(one).non_commercial for one in stated if " " not in one):
        closest = [one for one in closest if terms(one).non_commercial]
    return closest[-1] if closest and not any(" " in one for one in stated) else NOT_SHAREABLE


def says(licence: str) -> str:
    """Return what an SPDX id or expression asks for in a few words, for people."""
    return _asks(combined([licence], adapted=False).licence if " " in licence else licence)


def _asks(licence: str) -> str:
    found = terms(licence)
    if licence in _SAYS:
        return _SAYS[licence]
    if not found.known:
        return "what it asks for is not known here: read it before you share the data set"
    wants = [
        "no commercial use" if found.non_commercial else "",
        "no derivatives: a mixture or a cut may not be shared" if found.no_derivatives else "",
        "share alike: what is made of it only under this same licence" if found.share_alike else "",
        "with credit" if found.credit else "",
    ]
    asked = "; ".join(want for want in wants if want)
    limited = found.non_commercial or found.no_derivatives
    return asked if limited else f"any use; {asked}" if asked else "free for any use"


@lru_cache(maxsize=4096)
def _combined(licences: frozenset[str], adapted: bool) -> Verdict:
    choices = [alternatives(licence) for licence in sorted(licences or {UNKNOWN})]
    ways = {frozenset[str]().union(*way) for way in islice(product(*choices), MOST_CHOICES)}
    found = sorted((_of_all(way, adapted) for way in ways), key=lambda one: (terms(one.licence).version, one.licence))
    return min(reversed(found), key=lambda one: one._strictness)


def _of_all(licences: frozenset[str], adapted: bool) -> Verdict:
    """Return the verdict where all of some ids apply."""
    table = {licence: terms(licence) for licence in sorted(licences)}
    unknown = [licence for licence, found in table.items() if not found.known]
    closed = [licence for licence, found in table.items() if not found.redistribute]
    fixed = [licence for licence, found in table.items() if found.no_derivatives] if adapted else []
    open_ = [licence for licence in table if licence not in {*unknown, *closed, *fixed}]
    clash = next((pair for pair in combinations(open_, 2) if not _agree(*pair)), None)
    problems = [f"{licence}: {_asks(licence)}" for licence in closed]
    problems += [
        f"{licence} forbids sharing adaptations, and a mixture, a cut or an augmented clip is one" for licence in fixed
    ]
    if clash and adapted:
        problems.append(f"{clash[0]} and {clash[1]} clash: no licence satisfies both")
    problems += [f"{licence}: {_asks(licence)}" for licence in unknown]
    if fixed or (clash and adapted) or len(closed) > 1:
        licence = NOT_SHAREABLE
    elif closed:
        licence = closed[0]
    elif unknown:
        licence = unknown[0] if len(unknown) == 1 else UNKNOWN
    elif clash:
        licence = SEVERAL
    else:
        licence = max(open_, key=lambda one: (sum(fits(other, one) for other in open_), table[one].version, one))
    return Verdict(
        licence,
        shareable=not problems,
        forbidden=len(problems) > len(unknown),
        non_commercial=any(found.non_commercial for found in table.values()),
        share_alike=any(found.share_alike is not None for found in table.values()),
        credit=any(found.credit for found in table.values()),
        problems=tuple(problems),
        clash=clash if adapted else None,
    )


def _agree(a: str, b: str) -> bool:
    """Say whether one of two licences covers the recordings under the other, too; none covers those it may not change."""
    fixed = terms(a).no_derivatives or terms(b).no_derivatives
    return not fixed and (fits(a, b) or fits(b, a))
