"""What a data card says of its speakers, recordings and levels, counted again from the manifest."""

from __future__ import annotations

import re

import numpy as np

from synth.checking.rows import Clips
from synth.tables import NOISE, SEXES, SPLITS

_SPEAKERS = re.compile(r"([\d,]+) in (\w+) \(([\d,]+) F, ([\d,]+) M")
_NUMBER = r"(-?[\d,]+(?:\.\d+)?)"
_LEVEL = re.compile(f"{_NUMBER} dBFS in the median, 5 % to 95 %: {_NUMBER} to {_NUMBER} dBFS")
_USES = re.compile(f"is used in {_NUMBER} to {_NUMBER} clips?, {_NUMBER} in the median")
_NEAR_DB = 0.051  # levels are told in tenths

_ONE_TITLE = ("librispeech", "ravdess", "audioset", "demo-voices", NOISE)  # of other corpora, each folder has its own


def wrong(text: str, clips: Clips) -> list[str]:
    """Return which facts of the card of a set of mixtures are not those of the manifest; a line that is not there says none."""
    lines = {line[2:].partition(" ")[0]: line for line in text.splitlines() if line.startswith("- ")}
    out = [*_speakers(lines.get("Speakers:", ""), clips), *_recordings(lines.get("Recordings", ""), clips)]
    levels = np.percentile(clips.level_db.astype(np.float64), (50, 5, 95)) if len(clips) else np.zeros(3)
    if (said := _LEVEL.search(text)) and np.abs(np.array(_numbers(said)) - levels).max() > _NEAR_DB:
        found = ", ".join(f"{one:.1f}" for one in levels)
        out.append(f"it says levels of {', '.join(said.groups())} dBFS (median, 5 %, 95 %), the clips have {found}")
    spoken = clips.source[clips.speaks & clips.known]
    if (said := _USES.search(text)) and len(spoken):
        uses = np.bincount(spoken)
        uses = uses[uses > 0]
        wanted = [float(uses.min()), float(uses.max()), float(np.median(uses))]
        if _numbers(said) != wanted:
            told = " / ".join(f"{one:g}" for one in wanted)
            out.append(
                f"it says that recordings are used {' / '.join(said.groups())} times (least, most, median), not {told}"
            )
    return out


def _numbers(said: re.Match[str]) -> list[float]:
    return [float(one.replace(",", "")) for one in said.groups()]


def _speakers(line: str, clips: Clips) -> list[str]:
    """Compare the speakers of each split, women and men."""
    speaker, sex = clips.of_source(clips.sources.code("speaker_id"), -1), clips.of_source(clips.sources.sex, -1)
    out = []
    for whole, split, *each in _SPEAKERS.findall(line):
        if split not in SPLITS:
            continue
        here = clips.speaks & (speaker >= 0) & (clips.part_split == SPLITS.index(split))
        counts = [len(np.unique(speaker[here & (sex == k)])) for k in range(len(SEXES))]
        found = [len(np.unique(speaker[here])), *counts]
        if [int(one.replace(",", "")) for one in (whole, *each)] != found:
            told = ", ".join(f"{count} {letter}" for count, letter in zip(counts, SEXES, strict=True))
            out.append(f"it says {whole} speakers in {split} ({each[0]} F, {each[1]} M), there are {found[0]} ({told})")
    return out


def _recordings(line: str, clips: Clips) -> list[str]:
    """Compare how many recordings are used of each corpus, or of each folder where a folder is its own corpus.

    The card calls them by their titles, so the counts alone tell.
    """
    said = sorted(int(one.replace(",", "")) for one in re.findall(r"([\d,]+) from ", line.partition("; not used")[0]))
    used = np.unique(clips.source[clips.known])
    corpus, root = (clips.sources.code(name)[used] for name in ("corpus", "root"))
    own = ~np.isin(corpus, [k for k, name in enumerate(clips.sources.names("corpus")) if name in _ONE_TITLE])
    found = sorted(np.unique(np.where(own, -1 - root, corpus), return_counts=True)[1].tolist())
    if not said or said == found:  # cards of earlier versions do not tell
        return []
    return [f"it says {' and '.join(map(str, said))} recordings by corpus, {' and '.join(map(str, found))} are used"]
