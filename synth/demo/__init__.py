"""The demo voices: twenty synthetic speakers that come with the package, so that a first mixture needs no corpus."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """Return the folder of the demo voices, laid out as LibriSpeech is: SPEAKERS.TXT and ``demo/SPEAKER/CHAPTER/``."""
    return Path(__file__).resolve().parent / "voices"
