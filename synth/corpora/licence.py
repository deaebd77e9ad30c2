"""The licence that a table or a corpus states, as an SPDX id; what cannot be read, or had to be assumed, is said."""

from __future__ import annotations

from synth import licences
from synth.corpora.items import Oddities

_OPEN = (licences.UNKNOWN, licences.YOUTUBE)  # nothing is stated, or each uploader may have stated another


def stated(text: str, where: str, oddities: Oddities, of_corpus: str = licences.UNKNOWN) -> str:
    """Return the id of a licence as somebody wrote it; ``where`` it stands, for people.

    ``of_corpus``: the licence of the recognised corpus that the recording belongs to. A table makes nothing freer: of the
    two the stricter counts.
    """
    found = licences.read(text)
    if found.assumed:
        says = "licences without a version: read as the latest, which is the strictest"
        oddities.add("licence-version", f"{where}: '{text}'", says)
    elif not found.known:
        says = "licences that cannot be read: what is made of these recordings may not be shared until they are known"
        oddities.add("licence-unknown", f"{where}: '{text}'", says)
    if of_corpus in _OPEN:
        return found.licence
    strictest = licences.of_copies([found.licence, of_corpus])
    if strictest != found.licence:
        says = "licences that a table gives, freer than that of their corpus, or another: the stricter counts"
        oddities.add("licence-of-corpus", f"{where}: '{text}', the corpus is {of_corpus}", says)
    return strictest
