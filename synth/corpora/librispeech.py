"""LibriSpeech, mini LibriSpeech, and corpora laid out like it: SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NNNN.flac.

Speaker and chapter come from the file's name and must agree with its folders; the sex comes from SPEAKERS.TXT, the
text from the ``.trans.txt`` of the folder, the subset from the folder above the speaker's (mini LibriSpeech's subsets
stand in no table). A ``corpus.toml`` beside SPEAKERS.TXT with name, licence or attribution makes another corpus of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synth import licences
from synth.corpora import speakers
from synth.corpora.items import Corpus, Item, Oddities, in_order
from synth.corpora.licence import stated
from synth.corpora.speakers import Speaker
from synth.corpora.walk import Folder, Listing, extension, is_audio, is_litter, is_writable, shown, unusable
from synth.errors import InputError, listed, nearest
from synth.tables import NOISE

NAME = "librispeech"
LICENCE = "CC-BY-4.0"
ATTRIBUTION = (
    "LibriSpeech: V. Panayotov, G. Chen, D. Povey, S. Khudanpur, 'Librispeech: an ASR corpus based on public domain "
    "audio books', ICASSP 2015; readings from LibriVox (CC BY 4.0)"
)
FULL_TITLE, MINI_TITLE = "LibriSpeech (SLR12)", "Mini LibriSpeech (SLR31)"
MINI_SUBSETS = frozenset({"train-clean-5", "dev-clean-2"})
_UTTERANCE = re.compile(r"([0-9]+)-([0-9]+)-[0-9]{4}")
_TRANSCRIPT = ".trans.txt"


@dataclass(frozen=True, slots=True)
class _Identity:
    name: str = NAME
    title: str = ""
    licence: str = LICENCE
    attribution: str = ATTRIBUTION


def matches(name: str) -> bool:
    """Tell whether a file's name is that of an utterance, e.g. 84-121123-0000.flac."""
    return _UTTERANCE.fullmatch(name.rpartition(".")[0]) is not None


def read(listing: Listing) -> Corpus:
    """Read a listing that holds LibriSpeech utterances.

    Raises InputError where there is no SPEAKERS.TXT, none of its rows can be read, or corpus.toml is not right.
    """
    oddities = Oddities()
    tables = speakers.find(listing, _holding(listing))
    identity = _identity(tables)
    table = speakers.read(tables, oddities, published=identity.name == NAME)
    items = unusable(listing, oddities)
    reader = _Reader(identity.name, table, oddities)
    corpora = {path.parent for path in tables} | {path.parent.resolve() for path in tables}
    for folder in listing.folders:
        audio = [n for n in folder.names if is_audio(n) and not is_litter(n) and is_writable(folder.below(n))]
        texts = _transcripts(listing.root, folder)
        if audio or texts:
            items += reader.items(folder, audio, texts, _place(listing.absolute, folder, corpora))
    if reader.unknown:
        says = f"speakers who are not in {speakers.NAME}; their utterances are not used"
        oddities.add("unknown-speaker", min(reader.unknown), says, len(reader.unknown))
    title = identity.title or (_title(reader.subsets) if identity.name == NAME else identity.name)
    licence = stated(identity.licence, "corpus.toml", oddities)
    return Corpus(identity.name, title, licence, identity.attribution, in_order(items), oddities.all())


def terms(listing: Listing) -> tuple[str, str] | None:
    """Return licence (an SPDX id) and attribution; None where there is no SPEAKERS.TXT: it is only named like LibriSpeech.

    Raises InputError where corpus.toml is not right.
    """
    try:
        tables = speakers.find(listing, _holding(listing))
    except InputError:
        return None
    identity = _identity(tables)
    return licences.read(identity.licence).licence, identity.attribution


def _holding(listing: Listing) -> list[str]:
    """Return the folders that hold utterances."""
    return [folder.path for folder in listing.folders if any(is_audio(n) and matches(n) for n in folder.names)]


@dataclass(frozen=True, slots=True)
class _Place:
    """What the folders say: (speaker, chapter) where both are numbers, and the subset above them."""

    ids: tuple[str, str] | None
    subset: str | None


def _place(root: Path, folder: Folder, corpora: set[Path]) -> _Place:
    path = root / folder.path if folder.path else root
    speaker, chapter = path.parent.name, path.name
    if not (speaker.isdecimal() and chapter.isdecimal()):
        return _Place(None, None)
    above = path.parent.parent
    return _Place((speaker, chapter), None if above in corpora or not above.name else shown(above.name))


@dataclass(slots=True)
class _Reader:
    """Makes the items of folder after folder; gathers the subsets and the speakers who are in no table."""

    corpus: str
    table: Mapping[str, Speaker]
    oddities: Oddities
    subsets: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def items(
        self, folder: Folder, audio: Sequence[str], texts: Mapping[str, str | None] | None, place: _Place
    ) -> Iterator[Item]:
        """Yield the items of one folder; its .flac files first, so that they are the ones that stay."""
        kept: dict[str, str] = {}
        if place.subset and audio:
            self.subsets.add(place.subset)
        for name in sorted(audio, key=lambda n: (extension(n) != "flac", n)):
            path = folder.below(name)
            stem, _, ending = name.rpartition(".")
            if ending != ending.lower():
                self.oddities.add("extension-case", path, "extensions in capitals; read like the others")
            match = _UTTERANCE.fullmatch(stem)
            if match is None:
                says = "audio files that are not named SPEAKER-CHAPTER-NNNN; not used"
                self.oddities.add("bad-name", path, says)
                reason = "not named SPEAKER-CHAPTER-NNNN like the utterances of LibriSpeech: nobody says who speaks"
                yield Item(path, group_id=path, status="bad-name", reason=reason)
                continue
            speaker, chapter = match.groups()
            if place.ids is not None and place.ids != (speaker, chapter):
                says = "utterances whose name names another speaker or chapter than their folders; not used"
                self.oddities.add("id-and-folder", path, says)
                reason = f"named {stem} and lies in {'/'.join(place.ids)}: one of them is wrong"
                yield Item(path, group_id=path, status="bad-name", reason=reason)
                continue
            text = texts.get(stem) if texts else None
            why: str | None
            if stem in kept:
                self.oddities.add("duplicate", path, "utterances that are there in two formats; the .flac is used")
                status, why = "duplicate", f"the same utterance as {kept[stem]}"
            else:
                status, why = self._status(speaker)
                kept[stem] = name
                if texts is not None and text is None:
                    says = "utterances without a line in their transcript file; used, their text is unknown"
                    self.oddities.add("transcript-line-missing", path, says)
            row = self.table.get(speaker)
            yield Item(
                path,
                speaker_id=f"{self.corpus}/{speaker}",
                sex=row.sex if row else None,
                group_id=f"{self.corpus}/{speaker}",
                chapter=chapter,
                subset=place.subset,
                utterance_text=text,
                status=status,
                reason=why,
            )
        if kept and texts is None:
            says = "folders of utterances without a .trans.txt; the utterances are used, their text is unknown"
            self.oddities.add("transcript-missing", folder.path or ".", says)
        silent = sorted(key for key in texts or () if key not in kept)
        if silent:
            says = "lines of transcripts without a recording"
            self.oddities.add("transcript-without-audio", silent[0], says, len(silent))

    def _status(self, speaker: str) -> tuple[str, str | None]:
        """Return the status and the reason that a speaker's row gives."""
        row = self.table.get(speaker)
        if row is None:
            self.unknown.add(speaker)
            return "unknown-speaker", f"speaker {speaker} is not in {speakers.NAME}"
        if row.sex is None:
            return "unknown-sex", f"{speakers.NAME} gives no sex for speaker {speaker}"
        return "ok", None


def _transcripts(root: Path, folder: Folder) -> dict[str, str | None] | None:
    """Return the text of each utterance in a folder's transcript files, or None where there is no such file."""
    names = [name for name in folder.names if name.lower().endswith(_TRANSCRIPT) and not is_litter(name)]
    texts: dict[str, str | None] = {}
    found = False
    for name in names:
        try:
            text = (root / folder.path / name).read_bytes().decode("utf-8-sig", "replace")
        except OSError:
            continue
        found = True
        for line in text.splitlines():
            key, _, words = line.strip().partition(" ")
            if _UTTERANCE.fullmatch(key):
                texts[key] = words.strip() or None
    return texts if found else None


def _identity(tables: Sequence[Path]) -> _Identity:
    """Return the name, title, licence and attribution: LibriSpeech's, or those of a corpus.toml beside a table."""
    for table in tables:
        path = table.parent / "corpus.toml"
        if not path.is_file():
            continue
        try:
            given = tomllib.loads(path.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{shown(str(path))} cannot be read: {error}") from None
        known = ("name", "title", "licence", "attribution")
        for key, value in given.items():
            if key not in known:
                raise InputError(
                    f"{shown(str(path))}: unknown key '{key}'{nearest(key, known) or '.'} Known keys: {listed(known)}"
                )
            if not isinstance(value, str) or not value.strip():
                raise InputError(f'{shown(str(path))}: {key} = {value!r}; wanted a text, e.g. {key} = "…"')
        identity = _Identity(**{key: given[key] for key in known if key in given})
        if not re.fullmatch(r"[\w.-]+", identity.name) or identity.name == NOISE:
            raise InputError(
                f"{shown(str(path))}: name = {identity.name!r}; wanted letters, digits, '.', '_' or '-', "
                f"and not '{NOISE}', which is the name of background noise"
            )
        return identity
    return _Identity()


def _title(subsets: set[str]) -> str:
    """Name LibriSpeech, mini LibriSpeech, or both, by the subsets found."""
    mini = bool(subsets & MINI_SUBSETS)
    if mini and subsets <= MINI_SUBSETS:
        return MINI_TITLE
    return f"{FULL_TITLE} and {MINI_TITLE}" if mini else FULL_TITLE
