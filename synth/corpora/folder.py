"""Any folder of audio files, with or without a CSV that says what they are.

Nothing is guessed: subfolders are no labels and no speakers. What is known stands in the CSV.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections import defaultdict
from pathlib import Path

from synth import licences
from synth.corpora import own_csv
from synth.corpora.items import Corpus, Item, Oddities, in_order
from synth.corpora.walk import Listing, is_writable, shown, unusable
from synth.errors import InputError, listed
from synth.tables import NOISE

NAME = "folder"


def read(listing: Listing, root_name: str, csv: Path | None = None, noise: bool = False) -> Corpus:
    """Read a folder; with ``noise`` as background noise, in which nobody is a speaker.

    Speaker ids are ``root_name``/value. Raises InputError for a CSV that cannot be read or names no file that is there.
    """
    oddities = Oddities()
    items = unusable(listing, oddities)
    files = [path for path, _ in listing.audio() if is_writable(path)]
    if csv is None:
        items += [Item(path, group_id=path) for path in files]
        if not noise:
            _say_what_is_unknown(listing, files, oddities)
    else:
        items += _described(listing, csv, files, None if noise else root_name, oddities)
    title = f"background noise in {root_name}" if noise else f"the folder {root_name}"
    attribution = f"{root_name} (not stated)"
    return Corpus(NOISE if noise else NAME, title, licences.UNKNOWN, attribution, in_order(items), oddities.all())


def _say_what_is_unknown(listing: Listing, files: list[str], oddities: Oddities) -> None:
    within = sorted({folder.path.split("/")[0] for folder in listing.folders if folder.path})
    aside = f"; the folders ({shown(listed(within, 3))}) are not taken for speakers or labels" if within else ""
    says = f"files without a known speaker, sex or label{aside}: say it in a CSV (synth index PATH --csv FILE)"
    oddities.add("no-csv", files[0] if files else ".", says, len(files))


def _described(listing: Listing, csv: Path, files: list[str], root_name: str | None, oddities: Oddities) -> list[Item]:
    """Return one item per row of the CSV, and one per audio file that it leaves out; no speakers without a name."""
    rows = own_csv.read(csv, oddities)
    present = {path for path, _ in listing.files() if is_writable(path)}
    normal = {unicodedata.normalize("NFC", path): path for path in present if not path.isascii()}
    items: dict[str, Item] = {}
    numbers: dict[str, int] = {}
    missing: list[own_csv.Row] = []
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        path = _relative(row, listing, csv)
        if path not in present:
            path = normal.get(unicodedata.normalize("NFC", path), path)
        if path not in present and "\\" in path and path.replace("\\", "/") in present:
            path = path.replace("\\", "/")
        if path in items:
            raise InputError(f"{shown(str(csv))}: rows {numbers[path]} and {row.number} name the same file {path}")
        numbers[path] = row.number
        speaker_id = f"{root_name}/{row.speaker_id}" if row.speaker_id and root_name else None
        group_id = row.group_id or speaker_id or path
        if speaker_id:
            groups[speaker_id].add(group_id)
        there = path in present
        if not there:
            missing.append(row)
        items[path] = Item(
            path,
            speaker_id,
            row.sex if root_name else None,
            group_id,
            labels=row.labels,
            split=row.split,
            licence=_licence(row, oddities),
            attribution=row.attribution,
            status="ok" if there else "missing",
            reason=None if there else f"row {row.number} of {csv.name} names it and it is not there",
            extra=_extra(row),
        )
    if len(missing) == len(rows):
        raise InputError(
            f"{shown(str(csv))}: none of its {len(rows)} paths is there; row {missing[0].number} says "
            f"{missing[0].path}; paths are relative to {shown(str(listing.root))}"
            + (f", e.g. {files[0]}" if files else "")
        )
    if missing:
        oddities.add(
            "csv-missing-file", missing[0].path, "rows of the CSV whose file is not there; not used", len(missing)
        )
    left_out = [path for path in files if path not in items]
    if left_out:
        says = "audio files that the CSV does not name; not used"
        oddities.add("not-in-csv", left_out[0], says, len(left_out))
    torn = sorted(speaker for speaker, found in groups.items() if len(found) > 1)
    if torn:
        says = "speakers whose recordings are in more than one group: a split may put one voice into two splits"
        oddities.add("speaker-in-groups", torn[0], says, len(torn))
    reason = f"{csv.name} does not name it"
    return [
        *items.values(),
        *(Item(path, group_id=path, status="not-in-csv", reason=reason) for path in left_out),
    ]


def _licence(row: own_csv.Row, oddities: Oddities) -> str | None:
    """Return the SPDX id of the licence of a row; what cannot be read, or had to be assumed, is said."""
    if row.licence is None:
        return None
    found = licences.read(row.licence)
    example = f"row {row.number}: '{row.licence}'"
    if found.assumed:
        oddities.add(
            "licence-version", example, "licences without a version: read as the latest, which is the strictest"
        )
    elif not found.known:
        says = "licences that cannot be read: what is made of these recordings may not be shared until they are known"
        oddities.add("licence-unknown", example, says)
    return found.licence


def _extra(row: own_csv.Row) -> str | None:
    """Return the further columns of a row, and with them a licence that cannot be read, as it is written."""
    if row.licence is None or licences.read(row.licence).known:
        return row.extra
    return json.dumps({**json.loads(row.extra or "{}"), "licence": row.licence}, ensure_ascii=False)


def _relative(row: own_csv.Row, listing: Listing, csv: Path) -> str:
    """Return the path of a row relative to the root. Raises InputError where it leads out of it."""
    text = row.path
    for base in (listing.absolute, listing.root.resolve()):
        if os.path.isabs(text):  # noqa: PTH117 - text as it stands in a table
            text = os.path.relpath(text, base)
        text = os.path.normpath(text).replace(os.sep, "/")
        if text != ".." and not text.startswith("../"):
            return text
        text = row.path
    raise InputError(
        f"{shown(str(csv))}, row {row.number}: {row.path} does not lie in {shown(str(listing.root))}; wanted a path "
        "relative to the folder that is indexed"
    )
