"""Any folder of audio files, with or without a table that says what they are.

Nothing is guessed: subfolders are no labels and no speakers. What is known stands in the table.
"""

from __future__ import annotations

import json
from collections import defaultdict

from synth import licences
from synth.corpora.items import Corpus, Item, Oddities, in_order
from synth.corpora.licence import stated
from synth.corpora.located import Described
from synth.corpora.own_csv import Row
from synth.corpora.walk import Listing, is_writable, shown, unusable
from synth.errors import InputError, listed
from synth.tables import NOISE

NAME = "folder"


def read(
    listing: Listing,
    root_name: str,
    described: Described | None = None,
    noise: bool = False,
    licence: str = licences.UNKNOWN,
    attribution: str | None = None,
) -> Corpus:
    """Read a folder; with ``noise`` as background noise, in which nobody is a speaker.

    Speaker ids are the table's name space/value, and so are the groups of its column group_id. ``licence`` and
    ``attribution`` are those of the corpus that the files are of: of what the table does not say, and no row is freer.
    Raises InputError for a table with two rows for one file.
    """
    oddities = Oddities()
    items = unusable(listing, oddities)
    files = [path for path, _ in listing.audio() if is_writable(path)]
    if described is None:
        items += [Item(path, group_id=path) for path in files]
        if not noise:
            _say_what_is_unknown(listing, files, oddities)
    else:
        items += _described(listing, described, files, noise, oddities, licence)
    title = f"background noise in {root_name}" if noise else f"the folder {root_name}"
    credit = attribution or f"{root_name} (not stated)"
    table = described.table.name if described else None
    found = (*(described.oddities if described else ()), *oddities.all())
    return Corpus(NOISE if noise else NAME, title, licence, credit, in_order(items), found, table)


def _say_what_is_unknown(listing: Listing, files: list[str], oddities: Oddities) -> None:
    within = sorted({folder.path.split("/")[0] for folder in listing.folders if folder.path})
    aside = f"; the folders ({shown(listed(within, 3))}) are not taken for speakers or labels" if within else ""
    says = f"files without a known speaker, sex or label{aside}: say it in a CSV (the same command with --csv FILE)"
    oddities.add("no-csv", files[0] if files else ".", says, len(files))


def _described(
    listing: Listing, described: Described, files: list[str], noise: bool, oddities: Oddities, licence: str
) -> list[Item]:
    """Return one item per row of the table, and one per audio file that it leaves out; no speakers in noise.

    ``licence``: that of the corpus, which no row makes freer.
    """
    table = described.table
    present = {path for path, _ in listing.files() if is_writable(path)}
    items: dict[str, Item] = {}
    numbers: dict[str, int] = {}
    groups: defaultdict[str, set[str]] = defaultdict(set)
    missing = [path for path, _ in described.rows if path not in present]
    for path, row in described.rows:
        if path in items:
            raise InputError(f"{shown(str(table))}: rows {numbers[path]} and {row.number} name the same file {path}")
        numbers[path] = row.number
        speaker_id = f"{described.space}/{row.speaker_id}" if row.speaker_id and not noise else None
        group_id = f"{described.space}/{row.group_id}" if row.group_id else speaker_id or path
        if speaker_id:
            groups[speaker_id].add(group_id)
        status, reason = _status(row, path in present, noise, table.name)
        if status == "unknown-speaker":
            says = "rows of the table that name no speaker and no label; not used"
            oddities.add("unknown-speaker", f"row {row.number}: {row.nobody!r}", says)
        items[path] = Item(
            path,
            speaker_id,
            None if noise else row.sex,
            group_id,
            labels=row.labels,
            split=row.split,
            licence=row.licence and stated(row.licence, f"row {row.number}", oddities, licence),
            attribution=row.attribution,
            status=status,
            reason=reason,
            extra=_extra(row),
            said_in=f"row {row.number} of {table.name}",
            sex_word=None if noise else row.sex_word,
        )
    if missing:
        says = "rows of the CSV whose file is not there; not used"
        oddities.add("csv-missing-file", missing[0], says, len(missing))
    left_out = [path for path in files if path not in items]
    if left_out:
        says = "audio files that the CSV does not name; not used"
        oddities.add("not-in-csv", left_out[0], says, len(left_out))
    torn = sorted(speaker for speaker, found in groups.items() if len(found) > 1)
    if torn:
        says = "speakers whose recordings are in more than one group; these groups count as one, as nobody is in two splits"
        oddities.add("speaker-in-groups", torn[0], says, len(torn))
    reason = f"{table.name} does not name it"
    return [
        *items.values(),
        *(Item(path, group_id=path, status="not-in-csv", reason=reason) for path in left_out),
    ]


def _extra(row: Row) -> str | None:
    """Return the further columns of a row, and with them a licence that cannot be read, as it is written."""
    if row.licence is None or licences.read(row.licence).known:
        return row.extra
    return json.dumps({**json.loads(row.extra or "{}"), "licence": row.licence}, ensure_ascii=False)


def _status(row: Row, there: bool, noise: bool, table: str) -> tuple[str, str | None]:
    """Return status and reason of a row: a recording of nobody with labels is used for them, one without for nothing."""
    if not there:
        return "missing", f"row {row.number} of {table} names it and it is not there"
    if noise or row.nobody is None or row.labels:
        return "ok", None
    if not row.nobody:
        return "unknown-speaker", f"row {row.number} of {table} names no speaker"
    return "unknown-speaker", (
        f"row {row.number} of {table} has '{row.nobody}' for a speaker, which stands for nobody; if it is somebody's id, "
        f"write it otherwise, e.g. id-{row.nobody}"
    )
