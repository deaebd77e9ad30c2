"""What the tests of CLAP share: the tiny model, clips of known sounds, and a network that must not be asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile as sf

TINY = Path(__file__).parent / "tiny_clap"
WORDS = ("vocab.json", "merges.txt")
LABELS = {  # as AudioSet writes names: the judge never saw these words in this sentence
    "Siren": "siren",
    "White noise, static": "static",
    "Clock": "clock",
    "Bell": "bell",
    "Helicopter": "helicopter",
    "Crickets, insects": "crickets",
}
# an event of the interpreter, not of a library: whatever opens a connection ends the process
NO_NETWORK = """
import sys
def deny(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        sys.stderr.write(f"NETWORK {event} {arguments}\\n")
        import os; os._exit(77)
sys.addaudithook(deny)
"""


def needs_clap():
    pytest.importorskip("torch", reason="CLAP's extra is not installed: pip install '.[clap]'")
    pytest.importorskip("transformers", reason="CLAP's extra is not installed: pip install '.[clap]'")


def clips(folder: Path, takes: int, seconds: float = 3.0) -> dict[str, str]:
    """Write takes of each kind of sound; return the label of each file."""
    from synth.cleaning.clap import sounds

    folder.mkdir(parents=True, exist_ok=True)
    labels = {}
    for label, kind in LABELS.items():
        for take in range(1, takes + 1):
            sf.write(folder / f"{kind}{take}.wav", sounds.sound(kind, take, seconds), 48_000)
            labels[f"{kind}{take}.wav"] = label
    return labels


def offline(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that may not open a connection, with an empty home."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    settings = {"HOME": str(home), "SYNTH_CACHE_DIR": str(home / "cache"), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", NO_NETWORK + code],
        env={**kept, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parents[2],
    )


def blank(folder: Path) -> Path:
    """Return a copy of the tiny model that has learned nothing."""
    import torch
    from safetensors.torch import load_file, save_file

    copy(folder)
    chance = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(tensor.shape, generator=chance) * 0.05
        if tensor.ndim > 1 and tensor.is_floating_point()
        else tensor
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    save_file(state, folder / "model.safetensors")
    return folder


def copy(folder: Path) -> Path:
    """Return a copy of the tiny model, to be damaged."""
    shutil.copytree(TINY, folder)
    return folder
