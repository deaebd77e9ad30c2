"""``synth fetch-ravdess``: the recordings of RAVDESS, speech and song, whole and checked, in one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from synth.fetching import known
from synth.fetching.archives import Patience
from synth.fetching.known import Archive
from synth.steps import fetch_archives
from synth.steps.fetch_archives import Fetched
from synth.steps.progress import Progress, silent

FOLDER = "RAVDESS"
PARTS = ("speech",)


def fetch_ravdess(
    parts: Sequence[str] = PARTS,
    *,
    out: str | Path = FOLDER,
    mirror: str | None = None,
    keep_archive: bool = False,
    archives: Mapping[str, Archive] = known.RAVDESS,
    patience: Patience | None = None,
    progress: Progress = silent,
) -> list[Fetched]:
    """Fetch ``speech``, ``song`` or both into the folder ``out``, which ``index`` and ``mix`` then read.

    Each lies in a folder of its own, named after its archive. Otherwise like ``fetch_librispeech``.
    """
    wanted = fetch_archives.chosen(parts, archives, "part of RAVDESS")
    return fetch_archives.bring(
        wanted, Path(out), mirror=mirror, keep_archive=keep_archive, progress=progress, patience=patience
    )
