"""People behind the speaker ids, worked out again from SOURCES: nobody is in two splits, or twice in a clip.

Two ids are one person's if they are written alike but for case, Unicode form and white space, or if they share a file or
samples; whoever is linked to somebody is linked to all whom that one is linked to. Nothing is taken from the code that
gave the ids when the corpora were read.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from synth.checking.findings import Finding, named
from synth.checking.rows import Clips, Sources
from synth.errors import listed
from synth.tables import SPLITS
from synth.units import counted

Ints = NDArray[np.int64]
_NAMELESS = re.compile(r"[\W_]*|[\W_]*(?:nan|n/?a|none|null|nil|unk|unknown|missing|undefined)[\W_]*")
_COMMON = 3  # ids of one corpus with the same recording: one that all of them have, and no sign of who they are


def persons(clips: Clips) -> Finding:
    """Check that every speaker is somebody of one sex, and that no person is in two splits or twice in a clip."""
    names = clips.sources.names("speaker_id")
    spoken = clips.known & clips.speaks
    speaker = clips.of_source(clips.sources.code("speaker_id"), -1)
    sex = clips.of_source(clips.sources.sex, -1)
    who = spoken & (speaker >= 0)
    spelt = _spelt(names)
    split_links, clip_links = _shared(clips.sources)
    wide = _components(len(names), [*spelt, *split_links])
    narrow = _components(len(names), [*spelt, *_certain(clip_links, clips.sources)])
    wrong: list[str] = []

    where = np.zeros((len(names), len(SPLITS)), np.bool_)
    here = who & (clips.part_split >= 0)
    where[wide[speaker[here]], clips.part_split[here]] = True
    torn = np.flatnonzero(where.sum(axis=1) > 1).tolist()
    shown = [
        f"{listed((names[k] for k in np.flatnonzero(wide == one)), 4)} in "
        f"{'+'.join(split for k, split in enumerate(SPLITS) if where[one, k])}"
        for one in torn
    ]
    if torn:
        wrong.append(f"{counted(len(torn), 'person')} in more than one split{named(shown)}")

    pairs = clips.clip_of_part[who] * (len(names) + 1) + narrow[speaker[who]]
    distinct, times = np.unique(pairs, return_counts=True)
    twice = distinct[times > 1] // (len(names) + 1)
    if len(twice):
        wrong.append(f"the same person twice in {counted(len(twice), 'clip')}{named(clips.ids(twice))}")

    used = np.unique(speaker[who]).tolist()
    nobody = [names[k] for k in used if _NAMELESS.fullmatch(_folded(names[k].partition("/")[2] or names[k]))]
    if nobody:
        wrong.append(f"{counted(len(nobody), 'speaker')} called by a word for nobody{named(nobody)}")
    of_sex = np.zeros((len(names), 2), np.bool_)
    sexed = who & (sex >= 0)
    of_sex[narrow[speaker[sexed]], sex[sexed]] = True
    both = [names[k] for k in np.flatnonzero(of_sex.all(axis=1)).tolist()]
    if both:
        wrong.append(f"{counted(len(both), 'person')} both female and male{named(both)}")

    people = len(np.unique(narrow[used])) if used else 0
    says = (
        "; ".join(wrong)
        if wrong
        else f"{counted(len(used), 'speaker')} are as many persons, by the spelling of their ids and by shared recordings; "
        "nobody is in two splits or twice in a clip"
        if people == len(used)
        else f"{counted(len(used), 'speaker id')} of {counted(people, 'person')}; nobody is in two splits or twice in a clip"
    )
    figures = {"speakers": len(used), "persons": people, "in_two_splits": shown[:100], "twice_in_a_clip": len(twice)}
    figures |= {"nobody": nobody[:100], "of_both_sexes": both[:100]}
    return Finding("persons-disjoint", not wrong, says, figures)


def _folded(text: str) -> str:
    """Return an id without what does not tell two people apart; a blank between two digits does."""
    words = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).split()
    words = ["".join(c for c in word if unicodedata.category(c) != "Cf") for word in words]
    out = ""
    for word in filter(None, words):
        out += f" {word}" if out and out[-1].isdecimal() and word[0].isdecimal() else word
    return out


def _spelt(names: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of ids that are written alike; where all ids of a corpus are numbers, 84.0 is 84."""
    by_space: defaultdict[str, list[int]] = defaultdict(list)
    for k, name in enumerate(names):
        by_space[name.partition("/")[0]].append(k)
    pairs = []
    for members in by_space.values():
        ids = {k: _folded(names[k].partition("/")[2]) for k in members}
        if all(re.fullmatch(r"-?\d+([.,]0+)?", one) for one in ids.values()):
            ids = {k: re.split("[.,]", one)[0] for k, one in ids.items()}
        first: dict[str, int] = {}
        pairs += [(first[one], k) for k, one in ids.items() if first.setdefault(one, k) != k]
    return pairs


def _shared(sources: Sources) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the pairs of ids that share a recording: all of them, and those that may be of one person by their sex."""
    speaker, sex = sources.code("speaker_id"), sources.sex
    names = sources.names("speaker_id")
    local = [_folded(name.partition("/")[2]) for name in names]
    status = sources.names("status")
    heard = np.array([one == "ok" or one.startswith(("duplicate", "conflicting")) for one in status], np.bool_)
    sounds = heard[sources.code("status")]  # two silent files, or two of noise, have nobody in common
    every: list[tuple[int, int]] = []
    alike: list[tuple[int, int]] = []
    for column in ("pcm_sha256", "sha256"):
        code = sources.code(column)
        rows = np.flatnonzero((code >= 0) & (speaker >= 0) & sounds)
        rows = rows[np.bincount(code[rows])[code[rows]] > 1] if len(rows) else rows
        rows = rows[np.lexsort((speaker[rows], code[rows]))]
        rows = rows[np.append(True, (np.diff(code[rows]) != 0) | (np.diff(speaker[rows]) != 0))] if len(rows) else rows
        cuts = np.flatnonzero(np.diff(code[rows])) + 1
        for same in np.split(rows, cuts) if len(rows) > 1 else []:
            if len(same) < 2:
                continue
            spaces: defaultdict[str, list[int]] = defaultdict(list)
            for k in same.tolist():
                spaces[names[speaker[k]].partition("/")[0]].append(k)
            those = [k for members in spaces.values() if len(members) < _COMMON for k in members]
            for a, one in enumerate(those):
                for other in those[:a]:
                    every.append((int(speaker[one]), int(speaker[other])))
                    one_name = local[int(speaker[one])] == local[int(speaker[other])]
                    if one_name or not {int(sex[one]), int(sex[other])} >= {0, 1}:
                        alike.append(every[-1])
    return every, alike


def _certain(links: Sequence[tuple[int, int]], sources: Sources) -> list[tuple[int, int]]:
    """Return the links but for those over somebody of unknown sex who is linked to a woman and to a man."""
    speaker, sex = sources.code("speaker_id"), sources.sex
    count = len(sources.names("speaker_id"))
    known = np.zeros((count, 2), np.bool_)
    told = (speaker >= 0) & (sex >= 0)
    known[speaker[told], sex[told]] = True
    linked = _components(count, links)
    both = np.zeros((count, 2), np.bool_)
    np.logical_or.at(both, linked, known)
    unclear = np.asarray(both[linked].all(axis=1) & ~known.any(axis=1), np.bool_)
    return [(one, other) for one, other in links if not (unclear[one] or unclear[other])]


def _components(count: int, pairs: Iterable[tuple[int, int]]) -> Ints:
    """Return the smallest member of the component of each of ``count`` things that are linked in pairs, shape (count,)."""
    beside: defaultdict[int, list[int]] = defaultdict(list)
    for one, other in pairs:
        beside[one].append(other)
        beside[other].append(one)
    out = np.arange(count, dtype=np.int64)
    seen: set[int] = set()
    for start in sorted(beside):
        waiting = [start] if start not in seen else []
        while waiting:
            k = waiting.pop()
            if k not in seen:
                seen.add(k)
                out[k] = start
                waiting += beside[k]
    return out
