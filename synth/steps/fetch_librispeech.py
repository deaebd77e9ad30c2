"""``synth fetch-librispeech``: subsets of LibriSpeech and mini LibriSpeech, whole and checked, in one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from synth.fetching import known
from synth.fetching.archives import Patience
from synth.fetching.known import Archive
from synth.steps import fetch_archives
from synth.steps.fetch_archives import Fetched
from synth.steps.progress import Progress, silent

FOLDER = "LibriSpeech"


def fetch_librispeech(
    subsets: Sequence[str],
    *,
    out: str | Path = FOLDER,
    mirror: str | None = None,
    keep_archive: bool = False,
    archives: Mapping[str, Archive] = known.LIBRISPEECH,
    patience: Patience | None = None,
    progress: Progress = silent,
) -> list[Fetched]:
    """Fetch subsets such as train-clean-5 into the folder ``out``, which ``index`` and ``mix`` then read.

    A subset that is there and whole asks nothing of the network. ``mirror`` is a folder on a web server that is asked
    first; ``archives`` is the table of what is published. Raises as ``fetch_archives.bring``.
    """
    wanted = fetch_archives.chosen(subsets, archives, "subset")
    return fetch_archives.bring(
        wanted, Path(out), mirror=mirror, keep_archive=keep_archive, progress=progress, patience=patience
    )
