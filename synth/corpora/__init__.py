"""Corpora as they lie on disk, to items: who speaks, what is said, under which licence. No audio is read here.

LibriSpeech, mini LibriSpeech   librispeech.py, speakers.py
RAVDESS                         ravdess.py
what fetch-audioset left        fetched.py
any folder, with a CSV or not   folder.py
a table of one's own            sheet.py (the file), columns.py, label_cells.py, persons.py, own_csv.py (its rows),
                                located.py (whose rows they are)
LibriTTS, Libri-Light, MLS      lookalikes.py says why they are not read as LibriSpeech
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synth.corpora import fetched, folder, librispeech, located, lookalikes, ravdess
from synth.corpora.items import Corpus, Item, Oddity
from synth.corpora.located import Described, Given, Place
from synth.corpora.walk import AUDIO, Listing, kinds, shown, walk
from synth.errors import InputError, typed
from synth.tables import NOISE
from synth.units import counted

__all__ = ["Corpus", "Given", "Item", "Oddity", "Place", "read", "read_all"]

_LIST = re.compile(r"segments.*\.(csv|tsv)(\.(gz|xz|bz2))?$", re.IGNORECASE)
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def read_all(places: Sequence[Place], given: Given = None) -> list[Corpus]:
    """Read the corpora below some roots, each recognised by its layout or described by a table.

    Args:
        places: the roots; speakers of a folder of one's own are called after its root.
        given: tables that say what is known of the files (see :func:`synth.corpora.located.described`). A root that a
            table describes is a folder of one's own; the others are recognised by their layout.

    Raises:
        InputError: a path is missing, a file, or without audio; a corpus lacks its SPEAKERS.TXT; two corpora in one root
            or a look-alike of LibriSpeech were found; or a table is not right. The message says what to do next.
        UsageError: a table is given for a root that is not there.
    """
    listings = [walk(place.folder) for place in places]
    tables = located.described(
        [located.Files(place, listing) for place, listing in zip(places, listings, strict=True)], given
    )
    found = []
    for place, listing in zip(places, listings, strict=True):
        corpus = _read(listing, place.name, tables.get(place.name), place.noise)
        items = tuple(
            replace(item, group_id=f"{place.name}/{item.path}") if item.group_id in (None, item.path) else item
            for item in corpus.items
        )
        found.append(replace(corpus, items=items))
    return found


def read(root: Path, root_name: str, csv: Path | None = None, noise: bool = False) -> Corpus:
    """Read one corpus; see :func:`read_all`. With ``csv`` no layout is looked for; ``noise``: nobody speaks."""
    (corpus,) = read_all([Place(root_name, root, noise=noise)], {root_name: csv} if csv else None)
    return corpus


def _read(listing: Listing, root_name: str, described: Described | None, noise: bool) -> Corpus:
    is_fetched = fetched.matches(listing)
    if described is None and is_fetched:
        corpus = fetched.read(listing)
        return replace(corpus, name=NOISE, title=f"background noise in {root_name}") if noise else corpus
    audio = list(listing.audio())
    if described is None and not audio:
        raise InputError(_without_audio(listing))
    libri = [path for path, name in audio if librispeech.matches(name)]
    rav = [path for path, name in audio if ravdess.matches(name)]
    if described is not None or noise:
        terms = _terms(listing, len(audio), len(libri), len(rav))
        corpus = folder.read(listing, root_name, described, noise, *terms)
        return fetched.with_ledger(corpus, listing) if is_fetched else corpus
    lookalikes.refuse(listing)
    if libri and rav:
        raise InputError(
            f"{shown(str(listing.root))} holds two corpora: {counted(len(libri), 'file')} of LibriSpeech, e.g. {shown(libri[0])}, and "
            f"{len(rav)} of RAVDESS, e.g. {shown(rav[0])}; give the same command each as a path "
            "of its own"
        )
    if len(libri) * 2 >= len(audio):
        return librispeech.read(listing)
    if len(rav) * 2 >= len(audio):
        return ravdess.read(listing)
    return folder.read(listing, root_name)


def _terms(listing: Listing, audio: int, libri: int, rav: int) -> tuple[str, str] | tuple[()]:
    """Return licence and attribution of a corpus that a table describes, or that is noise: that makes nothing freer.

    ``audio``, ``libri``, ``rav``: how many files there are, and how many are named like those of a corpus.
    """
    if fetched.matches(listing):
        return fetched.LICENCE, fetched.ATTRIBUTION
    if rav and rav * 2 >= audio:
        return ravdess.LICENCE, ravdess.ATTRIBUTION
    return (librispeech.terms(listing) or ()) if libri and libri * 2 >= audio else ()


def _without_audio(listing: Listing) -> str:
    root = shown(str(listing.root))
    packed = [path for path, name in listing.files() if name.lower().endswith(_ARCHIVES)]
    some = ", ".join(f".{kind}" for kind in ("flac", "wav", "mp3", "ogg", "m4a") if kind in AUDIO)
    lists = [path for path, name in listing.files() if _LIST.search(name)]
    if lists:
        advice = (
            f"{shown(lists[0])} looks like a list of AudioSet's segments, which is no audio; the clips come with: "
            f"{typed('synth', 'fetch-audioset', '--csv', listing.root / lists[0], '--label')} NAME"
        )
    elif packed:
        advice = f"unpack {shown(packed[0])} first, then the same command again"
    else:
        advice = "synth fetch-librispeech train-clean-5, or the same command with the folder that holds the recordings"
    return f"{root} holds no audio: found {kinds(listing)}; wanted files such as {some}. Next: {advice}"
