"""What licences ask for, as a table; and which licence an adaptation may be released under.

Creative Commons: the legal codes, and the chart "Adapter's license" of the licence compatibility page
(wiki.creativecommons.org/wiki/Wiki/cc_license_compatibility). Open Data Commons: opendatacommons.org/licenses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

UNKNOWN = "LicenseRef-unknown"  # nothing is stated, or it cannot be read
YOUTUBE = "LicenseRef-YouTube"
RESERVED = "LicenseRef-all-rights-reserved"
PUBLIC_DOMAIN = "CC-PDM-1.0"
NOT_SHAREABLE = "LicenseRef-not-shareable"  # of a clip: what it is made of forbids sharing it
SEVERAL = "LicenseRef-several"  # of a collection: every clip may be shared, each under a licence of its own

_CC = re.compile(r"CC-BY(?P<nc>-NC)?(?P<last>-SA|-ND)?-(?P<version>[1-4]\.[0-9])(?:-[A-Z]+)?")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence asks of those who share something under it.

    ``share_alike``: the family of licences that an adaptation must have (``BY-SA``, ``BY-NC-SA``, ``ODbL``), or None;
    ``version`` orders the licences of a family. ``known`` is False where nobody has said what the licence asks for.
    """

    credit: bool = False
    non_commercial: bool = False
    share_alike: str | None = None
    no_derivatives: bool = False
    redistribute: bool = True
    known: bool = True
    version: str = ""


_FREE, _CREDIT = Terms(), Terms(credit=True)
_FORBIDDEN = Terms(credit=True, redistribute=False)
_NOBODY_KNOWS = Terms(credit=True, non_commercial=True, known=False)
_TABLE = {
    **dict.fromkeys(("CC0-1.0", PUBLIC_DOMAIN, "PDDL-1.0", "Unlicense", "0BSD"), _FREE),
    **dict.fromkeys(("MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"), _CREDIT),
    **dict.fromkeys(("ODC-By-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0"), _CREDIT),
    "ODbL-1.0": Terms(credit=True, share_alike="ODbL", version="1.0"),
    **dict.fromkeys((YOUTUBE, RESERVED, NOT_SHAREABLE), _FORBIDDEN),
}


@lru_cache(maxsize=4096)
def terms(licence: str) -> Terms:
    """Return the terms of one SPDX id; those of an id that is not in the table are not known."""
    found = _CC.fullmatch(licence)
    if found is None:
        return _TABLE.get(licence, _NOBODY_KNOWS)
    nc, last = found["nc"] or "", found["last"] or ""
    return Terms(
        credit=True,
        non_commercial=bool(nc),
        share_alike=f"BY{nc}-SA" if last == "-SA" else None,
        no_derivatives=last == "-ND",
        version=found["version"],
    )


def fits(source: str, target: str) -> bool:
    """Say whether an adaptation of something under ``source`` may be shared under ``target``.

    Both are ids whose terms are known, may be redistributed and permit adaptations. Share-alike demands the same family,
    in the same or a later version: the first versions of Creative Commons (1.0) know no later one.
    """
    mine, its = terms(source), terms(target)
    if mine.share_alike is not None:
        later = its.version == mine.version or (mine.version != "1.0" and its.version > mine.version)
        return its.share_alike == mine.share_alike and later
    return mine.credit <= its.credit and mine.non_commercial <= its.non_commercial
