"""Nothing is shared between splits: groups, speakers, chapters and recordings of the parts that are really used.

A part's split is that of the clip it is in, whatever SOURCES says of its recording.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.checking.findings import Finding, named
from synth.checking.persons import persons
from synth.checking.rows import Clips
from synth.tables import SPLITS
from synth.units import counted

Ints = NDArray[np.int64]


def disjoint(clips: Clips) -> list[Finding]:
    """Return a finding each for groups, speakers, chapters (of one corpus), files, samples and persons in two splits."""
    sources = clips.sources
    corpus, chapter = sources.code("corpus"), sources.code("chapter")
    chapters = sources.names("chapter")
    of_corpus = np.where(chapter >= 0, corpus * len(chapters) + chapter, -1)
    names = [f"{name}/{one}" for name in sources.names("corpus") for one in chapters]
    return [
        _shared(clips, "groups", sources.code("group_id"), sources.names("group_id")),
        _shared(clips, "speakers", sources.code("speaker_id"), sources.names("speaker_id")),
        _shared(clips, "chapters", of_corpus, names),
        _shared(clips, "files", sources.code("sha256"), sources.names("sha256")),
        _shared(clips, "samples", sources.code("pcm_sha256"), sources.names("pcm_sha256")),
        persons(clips),
    ]


def _shared(clips: Clips, what: str, code: Ints, names: list[str]) -> Finding:
    """Check that no value of a column of SOURCES is used in two splits. Recordings are named by their ids, not hashes."""
    of_part = clips.of_source(code, -1)
    split = clips.part_split
    used = (of_part >= 0) & (split >= 0)
    where = np.zeros((len(names), len(SPLITS)), np.bool_)
    where[of_part[used], split[used]] = True
    leaked = np.nonzero(where.sum(axis=1) > 1)[0]
    by_split = {name: int(where[:, k].sum()) for k, name in enumerate(SPLITS) if (clips.split == k).any()}
    shown = []
    for value in leaked[:1000].tolist():
        splits = "+".join(name for k, name in enumerate(SPLITS) if where[value, k])
        name = names[value] if what not in ("files", "samples") else clips.sources.ids[int((code == value).argmax())]
        shown.append(f"{name} in {splits}")
    counts = ", ".join(f"{count:,} in {split}" for split, count in by_split.items())
    says = f"{len(leaked):,} {what} in more than one split, wanted none{named(shown)} ({counts})"
    return Finding(f"{what}-disjoint", not len(leaked), says, {"shared": shown[:100], "used": by_split})


def duplicates(clips: Clips, samples_of: dict[str, list[int]] | None = None) -> Finding:
    """Check that no recording is used under two speakers, and that no clip is in two splits.

    ``samples_of``: the sampled clips by a hash of their samples. The same clip twice in one split is reported: few
    recordings and many clips make a window come again, with the same gain, by chance.
    """
    sources = clips.sources
    used = np.zeros(len(sources.ids), np.bool_)
    used[clips.source[clips.known & clips.speaks]] = True
    wrong: list[str] = []
    twice = 0
    for column in ("pcm_sha256", "sha256"):
        code, speaker = sources.code(column), sources.code("speaker_id")
        here = np.nonzero(used & (code >= 0) & (speaker >= 0))[0]
        order = here[np.argsort(code[here], kind="stable")]
        same = np.nonzero(np.diff(code[order]) == 0)[0]
        twice = max(twice, len(same))
        for k in same[speaker[order[same]] != speaker[order[same + 1]]].tolist():
            pair = f"{sources.ids[order[k]]} = {sources.ids[order[k + 1]]}"
            if pair not in wrong:
                wrong.append(pair)
    again = [rows for rows in (samples_of or {}).values() if len(rows) > 1]
    across = [rows for rows in again if len(set(clips.split[rows].tolist())) > 1]
    shown = [" = ".join(clips.ids(np.array(rows, np.int64))) for rows in across]
    looked = sum(map(len, (samples_of or {}).values()))
    says = (
        f"{counted(len(wrong), 'recording')} used under two speakers, wanted none{named(wrong)}; "
        f"of {counted(looked, 'clip')} compared {len(across)} are in two splits, wanted none{named(shown)} "
        f"({len(again) - len(across)} twice in one)"
    )
    figures = {"two_speakers": wrong[:100], "same_recording_used_twice": twice, "clips_compared": looked}
    figures |= {"clips_in_two_splits": shown[:100], "clips_twice_in_one_split": len(again) - len(across)}
    return Finding("duplicates", not wrong and not across, says, figures)
