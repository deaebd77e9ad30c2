"""The part of ``synth audit`` that is about labelled clips: their claims on paper, and their pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from synth.checking import labelled
from synth.checking.findings import Finding
from synth.checking.labelled import Labels
from synth.checking.rows import Clips
from synth.steps.listening import Heard
from synth.steps.verify import Folder
from synth.store.parquet import File
from synth.tables import SPLITS

MOST_LABELS = 24  # in a picture


def labels_of(folder: Folder) -> Labels:
    """Return the labels in the manifest of a folder."""
    file = File(folder.out / "manifest.parquet", memory_map=True)
    wanted = [name for name in ("labels", "labels_mask", "label") if name in file.schema_arrow.names]
    return Labels.of(file.read(columns=wanted, use_threads=False))


def checks(folder: Folder, clips: Clips, found: Labels) -> list[Callable[[], Sequence[Finding]]]:
    """Return the checks of the labels that need the tables alone."""
    asked, totals = json.loads(folder.metadata["clips"]), json.loads(folder.metadata["labels"])
    table: pa.Table = folder.plan.table
    return [
        lambda: [labelled.counts(clips, found, asked, totals)],
        lambda: [labelled.labels(clips, found, Labels.of(table, found.names), folder.opened_plan.labels)],
        lambda: [labelled.spread(clips, found)],
    ]


def drawn(folder: Folder, clips: Clips, found: Labels, got: Heard) -> tuple[Path, ...]:
    """Draw the clips of the commonest labels by split, and an example of each; return where the pictures are."""
    from synth.publishing import pictures

    where = folder.out / "pictures"
    total = found.counts(np.ones(len(clips), np.bool_))
    order = sorted(range(len(found.names)), key=lambda k: (-total[k], found.names[k]))[:MOST_LABELS]
    counts = {}
    for code, split in enumerate(SPLITS):
        here = clips.split == code
        if here.any():
            had = found.counts(here)
            counts[split] = {found.names[k]: int(had[k]) for k in order}
    shown = {
        found.names[k]: (clips.ids(np.array(got.examples[k][:1]))[0], got.examples[k][1])
        for k in order
        if k in got.examples
    }
    bars = pictures.classes(where / "classes.png", counts, "label")
    return (bars, pictures.examples(where / "examples.png", shown, folder.rate_hz)) if shown else (bars,)
