"""Licences: of each clip and of the whole, the strictest of what it is made of."""

from __future__ import annotations

from functools import cmp_to_key

import numpy as np

from synth import licences
from synth.checking.findings import Finding, counted, named
from synth.checking.rows import UNKNOWN, Clips


def licence(clips: Clips, card: str | None) -> Finding:
    """Check the column ``licence`` of the manifest and the licence that the data card names (its text, None without one)."""
    names = [name or licences.UNKNOWN for name in clips.sources.table.column("licence").unique().to_pylist()]
    ranked = sorted(dict.fromkeys(names), key=cmp_to_key(_stricter))
    rank = {name: k for k, name in enumerate(ranked)}
    of_name = [rank[name] for name in clips.sources.names("licence")]
    unknown = rank.get(licences.UNKNOWN, -1)
    by_source = np.array([*of_name, unknown], np.int64)[clips.sources.code("licence")]
    part = clips.of_source(by_source, -1)
    wanted = np.full(len(clips), -1, np.int64)
    np.maximum.at(wanted, clips.clip_of_part, part)
    written = [rank.get(name, UNKNOWN) for name in clips.licence_names]
    said = np.array([*written, -1], np.int64)[clips.licence]
    wrong = (said != wanted) & (wanted >= 0)
    used = np.bincount(by_source[np.unique(clips.source[clips.known])], minlength=len(ranked))
    whole = ranked[int(np.nonzero(used)[0].max())] if used.any() else licences.UNKNOWN
    counts = {name: int(used[k]) for k, name in enumerate(ranked) if used[k]}
    problems = []
    if wrong.any():
        problems.append(
            f"licence of {counted(int(wrong.sum()), 'clip')} is not the strictest of its parts{named(clips.ids(wrong))}"
        )
    if card is not None and f"{whole}:" not in card:
        problems.append(f"README.md does not name {whole} as the licence of the whole")
    says = "; ".join(problems) or (
        f"the whole is {whole}, the strictest of {', '.join(f'{n:,} recordings {name}' for name, n in counts.items())}; "
        f"each of {counted(len(clips), 'clip')} has the strictest of its own"
    )
    return Finding(
        "licence", not problems, says, {"whole": whole, "recordings": counts, "wrong_clips": int(wrong.sum())}
    )


def _stricter(a: str, b: str) -> int:
    return 0 if a == b else 1 if licences.strictest([a, b]) == a else -1
