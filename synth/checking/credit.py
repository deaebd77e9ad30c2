"""Licences, derived again: which licences may each source go into, and is there one that all sources of a clip may go into?

What a licence permits is in :mod:`synth.checking.chart`; nothing of how the licences were written is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synth.checking import reasons
from synth.checking.chart import CHART, FREEDOM, Ways, kind_of, permits, version, ways_of
from synth.checking.findings import Finding, named
from synth.checking.rows import Clips
from synth.checking.sentences import Piece, Sentence, compared, count, joined, lines, things
from synth.licences import NOT_SHAREABLE, SEVERAL, UNKNOWN
from synth.units import counted

Ints = NDArray[np.int64]

_LIKE_AN_ID = re.compile(r"\b(?:LicenseRef-[\w-]*\w|(?:CC|ODbL|ODC|PDDL|BSD|CDLA|Apache|GPL)[\w-]*-[\w.-]*\d(?:-\w+)*)")
_ON_THE_HUB = re.compile(
    r"cc-by(-nc)?(-sa|-nd)?-[2-4]\.[05]|cc0-1\.0|mit|isc|unlicense|apache-2\.0|bsd-[23]-clause|cdla-permissive-[12]\.0"
)


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
    terms = [([ways_of(names[k >> 1]) for k in one], any(k & 1 for k in one) or len(one) > 1) for one in groups]
    wanted = [_expected(ways, changed) for ways, changed in terms]
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
        if not earlier:
            problems += _of_reasons(card, terms, wanted, list(counts.values()), recordings)
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
    for way in ways_of(text):
        kinds = [kind_of(one) for one in way]
        open_ = not any(kind in (None, "CLOSED") for kind in kinds)
        out |= {"as it is"} if open_ else set()
        out |= set.intersection(*(set(CHART[kind]) if open_ and kind else set() for kind in kinds))
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
            kind = kind_of(only)
            return Expected(frozenset([only]), kind in (None, "CLOSED"), kind == "CLOSED")
    named_ids = {one for ways in sources for way in ways for one in way}
    good = [one for one in named_ids if all(any(all(permits(a, one) for a in way) for way in ways) for ways in sources)]
    if good:
        freest = min(FREEDOM.index(str(kind_of(one))) for one in good)
        best = max((version(one), one) for one in good if FREEDOM.index(str(kind_of(one))) == freest)
        return Expected(frozenset([best[1]]), held=False, forbidden=False)
    if any(len(ways) > 1 for ways in sources):  # a choice between ways none of which may be shared
        ids = {one for one in named_ids if kind_of(one) in (None, "CLOSED")} | {NOT_SHAREABLE, UNKNOWN}
        return Expected(frozenset(ids), held=True, forbidden=True)
    return _held({one for ways in sources for way in ways for one in way})


def _held(ids: set[str]) -> Expected:
    unknown = {one for one in ids if kind_of(one) is None}
    closed = {one for one in ids if kind_of(one) == "CLOSED"}
    rest = ids - unknown - closed
    clash = bool(rest) and not any(all(permits(a, one) for a in rest) for one in rest)
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
    covering = [one for one in ids if all(permits(a, one) for a in ids)]
    return frozenset([max((version(one), one) for one in covering)[1]] if covering else [SEVERAL])


def _of_card(
    card: str, whole: frozenset[str], recordings: dict[str, int], held: int, clips: Clips, earlier: bool
) -> list[str]:
    """Return what is wrong in the section on the licence, and in the head that the Hub reads."""
    paragraph = _paragraph(card)
    if paragraph is None:
        return ["README.md has no section on the licence"]
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
    known |= {one for name in recordings for way in ways_of(name) for one in way}
    others = [one for one in _LIKE_AN_ID.findall(paragraph) if not any(one in name.split() for name in known)]
    if others:
        problems.append(f"README.md names licences that no recording has{named(dict.fromkeys(others))}")
    front = card.partition("\n---\n")[0] if card.startswith("---\n") else ""
    head = re.search(r"^license: (\S.*)$", front, re.M)
    if front and not head:
        problems.append("the head of README.md says no license")
    if head and head[1] not in {one for name in whole for one in _hub_names(name, earlier)}:
        problems.append(f"the head of README.md says license: {head[1]}, the whole is {' or '.join(sorted(whole))}")
    return problems


def _paragraph(card: str) -> str | None:
    section = re.search(r"^## Licence\n(.*?)(?=^## |\Z)", card, re.M | re.S)
    return section and next((line for line in lines(section[1].strip()) if line), "")


def _of_reasons(
    card: str,
    groups: Sequence[tuple[list[Ways], bool]],
    wanted: Sequence[Expected],
    counts: Sequence[int],
    recordings: Mapping[str, int],
) -> list[str]:
    """Return what a card says otherwise of why clips may not be shared, or of what their licence asks for.

    ``groups``: the licences of their recordings, and whether they are adaptations. Which of several ways to choose is
    looked at where none may be shared is the card's: then nothing is said of the reasons.
    """
    paragraph = _paragraph(card) or ""
    there = [(one, expected, many) for one, expected, many in zip(groups, wanted, counts, strict=True) if many]
    held = [(ways, adapted, many) for (ways, adapted), expected, many in there if expected.held]
    ids = sorted({one for _, expected, _ in there for one in expected.ids})
    wrong = reasons.not_for_sale(paragraph, recordings) if held else []
    if not held and len(ids) == 1:
        wrong += reasons.asked(paragraph, ids[0])
    elif not held and paragraph.startswith(f"{SEVERAL}: "):
        wrong += [f"it lacks '{pair}'" for pair in reasons.clash(ids) if pair not in paragraph]
    elif held and all(len(way) == 1 for ways, _, _ in held for way in ways):
        each = [
            (reasons.of_clip({one for way in ways for any_ in way for one in any_}, adapted), many)
            for ways, adapted, many in held
        ]
        wrong += reasons.problems(paragraph, each, not any(expected.forbidden for _, expected, _ in there))
    return [f"README.md on the licence: {one}" for one in wrong]


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
