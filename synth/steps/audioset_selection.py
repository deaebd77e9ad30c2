"""Which segments of AudioSet are asked for, and what getting them will take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synth.corpora.audioset.classes import Classes, Ontology
from synth.corpora.audioset.clean import MID
from synth.corpora.audioset.segments import SUBSETS, Segments
from synth.errors import InfeasibleError, UsageError, listed, nearest
from synth.fetching import ledger
from synth.fetching.items import Wanted
from synth.labels import said_of, spelled
from synth.planning import selection
from synth.steps.audioset_lists import Lists, excluded
from synth.steps.progress import Progress

SURVIVAL = 0.84  # of the segments still existed in 2023: 84.3 % of balanced, 84.1 % of eval, 85.2 % of unbalanced
_VIDEO_S = 240.0  # a video is taken for so long: how long they are is in no list
_DOWNLOAD_BYTES_PER_S = 70_000 / 8  # YouTube's Opus of about 70 kbit/s, the smallest sufficient one
_FLAC = 0.6  # of the size of the samples
_ASKING_S = 6.0  # one worker asks for a video and downloads it


@dataclass(frozen=True, slots=True)
class Choice:
    """What to choose; the options of ``synth fetch-audioset`` by their names."""

    label: tuple[str, ...]
    descendants: bool = False
    without: tuple[str, ...] = ()
    single_label: bool = False
    subset: tuple[str, ...] = ()
    csv: tuple[Path, ...] = ()
    limit: int | None = None
    max_per_label: int | None = None
    min_quality: float | None = None
    exclude_ids: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, from which lists.

    ``labels`` and ``candidates`` count segments by the display name of each asked class, after and before the limits;
    ``left_out`` those that carry one and were not chosen, by reason; ``asked`` are the names of the classes that were
    asked for by name.
    """

    wanted: tuple[Wanted, ...]
    asked: tuple[str, ...]
    labels: dict[str, int]
    candidates: dict[str, int]
    left_out: dict[str, int]
    lists: tuple[Segments, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The data lines that were used."""
        return sum(one.used for one in self.lists)

    @property
    def skipped(self) -> int:
        """The data lines that were not used."""
        return sum(sum(one.counts.values()) for one in self.lists)

    @property
    def hours(self) -> float:
        """How much sound was chosen."""
        return sum(one.length_s for one in self.wanted) / 3600

    @property
    def folder_name(self) -> str:
        """The name of the folder, after the first label: ``audioset-accordion``."""
        return "audioset-" + (re.sub(r"[^a-z0-9]+", "-", self.asked[0].casefold()).strip("-") or "clips")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run will take: videos to request, bytes to download and on the disk, seconds at best; ``there``: clips that are there already."""

    there: int
    given_up: int
    videos: int
    download_bytes: int
    disk_bytes: int
    eta_s: float


def check(choice: Choice) -> None:
    """Raise UsageError for values that cannot be, before anything is read."""
    if not any(label.strip() for label in choice.label):
        raise UsageError("no --label; wanted a class of AudioSet by its name or mid, e.g. --label Accordion")
    for label in choice.label:
        if not label.strip():
            raise UsageError("--label is empty; wanted a name or a mid, e.g. --label Accordion")
    for name, value in (("--limit", choice.limit), ("--max-per-label", choice.max_per_label)):
        if value is not None and value < 1:
            raise UsageError(f"{name} {value}: wanted 1 or more")
    if choice.min_quality is not None and not 0 <= choice.min_quality <= 1:
        raise UsageError(f"--min-quality {choice.min_quality}: wanted a share from 0 to 1, e.g. 0.7")
    for subset in choice.subset:
        if subset not in SUBSETS:
            raise UsageError(f"--subset {subset}: wanted {', '.join(SUBSETS)}{nearest(subset, SUBSETS)}")


def select(choice: Choice, progress: Progress) -> Selection:
    """Read the lists and choose.

    Raises:
        UsageError: a value that cannot be, a label that does not exist.
        InputError: a file that is missing or damaged, a list that could not be fetched.
        InfeasibleError: no segment is left; with the counts.
    """
    check(choice)
    notes: list[str] = []
    lists = Lists(choice.csv, progress)
    videos, single = excluded(choice.exclude_ids) if choice.exclude_ids else (frozenset(), frozenset())
    classes = lists.classes((*choice.label, *choice.without))
    if not classes.names:
        notes.append("there is no class_labels_indices.csv: labels go by their mids, without names")
    ontology = lists.ontology() if choice.descendants else None
    meant = {" ".join(label.split()): _mid(label, classes, ontology) for label in choice.label}
    said_of({text: classes.name(mid) for text, mid in meant.items()}, notes.append)
    asked = list(dict.fromkeys(meant.values()))
    wanted = dict.fromkeys(asked)
    if ontology:
        below = sorted(set[str]().union(*(ontology.descendants(mid) for mid in asked)))
        wanted.update(dict.fromkeys(mid for mid in below if mid in classes.names or not classes.names))
    unwanted = [mid for text in choice.without for mid in classes.split(text)]
    if not set(wanted) - set(unwanted):
        raise UsageError(f"--without takes away all that --label asks for: {listed(map(classes.name, wanted))}")
    mids = [mid for mid in wanted if mid not in unwanted]
    if choice.min_quality is not None:
        mids = _good_enough(mids, lists.quality(), choice.min_quality, classes, notes)
    read = lists.segments(choice.subset, classes, notes)
    pool, words = _pooled(read)
    codes = {mid: words[mid] for mid in mids if mid in words}
    wish = selection.Wish(
        frozenset(codes.values()),
        frozenset(words[mid] for mid in unwanted if mid in words),
        choice.single_label,
        choice.limit,
        choice.max_per_label,
        videos,
        single,
        choice.seed,
    )
    chosen = selection.choose(pool, wish)
    if not len(chosen.rows):
        why = ", ".join(f"{count:,} {reason}" for reason, count in chosen.left_out.items())
        raise InfeasibleError(
            f"no segment of {listed(map(classes.name, asked))} in {listed(one.name for one in read)}"
            + (f" is left: {why}" if why else "")
            + ("" if choice.descendants else "; --descendants counts the classes below as well")
        )
    named = {
        mid: classes.name(mid) if mid in classes.names or not ontology else ontology.names.get(mid, mid) for mid in mids
    }
    shown = [mid for mid in mids if mid in asked or (mid in codes and chosen.candidates[codes[mid]])]
    return Selection(
        _wanted(chosen.rows, read, classes),
        tuple(named.get(mid, mid) for mid in asked),
        {named[mid]: chosen.chosen[codes[mid]] if mid in codes else 0 for mid in shown},
        {named[mid]: chosen.candidates[codes[mid]] if mid in codes else 0 for mid in shown},
        chosen.left_out,
        tuple(read),
        tuple(notes),
    )


def expected(
    selected: Selection,
    folder: Path,
    *,
    rate: int,
    pace_per_h: float,
    jobs: int,
    retry_permanent: bool = False,
    recheck: bool = False,
) -> Expected:
    """Say what getting all of a selection into a folder takes, with what its ledger has already."""
    known = ledger.known(folder)
    there = given_up = 0
    videos: dict[str, float] = {}
    checks: set[str] = set()
    todo_s = 0.0
    for one in selected.wanted:
        row = known.get(one.item_id)
        if row is not None and row.ok:
            there += 1
            checks.update({one.ytid} if recheck else ())
        elif row is not None and row.permanent and not retry_permanent:
            given_up += 1
        else:
            videos[one.ytid] = max(videos.get(one.ytid, _VIDEO_S), one.end_s)
            todo_s += one.length_s
    to_ask = len(checks | set(videos))
    return Expected(
        there,
        given_up,
        to_ask,
        round(SURVIVAL * sum(videos.values()) * _DOWNLOAD_BYTES_PER_S),
        round(SURVIVAL * todo_s * rate * 2 * _FLAC),
        to_ask * max(3600 / pace_per_h, _ASKING_S / jobs),
    )


def _mid(label: str, classes: Classes, ontology: Ontology | None) -> str:
    """Return the mid of an asked label; with --descendants a class without segments of its own may be asked for."""
    text = " ".join(label.split())
    if ontology and not MID.fullmatch(text) and text.casefold() not in classes.mids:
        found = spelled(text, {name: mid for mid, name in ontology.names.items()})
        if found:
            return found
    return classes.mid(label)


def _good_enough(
    mids: Sequence[str], quality: dict[str, float | None], least: float, classes: Classes, notes: list[str]
) -> list[str]:
    """Return the classes whose labels were judged well enough; one that was not rated cannot be said to be."""
    bad = [mid for mid in mids if (share := quality.get(mid)) is not None and share < least]
    unrated = [mid for mid in mids if quality.get(mid) is None]
    for some, why in ((bad, "rated lower"), (unrated, "never rated")):
        if some:
            says = listed(
                f"{classes.name(mid)}" + (f" {share:.0%}" if (share := quality.get(mid)) is not None else "")
                for mid in some
            )
            notes.append(f"left out by --min-quality {least:g}, {why}: {says}")
    good = [mid for mid in mids if mid not in bad and mid not in unrated]
    if not good:
        raise InfeasibleError(f"no asked label is left: {'; '.join(notes)}")
    return good


def _pooled(read: Sequence[Segments]) -> tuple[selection.Pool, dict[str, int]]:
    """Return the segments of all lists as one pool, and the code of each mid in it."""
    words: dict[str, int] = {}
    codes, offsets, base = [], [np.zeros(1, np.int64)], 0
    for one in read:
        place = np.array([words.setdefault(mid, len(words)) for mid in one.mids], np.int32)
        codes.append(place[one.codes])
        offsets.append(one.offsets[1:] + base)
        base += int(one.offsets[-1])
    pool = selection.Pool(
        np.concatenate([one.ytid for one in read]),
        np.rint(np.concatenate([one.start_s for one in read]) * 1000).astype(np.int64),
        np.concatenate(offsets),
        np.concatenate(codes),
    )
    return pool, words


def _wanted(rows: np.ndarray, read: Sequence[Segments], classes: Classes) -> tuple[Wanted, ...]:
    begins = np.concatenate([[0], np.cumsum([len(one) for one in read])])
    which = np.searchsorted(begins, rows, side="right") - 1
    out = []
    for k, row in zip(which.tolist(), (rows - begins[which]).tolist(), strict=True):
        one = read[k]
        mids = one.labels(row)
        out.append(
            Wanted(
                one.ytid[row].decode(),
                float(one.start_s[row]),
                float(one.end_s[row]),
                tuple(map(classes.name, mids)),
                mids,
                one.subset,
            )
        )
    return tuple(out)
