"""What the data card of a set of mixtures says, sentence by sentence, counted again from the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.checking.rows import Clips
from synth.checking.sentences import NUMBER, Piece, Sentence, Value, count, joined, measured, plain, short, things
from synth.recipe import MixOptions, Options
from synth.store import arrays
from synth.tables import NOISE, SEXES, SPLITS

Floats = NDArray[np.float64]

LEAVES = ("overlap", "max_concurrent", "snr_db")
_TITLES = {
    "librispeech": "LibriSpeech",
    "ravdess": "RAVDESS",
    "audioset": "AudioSet",
    "demo-voices": "the demo voices",
    NOISE: "background noise",
}
_SPEAKERS = rf"(?:{NUMBER} to )?{NUMBER} speakers?"


@dataclass(frozen=True, slots=True)
class Told:
    """What sentences need beside the clips: options, metadata of the plan, the version that rendered (None: not known).

    ``columns``: those of ``LEAVES`` in the manifest, (clips,).
    """

    options: Options
    plan: Mapping[str, str]
    version: str | None
    columns: Mapping[str, pa.ChunkedArray]


def is_earlier(text: str) -> bool:
    """Say whether a card is one of version 0.1.0, which said less and in other words."""
    return "made with [synth](" in text


def of_mixtures(clips: Clips, told: Told) -> list[Sentence]:
    """Return what the card should say."""
    options = told.options
    kinds = [int(clips.n.min()), int(clips.n.max())] if len(clips) else [0, 0]
    speakers = Value((_speakers(*kinds),), _SPEAKERS)
    sums = _sums(clips, told)
    out = [
        Sentence(("# ", speakers, " per clip of ", short(options.seconds), " s"), must=False),
        Sentence(
            (*_size(clips, options), " h), ", plain(options.rate), " Hz mono, with ", speakers, " per clip, made with synth ",
             made_with(told), " from recordings of one speaker each.")
        ),
        Sentence(("- Speakers: ", *_by_split(clips), ". No speaker, chapter or recording is in two splits.")),
        Sentence(("- Recordings used: ", *_recordings(clips, " from ", _titled), *_unused(clips))),
        level(clips, ", drawn alike for every class."),
        Sentence(
            ("- Each recording of a speaker is used in ", *_uses(clips), " in the median; no clip uses a speaker twice.")
        ),
        Sentence(
            ("- Overlap (share of the speaking time in which two or more speak): ", measured(sums["overlap"][0], 2),
             " on average. Speakers at the same moment, at most (column max_concurrent): ", *_at_once(told), ".")
        ),
        *_noise(clips, told, sums),
        Sentence(("- Clips made quieter than planned to avoid clipping: ", _lowered(told), ".")),
        Sentence(("- Every speaker counted in a clip is active in it for at least ", _least_active(options), " s.")),
    ]  # fmt: skip
    return out


def of_earlier_mixtures(clips: Clips, told: Told) -> list[Sentence]:
    """Return what a card of version 0.1.0 should say; what it lacks is no fault."""
    options, sums = told.options, _sums(clips, told)
    speakers = Value((str(getattr(options, "speakers", "")),), r"[\d-]+")
    sentences: list[tuple[Piece, ...]] = [
        ("# ", speakers, " speakers at once, in clips of ", short(options.seconds), " s"),
        (*_size(clips, options), " h), ", plain(options.rate), " Hz mono, with ", speakers, " speakers at once"),
        ("- Speakers: ", *_by_split(clips), ". No speaker"),
        ("- Recordings used: ", *_recordings(clips, " of ", lambda corpus, _: corpus)),
        level(clips, ", drawn alike").pieces,
        ("- Overlap (share of the speaking time in which two or more speak): ", measured(sums["overlap"][0], 2), " in the mean."),
        ("- Clips lowered because no attempt fitted below full scale: ", Value((told.plan.get("lowered", "0"),)), "."),
        ("- Every speaker counted in a clip is active in it for at least ", _least_active(options), " s."),
    ]  # fmt: skip
    return [Sentence(pieces, must=False) for pieces in sentences]


def made_with(told: Told) -> Value:
    """Return the version that the card names."""
    return Value((told.version,) if told.version else (), r"\d[\w.+]*\w")


def level(clips: Clips, then: str) -> Sentence:
    """Return the sentence on the levels."""
    low, middle, high = np.percentile(clips.level_db.astype(np.float64), (5, 50, 95)) if len(clips) else np.zeros(3)
    return Sentence(
        ("- Level (RMS over the clip): ", measured(middle, 1), " dBFS in the median, 5 % to 95 %: ", measured(low, 1), " to ",
         measured(high, 1), " dBFS", then)
    )  # fmt: skip


def recordings(clips: Clips) -> list[Piece]:
    """Return how many recordings are used of each corpus, or folder, by its title."""
    return _recordings(clips, " from ", _titled)


def _titled(corpus: str, root: str) -> str:
    return _TITLES.get(corpus, f"the folder {root}")


def _speakers(least: int, most: int) -> str:
    return f"{most} speaker{'s' * (most != 1)}" if least == most else f"{least} to {most} speakers"


def _size(clips: Clips, options: Options) -> list[Piece]:
    hours = len(clips) * options.seconds / 3600
    return [things(len(clips), "clip"), " of ", short(options.seconds), " s (", measured(hours, 2)]


def _sums(clips: Clips, told: Told) -> dict[str, Floats]:
    """Return the mean of the overlap, and the least and greatest ratio to the noise, as arrays."""
    overlap = arrays.as_numpy(told.columns["overlap"].drop_null(), np.float64)
    snr = arrays.as_numpy(told.columns["snr_db"].drop_null(), np.float64)
    return {
        "overlap": np.array([overlap.mean() if len(overlap) else 0.0]),
        "snr_db": np.array([snr.min(), snr.max()]) if len(snr) else np.zeros(0),
    }


def _by_split(clips: Clips) -> list[Piece]:
    """Return the speakers of each split, women and men."""
    speaker, sex = clips.of_source(clips.sources.code("speaker_id"), -1), clips.of_source(clips.sources.sex, -1)
    each: list[list[Piece]] = []
    for k, split in enumerate(SPLITS):
        if not (clips.split == k).any():
            continue
        here = clips.speaks & (speaker >= 0) & (clips.part_split == k)
        numbers = [plain(len(np.unique(speaker[here & (sex == one)]))) for one in range(len(SEXES))]
        each.append([plain(len(np.unique(speaker[here]))), f" in {split} (", numbers[0], " F, ", numbers[1], " M)"])
    return joined(each)


def _recordings(clips: Clips, of: str, title: Callable[[str, str], str]) -> list[Piece]:
    used = np.unique(clips.source[clips.known])
    rows = arrays.numbers(used, pa.int64())
    corpora, roots = (clips.sources.table.column(name).take(rows).to_pylist() for name in ("corpus", "root"))
    counts: dict[str, int] = {}
    for corpus, root in zip(corpora, roots, strict=True):
        name = title(corpus, root)
        counts[name] = counts.get(name, 0) + 1
    return joined([count(number), f"{of}{name}"] for name, number in sorted(counts.items()))


def _unused(clips: Clips) -> list[Piece]:
    """Return how many recordings are not used, by status."""
    counts: dict[str, int] = {}
    for status in clips.sources.table.column("status").to_pylist():
        if status != "ok":
            counts[status] = counts.get(status, 0) + 1
    if not counts:
        return ["."]
    each = joined([plain(number), f" {name}"] for name, number in sorted(counts.items()))
    return ["; not used: ", *each, " (see sources.parquet, columns status and reason)."]


def _uses(clips: Clips) -> list[Piece]:
    uses = np.bincount(clips.source[clips.speaks & clips.known], minlength=1)
    uses = uses[uses > 0]
    low, high, middle = (int(uses.min()), int(uses.max()), float(np.median(uses))) if len(uses) else (0, 0, 0.0)
    return [count(low), " to ", things(high, "clip"), ", ", short(middle)]


def _at_once(told: Told) -> list[Piece]:
    found = arrays.as_numpy(told.columns["max_concurrent"].drop_null(), np.int64)
    pairs = zip(*np.unique(found, return_counts=True), strict=True)
    return joined([plain(int(number)), " in ", things(int(clips), "clip")] for number, clips in pairs)


def _noise(clips: Clips, told: Told, sums: Mapping[str, Sequence[float] | Floats]) -> list[Sentence]:
    """Return the sentence on background noise, where there is some."""
    beds = len(np.unique(clips.source[clips.known & ~clips.speaks]))
    if not beds:
        return []
    ratio: list[Piece] = []
    if len(sums["snr_db"]):
        low, high = (measured(float(one), 1) for one in sums["snr_db"])
        ratio = [", speech over noise ", low, " to ", high, " dB"]
    return [
        Sentence(("- Background noise in every clip, from ", things(beds, "recording"), *ratio, " (column snr_db)."))
    ]


def _lowered(told: Told) -> Value:
    said = told.plan.get("lowered", "0")
    return count(int(said)) if said.isdecimal() else Value((said,))


def _least_active(options: Options) -> Value:
    return short(options.least_active_s if isinstance(options, MixOptions) else 0.0)
