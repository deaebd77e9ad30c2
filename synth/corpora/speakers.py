"""LibriSpeech's SPEAKERS.TXT, as published and as it circulates.

A row is ``id | sex | subset | minutes | name``. The name comes last because it may hold the separator itself (speaker
60 is ``|CBW|Simon``); names are cut at 50 characters and repeat, so that nothing keys on them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from synth.corpora.items import Oddities
from synth.corpora.walk import Listing, shown
from synth.errors import InputError, listed
from synth.units import counted

NAME = "SPEAKERS.TXT"
LEVELS_UP = 3  # corpus/subset/speaker/chapter: the table lies three folders above an utterance's
OFFICIAL_SEXES = {  # of the speakers whose sex differs in copies that circulate
    "2053": "F",
    "2078": "M",
    "3989": "M",
    "5123": "M",
    "6686": "M",
    "7085": "M",
    "7117": "F",
    "7976": "M",
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """One row: ``sex`` is F, M or None where the row does not say; ``subset`` is where the table files the speaker."""

    sex: str | None
    subset: str
    name: str


def find(listing: Listing, utterance_folders: Iterable[str]) -> list[Path]:
    """Return the SPEAKERS.TXT (in any case) of each utterance: the nearest one, with it or up to three folders above.

    Raises InputError, naming the folders looked into, where there is none.
    """
    names = {folder.path: folder.names for folder in listing.folders}
    looked: dict[Path, list[Path]] = {}
    for base in dict.fromkeys((listing.absolute, listing.root.resolve())):
        within = {base / path if path else base: found for path, found in names.items()}
        tables: set[Path] = set()
        for path in sorted(set(utterance_folders)):
            folder = base / path if path else base
            for place in (folder, *list(folder.parents)[:LEVELS_UP], base):
                if place not in looked:
                    files = within[place] if place in within else _names(place)
                    looked[place] = [place / name for name in files if name.upper() == NAME]
                if looked[place]:
                    tables.update(looked[place])
                    break
        if tables:
            return sorted(tables)
    above = sorted(looked, key=lambda folder: (len(folder.parts), folder))
    raise InputError(
        f"{shown(str(listing.root))} holds LibriSpeech utterances and there is no {NAME}, which says who is a woman "
        f"and who a man; looked in {listed((shown(str(folder)) for folder in above), 4)}. Every LibriSpeech archive "
        f"holds it (https://www.openslr.org/12): put it beside the subset folders, or write a CSV with the columns path, "
        f"speaker_id and sex, and give it to the same command: --csv FILE"
    )


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))  # noqa: PTH208 - names only
    except OSError:
        return ()


def read(tables: Iterable[Path], oddities: Oddities, published: bool = True) -> dict[str, Speaker]:
    """Read and join tables: a speaker whose sex differs between two has none.

    With ``published`` the eight sexes that circulating copies change are compared with the official file.
    """
    speakers: dict[str, Speaker] = {}
    for table in tables:
        try:
            text = table.read_bytes().decode("utf-8-sig", "replace")
        except OSError as error:
            raise InputError(f"{shown(str(table))} cannot be read: {error.strerror}") from None
        rows = parse(text, oddities)
        if not rows:
            first = next((line for line in text.splitlines() if line.strip()), "")
            raise InputError(
                f"{shown(str(table))} names no speaker; its first line is {first[:60]!r}; wanted rows such as "
                "'84   | F | dev-clean        | 8.02  | Christie Nowak', as in https://www.openslr.org/12"
            )
        for speaker_id, speaker in rows.items():
            _join(speakers, speaker_id, speaker, oddities)
    if published:
        _compare(speakers, oddities)
    return speakers


def parse(text: str, oddities: Oddities) -> dict[str, Speaker]:
    """Parse the text of a SPEAKERS.TXT; what is odd about it is added to ``oddities``."""
    speakers: dict[str, Speaker] = {}
    comments = spaced = rows = 0
    for line in text.splitlines():
        if line.lstrip().startswith(";"):
            comments += 1
            continue
        fields = [field.strip() for field in line.split("|", 4)]
        if not line.strip():
            continue
        if not comments and not rows and fields[0].upper() == "ID":
            oddities.add("speakers-header", line.strip(), f"{NAME} has a header line without ';'; skipped")
            continue
        if len(fields) < 3 or not (fields[0].isascii() and fields[0].isdigit()):
            oddities.add("speakers-row", line.strip()[:80], f"lines of {NAME} that are not a row of the table; skipped")
            continue
        rows += 1
        spaced += " |" in line or "| " in line
        name = fields[4] if len(fields) > 4 else ""
        if "|" in name:
            says = f"names in {NAME} that hold the separator '|'; the name is read whole"
            oddities.add("speakers-pipe-in-name", f"{fields[0]}: {name}", says)
        sex = fields[1].upper()
        if sex not in ("F", "M"):
            says = f"rows of {NAME} whose sex is neither F nor M; their speakers are not used"
            oddities.add("speakers-sex", f"{fields[0]}: {fields[1]!r}", says)
        _join(speakers, fields[0], Speaker(sex if sex in ("F", "M") else None, fields[2], name), oddities)
    if rows and not comments:
        says = f"{NAME} without the comment lines of the published file: a copy, perhaps a changed one"
        oddities.add("speakers-no-comments", "no line begins with ';'", says)
    if rows and not spaced:
        says = f"{NAME} with its spaces taken out: a copy, perhaps with speakers missing"
        oddities.add("speakers-no-spaces", counted(rows, "row"), says)
    return speakers


def _join(speakers: dict[str, Speaker], speaker_id: str, speaker: Speaker, oddities: Oddities) -> None:
    known = speakers.setdefault(speaker_id, speaker)
    if known.sex != speaker.sex:
        says = f"speakers whose rows in {NAME} disagree about the sex; not used"
        oddities.add("speakers-contradiction", f"{speaker_id}: {known.sex} and {speaker.sex}", says)
        speakers[speaker_id] = Speaker(None, known.subset, known.name)


def _compare(speakers: Mapping[str, Speaker], oddities: Oddities) -> None:
    """Report which of the eight sexes that circulating copies change are not those of the published file."""
    changed = [
        f"{speaker_id}: {speakers[speaker_id].sex}, published {official}"
        for speaker_id, official in OFFICIAL_SEXES.items()
        if speaker_id in speakers and speakers[speaker_id].sex not in (official, None)
    ]
    if changed:
        says = (
            f"sexes that differ from the published {NAME} (a changed copy of it circulates); used as they stand here: "
            "take the file from https://www.openslr.org/12 unless the change is meant"
        )
        oddities.add("speakers-sexes-changed", changed[0], says, len(changed))
