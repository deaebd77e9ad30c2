"""What a judge learned from: where it judges the data it was trained on, agreement is partly memory."""

from __future__ import annotations

import re

import pyarrow as pa

from synth.cleaning.clap.places import Checkpoint

_FREESOUND = re.compile(r"freesound|fsd[ _-]?50k|fsdkaggle|esc-?(10|50)|urbansound|us8k", re.IGNORECASE)
_ESC = re.compile(r"(^|/)[1-5]-\d+-[A-Z]-\d+\.\w+$")  # ESC-50's names: fold, Freesound id, take, class
_AUDIOSET = re.compile(r"audioset|clap-htsat-(un)?fused|larger_clap_general", re.IGNORECASE)


def warnings(checkpoint: Checkpoint, sources: pa.Table) -> list[str]:
    """Return a sentence for each kind of clip that the judge may know by heart.

    LAION's models learned from LAION-Audio-630K, which holds Freesound and the BBC's effects; those named after it from
    AudioSet as well. Of another model nothing is known, and nothing is said.
    """
    where = f"{checkpoint.name} {checkpoint.weights.resolve()}"
    if "630k" not in where and not _AUDIOSET.search(where):
        return []
    out = []
    youtube = sum(one is not None for one in sources.column("ytid").to_pylist())
    if youtube and _AUDIOSET.search(where):
        out.append(
            f"{checkpoint.name} was trained on AudioSet, and {youtube:,} of the clips are from there, with the labels that "
            "are judged: its agreement is partly memory, and wrong labels look better than they are. --checkpoint "
            "630k-best was not trained on AudioSet"
        )
    names = zip(*(sources.column(name).to_pylist() for name in ("source_id", "attribution")), strict=True)
    freesound = sum(bool(_ESC.search(name) or _FREESOUND.search(f"{name} {credit or ''}")) for name, credit in names)
    if freesound:
        out.append(
            f"{freesound:,} of the clips seem to be from Freesound, which every LAION model was trained on, with its tags: "
            "agreement with those tags is partly memory"
        )
    return out
