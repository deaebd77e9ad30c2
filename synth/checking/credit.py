"""Licences, derived again: which licences may each source go into, and is there one that all sources of a clip may go into?

The chart is the one that Creative Commons publishes for adaptations (wiki.creativecommons.org/wiki/Wiki/cc_license_compatibility),
row by row; nothing of how the licences were written is used here but the names of the special ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synth.checking.findings import Finding, named
from synth.checking.rows import Clips
from synth.checking.sentences import Piece, Sentence, compared, count, joined, lines, things
from synth.licences import NOT_SHAREABLE, SEVERAL, UNKNOWN
from synth.units import counted

Ints = NDArray[np.int64]

# the kind of a source, and the kinds of licence that an adaptation of it may have, from free to strict
_CHART = {
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
_FREEDOM = ("PD", "BY", "ODBL", "BY-SA", "BY-NC", "BY-NC-SA", "BY-ND", "BY-NC-ND")
_KINDS = {
    "PD": "CC0-1.0 CC-PDM-1.0 PDDL-1.0 Unlicense 0BSD",
    "BY": "MIT ISC BSD-2-Clause BSD-3-Clause Apache-2.0 ODC-By-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0",
    "ODBL": "ODbL-1.0",
    "CLOSED": f"LicenseRef-YouTube LicenseRef-all-rights-reserved {NOT_SHAREABLE}",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_LIKE_AN_ID = re.compile(r"\b(?:LicenseRef-[\w-]*\w|(?:CC|ODbL|ODC|PDDL|BSD|CDLA|Apache|GPL)[\w-]*-[\w.-]*\d)")
_ON_THE_HUB = re.compile(
    r"cc-by(-nc)?(-sa|-nd)?-[2-4]\.[05]|cc0-1\.0|mit|isc|unlicense|apache-2\.0|bsd-[23]-clause|cdla-permissive-[12]\.0"
)
Ways = frozenset[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the licence of a clip has to be: one of ``ids``; ``held``: it may not be shared, ``forbidden``: for a known reason."""

    ids: frozenset[str]
    held: bool
    forbidden: bool


def licence(
    clips: Clips, start_n: Ints | None, card: str | None, attributions: str | None, rate_hz: int, earlier: bool = False
) -> Finding:
    """Check the column ``licence``, and what the data card and ``attribution.txt`` (their texts, None without one) say.

    ``earlier``: a card of version 0.1.0, which did not say how many clips may not be shared.

    ``start_n``: (parts,) where each part of a labelled clip begins in its recording, in samples; None for mixtures.
    """
    names = [name or UNKNOWN for name in clips.sources.names("licence")]
    code = clips.of_source(
        np.where(clips.sources.code("licence") < 0, len(names), clips.sources.code("licence")), len(names)
    )
    names.append(UNKNOWN)
    group, groups = _groups(clips, 2 * code + _changed(clips, start_n, rate_hz))
    wanted = [_expected([_ways(names[k >> 1]) for k in one], any(k & 1 for k in one) or len(one) > 1) for one in groups]
    number = {name: k for k, name in enumerate(clips.licence_names)}
    fits = np.zeros((len(groups), len(number) + 1), np.bool_)
    for row, expected in enumerate(wanted):
        fits[row, [number[name] for name in expected.ids if name in number]] = True
    wrong = ~fits[group, clips.licence]
    counts = dict(zip(range(len(groups)), np.bincount(group, minlength=len(groups)).tolist(), strict=True))
    held = sum(count for row, count in counts.items() if wanted[row].held)
    whole = _whole([wanted[row] for row, count in counts.items() if count])
    first_use = np.unique(clips.source[clips.known], return_index=True)[1]
    used = np.bincount(code[clips.known][first_use], minlength=len(names))
    recordings: dict[str, int] = {}
    for name, many in zip(names, used.tolist(), strict=True):
        if many:
            recordings[name] = recordings.get(name, 0) + many
    problems = []
    if wrong.any():
        first = wanted[int(group[int(np.argmax(wrong))])]
        problems.append(
            f"licence of {counted(int(wrong.sum()), 'clip')} is not what its parts permit, {' or '.join(sorted(first.ids))} "
            f"for the first{named(clips.ids(wrong))}"
        )
    freer = _freer_than_a_copy(clips)
    if freer:
        problems.append(
            f"{counted(len(freer), 'recording')} used under a freer licence than a copy of it{named(freer, 2)}"
        )
    if card is not None:
        problems += _of_card(card, whole, recordings, held, clips, earlier)
    if attributions is None:
        problems.append("attribution.txt is missing")
    else:
        problems += _of_credits(clips, attributions)
    share = (
        f"; {held:,} of {len(clips):,} clips may not be shared{'' if any(one.forbidden for one in wanted) else ' until their licence is known'}"
        if held
        else ""
    )
    says = "; ".join(problems) or (
        f"the whole is {' or '.join(sorted(whole))}, from {', '.join(f'{n:,} recordings {name}' for name, n in sorted(recordings.items()))}; "
        f"each of {counted(len(clips), 'clip')} has what its own recordings permit{share}"
    )
    figures = {
        "whole": sorted(whole)[0],
        "recordings": recordings,
        "wrong_clips": int(wrong.sum()),
        "may_not_be_shared": held,
    }
    return Finding("licence", not problems, says, figures)


def _freer_than_a_copy(clips: Clips) -> list[str]:
    """Return the recordings that are used although a copy of theirs, by samples or bytes, is under a stricter licence."""
    sources = clips.sources
    names, licence = sources.names("licence"), sources.code("licence")
    may = [_targets(name) for name in [*names, UNKNOWN]]  # of the code -1 the last
    used = np.unique(clips.source[clips.known])
    out: dict[str, None] = {}
    for column in ("pcm_sha256", "sha256"):
        code = sources.code(column)
        rows = np.flatnonzero(code >= 0)
        rows = rows[np.bincount(code[rows])[code[rows]] > 1] if len(rows) else rows
        stated: dict[int, set[int]] = {}
        for what, one in np.unique(np.stack([code[rows], licence[rows]], 1), axis=0).tolist():
            if one >= 0 and names[one] != UNKNOWN:  # a copy of which nothing is said changes nothing
                stated.setdefault(what, set()).add(one)
        for k in used[np.isin(used, rows)].tolist():
            own = int(licence[k])
            stricter = [one for one in stated.get(int(code[k]), ()) if not may[own] <= may[one]]
            if stricter:
                shown = ", ".join(sorted(names[one] for one in stricter))
                out[f"{sources.ids[k]}: {[*names, UNKNOWN][own]}, a copy {shown}"] = None
    return list(out)


def _targets(text: str) -> frozenset[str]:
    """Return the uses that a licence leaves open: the kinds that an adaptation may have, and sharing it as it is."""
    out: set[str] = set()
    for way in _ways(text):
        kinds = [_kind(one) for one in way]
        open_ = not any(kind in (None, "CLOSED") for kind in kinds)
        out |= {"as it is"} if open_ else set()
        out |= set.intersection(*(set(_CHART[kind]) if open_ and kind else set() for kind in kinds))
        out |= {"sold"} if open_ and not any("NC" in str(kind) for kind in kinds) else set()
    return frozenset(out)


def _changed(clips: Clips, start_n: Ints | None, rate_hz: int) -> Ints:
    """Return 1 for each part that is an adaptation of its recording, 0 for a whole recording, shape (parts,)."""
    if start_n is None:
        return np.ones(len(clips.source), np.int64)
    length_s = np.array([value or 0.0 for value in clips.sources.table.column("duration_s").to_pylist()], np.float64)
    missing = length_s[np.maximum(clips.source, 0)] - clips.duration_s
    return ((start_n > 0) | (missing > 1.001 / rate_hz) | ~clips.known).astype(np.int64)


def _groups(clips: Clips, code: Ints) -> tuple[Ints, list[tuple[int, ...]]]:
    """Return for each clip the number of its group, and per group the different codes of its parts."""
    sizes = np.diff(clips.offsets)
    if len(code) and code.max() < 63:
        mask = np.zeros(len(sizes), np.int64)
        np.bitwise_or.at(mask, clips.clip_of_part, np.left_shift(np.int64(1), code))
        masks, group = np.unique(mask, return_inverse=True)
        return group, [tuple(k for k in range(63) if one >> k & 1) for one in masks.tolist()]
    found: dict[tuple[int, ...], int] = {}
    codes, ends = code.tolist(), clips.offsets.tolist()
    pairs = pairwise(ends)
    group = np.array([found.setdefault(tuple(sorted(set(codes[a:b]))), len(found)) for a, b in pairs], np.int64)
    return group, list(found)


def _expected(sources: Sequence[Ways], changed: bool) -> Expected:
    """Return the licence of a clip: of those that its sources name and all permit the freest, in the latest version."""
    if not changed and len(sources) == 1 and len(sources[0]) == 1:
        (way,) = sources[0]
        if len(way) == 1:
            (only,) = way
            kind = _kind(only)
            return Expected(frozenset([only]), kind in (None, "CLOSED"), kind == "CLOSED")
    named_ids = {one for ways in sources for way in ways for one in way}
    good = [
        one for one in named_ids if all(any(all(_permits(a, one) for a in way) for way in ways) for ways in sources)
    ]
    if good:
        freest = min(_FREEDOM.index(str(_kind(one))) for one in good)
        best = max((_version(one), one) for one in good if _FREEDOM.index(str(_kind(one))) == freest)
        return Expected(frozenset([best[1]]), held=False, forbidden=False)
    if any(len(ways) > 1 for ways in sources):  # a choice between ways none of which may be shared
        ids = {one for one in named_ids if _kind(one) in (None, "CLOSED")} | {NOT_SHAREABLE, UNKNOWN}
        return Expected(frozenset(ids), held=True, forbidden=True)
    return _held({one for ways in sources for way in ways for one in way})


def _held(ids: set[str]) -> Expected:
    unknown = {one for one in ids if _kind(one) is None}
    closed = {one for one in ids if _kind(one) == "CLOSED"}
    rest = ids - unknown - closed
    clash = bool(rest) and not any(all(_permits(a, one) for a in rest) for one in rest)
    if closed or clash:
        return Expected(frozenset(closed) if len(closed) == 1 and not clash else frozenset([NOT_SHAREABLE]), True, True)
    return Expected(frozenset(unknown if len(unknown) == 1 else [UNKNOWN]), held=True, forbidden=False)


def _whole(clips: Iterable[Expected]) -> frozenset[str]:
    """Return the licence of a collection: what holds one clip back holds the whole back; else what covers every clip."""
    found = list(clips)
    ids = {one for expected in found for one in expected.ids}
    held = [expected for expected in found if expected.held]
    if any(len(expected.ids) > 1 for expected in found):
        return frozenset(ids | {NOT_SHAREABLE, UNKNOWN, SEVERAL})
    if held:
        stopping = {
            one for expected in held if expected.forbidden == any(h.forbidden for h in held) for one in expected.ids
        }
        return _held(stopping).ids if found else frozenset([UNKNOWN])
    if len(ids) == 1:
        return frozenset(ids)
    covering = [one for one in ids if all(_permits(a, one) for a in ids)]
    return frozenset([max((_version(one), one) for one in covering)[1]] if covering else [SEVERAL])


def _permits(source: str, target: str) -> bool:
    """Say whether an adaptation of ``source`` may stand under ``target``."""
    mine, its = _kind(source), _kind(target)
    if mine is None or its is None or its not in _CHART[mine]:
        return False
    if mine == its and mine.endswith("SA"):
        return _version(source) == _version(target) or 1.0 < _version(source) < _version(target)
    return True


def _kind(one: str) -> str | None:
    words = one.split("-")
    if words[:2] == ["CC", "BY"]:
        return "-".join(words[1 : next((k for k, word in enumerate(words) if word[:1].isdigit()), len(words))])
    return _KIND_OF.get(one)


def _version(one: str) -> float:
    found = re.search(r"^CC-BY.*?-([0-9]\.[0-9])", one)
    return float(found[1]) if found else 0.0


def _ways(text: str) -> Ways:
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


def _of_card(
    card: str, whole: frozenset[str], recordings: dict[str, int], held: int, clips: Clips, earlier: bool
) -> list[str]:
    """Return what is wrong in the section on the licence, and in the head that the Hub reads."""
    section = re.search(r"^## Licence\n(.*?)(?=^## |\Z)", card, re.M | re.S)
    if section is None:
        return ["README.md has no section on the licence"]
    paragraph = next((line for line in lines(section[1].strip()) if line), "")
    problems = []
    if not any(paragraph.startswith(f"{one}:") for one in whole):
        problems.append(f"README.md does not name {' or '.join(sorted(whole))} as the licence of the whole")
    each = sorted(recordings.items())
    if earlier:
        sentences = [Sentence((count(many), f" recordings {name}"), anywhere=True) for name, many in each]
    else:
        sentences = [_counted("Recordings by licence: ", each)]
        used = np.bincount(clips.licence[clips.licence >= 0], minlength=len(clips.licence_names)).tolist()
        by_clip = sorted((name, many) for name, many in zip(clips.licence_names, used, strict=True) if many)
        if len(by_clip) > 1:
            sentences.append(_counted("Clips by licence (column licence): ", by_clip))
        subject = "The " if held == len(clips) else f"{held:,} of "
        said: tuple[Piece, ...] = (subject, things(len(clips), "clip"), " may not be shared")
        sentences += [Sentence(said, anywhere=True)] if held else []
    wrong, lacking = compared(paragraph, sentences)
    problems += [f"README.md on the licence: {one}" for one in wrong + lacking]
    known = {*whole, NOT_SHAREABLE, SEVERAL, UNKNOWN, *(name for name in clips.licence_names if name)}
    known |= {one for name in recordings for way in _ways(name) for one in way}
    others = [one for one in _LIKE_AN_ID.findall(paragraph) if not any(one in name.split() for name in known)]
    if others:
        problems.append(f"README.md names licences that no recording has{named(dict.fromkeys(others))}")
    front = card.partition("\n---\n")[0] if card.startswith("---\n") else ""
    head = re.search(r"^license: (\S+)$", front, re.M)
    if front and not head:
        problems.append("the head of README.md says no license")
    if head and head[1] not in {one for name in whole for one in _hub_names(name, earlier)}:
        problems.append(f"the head of README.md says license: {head[1]}, the whole is {' or '.join(sorted(whole))}")
    return problems


def _counted(begins: str, each: Sequence[tuple[str, int]]) -> Sentence:
    return Sentence((begins, *joined([count(many), f" {name}"] for name, many in each), "."), anywhere=True)


def _hub_names(licence: str, earlier: bool) -> set[str]:
    """Return how the Hub may call a licence: it knows the usual families by their ids, all others are ``other``."""
    low = licence.lower()
    if _ON_THE_HUB.fullmatch(low):
        return {low}
    family = re.sub(r"-1\.0$", "", low) if low in ("odbl-1.0", "odc-by-1.0", "pddl-1.0") else ""
    return {family or "other", low} if earlier else {family or "other"}


def _of_credits(clips: Clips, text: str) -> list[str]:
    """Return who is missing in attribution.txt, and who stands in it without a recording that is used."""
    used = np.unique(clips.source[clips.known]).tolist()
    pairs = {
        (clips.sources.table.column("attribution")[k].as_py(), clips.sources.table.column("licence")[k].as_py())
        for k in used
    }
    wanted = {f"{name} ({licence or UNKNOWN})" for name, licence in pairs if name}
    found = {line for line in text.split("\n") if line}
    wanted = {line for one in wanted for line in one.split("\n")}
    problems = []
    if wanted - found:
        problems.append(
            f"attribution.txt lacks {counted(len(wanted - found), 'credit')}{named(sorted(wanted - found), 2)}"
        )
    if found - wanted:
        problems.append(f"attribution.txt credits what is not used{named(sorted(found - wanted), 2)}")
    return problems
