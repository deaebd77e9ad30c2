"""The real lists of AudioSet as plain Python, read by the csv module alone: what the readers are compared with."""

from __future__ import annotations

import csv
import lzma
from functools import lru_cache
from pathlib import Path

from tests.real_data import DATA

FOLDER = Path() if DATA is None else DATA / "audioset"
BALANCED, EVAL = FOLDER / "balanced_train_segments.csv", FOLDER / "eval_segments.csv"
UNBALANCED = FOLDER / "unbalanced_train_segments.partial.csv.xz"
ACCORDION, BABY_CRY, INSTRUMENT, SPEECH = "/m/0mkg", "/t/dd00002", "/m/04szw", "/m/09x0r"
Row = tuple[float, float, tuple[str, ...]]


@lru_cache(maxsize=1)
def rows() -> dict[str, Row]:
    """Return start, end and mids of every id of the three files."""
    out: dict[str, Row] = {}
    for path in (BALANCED, EVAL, UNBALANCED):
        with lzma.open(path, "rt") if path.suffix == ".xz" else path.open() as file:
            for fields in csv.reader(file, skipinitialspace=True):
                if not fields[0].startswith("#"):
                    out[fields[0]] = (float(fields[1]), float(fields[2]), tuple(fields[3].split(",")))
    return out


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """Return the mid of each class by its name in lower case."""
    with (FOLDER / "class_labels_indices.csv").open() as file:
        return {row["display_name"].casefold(): row["mid"] for row in csv.DictReader(file)}
