"""Small corpora of the demo voices, whole or with one thing wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

from synth import demo

VOICES = ("9901", "9903", "9905", "9902", "9904", "9906")  # three women, three men


def corpus(folder: Path, voices: tuple[str, ...] = VOICES) -> Path:
    """Copy some demo voices to ``folder``, laid out as LibriSpeech is; return it."""
    folder.mkdir(parents=True)
    for voice in voices:
        shutil.copytree(demo.folder() / "demo" / voice, folder / "demo" / voice)
    for name in ("SPEAKERS.TXT", "corpus.toml"):
        shutil.copy(demo.folder() / name, folder / name)
    return folder


def recordings(folder: Path) -> list[Path]:
    """Return the recordings of a corpus, sorted."""
    return sorted(folder.rglob("*.flac"))
