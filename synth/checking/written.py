"""What the texts of a data set say: the data card counts what is there, and recipe.toml has the options of the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.checking.findings import Finding, named
from synth.errors import SynthError
from synth.recipe import of_folder

_ALL = ("all", "all clips")
_HEAD = re.compile(r"^([\d,]+) clips? of ([\d.e+]+) s \(([\d.]+) h.*?\), (\d+) Hz mono", re.M)


def card(
    text: str | None,
    counts: Mapping[str, Mapping[str, int]],
    seconds: float,
    rate_hz: int,
    store: str,
    others: Sequence[str] = (),
) -> Finding:
    """Check the figures of a data card: ``counts`` are the manifest's, by class or label, and by split; ``all`` is all clips.

    ``others``: what is wrong with further facts of it. Its head is what the Hub's library loads by, before anything else.
    A card that somebody rewrote without these figures is only reported.
    """
    if text is None:
        return Finding("card", False, "README.md is missing; make it again with: synth render plan.parquet -o .", {})
    wrong = list(others)
    total = sum(counts["all"].values())
    head = _HEAD.search(text)
    if head:
        found = (int(head[1].replace(",", "")), head[2], head[3], int(head[4]))
        wanted = (total, f"{seconds:g}", f"{total * seconds / 3600:.2f}", rate_hz)
        if found != wanted:
            wrong.append(
                f"it says {found[0]:,} clips of {found[1]} s ({found[2]} h) at {found[3]} Hz, there are "
                f"{wanted[0]:,} of {wanted[1]} s ({wanted[2]} h) at {wanted[3]} Hz"
            )
    rows = _rows(text)
    splits = next(iter(rows.values()), [])[1:] if rows else []
    for name, cells in list(rows.items())[1:]:
        key = "all" if name in _ALL else name
        if key in counts and cells[1:] != [f"{counts[key].get(split, 0):,}" for split in splits]:
            had = ", ".join(f"{counts[key].get(split, 0):,} in {split}" for split in splits)
            wrong.append(f"it says {' / '.join(cells[1:])} of {name}, there are {had}")
    front = text.partition("\n---\n")[0] if text.startswith("---\n") else ""
    paths = re.findall(r"^ +path: (.*)$", front, re.M)
    wrong += _head_wrong(front, list(counts["all"]), store)
    if wrong:
        return Finding("card", False, f"README.md is not what is there{named(wrong, 3)}", {"wrong": wrong[:100]})
    if not (head and rows and paths):
        return Finding("card", None, "README.md lacks the figures that synth writes: it was not checked", {})
    return Finding("card", True, f"README.md counts what is there: {total:,} clips, by class and split", {})


def _head_wrong(front: str, splits: Sequence[str], store: str) -> list[str]:
    """Return what the head of a card has loaded otherwise than the plan says; one that names no files leaves it to the Hub."""
    wrong = []
    if re.search(r"^dataset_info:", front, re.M):
        wrong.append("its head has dataset_info, which is believed before what the files say")
    block = re.search(r"^configs:\n((?:[ -].*\n?)*)", front, re.M)
    ending = "/**" if store == "files" else "-*.parquet"
    wanted = ["- config_name: default", "data_files:"]
    wanted += [line for split in splits for line in (f"- split: {split}", f"path: data/{split}{ending}")]
    found = [line.strip() for line in block[1].splitlines()] if block else wanted
    if found != wanted:
        shown = ", ".join(line for line in found if line not in wanted) or ", ".join(found)
        wrong.append(f"its head loads {shown}, the plan has {', '.join(wanted[3::2])} as {', '.join(splits)}")
    return wrong


def recipe(path: Path, planned: Mapping[str, Any], rendered: Mapping[str, Any]) -> Finding:
    """Check recipe.toml against the options in the plan (``planned``, by name) and how clips are stored (``rendered``)."""
    try:
        found = of_folder(path)
    except (SynthError, UnicodeError) as error:
        why = str(error).replace(str(path), path.name)
        return Finding("recipe", False, f"recipe.toml cannot be read: {why}", {})
    wrong = [
        f"{name} = {getattr(found, name, None)!r}, the plan has {value!r}"
        for name, value in {**planned, **rendered}.items()
        if _plain(getattr(found, name, None)) != _plain(value)
    ]
    says = (
        f"recipe.toml is not what the plan was made with{named(wrong, 3)}"
        if wrong
        else "recipe.toml has the plan's options"
    )
    return Finding("recipe", not wrong, says, {"wrong": wrong})


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _rows(text: str) -> dict[str, Sequence[str]]:
    """Return the rows of the table of clips, by their first cell; the head is the first of them."""
    out: dict[str, Sequence[str]] = {}
    for line in text.splitlines():
        if not out and not re.match(r"^\| (class|label) \|", line):
            continue
        if not line.startswith("|"):
            break
        cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not set(line) <= set("|-:"):
            out[cells[0]] = cells
    return out
