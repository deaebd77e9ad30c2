"""Decisions of people as CSV: to look at, to keep, and to apply on another machine."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from synth.errors import InputError, listed, nearest
from synth.publishing.review.decisions import SAYS, Decision, Pair, stored
from synth.store.atomic import replacing

COLUMNS = ("source_id", "label", "verdict", "reason", "check", "check_seed")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": None}


def write(target: Path, decisions: Iterable[Decision]) -> None:
    """Write decisions as CSV in UTF-8, sorted by recording and label."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)  # lines end in CR LF (RFC 4180): with LF alone a CR in a reason would not be quoted
    rows.writerow(COLUMNS)
    for one in sorted(decisions, key=lambda decision: decision.pair):
        check = str(one.by_chance).lower()
        rows.writerow([one.source_id, one.label, one.verdict, one.reason, check, one.seed])
    with replacing(target) as temporary:
        temporary.write_text(out.getvalue(), encoding="utf-8", newline="")


def read(path: Path) -> list[Decision]:
    """Read decisions from a CSV with source_id, label and verdict; reason, check and check_seed may be there.

    Raises InputError with file, row and column for what is no decision, and for two verdicts of one label.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {what}; wanted a CSV of decisions: synth review verdicts.parquet --export FILE.csv")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = rows.fieldnames or []
            missing = [name for name in COLUMNS[:3] if name not in names]
            if missing:
                raise InputError(
                    f"{path} lacks the {'column' if len(missing) == 1 else 'columns'} {listed(missing)} (found {listed(names) or 'none'}); "
                    f"wanted {', '.join(COLUMNS[:3])}"
                )
            return _decisions(path, rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV in UTF-8: {error}") from error


def _decisions(path: Path, rows: csv.DictReader[str]) -> list[Decision]:
    out: dict[Pair, Decision] = {}
    for row in rows:
        number = rows.line_num
        verdict = row["verdict"] or ""
        if verdict not in SAYS:
            raise InputError(
                f"{path}, line {number}, column verdict: '{verdict}'; wanted {', '.join(SAYS)}{nearest(verdict, SAYS)}"
            )
        check = _TRUTH.get((row.get("check") or "").strip().lower(), "other")
        if check == "other":
            raise InputError(f"{path}, line {number}, column check: '{row['check']}'; wanted true or false, or nothing")
        seed = (row.get("check_seed") or "").strip()
        if not re.fullmatch(r"(-?\d+)?", seed):
            raise InputError(f"{path}, line {number}, column check_seed: '{seed}'; wanted a whole number, or nothing")
        decision = stored(
            row["source_id"] or "",
            row["label"] or "",
            verdict,
            row.get("reason"),
            None if check is None else bool(check),
            int(seed) if seed else None,
        )
        before = out.setdefault(decision.pair, decision)
        if before.verdict != verdict:
            raise InputError(
                f"{path}, line {number}: {decision.source_id} ({decision.label}) is '{verdict}', and '{before.verdict}' "
                "in an earlier line; wanted one verdict a label"
            )
    return list(out.values())
