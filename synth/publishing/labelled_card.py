"""The data card of labelled clips that are used as they are, every figure counted from the folder's tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synth import __version__, licences
from synth.errors import listed
from synth.publishing import card
from synth.recipe import Options, of_folder
from synth.store import parquet
from synth.store.arrays import as_numpy
from synth.tables import LABEL, SPLITS
from synth.units import counted, with_count

MOST_LABELS = 60  # rows of the table; the manifest has them all
_COLUMNS = (
    "split",
    "labels",
    "labels_mask",
    "level_dbfs",
    "parts.list.element.duration_s",
    "parts.list.element.source_id",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is counted for the card; ``clips`` and ``labels`` by split, ``verified`` of all labels of all clips."""

    clips: Counter[str]
    labels: dict[str, Counter[str]]
    several: int
    verified: int
    sound_s: float
    used: set[str]
    levels: tuple[float, float, float]


def write(out: Path, sharing: licences.Sharing) -> None:
    """Write the card and the attribution of a rendered folder; ``sharing``: of its clips."""
    options = of_folder(out / "recipe.toml")
    plan = parquet.file_metadata(pq.ParquetFile(out / "plan.parquet"))
    facts = _facts(out)
    _, corpora, terms, credit = card.of_sources(out, facts.used)
    card.save(out, _card(out, options, facts, plan, sharing, corpora, terms), credit)


def _facts(out: Path) -> Facts:
    file = pq.ParquetFile(out / "manifest.parquet")
    clips: Counter[str] = Counter()
    labels: dict[str, Counter[str]] = {}
    levels: list[np.ndarray] = []
    several = verified = 0
    sound_s = 0.0
    used: set[str] = set()
    for group in range(file.metadata.num_row_groups):
        rows = file.read_row_group(group, columns=list(_COLUMNS), use_threads=False)
        for split, mine in zip(rows.column("split").to_pylist(), rows.column("labels").to_pylist(), strict=True):
            clips[split] += 1
            labels.setdefault(split, Counter()).update(mine)
            several += len(mine) > 1
        verified += sum(rows.column("labels_mask").combine_chunks().flatten().to_pylist())
        parts = rows.column("parts").combine_chunks().flatten()
        children = dict(zip([field.name for field in parts.type], parts.flatten(), strict=True))
        sound_s += float(as_numpy(children["duration_s"], np.float64).sum())
        used |= set(children["source_id"].unique().to_pylist())
        levels.append(as_numpy(rows.column("level_dbfs"), np.float32))
    low, middle, high = np.percentile(np.concatenate(levels), [5, 50, 95]).tolist()
    return Facts(clips, labels, several, verified, sound_s, used, (low, middle, high))


def _card(
    out: Path,
    options: Options,
    facts: Facts,
    plan: Mapping[str, str],
    sharing: licences.Sharing,
    corpora: Counter[str],
    terms: Counter[str],
) -> str:
    splits = [split for split in SPLITS if split in facts.clips]
    total, labels = sum(facts.clips.values()), sum(facts.labels.values(), Counter())
    names = [name for name, _ in sorted(labels.items(), key=lambda one: (-one[1], one[0]))]
    hours = total * options.seconds / 3600
    said = json.loads(plan.get("facts", "{}"))
    lines = [
        card.front(sharing.whole.licence, splits, options.store, ("audio",)),
        f"# {listed(sorted(names), 5)}: labelled clips of {options.seconds:g} s",
        "",
        f"{counted(total, 'clip')} of {options.seconds:g} s ({hours:.2f} h, {facts.sound_s / 3600:.2f} h of it sound), {options.rate} Hz "
        f"mono, with {counted(len(names), 'label')}, made with synth {__version__} from labelled recordings.",
        "",
        "## Clips by label",
        "",
        _table(facts, splits, names),
        "",
        "## Facts",
        "",
        f"- Groups (recordings that must stay in one split: a video, a speaker): {_groups(out, facts.used, splits)}. No "
        "group and no recording is in two splits.",
        f"- Labels: those of the whole recording; {facts.several:,} of {counted(total, 'clip has', 'clips have')} more than one. "
        + _judged(facts.verified, sum(labels.values()), judged=json.loads(plan.get("judged", "false"))),
        *_missing(facts, splits, names),
        f"- Clips are the recordings as they are: no level is changed, only the mean is removed. "
        f"{counted(said.get('padded', 0), 'recording is', 'recordings are')} shorter than a clip and padded with zeros at the "
        f"end (parts.duration_s says how much is sound), {counted(said.get('cut', 0), 'is', 'are')} longer and cut"
        + (f"; {said['beyond_s']:,.1f} s beyond the clips are not used." if said.get("beyond_s") else "."),
        f"- Level (RMS over the clip): {facts.levels[1]:.1f} dBFS in the median, 5 % to 95 %: {facts.levels[0]:.1f} to "
        f"{facts.levels[2]:.1f} dBFS. It may tell the label: it belongs to the recordings.",
        f"- Recordings used: {', '.join(f'{count:,} from {name}' for name, count in sorted(corpora.items()))}, "
        f"{_rates(out, facts.used, options.rate)}.",
        *_left_out(out, plan, said),
        "",
        *card.licence_and_load(sharing, terms, options.store, _load(out, splits[0])),
        "## Make it again",
        "",
        "```",
        f"synth render plan.parquet -o COPY     # synth {__version__}; with the corpora anywhere: --root NAME=PATH",
        "synth verify .                        # are these the samples of the plan?",
        "synth audit .                         # does every claim above hold?",
        "```",
        "",
        "The command:",
        "",
        "```",
        card.command(options),
        "```",
        "",
    ]
    return "\n".join(lines)


def _judged(verified: int, labels: int, *, judged: bool) -> str:
    if judged:
        return f"A judge was asked: {verified:,} of {counted(labels, 'label is', 'labels are')} verified (column labels_mask)."
    if verified:
        return "They are as the corpus gives them; no judge was asked (labels_mask is true throughout)."
    return "They are as the corpus gives them; the verdicts that were given judge none of them (labels_mask is false throughout)."


def _table(facts: Facts, splits: list[str], names: list[str]) -> str:
    head = f"| label | {' | '.join(splits)} |\n|---|{'---:|' * len(splits)}"
    shown = [
        (name.replace("|", "\\|"), [facts.labels[split][name] for split in splits]) for name in names[:MOST_LABELS]
    ]
    if len(names) > MOST_LABELS:
        rest = [sum(facts.labels[split][name] for name in names[MOST_LABELS:]) for split in splits]
        shown.append((counted(len(names) - MOST_LABELS, "further label"), rest))
    body = [f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |" for name, counts in shown]
    total = f"| all clips | {' | '.join(f'{facts.clips[split]:,}' for split in splits)} |"
    return "\n".join([head, *body, total])


def _groups(out: Path, used: set[str], splits: list[str]) -> str:
    rows = pq.ParquetFile(out / "sources.parquet").read(columns=["source_id", "group_id", "split"], use_threads=False)
    found: dict[str, set[str]] = {}
    for source, group, split in zip(*(rows.column(name).to_pylist() for name in rows.column_names), strict=True):
        if source in used:
            found.setdefault(split, set()).add(group)
    return ", ".join(f"{len(found.get(split, ())):,} in {split}" for split in splits)


def _rates(out: Path, used: set[str], rate_hz: int) -> str:
    rows = pq.ParquetFile(out / "sources.parquet").read(columns=["source_id", "rate_hz"], use_threads=False)
    pairs = zip(rows.column("source_id").to_pylist(), rows.column("rate_hz").to_pylist(), strict=True)
    counts = Counter(rate for source, rate in pairs if source in used)
    words = [
        f"{count:,} at {rate} Hz{'' if rate == rate_hz else ', resampled'}" for rate, count in sorted(counts.items())
    ]
    return "; ".join(words)


def _missing(facts: Facts, splits: list[str], names: list[str]) -> list[str]:
    """Return a line on the labels that not every split has."""
    lacking = [f"{name} (none in {split})" for name in names for split in splits if not facts.labels[split][name]]
    if not lacking:
        return []
    return [f"- Labels without a clip in a split, because they have too few groups: {listed(lacking)}."]


def _left_out(out: Path, plan: Mapping[str, str], said: Mapping[str, float]) -> list[str]:
    left = json.loads(plan.get("left_out", "{}"))
    damaged = card.unused(out)
    words = [with_count(count, why) for why, count in sorted(left.items())]
    lines = [f"- Left out: {'; '.join(words)}."] if words else []
    if damaged:
        lines.append("- Why a damaged recording is not used is in sources.parquet, columns status and reason.")
    if said.get("labels_dropped"):
        lines.append(f"- Labels removed because their verdict is below --min-verdict: {said['labels_dropped']:,}.")
    if said.get("labels_unjudged"):
        lines.append(f"- Labels kept that were not judged (labels_mask is false): {said['labels_unjudged']:,}.")
    return lines


def _load(out: Path, split: str) -> list[str]:
    """Return the line of Python that names the labels; ``split``: one that has clips."""
    schema: pa.Schema = pq.ParquetFile(out / "manifest.parquet").schema_arrow
    if LABEL.name in schema.names:
        return [f'names = clips["{split}"].features["label"].names  # the classes of the column label']
    return [
        'names = sorted({label for split in clips.values() for row in split["labels"] for label in row})',
        "# the column labels as a vector of 0 and 1: [name in row for name in names]",
    ]
