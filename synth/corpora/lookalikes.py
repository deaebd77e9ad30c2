"""Corpora that look like LibriSpeech and are not laid out like it: named, so that nobody takes one for the other."""

from __future__ import annotations

import json
import re

from synth.corpora.walk import Listing, extension, is_audio, is_litter, shown
from synth.errors import InputError
from synth.units import counted

_TTS_ID = re.compile(r"[0-9]+_[0-9]+_[0-9]{6}_[0-9]{6}")
_MLS_ID = re.compile(r"[0-9]+_[0-9]+_[0-9]{6}")
_MLS_FOLDER = re.compile(r"mls_[a-z]+(_opus)?", re.IGNORECASE)
_LIGHT_FOLDERS = frozenset({"small", "medium", "large"})


def refuse(listing: Listing) -> None:
    """Raise InputError, saying what was found and why it is not LibriSpeech, for a listing of one of its relatives."""
    found = _libritts(listing) or _libri_light(listing) or _mls(listing)
    if found is None:
        return
    name, evidence, difference = found
    root = shown(str(listing.root))
    raise InputError(
        f"{root} looks like {name}: {evidence}. It is not read as LibriSpeech: {difference}. Write a CSV with the "
        f"columns path, speaker_id and sex (paths relative to {root}), and give it to the same command: --csv FILE"
    )


def _parts(listing: Listing) -> set[str]:
    """Return the names of the root, of the folder it lies in, and of all folders below it."""
    absolute = listing.absolute
    below = {part for folder in listing.folders for part in folder.path.split("/") if part}
    return below | {absolute.name, absolute.parent.name}


def _libritts(listing: Listing) -> tuple[str, str, str] | None:
    audio = [path for path, name in listing.audio() if _TTS_ID.fullmatch(name.rpartition(".")[0])]
    tables = [
        path for path, name in listing.files() if name.endswith((".trans.tsv", ".book.tsv")) and not is_litter(name)
    ]
    if not audio or not (tables or len(audio) * 2 > sum(1 for _ in listing.audio())):
        return None
    restored = any(part.lower().replace("-", "_").startswith("libritts_r") for part in _parts(listing))
    name = "LibriTTS-R (SLR141)" if restored else "LibriTTS (SLR60)"
    evidence = f"{counted(len(audio), 'file')} like {audio[0]}" + (
        f", {counted(len(tables), 'table')} like {tables[0]}" if tables else ""
    )
    return name, evidence, "its ids have underscores, its rate is 24 kHz, and its tables are other ones"


def _libri_light(listing: Listing) -> tuple[str, str, str] | None:
    if not _LIGHT_FOLDERS & {part.lower() for part in _parts(listing)}:
        return None
    paired = total = 0
    example = ""
    for folder in listing.folders:
        names = set(folder.names)
        for name in folder.names:
            if not is_audio(name) or is_litter(name):
                continue
            total += 1
            beside = f"{name.rpartition('.')[0]}.json"
            if extension(name) == "flac" and beside in names:
                paired += 1
                example = example or folder.below(beside)
    if not paired or paired * 2 < total or not _is_light(listing, example):
        return None
    evidence = f"{paired} .flac files with a .json beside, like {shown(example)}"
    return "Libri-Light", evidence, "it has no transcripts, and its files are whole chapters, not utterances"


def _is_light(listing: Listing, example: str) -> bool:
    """Tell whether a .json is one of Libri-Light's, which name the speaker and where somebody speaks."""
    try:
        content = json.loads((listing.root / example).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "speaker" in content and "voice_activity" in content


def _mls(listing: Listing) -> tuple[str, str, str] | None:
    audio = [path for path, name in listing.audio() if _MLS_ID.fullmatch(name.rpartition(".")[0])]
    if not audio:
        return None
    tables = [path for path, name in listing.files() if name in ("transcripts.txt", "metainfo.txt")]
    folders = sorted(part for part in _parts(listing) if _MLS_FOLDER.fullmatch(part))
    if not tables and not folders:
        return None
    evidence = f"{counted(len(audio), 'file')} like {audio[0]} and {tables[0] if tables else f'a folder {folders[0]}'}"
    return "MLS (SLR94)", evidence, "its ids have underscores and its sexes stand in metainfo.txt"
