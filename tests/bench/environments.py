"""The virtual environments of the peers: one each, because their pins do not agree with each other's or with ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "peers"
OWN_PYTHON = ("soundfile_loop", "raw_write", "decode", "click_group", "enlarge")  # need nothing that synth does not


class MissingPeerError(Exception):
    """A peer cannot be run here."""


def requirements() -> dict[str, list[Path]]:
    """Return the peers with an environment of their own, and their requirement files in the order to install them."""
    found = {}
    for first in sorted(PEERS.glob("*.txt")):
        if not first.stem.endswith(".no-deps"):
            second = first.with_suffix(".no-deps.txt")
            found[first.stem] = [first, second] if second.exists() else [first]
    return found


def setup(folder: Path) -> list[str]:
    """Make the environments; return the names of the peers that could not be installed."""
    failed = []
    for peer, files in requirements().items():
        home = folder / peer
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        for file in files:
            bare = ["--no-deps"] if file.stem.endswith(".no-deps") else []
            command: list[str | Path] = [_python(home), "-m", "pip", "install", "--quiet", *bare, "-r", file]
            if subprocess.run(command).returncode:
                failed.append(peer)
                break
    return failed


def python_for(peer: str, folder: Path | None) -> str:
    """Return the Python that runs a peer's script, or say why there is none."""
    if peer in OWN_PYTHON:
        return sys.executable
    if folder is None:
        raise MissingPeerError("no --peers DIR")
    python = _python(folder / peer)
    if not python.exists():
        raise MissingPeerError(f"{folder / peer} is missing: run --setup {folder}")
    return str(python)


def _python(home: Path) -> Path:
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
