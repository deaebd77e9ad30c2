"""The data card: README.md and attribution.txt of an output folder, every figure counted from its tables."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synth import __version__, licences
from synth.recipe import ManifestOptions, MixOptions, Options, mix_options, read
from synth.store import parquet
from synth.store.arrays import as_numpy
from synth.store.atomic import replacing
from synth.tables import NOISE, SPLITS
from synth.units import counted

_TITLES = {
    "librispeech": "LibriSpeech",
    "ravdess": "RAVDESS",
    "audioset": "AudioSet",
    "demo-voices": "the demo voices",
    NOISE: "background noise",
}
_HUB = {
    **{name: name for name in ("mit", "isc", "unlicense", "apache-2.0", "bsd-2-clause", "bsd-3-clause")},
    **{name: name for name in ("cdla-permissive-1.0", "cdla-permissive-2.0")},
    **{"odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"},
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is counted for the card."""

    cells: dict[str, Counter[str]]
    seconds: dict[str, float]
    speakers: dict[str, Counter[str]]
    corpora: Counter[str]
    licences: Counter[str]
    attributions: list[str]
    levels: tuple[float, float, float]
    overlap: float
    unused: Counter[str]
    speakers_per_clip: Counter[int]
    at_once: Counter[int]
    snr_db: tuple[float, float] | None
    uses: tuple[int, float, int]


def write(out: Path, sharing: licences.Sharing) -> None:
    """Write the card and the attribution of a rendered folder; ``sharing``: of its clips."""
    options = mix_options(read(out / "recipe.toml").get("mix", {}), "recipe.toml")
    plan = parquet.file_metadata(pq.ParquetFile(out / "plan.parquet"))
    facts = _facts(out)
    save(out, _card(options, facts, plan, sharing), facts.attributions)


def save(out: Path, text: str, attributions: Sequence[str]) -> None:
    """Write the text of a card, and whom to credit, into a folder."""
    with replacing(out / "README.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    with replacing(out / "attribution.txt") as temporary:
        temporary.write_text("\n".join(attributions) + "\n", encoding="utf-8")


def _facts(out: Path) -> Facts:
    file = pq.ParquetFile(out / "manifest.parquet")
    names = _cell_names(file.schema_arrow)
    cells: dict[str, Counter[str]] = {}
    seconds: dict[str, float] = {}
    uses: Counter[str] = Counter()
    levels: list[np.ndarray] = []
    overlap, snr = [], []
    counts: dict[str, Counter[int]] = {"n_speakers": Counter(), "max_concurrent": Counter()}
    columns = [
        "split",
        "cell",
        "duration_s",
        "level_dbfs",
        "overlap",
        "snr_db",
        *counts,
        "parts.list.element.source_id",
    ]
    for group in range(file.metadata.num_row_groups):
        rows = file.read_row_group(group, columns=columns, use_threads=False)
        split_of = rows.column("split").combine_chunks().dictionary_encode()
        which = as_numpy(split_of.indices, np.int64)
        cell, length = as_numpy(rows.column("cell"), np.int64), as_numpy(rows.column("duration_s"), np.float64)
        for number, split in enumerate(split_of.dictionary.to_pylist()):
            here = which == number
            found = np.bincount(cell[here], minlength=len(names))
            cells.setdefault(split, Counter()).update({n: int(c) for n, c in zip(names, found, strict=True) if c})
            seconds[split] = seconds.get(split, 0.0) + float(length[here].sum())
        levels.append(as_numpy(rows.column("level_dbfs"), np.float32))
        overlap.append(as_numpy(rows.column("overlap"), np.float32))
        snr.append(as_numpy(rows.column("snr_db").drop_null(), np.float64))
        for name, found_ in counts.items():
            found_.update({one["values"]: one["counts"] for one in rows.column(name).value_counts().to_pylist()})
        parts = rows.column("parts").combine_chunks()
        ids = parts.flatten().flatten()[0].value_counts().to_pylist()
        uses.update({one["values"]: one["counts"] for one in ids})
    noise = _noise_ids(out)
    ratios = np.concatenate([np.zeros(0), *snr])
    level = np.percentile(np.concatenate(levels), [5, 50, 95])
    return Facts(
        cells,
        seconds,
        *of_sources(out, set(uses)),
        levels=(float(level[0]), float(level[1]), float(level[2])),
        overlap=float(np.concatenate(overlap).mean()),
        unused=unused(out),
        speakers_per_clip=counts["n_speakers"],
        at_once=counts["max_concurrent"],
        snr_db=(float(ratios.min()), float(ratios.max())) if len(ratios) else None,
        uses=_least_middle_most([count for source, count in uses.items() if source not in noise]),
    )


def of_sources(out: Path, used: set[str]) -> tuple[dict[str, Counter[str]], Counter[str], Counter[str], list[str]]:
    """Count the sources that are used: speakers by split and sex, recordings by corpus and by licence; and whom to credit."""
    columns = ("source_id", "split", "speaker_id", "sex", "corpus", "root", "licence", "attribution")
    rows = pq.ParquetFile(out / "sources.parquet").read(columns=list(columns), use_threads=False)
    speakers: dict[str, set[tuple[str, str]]] = {}
    corpora: Counter[str] = Counter()
    terms: Counter[str] = Counter()
    credit: dict[str, None] = {}
    for source, split, speaker, sex, corpus, root, licence, attribution in zip(
        *(rows.column(name).to_pylist() for name in columns), strict=True
    ):
        if source not in used:
            continue
        if corpus != NOISE and speaker:
            speakers.setdefault(split, set()).add((speaker, sex or "?"))
        corpora[_TITLES.get(corpus, f"the folder {root}")] += 1
        terms[licence or licences.UNKNOWN] += 1
        if attribution:
            credit[f"{attribution} ({licence or licences.UNKNOWN})"] = None
    by_sex = {split: Counter(sex for _, sex in found) for split, found in speakers.items()}
    return by_sex, corpora, terms, list(credit)


def _noise_ids(out: Path) -> set[str]:
    rows = pq.ParquetFile(out / "sources.parquet").read(columns=["source_id", "corpus"], use_threads=False)
    pairs = zip(*(rows.column(name).to_pylist() for name in rows.column_names), strict=True)
    return {source for source, corpus in pairs if corpus == NOISE}


def _least_middle_most(counts: list[int]) -> tuple[int, float, int]:
    return (min(counts), float(np.median(counts)), max(counts)) if counts else (0, 0.0, 0)


def unused(out: Path) -> Counter[str]:
    """Count the sources that cannot be used, by status."""
    status = pq.ParquetFile(out / "sources.parquet").read(columns=["status"], use_threads=False).column("status")
    return Counter(name for name in status.to_pylist() if name != "ok")


def _cell_names(schema: pa.Schema) -> list[str]:
    import json

    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return list(features["cell"]["names"])


def _card(options: MixOptions, facts: Facts, plan: dict[str, str], sharing: licences.Sharing) -> str:
    splits = [split for split in SPLITS if split in facts.cells]
    clips = sum(sum(cells.values()) for cells in facts.cells.values())
    hours = sum(facts.seconds.values()) / 3600
    speakers = ", ".join(
        f"{sum(facts.speakers.get(split, Counter()).values())} in {split} "
        f"({facts.speakers.get(split, Counter())['F']} F, {facts.speakers.get(split, Counter())['M']} M)"
        for split in splits
    )
    damaged = ", ".join(f"{count} {name}" for name, count in sorted(facts.unused.items()))
    lines = [
        front(sharing.whole.licence, splits, options.store, ("audio", "speech")),
        f"# {_speakers(facts.speakers_per_clip)} per clip of {options.seconds:g} s",
        "",
        f"{counted(clips, 'clip')} of {options.seconds:g} s ({hours:.2f} h), {options.rate} Hz mono, with "
        f"{_speakers(facts.speakers_per_clip)} per clip, made with synth {__version__} from recordings of one speaker each.",
        "",
        "## Clips by class",
        "",
        _table(facts, splits),
        "",
        "## Facts",
        "",
        f"- Speakers: {speakers}. No speaker, chapter or recording is in two splits.",
        f"- Recordings used: {', '.join(f'{count:,} from {name}' for name, count in sorted(facts.corpora.items()))}"
        + (f"; not used: {damaged} (see sources.parquet, columns status and reason)." if damaged else "."),
        f"- Level (RMS over the clip): {facts.levels[1]:.1f} dBFS in the median, 5 % to 95 %: {facts.levels[0]:.1f} to "
        f"{facts.levels[2]:.1f} dBFS, drawn alike for every class.",
        f"- Each recording of a speaker is used in {facts.uses[0]:,} to {counted(facts.uses[2], 'clip')}, {facts.uses[1]:g} in the median; no "
        "clip uses a speaker twice.",
        f"- Overlap (share of the speaking time in which two or more speak): {facts.overlap:.2f} on average. Speakers at the "
        f"same moment, at most (column max_concurrent): {_at_once(facts.at_once)}.",
        *_noise(facts),
        f"- Clips made quieter than planned to avoid clipping: {int(plan.get('lowered', '0')):,}.",
        f"- Every speaker counted in a clip is active in it for at least {options.least_active_s:g} s.",
        "",
        *licence_and_load(sharing, facts.licences, options.store),
        "## Make it again",
        "",
        "```",
        f"synth mix --recipe recipe.toml        # synth {__version__}; the same bytes for any number of workers",
        "synth render plan.parquet -o COPY     # from the plan, with the corpora anywhere: --root NAME=PATH",
        "synth verify .                        # are these the samples of the plan?",
        "synth audit .                         # does every claim above hold?",
        "```",
        "",
        "The command:",
        "",
        "```",
        command(options),
        "```",
        "",
    ]
    return "\n".join(lines)


def _speakers(per_clip: Mapping[int, int]) -> str:
    """Return e.g. ``1 speaker``, ``1 to 3 speakers``, by the clips that there are."""
    least, most = min(per_clip, default=0), max(per_clip, default=0)
    if least == most:
        return counted(most, "speaker")
    return f"{least} to {most} speakers"


def _at_once(clips: Mapping[int, int]) -> str:
    return ", ".join(f"{number} in {counted(count, 'clip')}" for number, count in sorted(clips.items()))


def _noise(facts: Facts) -> list[str]:
    """Return a line on the background noise, where there is some."""
    count = facts.corpora.get(_TITLES[NOISE], 0)
    if not count:
        return []
    ratio = f", speech over noise {facts.snr_db[0]:.1f} to {facts.snr_db[1]:.1f} dB" if facts.snr_db else ""
    return [f"- Background noise in every clip, from {counted(count, 'recording')}{ratio} (column snr_db)."]


def front(licence: str, splits: Sequence[str], store: str, tags: Sequence[str]) -> str:
    """Return the head of a card that the Hub reads: licence, task, tags, and where the splits lie."""
    ending = "/**" if store == "files" else "-*.parquet"
    where = "\n".join(f"      - split: {split}\n        path: data/{split}{ending}" for split in splits)
    tagged = "\n".join(f"  - {tag}" for tag in tags)
    return (
        f"---\nlicense: {_hub_licence(licence)}\ntask_categories:\n  - audio-classification\ntags:\n{tagged}\n"
        f"configs:\n  - config_name: default\n    data_files:\n{where}\n---\n"
    )


def licence_and_load(
    sharing: licences.Sharing, terms: Mapping[str, int], store: str, then: Sequence[str] = ()
) -> list[str]:
    """Return the lines on the licence of the whole (``terms``: recordings by licence) and on loading the clips.

    ``then``: further lines of Python.
    """
    return [
        "## Licence",
        "",
        f"{licences.section(sharing, terms)} Credits are in attribution.txt and, clip by clip, in the column attribution.",
        "",
        "## Load",
        "",
        "```python",
        "import pandas as pd",
        'labels = pd.read_parquet("manifest.parquet")  # one row a clip, without audio',
        "",
        "from datasets import load_dataset",
        'clips = load_dataset(".")  # in this folder, or by its name on the Hub'
        if store == "parquet"
        else 'clips = load_dataset("audiofolder", data_dir="data")',
        *then,
        "```",
        "",
    ]


def command(options: Options) -> str:
    """Return the command line of a data set: what differs from the defaults, and always the speakers of a mixture."""
    words = [f"synth {options.command}"]
    words += (
        [f"--speakers {options.speakers}"] if isinstance(options, MixOptions) else [shlex.quote(str(options.sources))]
    )
    default = type(options)()
    for field in fields(options):
        name, value = field.name, getattr(options, field.name)
        usual = getattr(default, name)
        if name == "min_active" and isinstance(options, MixOptions):
            usual = replace(options, min_active=None).least_active_s
        if name in ("speakers", "source", "sources") or value == usual or value is None:
            continue
        flag = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, tuple) else (value,):
            words.append(
                flag if one is True else f"{flag} {shlex.quote(f'{one:g}' if isinstance(one, float) else str(one))}"
            )
    if isinstance(options, ManifestOptions):
        return " ".join([*words, "-o DIR"])
    words += [f"--source {shlex.quote(name)}" for name in options.source if name != "demo-voices"]
    return " ".join(words)


def _table(facts: Facts, splits: list[str]) -> str:
    names = sorted({name for split in splits for name in facts.cells[split]}, key=lambda n: (n != "none", len(n), n))
    head = f"| class | {' | '.join(splits)} |\n|---|{'---:|' * len(splits)}"
    body = [f"| {name} | {' | '.join(f'{facts.cells[split][name]:,}' for split in splits)} |" for name in names]
    total = f"| all | {' | '.join(f'{sum(facts.cells[split].values()):,}' for split in splits)} |"
    return "\n".join([head, *body, total])


def _hub_licence(licence: str) -> str:
    """Return the Hub's name of a licence; it knows these families in most versions, and calls the others ``other``."""
    low = licence.lower()
    if low in _HUB:
        return _HUB[low]
    return low if re.fullmatch(r"cc-by(-nc)?(-sa|-nd)?-[2-4]\.[05]|cc0-1\.0", low) else "other"
