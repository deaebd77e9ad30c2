"""Labels with times: ``segment_id <tab> start <tab> end <tab> mid``, the times relative to the clip.

A segment_id is YTID_milliseconds; an id may itself hold ``_``, so the last one counts. Framed labels (960 ms) have a
fifth column, PRESENT or NOT_PRESENT. S. Hershey et al., "The benefit of temporally-strong labels in audio event
classification", ICASSP 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synth.corpora.audioset.clean import LONGEST_S, MID
from synth.corpora.audioset.damaged import ID
from synth.corpora.audioset.lines import blocks
from synth.corpora.walk import shown
from synth.errors import InputError
from synth.units import counted

CLIP_S = LONGEST_S
_PRESENT = {"PRESENT": True, "NOT_PRESENT": False}


@dataclass(frozen=True, slots=True)
class Event:
    """One label of a stretch of a clip. ``onset_s`` and ``offset_s`` are in the clip, which begins at ``clip_s`` in the
    video; ``present`` is false where listeners heard that it is not there.
    """

    ytid: str
    clip_s: float
    onset_s: float
    offset_s: float
    mid: str
    present: bool = True

    @property
    def start_s(self) -> float:
        """Where it begins in the video."""
        return round(self.clip_s + self.onset_s, 3)

    @property
    def end_s(self) -> float:
        """Where it ends in the video."""
        return round(self.clip_s + self.offset_s, 3)


def read(path: Path) -> list[Event]:
    """Read strong labels, framed or not. Raises InputError, with line and reason, for a row that is not right."""
    where = shown(str(path))
    out: list[Event] = []
    for block in blocks(path):
        if block.passed_over:
            raise InputError(f"{where}, line {block.first} has {block.passed_over:,} bytes; wanted four or five fields")
        for number, line in enumerate(block.data.decode("utf-8", "replace").splitlines(), block.first):
            if not line.strip() or line.startswith("segment_id"):
                continue
            event = _event(line.split("\t"))
            if isinstance(event, str):
                raise InputError(
                    f"{where}, line {number}: {event}; wanted segment_id, start, end, mid (and PRESENT or NOT_PRESENT) "
                    "between tabs, e.g. -THl_72tO8I_4000 3.807 6.338 /t/dd00002"
                )
            out.append(event)
    if not out:
        raise InputError(f"{where} holds no labels; wanted AudioSet's strong labels (TSV)")
    return out


def _event(fields: list[str]) -> Event | str:
    """Return the event of a row, or what is wrong with it."""
    fields = [field.strip() for field in fields]
    if len(fields) not in (4, 5):
        return counted(len(fields), "field")
    ytid, _, ms = fields[0].rpartition("_")
    if not ID.fullmatch(ytid) or not ms.isdecimal():
        return f"'{fields[0][:40]}' is not YTID_milliseconds"
    try:
        onset_s, offset_s = float(fields[1]), float(fields[2])
    except ValueError:
        return f"'{fields[1][:20]}', '{fields[2][:20]}' are no times"
    if not 0 <= onset_s < offset_s <= CLIP_S:
        return f"{onset_s:g} to {offset_s:g} s is not in a clip of 10 s (times are relative to the clip)"
    if not MID.fullmatch(fields[3]):
        return f"'{fields[3][:40]}' is no mid"
    if len(fields) == 5 and fields[4] not in _PRESENT:
        return f"'{fields[4][:20]}' is not PRESENT or NOT_PRESENT"
    return Event(ytid, int(ms) / 1000, onset_s, offset_s, fields[3], _PRESENT[fields[4]] if len(fields) == 5 else True)
