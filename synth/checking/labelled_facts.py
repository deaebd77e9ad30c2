"""What the data card of labelled clips says, sentence by sentence, counted again from the tables.

What was left out while planning is in no table: there the card is compared with the metadata of the plan.
"""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from synth.checking.facts import Told, level, made_with, recordings
from synth.checking.labelled import Labels
from synth.checking.rows import Clips
from synth.checking.sentences import NUMBER, Piece, Sentence, Value, count, joined, measured, plain, short, things
from synth.errors import listed
from synth.store import arrays
from synth.tables import SPLITS


def of_labelled(clips: Clips, found: Labels, told: Told) -> list[Sentence]:
    """Return what the card should say."""
    options, total = told.options, len(clips)
    several = int((np.diff(found.offsets) > 1).sum())
    sound_h = float(clips.duration_s.sum()) / 3600
    splits = [(k, split) for k, split in enumerate(SPLITS) if (clips.split == k).any()]
    names = Value((listed(sorted(found.names), 5),), r".+")
    said = _json(told, "facts")
    out = [
        Sentence(("# ", names, ": labelled clips of ", short(options.seconds), " s"), must=False),
        Sentence(
            (things(total, "clip"), " of ", short(options.seconds), " s (", measured(total * options.seconds / 3600, 2), " h, ",
             measured(sound_h, 2), " h of it sound), ", plain(options.rate), " Hz mono, with ", things(len(found.names), "label"),
             ", made with synth ", made_with(told))
        ),
        Sentence((*_groups(clips, splits), ". No group"), anywhere=True),
        Sentence((count(several), " of ", things(total, "clip has", "clips have"), " more than one"), anywhere=True),
        *_judged(found, told),
        *_missing(clips, found, splits),
        Sentence((things(said.get("padded", 0), "recording is", "recordings are"), " shorter than a clip"), anywhere=True),
        Sentence((things(said.get("cut", 0), "is", "are"), " longer and cut"), anywhere=True),
        level(clips, "."),
        Sentence(("- Recordings used: ", *recordings(clips), ", ", *_rates(clips, options.rate))),
        *_left_out(told),
        Sentence(("# the column labels as a vector of ", plain(0), " and ", plain(1)), must=False),
    ]  # fmt: skip
    if beyond := said.get("beyond_s"):
        out.append(
            Sentence((Value((f"{beyond:,.1f}", f"{beyond:,.0f}")), " s beyond the clips are not used"), anywhere=True)
        )
    return out


def of_earlier_labelled(clips: Clips, found: Labels, told: Told) -> list[Sentence]:
    """Return what a card of version 0.1.0 should say in the same words; what it lacks is no fault."""
    pieces = [one for one in of_labelled(clips, found, told) if not one.plain.startswith("- Recordings used: ")]
    until = [one.plain.find(", made with synth") for one in pieces]
    return [
        Sentence(one.pieces if at < 0 else one.pieces[:-2], must=False, anywhere=one.anywhere or at >= 0)
        for one, at in zip(pieces, until, strict=True)
    ]


def _json(told: Told, key: str) -> dict[str, float]:
    try:
        found = json.loads(told.plan.get(key, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _groups(clips: Clips, splits: list[tuple[int, str]]) -> list[Piece]:
    group = clips.of_source(clips.sources.code("group_id"), -1)
    return joined([count(len(np.unique(group[clips.part_split == k]))), f" in {split}"] for k, split in splits)


def _judged(found: Labels, told: Told) -> list[Sentence]:
    verified, labels = int((found.mask == 1).sum()), len(found.code)
    if told.plan.get("judged") == "true":
        pieces: tuple[Piece, ...] = (
            "A judge was asked: ",
            count(verified),
            " of ",
            things(labels, "label is", "labels are"),
            " verified",
        )
        return [Sentence(pieces, anywhere=True)]
    whole = "true" if verified else "false"
    return [Sentence((f"labels_mask is {whole} throughout",), anywhere=True)]


def _missing(clips: Clips, found: Labels, splits: list[tuple[int, str]]) -> list[Sentence]:
    """Return the sentence on the labels that not every split has."""
    counts = {split: found.counts(clips.split == k) for k, split in splits}
    total = found.counts(np.ones(len(clips), np.bool_))
    order = sorted(range(len(found.names)), key=lambda k: (-int(total[k]), found.names[k]))
    lacking = [f"{found.names[k]} (none in {split})" for k in order for _, split in splits if not counts[split][k]]
    if not lacking:
        return []
    return [Sentence((f"- Labels without a clip in a split, because they have too few groups: {listed(lacking)}.",))]


def _rates(clips: Clips, rate_hz: int) -> list[Piece]:
    used = np.unique(clips.source[clips.known])
    rates = arrays.as_numpy(clips.sources.table.column("rate_hz").take(arrays.numbers(used, pa.int64())), np.int64)
    pairs = [(int(rate), int(many)) for rate, many in zip(*np.unique(rates, return_counts=True), strict=True)]
    each: list[list[Piece]] = [
        [count(many), " at ", plain(rate), " Hz" if rate == rate_hz else " Hz, resampled"] for rate, many in pairs
    ]
    return joined(each, "; ")


def _counted(number: float, several: str) -> Value:
    """Return a number and a phrase that begins with a plural; of one, it may begin with the singular."""
    first, blank, rest = several.partition(" ")
    one = [f"{number:,.0f} {first.removesuffix('s')}{blank}{rest}"] if number == 1 else []
    return Value((*one, f"{number:,.0f} {several}"), rf"{NUMBER} [^;.]+")


def _left_out(told: Told) -> list[Sentence]:
    said = _json(told, "facts")
    left = sorted(_json(told, "left_out").items())
    out = []
    if left:
        each: list[list[Piece]] = [[_counted(many, why)] for why, many in left]
        out.append(Sentence(("- Left out: ", *joined(each, "; "), ".")))
    for name, words in (
        ("labels_dropped", "- Labels removed because their verdict is below --min-verdict: "),
        ("labels_unjudged", "- Labels kept that were not judged (labels_mask is false): "),
    ):
        if said.get(name):
            out.append(Sentence((words, count(int(said[name])), ".")))
    return out
