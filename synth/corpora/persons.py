"""Who is who: ids that differ only in how they are written, words that stand for nobody, and words for the sexes.

An id is compared in its Unicode compatibility form (NFKC), case-folded, without invisible characters and without white
space; between two digits white space counts, so that ``1 11`` and ``11 1`` stay two. Leading zeros count. Where all ids
of a column are whole numbers, ``84.0`` is ``84``: pandas writes a column of numbers so once one of them is missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_NOBODY = frozenset(
    {"nan", "nat", "na", "n/a", "n.a.", "none", "null", "nil", "unknown", "unk", "unkn", "undefined", "missing"}
    | {"notavailable", "notapplicable", "notknown", "unspecified", "notspecified", "anonymous", "anon", "-1"}
    | {"unknownspeaker", "speakerunknown", "nospeaker"}
)
_AROUND = "<>[](){}\"'#_"
_FEMALE = frozenset(
    {"f", "female", "w", "woman", "women", "girl", "feminine", "female_feminine", "fem"}
    | {"weiblich", "frau", "femme", "féminin", "mujer", "femenino", "femminile", "feminino"}
)
_MALE = frozenset(
    {"m", "male", "man", "men", "boy", "masculine", "male_masculine", "masc"}
    | {"männlich", "mann", "homme", "masculin", "hombre", "masculino", "maschile"}
)
_SPACE_IN_NUMBER = re.compile(r"(?<=\d)\s+(?=\d)")
_WHOLE = re.compile(r"-?\d+")
_FLOAT = re.compile(r"(-?\d+)[.,]0+")


def identity(text: str) -> str:
    """Return the form in which two ids are compared; the empty text for one that holds nothing visible."""
    marked = _SPACE_IN_NUMBER.sub("\0", _visible(unicodedata.normalize("NFKC", text)).strip())
    return unicodedata.normalize("NFKC", "".join(marked.split()).replace("\0", " ").casefold())


def _visible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def is_nobody(text: str) -> bool:
    """Tell whether an id is a word or a sign for a missing one: empty, ``nan``, ``N/A``, ``unknown``, ``-``, ``?`` …"""
    key = identity(text)
    signs = all(unicodedata.category(c)[0] in "PZ" or unicodedata.category(c) in ("Sm", "Sk") for c in key)
    return signs or key in _NOBODY or key.strip(_AROUND) in _NOBODY


def sex(word: str) -> str | None:
    """Return F or M for a word that says so, else None."""
    low = "_".join(unicodedata.normalize("NFC", word).casefold().replace("-", " ").split()).strip(".")
    return "F" if low in _FEMALE else "M" if low in _MALE else None


def names(written: Sequence[str]) -> Mapping[str, str]:
    """Return the one name of each id in a column, by how it is written: the most frequent spelling, the first of equals.

    ``written``: the ids of all rows, without those that are nobody's.
    """
    plain = dict.fromkeys(written)
    numbers = all(_WHOLE.fullmatch(text.strip()) or _FLOAT.fullmatch(text.strip()) for text in plain)
    keys: dict[str, str] = {}
    for text in plain:
        as_float = _FLOAT.fullmatch(text.strip()) if numbers else None
        keys[text] = as_float[1] if as_float else identity(text)
    spellings: dict[str, Counter[str]] = {}
    for text in written:
        shown = " ".join(_visible(unicodedata.normalize("NFC", text)).split())
        as_float = _FLOAT.fullmatch(shown) if numbers else None
        spellings.setdefault(keys[text], Counter())[as_float[1] if as_float else shown] += 1
    best = {key: found.most_common(1)[0][0] for key, found in spellings.items()}
    return {text: best[keys[text]] for text in plain}


def joined(names_of: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return the ids that have several spellings: the name, and all spellings in the order in which they came."""
    spellings: dict[str, list[str]] = {}
    for text, name in names_of.items():
        spellings.setdefault(name, []).append(text)
    return [(name, texts) for name, texts in spellings.items() if len(texts) > 1]


def said(found: Iterable[tuple[str, list[str]]]) -> str:
    """Return joined spellings in words: ``'S01' = 's01 '``."""
    return "; ".join(" = ".join(repr(text) for text in texts) for _, texts in found)
