"""An independent, real judge on real clips: what YAMNet says of ESC-10, with labels made wrong on purpose."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.real_data import DATA

WINDOW, HOP = 15_600, 7_680  # samples at 16 kHz
MEANS = {  # the judge's classes that mean a label
    "chainsaw": ("Chainsaw",),
    "clock_tick": ("Clock", "Tick", "Tick-tock"),
    "crackling_fire": ("Fire", "Crackle"),
    "crying_baby": ("Crying, sobbing", "Baby cry, infant cry"),
    "dog": ("Dog", "Bark", "Bow-wow", "Yip", "Howl", "Growling", "Whimper (dog)"),
    "helicopter": ("Helicopter",),
    "rain": ("Rain", "Raindrop", "Rain on surface"),
    "rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "sea_waves": ("Ocean", "Waves, surf"),
    "sneezing": ("Sneeze",),
}
LABELS = tuple(MEANS)


@dataclass(frozen=True)
class Heard:
    """Names of the clips, true labels (clips,), groups (clips,), scores (clips, labels), embeddings (clips, numbers)."""

    names: tuple[str, ...]
    truth: np.ndarray
    groups: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray


@cache
def heard() -> Heard:
    """Run YAMNet over the clips: of a label the largest score over windows and over the classes that mean it."""
    import soundfile
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(str(DATA / "yamnet" / "yamnet.tflite"), num_threads=1)
    model.allocate_tensors()
    entry, exit_ = model.get_input_details()[0], model.get_output_details()[0]["index"]
    with (DATA / "yamnet" / "yamnet_class_map.csv").open(encoding="utf-8") as file:
        classes = [row["display_name"] for row in csv.DictReader(file)]
    with (DATA / "esc10" / "esc50.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if clip(row).exists()]
    found = []
    for row in rows:
        wave, _ = soundfile.read(clip(row), dtype="float32")
        windows = []
        for start in range(0, len(wave) - WINDOW + 1, HOP):
            model.set_tensor(entry["index"], wave[start : start + WINDOW].reshape(entry["shape"]))
            model.invoke()
            windows.append(model.get_tensor(exit_)[0].copy())
        found.append(np.stack(windows))
    every = np.stack(found)
    columns = [[classes.index(name) for name in MEANS[label]] for label in LABELS]
    return Heard(
        tuple(clip(row).stem for row in rows),
        np.array([LABELS.index(row["category"]) for row in rows]),
        np.unique([row["src_file"] for row in rows], return_inverse=True)[1],
        np.stack([every[:, :, one].max(axis=(1, 2)) for one in columns], axis=1),
        np.sqrt(np.concatenate([every.mean(axis=1), every.max(axis=1)], axis=1)),
    )


def clip(row):
    return DATA / "esc10" / "audio" / row["filename"].replace(".wav", ".ogg")


def planted(truth: np.ndarray, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give a share of the clips another label, every other one alike; return labels (clips,) and which are wrong."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(truth), round(noise * len(truth)), replace=False)
    given = truth.copy()
    given[chosen] = (given[chosen] + random.integers(1, len(LABELS), len(chosen))) % len(LABELS)
    return given, given != truth


def one_each(given: np.ndarray) -> np.ndarray:
    """Return which clip carries which label (clips, labels), of one label a clip."""
    return np.eye(len(LABELS), dtype=bool)[given]
