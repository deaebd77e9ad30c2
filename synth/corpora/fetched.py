"""A folder that `synth fetch-audioset` filled: its ledger says what each clip is.

J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events", ICASSP 2017.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from synth import licences
from synth.corpora.items import Corpus, Item, Oddities, in_order
from synth.corpora.walk import Listing
from synth.errors import InputError, typed
from synth.store import parquet
from synth.tables import LEDGER

NAME = "audioset"
LEDGER_NAME = "ledger.parquet"
JOURNAL_NAME = "ledger.journal"
LICENCE = licences.YOUTUBE
ATTRIBUTION = "AudioSet (Google), CC BY 4.0"
_CREDIT = "https://youtu.be/{ytid} (its uploader); labels: AudioSet (Google), CC BY 4.0"


def matches(listing: Listing) -> bool:
    """Say whether the folder has a ledger of its own."""
    return LEDGER_NAME in listing.folders[0].names


def read(listing: Listing) -> Corpus:
    """Read the clips that the ledger has; videos that were not available are counted, not listed.

    A video is a group: no split may hold two of its segments. Raises InputError while a fetch is going on or was
    interrupted, as its journal knows more than the ledger.
    """
    root = listing.root
    if JOURNAL_NAME in listing.folders[0].names:
        raise InputError(
            f"{root} has a {JOURNAL_NAME}: a fetch is going on, or was stopped by force. Run the same synth "
            "fetch-audioset once more, then index again"
        )
    ledger = parquet.read(
        root / LEDGER_NAME, LEDGER, typed("synth", "fetch-audioset", "--label", "Accordion", "--out", root)
    )
    oddities = Oddities()
    items, lost, known = [], Counter[str](), set[str]()
    for row in ledger.to_pylist():
        if row["path"] is None:
            lost[row["status"]] += 1
            continue
        known.add(row["path"])
        if row["status"] != "ok":
            says = "clips whose video has gone since they were fetched; they are used all the same"
            oddities.add("disappeared", f"{row['item_id']} ({row['status']})", says)
        there = (root / row["path"]).is_file()
        items.append(
            Item(
                row["path"],
                group_id=f"{NAME}/{row['ytid']}",
                subset=row["subset"],
                labels=tuple(row["labels"] or ()),
                mids=tuple(row["mids"] or ()),
                ytid=row["ytid"],
                start_s=row["start_s"],
                end_s=row["end_s"],
                attribution=_CREDIT.format(ytid=row["ytid"]),
                status="ok" if there else "missing",
                reason=None if there else "the ledger has it, the folder has not: fetch again",
            )
        )
    for status, count in sorted(lost.items()):
        oddities.add(
            f"not available: {status}", str(root / LEDGER_NAME), "segments without audio, see the ledger", count
        )
    strange = [path for path, _ in listing.audio() if path not in known]
    if strange:
        oddities.add("not-in-ledger", strange[0], "audio files that the ledger does not know; left out", len(strange))
        items += [Item(path, status="not-in-ledger", reason="the ledger does not know it") for path in strange]
    return Corpus(NAME, "clips of AudioSet", LICENCE, ATTRIBUTION, in_order(items), oddities.all())


def with_ledger(corpus: Corpus, listing: Listing) -> Corpus:
    """Return clips that a table describes with what the ledger knows beside: the video, which is their group, and its credit.

    A group or a credit that the table names stays; its labels are the clips' labels. Raises InputError as :func:`read`.
    """
    of_ledger = {item.path: item for item in read(listing).items if item.ytid}
    items = tuple(_completed(item, of_ledger[item.path]) if item.path in of_ledger else item for item in corpus.items)
    return replace(corpus, items=items)


def _completed(item: Item, known: Item) -> Item:
    has_group = item.group_id not in (None, item.path, item.speaker_id)
    return replace(
        item,
        group_id=item.group_id if has_group else known.group_id,
        subset=known.subset,
        ytid=known.ytid,
        start_s=known.start_s,
        end_s=known.end_s,
        attribution=item.attribution or known.attribution,
    )
