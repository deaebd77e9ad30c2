"""RAVDESS: Actor_AA/MM-CC-EE-II-SS-RR-AA.wav, everything that is known of a recording being in its name.

MM modality, CC vocal channel, EE emotion, II intensity, SS statement, RR repetition, AA actor (odd men, even women).
Speech has 1,440 recordings by 24 actors; song has emotions 01 to 06 only and no actor 18. Codes and counts:
S. R. Livingstone and F. A. Russo, 2018, https://zenodo.org/records/1188976.
"""

from __future__ import annotations

import re
from dataclasses import replace

from synth.corpora.items import Corpus, Item, Oddities, in_order
from synth.corpora.walk import Listing, extension, is_writable, unusable

NAME = "ravdess"
TITLE = "RAVDESS (Zenodo 1188976)"
LICENCE = "CC-BY-NC-SA-4.0"
ATTRIBUTION = (
    "RAVDESS: S. R. Livingstone, F. A. Russo, 'The Ryerson Audio-Visual Database of Emotional Speech and Song', "
    "PLoS ONE 13(5), 2018, https://doi.org/10.1371/journal.pone.0196391 (CC BY-NC-SA 4.0)"
)
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = ("normal", "strong")
STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
CHANNELS = ("speech", "song")
_CODES = (
    ("modality", 3),
    ("vocal channel", len(CHANNELS)),
    ("emotion", len(EMOTIONS)),
    ("intensity", len(INTENSITIES)),
    ("statement", len(STATEMENTS)),
    ("repetition", 2),
    ("actor", 24),
)
_MODALITIES = {1: "audio and video", 2: "video only"}
_STEM = re.compile(r"[0-9]{2}(?:-[0-9]{2}){6}")
_ACTOR_FOLDER = re.compile(r"actor[ _-]?([0-9]+)", re.IGNORECASE)


def matches(name: str) -> bool:
    """Tell whether a file's name is one of RAVDESS, e.g. 03-01-05-01-02-01-16.wav."""
    return _STEM.fullmatch(name.rpartition(".")[0]) is not None


def read(listing: Listing) -> Corpus:
    """Read a listing that holds RAVDESS recordings: its folders, one Actor_AA folder, or a flat folder of files."""
    oddities = Oddities()
    items = unusable(listing, oddities)
    kept: dict[str, str] = {}
    files = [(path, name) for path, name in listing.audio() if is_writable(path)]
    files.sort(key=lambda file: (extension(file[1]) != "flac", file[0].count("/"), file[0]))
    for path, name in files:
        item = _item(path, name, listing.absolute.name, oddities)
        stem = name.rpartition(".")[0]
        if item.status == "ok" and stem in kept:
            oddities.add("duplicate", path, "recordings that are there twice (some copies hold all of them twice)")
            item = replace(item, status="duplicate", reason=f"the same recording as {kept[stem]}")
        elif item.status == "ok":
            kept[stem] = path
        items.append(item)
    return Corpus(NAME, TITLE, LICENCE, ATTRIBUTION, in_order(items), oddities.all())


def _item(path: str, name: str, root_name: str, oddities: Oddities) -> Item:
    """Return the item of one file."""
    stem, _, ending = name.rpartition(".")
    if ending != ending.lower():
        oddities.add("extension-case", path, "extensions in capitals; read like the others")
    if _STEM.fullmatch(stem) is None:
        oddities.add("bad-name", path, "audio files that are not named by seven codes; not used")
        reason = "not named by seven codes of two digits like the recordings of RAVDESS: nobody says who speaks"
        return Item(path, group_id=path, status="bad-name", reason=reason)
    codes = tuple(int(code) for code in stem.split("-"))
    modality, channel, emotion, intensity, statement, repetition, actor = codes
    if modality in _MODALITIES:
        oddities.add(
            "video", path, "recordings with or for video (modality 01 or 02); the audio-only ones (03) are used"
        )
        reason = f"modality {modality:02d} is {_MODALITIES[modality]}; the recording as audio is 03{stem[2:]}"
        return Item(path, group_id=path, status="video", reason=reason)
    wrong = _illegal(codes)
    if wrong:
        oddities.add("bad-code", path, "names with a code that RAVDESS does not have; not used")
        return Item(path, group_id=path, status="bad-name", reason=wrong)
    folder = (path.split("/")[-2] if "/" in path else root_name).strip()
    named = _ACTOR_FOLDER.fullmatch(folder)
    if named and int(named[1]) != actor:
        oddities.add("id-and-folder", path, "recordings whose name names another actor than their folder; not used")
        reason = f"named for actor {actor:02d} and lies in {folder}: one of them is wrong"
        return Item(path, group_id=path, status="bad-name", reason=reason)
    speaker_id = f"{NAME}/{actor:02d}"
    return Item(
        path,
        speaker_id=speaker_id,
        sex="M" if actor % 2 else "F",
        group_id=speaker_id,
        utterance_text=STATEMENTS[statement - 1],
        emotion=EMOTIONS[emotion - 1],
        intensity=INTENSITIES[intensity - 1],
        statement=STATEMENTS[statement - 1],
        repetition=str(repetition),
        vocal_channel=CHANNELS[channel - 1],
    )


def _illegal(codes: tuple[int, ...]) -> str | None:
    """Say which code, or which pair of codes, the corpus does not have."""
    for (what, most), code in zip(_CODES, codes, strict=True):
        if not 1 <= code <= most:
            return f"{what} {code:02d} does not exist; codes go from 01 to {most:02d}"
    _, channel, emotion, intensity, *_ = codes
    if emotion == 1 and intensity == 2:
        return "neutral (01) has no strong intensity (02)"
    if channel == 2 and emotion > 6:
        return f"song (02) has no {EMOTIONS[emotion - 1]} ({emotion:02d})"
    return None
