"""Corpora as they lie on disk, to items: who speaks, what is said, under which licence. No audio is read here.

LibriSpeech, mini LibriSpeech   librispeech.py, speakers.py
RAVDESS                         ravdess.py
what fetch-audioset left        fetched.py
any folder, with a CSV or not   folder.py, own_csv.py
LibriTTS, Libri-Light, MLS      lookalikes.py says why they are not read as LibriSpeech
"""

from __future__ import annotations

from pathlib import Path

from synth.corpora import fetched, folder, librispeech, lookalikes, ravdess
from synth.corpora.items import Corpus, Item, Oddity
from synth.corpora.walk import AUDIO, Listing, kinds, shown, walk
from synth.errors import InputError

__all__ = ["Corpus", "Item", "Oddity", "read"]

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def read(root: Path, root_name: str, csv: Path | None = None, noise: bool = False) -> Corpus:
    """Read the corpus below ``root``, recognised by its layout.

    Args:
        root: the corpus folder, the folder it lies in, or one subset, speaker or actor folder of it.
        root_name: the name of the root in the tables; speakers of a folder of one's own are called after it.
        csv: what is known of the files of a folder of one's own; with it no layout is looked for.
        noise: the files are background noise: no speakers, each file its own group.

    Raises:
        InputError: the path is missing, a file, or without audio; a corpus lacks its SPEAKERS.TXT; two corpora or a
            look-alike of LibriSpeech were found; or the CSV is not right. The message says what to do next.
    """
    listing = walk(root)
    if csv is None and fetched.matches(listing):
        return fetched.read(listing)
    if csv is None and not any(True for _ in listing.audio()):
        raise InputError(_without_audio(listing))
    if csv is not None or noise:
        return folder.read(listing, root_name, csv, noise)
    lookalikes.refuse(listing)
    audio = list(listing.audio())
    libri = [path for path, name in audio if librispeech.matches(name)]
    rav = [path for path, name in audio if ravdess.matches(name)]
    if libri and rav:
        raise InputError(
            f"{shown(str(root))} holds two corpora: {len(libri)} files of LibriSpeech, e.g. {shown(libri[0])}, and "
            f"{len(rav)} of RAVDESS, e.g. {shown(rav[0])}; give each its own path: synth index PATH1 PATH2 "
            "-o sources.parquet"
        )
    if len(libri) * 2 >= len(audio):
        return librispeech.read(listing)
    if len(rav) * 2 >= len(audio):
        return ravdess.read(listing)
    return folder.read(listing, root_name)


def _without_audio(listing: Listing) -> str:
    root = shown(str(listing.root))
    packed = [path for path, name in listing.files() if name.lower().endswith(_ARCHIVES)]
    some = ", ".join(f".{kind}" for kind in ("flac", "wav", "mp3", "ogg", "m4a") if kind in AUDIO)
    if packed:
        advice = f"unpack {shown(packed[0])} first, then: synth index {root} -o sources.parquet"
    else:
        advice = "synth fetch-librispeech train-clean-5, or synth index PATH with the folder that holds the recordings"
    return f"{root} holds no audio: found {kinds(listing)}; wanted files such as {some}. Next: {advice}"
