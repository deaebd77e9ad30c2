"""Licences as people write them, to SPDX ids: "CC BY-NC 4.0", its full name, its web address, an SPDX expression.

SPDX ids and expressions are read by ``license-expression``, which knows the SPDX list in any case. The names on top are
read whole: a text that says anything more or else ("CC BY for students") is not known, and what is not known is not free.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from synth.licences.terms import PUBLIC_DOMAIN, RESERVED, UNKNOWN, YOUTUBE

LATEST = (
    "4.0"  # of Creative Commons; of the versions of a name it fits the fewest others, so it is the strictest reading
)
_VERSIONS = {"1": "1.0", "2": "2.0", "3": "3.0", "4": "4.0"} | {
    name: name for name in ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")
}
_FAMILIES = ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")

_ELEMENTS = {
    "by": "BY",
    "attribution": "BY",
    "nc": "NC",
    "noncommercial": "NC",
    "sa": "SA",
    "sharealike": "SA",
    "nd": "ND",
}
_JOINED = (  # names of elements in several words, and what stands for the whole family of licences
    (r"\bnon ?commercial\b", "nc"),
    (r"\bshare ?alike\b", "sa"),
    (r"\bno ?(?:derivatives?|derivs?)(?: works?)?\b", "nd"),
    (r"\bcreative ?commons?\b", "cc"),
    (r"\bcc(?=by)", "cc "),
    (r"\b(by|nc|sa|nd)(?=[1-4](?:\.[015])?\b)", r"\1 "),
)
_PLAIN = {
    "cc",
    "license",
    "licence",
    "licensed",
    "under",
    "the",
    "a",
    "international",
    "unported",
    "generic",
    "public",
    "deed",
}
_JURISDICTIONS = (  # of Creative Commons' ported licences, 1.0 to 3.0
    "ar at au az be bg br ca ch cl cn co cr cz de dk ec ee eg es fi fr ge gr gt hk hr hu ie igo il in it jp kr lu mk mt mx "
    "my nl no nz pe ph pl pr pt ro rs scotland se sg si th tw ua ug uk us ve vn za "
    "australia austria canada france germany italy japan netherlands spain"
)
_PORTS = frozenset(_JURISDICTIONS.split())
_PORT_CODES = {"australia": "AU", "austria": "AT", "germany": "DE", "netherlands": "NL", "france": "FR", "japan": "JP"}

_WHOLE = (  # whole texts in lower case, without hyphens, and their ids
    (r"cc ?(?:0|zero)(?: 1(?:\.0)?)?(?: universal)?(?: (?:public domain dedication|license|licence))?", "CC0-1.0"),
    (r"(?:cc )?public domain dedication|cc ?0 1\.0 universal cc ?0 1\.0 public domain dedication", "CC0-1.0"),
    (
        r"(?:cc )?public ?domain(?: mark)?(?: 1\.0)?|pdm(?: 1\.0)?|cc pdm(?: 1\.0)?|cc public domain mark 1\.0",
        PUBLIC_DOMAIN,
    ),
    (r"(?:odc )?odbl(?: 1(?:\.0)?)?", "ODbL-1.0"),
    (r"(?:open data commons )?open database licen[sc]e(?: 1\.0)?(?: odbl(?: 1\.0)?)?(?: 1\.0)?", "ODbL-1.0"),
    (r"odc by(?: 1(?:\.0)?)?|open data commons attribution licen[sc]e(?: odc by)?(?: 1\.0)?", "ODC-By-1.0"),
    (
        r"(?:odc )?pddl(?: 1(?:\.0)?)?|(?:open data commons )?public domain dedication and licen[sc]e(?: pddl)?(?: 1\.0)?",
        "PDDL-1.0",
    ),
    (r"(?:the )?(?:mit|expat)(?: licen[sc]e)?", "MIT"),
    (r"(?:the )?apache(?: software)?(?: licen[sc]e)? ?2(?:\.0)?", "Apache-2.0"),
    (r"(?:the )?bsd ([23]) clause(?: licen[sc]e)?", r"BSD-\1-Clause"),
    (r"(?:standard )?youtube(?: standard)?(?: licen[sc]e)?", YOUTUBE),
    (r"cc attribution licen[sc]e reuse allowed", "CC-BY-3.0"),  # YouTube's words for Creative Commons' BY 3.0
    (r"all rights reserved", RESERVED),
)
_ADDRESSES = (  # web addresses without scheme, www and what follows
    (r"creativecommons\.org/licen[sc]es/([a-z-]+)/([0-9.]+)(?:/([a-z]{2,8}))?", "cc {0} {1} {2}"),
    (r"creativecommons\.org/publicdomain/zero(?:/1\.0)?", "CC0-1.0"),
    (r"creativecommons\.org/publicdomain/mark(?:/1\.0)?", PUBLIC_DOMAIN),
    (r"opendatacommons\.org/licen[sc]es/odbl(?:/1[.-]0)?", "ODbL-1.0"),
    (r"opendatacommons\.org/licen[sc]es/by(?:/1[.-]0)?", "ODC-By-1.0"),
    (r"opendatacommons\.org/licen[sc]es/pddl(?:/1[.-]0)?", "PDDL-1.0"),
    (r"(?:opensource\.org/licen[sc]es?|spdx\.org/licenses)/([a-z0-9.-]+?)(?:\.html|\.json)?", "{0}"),
    (r"apache\.org/licenses/license-2\.0(?:\.txt|\.html)?", "Apache-2.0"),
)
_ADDRESS = re.compile(
    r"<?(?:https?://)?(?:www\.)?((?:creativecommons|opendatacommons|opensource|spdx|apache)\.org/[^\s<>()]*)>?", re.I
)
_TAIL = re.compile(r"(?:/(?:deed|legalcode|summary)(?:[._-][a-z-]+)?(?:\.html|\.txt)?)?/?(?:[?#].*)?$")


@dataclass(frozen=True, slots=True)
class Read:
    """A licence that was read: its SPDX id or expression, whether it is known, and what had to be assumed (else None)."""

    licence: str
    known: bool
    assumed: str | None = None


@lru_cache(maxsize=4096)
def read(text: str | None) -> Read:
    """Read a licence as it stands in a table.

    A name of Creative Commons without a version is read as the latest, its strictest, and that is said. An id of one's own
    (``LicenseRef-…``) is kept, and not known. Anything else gives ``LicenseRef-unknown``.
    """
    written = re.sub("[\u2010-\u2015\u2212]", "-", unicodedata.normalize("NFKC", text or ""))
    written = re.sub(r"^[\s\"'`]+|[\s\"'`.,;]+$", "", written)
    found = _named(written) or _expression(written)
    if found is not None:
        return found
    if re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", written):
        return Read(written, known=written == YOUTUBE)
    return Read(UNKNOWN, known=False)


def alternatives(licence: str) -> tuple[frozenset[str], ...]:
    """Return the ways to satisfy an SPDX id or expression: each a set of ids that apply together."""
    if " " not in licence:
        return (frozenset([licence]),)
    tree = _parsed(licence)
    return (frozenset([licence]),) if tree is None else tuple(sorted(set(_ways(tree)), key=sorted))


def _named(written: str) -> Read | None:
    """Read a name, an address, or a name with its address; None for anything else."""
    addresses = [_address(found) for found in _ADDRESS.findall(written)]
    rest = re.sub(r"^[\s:;,()–-]+|[\s:;,()–-]+$", "", _ADDRESS.sub(" ", written)) if addresses else written
    found = [*addresses, _name(rest)] if rest else addresses
    licences = {one.licence for one in found if one is not None}
    whole = found and None not in found
    if whole and len(licences) > 1:  # a name without a version beside an address that has it
        stated = {one.licence for one in found if one is not None and one.assumed is None}
        family = {re.sub(r"-[1-4]\.[0-9].*$", "", licence) for licence in licences}
        licences = stated if len(family) == 1 else licences
    if not whole or len(licences) != 1:
        return None
    (licence,) = licences
    return next(one for one in found if one is not None and one.licence == licence)


def _address(address: str) -> Read | None:
    bare = _TAIL.sub("", address.casefold().rstrip(".,;"))
    for pattern, meant in _ADDRESSES:
        found = re.fullmatch(pattern, bare)
        if found:
            return _name(meant.format(*(part or "" for part in found.groups())))
    return None


def _name(words: str) -> Read | None:
    """Read the name of one licence; None where a word of it is not understood."""
    exact = _symbol(words)
    if exact is not None:
        return Read(exact, known=True)
    plain = re.sub(r"[\s_/(),:–-]+", " ", words.casefold().replace("+", " plus ")).strip()
    for pattern, simple in _JOINED:
        plain = re.sub(pattern, simple, plain)
    plain = re.sub(r"\b(?:version|v) ?(?=[1-4])", "", plain)
    for pattern, licence in _WHOLE:
        found = re.fullmatch(pattern, plain)
        if found:
            return Read(found.expand(licence) if "\\" in licence else licence, known=True)
    return _creative_commons(plain.split())


def _creative_commons(words: list[str]) -> Read | None:
    """Read words such as ``cc by nc 4.0``; said twice (a full name and its short form), they must agree."""
    families: list[set[str]] = []
    versions, ports = set[str](), set[str]()
    for before, word in zip(["", *words], words, strict=False):
        if word in _ELEMENTS:
            element = _ELEMENTS[word]
            if element == "BY":
                families.append(set())
            if not families or element in families[-1]:
                return None
            families[-1].add(element)
        elif word in _VERSIONS:
            versions.add(_VERSIONS[word])
        elif word in _PORTS and _VERSIONS.get(before, LATEST) < LATEST:
            ports.add(_PORT_CODES.get(word, word.upper()))
        elif word not in _PLAIN:
            return None
    named = {"-".join(name for name in ("BY", "NC", "SA", "ND") if name in one) for one in families}
    if len(named) != 1 or len(versions) > 1 or len(ports) > 1:
        return None
    (family,) = named
    if family not in _FAMILIES or (family == "BY" and not versions and not {"cc", "attribution"} & set(words)):
        return None
    for port in (*(f"-{port}" for port in ports), ""):
        licence = f"CC-{family}-{next(iter(versions), LATEST)}{port}"
        if _symbol(licence) is not None:
            return Read(licence, True, None if versions else f"no version is stated; read as {licence}")
    return None


def _expression(written: str) -> Read | None:
    """Read licences joined by AND, OR and parentheses, each an SPDX id or a name; None where one is not known."""
    if not re.search(r"\b(?:and|or)\b", written, re.I):
        return None
    assumed: list[str] = []
    out: list[str] = []
    for piece in re.split(r"(\s+(?:and|or)\s+)", written, flags=re.I):
        joins = re.fullmatch(r"\s+(and|or)\s+", piece, re.I)
        opening = re.match(r"[\s(]*", piece)
        bare = piece.strip().lstrip("(")
        while bare.count(")") > bare.count("("):
            bare = bare[: bare.rindex(")")] + bare[bare.rindex(")") + 1 :]
        found = None if joins else _named(bare.strip())
        if joins:
            out.append(f" {joins[1].upper()} ")
        elif found is None or opening is None:
            return None
        else:
            closing = len(piece.rstrip()) - len(piece.rstrip().rstrip(")"))
            out.append("(" * opening[0].count("(") + found.licence + ")" * closing)
            assumed += [found.assumed] if found.assumed else []
    tree = _parsed("".join(out))
    return None if tree is None else Read(str(tree), True, "; ".join(assumed) or None)


@lru_cache(maxsize=1)
def _library() -> Any:  # noqa: ANN401  # the library's own class; it is untyped
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@lru_cache(maxsize=4096)
def _symbol(word: str) -> str | None:
    """Return the SPDX id of a word in any case, None where SPDX has none."""
    if not re.fullmatch(r"[A-Za-z0-9.+-]+", word):
        return None
    tree = _parsed(word)
    key = getattr(tree, "key", None)
    return None if key is None or key.startswith("LicenseRef-") else str(key)


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> Any:  # noqa: ANN401  # likewise
    """Return the tree of an SPDX expression, or None where it is none, or names what is not in SPDX's list or ours."""
    from license_expression import ExpressionError

    library = _library()
    try:
        tree = library.parse(expression)
    except ExpressionError:
        return None
    if tree is None or any(not key.startswith("LicenseRef-") for key in library.unknown_license_keys(tree)):
        return None
    return tree


def _ways(tree: Any) -> list[frozenset[str]]:  # noqa: ANN401  # likewise
    """Return the sets of ids, one of which satisfies a tree; an exception (WITH) belongs to its id."""
    operator = type(tree).__name__
    if operator == "OR":
        return [way for one in tree.args for way in _ways(one)]
    if operator == "AND":
        return reduce(lambda left, right: [a | b for a in left for b in right], [_ways(one) for one in tree.args])
    return [frozenset([str(tree)])]
