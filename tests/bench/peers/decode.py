"""The floor of an index: decode every FLAC file of a folder to 16-bit samples, and keep nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import soundfile as sf


def main() -> None:
    """Decode all, in order."""
    for path in sorted(Path(sys.argv[1]).rglob("*.flac")):
        sf.read(path, dtype="int16")


if __name__ == "__main__":
    main()
