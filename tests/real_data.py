"""Where the real recordings for tests lie: SYNTH_TEST_DATA, else ../shared/data beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _found() -> Path | None:
    given = os.environ.get("SYNTH_TEST_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if (folder / "LibriSpeech" / "SPEAKERS.TXT").is_file() else None


DATA: Path | None = _found()
needs_data = pytest.mark.skipif(
    DATA is None, reason="no real recordings: set SYNTH_TEST_DATA to a folder with LibriSpeech/, ravdess/, …"
)
