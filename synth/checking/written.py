"""What the texts of a data set say: the data card tells what is there, and recipe.toml has the options of the plan."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from synth.checking.findings import Finding, named
from synth.checking.sentences import Sentence, compared, lines
from synth.errors import SynthError
from synth.recipe import MixOptions, Options, of_folder
from synth.recipe import options as options_of
from synth.store.parquet import metadata
from synth.tables import NOISE

_ALL = ("all", "all clips")
_FURTHER = re.compile(r"([\d,]+) further labels?")
_FACTS = re.compile(r"^## Facts$", re.M)
_AGAIN = re.compile(r"^synth .*# synth (\d[\w.+]*)", re.M)
_TAGS = {"mix": ("audio", "speech"), "manifest": ("audio",)}
_LOOKS = ("synth verify", "synth audit")  # the commands of the section on making it again, each of this folder
_LOAD = {"parquet": 'clips = load_dataset(".")', "files": 'clips = load_dataset("audiofolder", data_dir="data")'}


def card(
    text: str | None,
    counts: Mapping[str, Mapping[str, int]],
    sentences: Sequence[Sentence],
    options: Options,
    version: str | None,
    earlier: bool,
) -> Finding:
    """Check what a data card tells: ``counts`` are the manifest's, by class or label, and by split; ``all`` is all clips.

    ``sentences``: what it has to say beside its table; ``version`` rendered the folder (None: not known). What a card of
    an ``earlier`` version does not say is no fault. A card that its owner rewrote without the section Facts, is only
    reported; what is added to one never matters. Its head is what the Hub's library loads by, before anything else.
    """
    if text is None:
        return Finding("card", False, "README.md is missing; make it again with: synth render plan.parquet -o .", {})
    front = text.partition("\n---\n")[0] if text.startswith("---\n") else ""
    body = text[len(front) :]
    wrong, lacking = compared(body, sentences)
    rows, more = _table(body, counts)
    wrong += [*rows, *_head_wrong(front, list(counts["all"]), options), *_again(body, options, version)]
    synths = bool(_FACTS.search(body)) and not earlier
    wrong += [*lacking, *more] if synths else []
    if wrong:
        return Finding("card", False, f"README.md is not what is there{named(wrong, 3)}", {"wrong": wrong[:100]})
    if not synths and not earlier:
        return Finding("card", None, "README.md lacks the section of facts that synth writes: it was not checked", {})
    total = sum(counts["all"].values())
    note = "; it is a card of version 0.1.0, which says less" if earlier else ""
    return Finding("card", True, f"README.md tells what is there: {total:,} clips, by class and split{note}", {})


def _table(text: str, counts: Mapping[str, Mapping[str, int]]) -> tuple[list[str], list[str]]:
    """Return what the table of clips says otherwise, and what it lacks."""
    rows = _rows(text)
    if not rows:
        return [], ["it has no table of clips by class"]
    head, *body = rows
    splits, wrong = head[1:], []
    if splits != list(counts["all"]):
        wrong.append(f"its table has the splits {' / '.join(splits)}, there are {' / '.join(counts['all'])}")
    told, further = set(), None
    for name, *cells in body:
        if found := _FURTHER.fullmatch(name):
            further = found[1], cells
            continue
        key = "all" if name in _ALL else name
        told.add(key)
        if key not in counts:
            wrong.append(f"its table has {name}, which is no class here")
        elif cells != _cells([counts[key]], splits):
            had = ", ".join(f"{counts[key].get(split, 0):,} in {split}" for split in splits)
            wrong.append(f"it says {' / '.join(cells)} of {name}, there are {had}")
    rest = [name for name in counts if name not in told]
    if further:
        wanted = _cells([counts[name] for name in rest], splits)
        if further != (f"{len(rest):,}", wanted):
            wrong.append(
                f"it says {' / '.join(further[1])} of {further[0]} further labels, there are {len(rest):,} with {' / '.join(wanted)}"
            )
        rest = []
    return wrong, [f"its table lacks {name}" for name in rest if any(counts[name].values())]


def _cells(found: Sequence[Mapping[str, int]], splits: Sequence[str]) -> list[str]:
    return [f"{sum(one.get(split, 0) for one in found):,}" for split in splits]


def _rows(text: str) -> list[list[str]]:
    """Return the cells of the table of clips, its head first."""
    out: list[list[str]] = []
    for line in text.splitlines():
        if not out and not re.match(r"^\| (class|label) \|", line):
            continue
        if not line.startswith("|"):
            break
        if not set(line) <= set("|-: "):
            out.append([cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return out


def _head_wrong(front: str, splits: Sequence[str], options: Options) -> list[str]:
    """Return what the head of a card says or has loaded otherwise; one that names no files leaves it to the Hub."""
    wrong = []
    if re.search(r"^dataset_info:", front, re.M):
        wrong.append("its head has dataset_info, which is believed before what the files say")
    for key, wanted in (("task_categories", ("audio-classification",)), ("tags", _TAGS[options.command])):
        block = re.search(rf"^{key}:\n((?:[ -].*\n?)*)", front, re.M)
        found = [line.strip(" -\"'") for line in block[1].splitlines()] if block else list(wanted)
        if lost := [one for one in wanted if one not in found]:
            wrong.append(f"its head has {key} {', '.join(found)}, wanted {', '.join(lost)} among them")
    block = re.search(r"^configs:\n((?:[ -].*\n?)*)", front, re.M)
    ending = "/**" if options.store == "files" else "-*.parquet"
    files = ["- config_name: default", "data_files:"]
    files += [line for split in splits for line in (f"- split: {split}", f"path: data/{split}{ending}")]
    found = [line.strip() for line in block[1].splitlines()] if block else files
    if found != files:
        shown = ", ".join(line for line in found if line not in files) or ", ".join(found)
        wrong.append(f"its head loads {shown}, the plan has {', '.join(files[3::2])} as {', '.join(splits)}")
    return wrong


def _again(text: str, options: Options, version: str | None) -> list[str]:
    """Return what a card says otherwise of loading the set and of making it again."""
    wrong = []
    for found in _AGAIN.finditer(text):
        if version is not None and found[1] != version:
            wrong.append(f"it says that synth {found[1]} made it, wanted {version}")
    for line in lines(text):
        if line.startswith("clips = load_dataset(") and not line.startswith(_LOAD[options.store]):
            wrong.append(f'it says "{line}", wanted "{_LOAD[options.store]}"')
        for command in _LOOKS:
            if line.startswith(f"{command} ") and not line.startswith(f"{command} . "):
                wrong.append(f'it says "{line}", wanted "{command} ."')
        if line.startswith(f"synth {options.command} ") and "--recipe" not in line:
            wrong += _command(line, options)
    return wrong


def _command(line: str, options: Options) -> list[str]:
    """Return how a command line differs from the options that it stands for."""
    table: dict[str, Any] = {}
    try:
        words = shlex.split(line)[2:]
        while words:
            word = words.pop(0)
            if word == "-o":
                words = words[1:]
            elif not word.startswith("--"):
                table["sources"] = word
            elif not words or words[0].startswith("--") or word == "--stems":
                table[word[2:]] = True
            else:
                _take(table, word[2:], words.pop(0))
        typed = options_of(options.command, table, "the command in README.md")
    except (SynthError, ValueError) as error:
        return [f"its command cannot be read: {error}"]
    wrong = []
    for one in fields(typed):
        found, wanted = getattr(typed, one.name), getattr(options, one.name)
        if one.name == "source":
            found, wanted = (tuple(name for name in names if name != "demo-voices") for names in (found, wanted))
        if one.name == "min_active" and isinstance(typed, MixOptions):
            found = typed.least_active_s
        if one.name == "split":
            found = found or "80/10/10"
        if found != wanted and not (one.name == "split" and wanted == "given"):
            wrong.append(f"its command has --{one.name.replace('_', '-')} {found}, wanted {wanted}")
    return wrong


def _take(table: dict[str, Any], name: str, text: str) -> None:
    """Add an option of a command line: numbers as numbers, one that stands twice as a list."""
    value: Any = text
    if name in ("seconds", "min-active", "sir-db"):
        value = float(text)
    elif name in ("rate", "seed"):
        value = int(text)
    elif name in ("source", "csv", "label"):
        value = [*table.get(name, []), text]
    table[name] = value


def recipe(path: Path, wanted: Mapping[str, Any], command: str) -> Finding:
    """Check recipe.toml against the options by name (``wanted``): those of the plan, of storing, and which sources."""
    try:
        found = of_folder(path)
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (SynthError, UnicodeError) as error:
        why = str(error).replace(str(path), path.name)
        return Finding("recipe", False, f"recipe.toml cannot be read: {why}", {})
    wrong = [
        f"{name} = {getattr(found, name, None)!r}, wanted {value!r}"
        for name, value in wanted.items()
        if _plain(getattr(found, name, None)) != _plain(value)
    ]
    if list(tables) != [command]:
        wrong.append(f"it has the tables {', '.join(tables)}, wanted {command}")
    said = {key.replace("-", "_") for key in tables.get(command, {})}
    wrong += [
        f"{name} is not there, wanted {value!r}"
        for name, value in wanted.items()
        if value not in (None, ()) and name not in said
    ]
    says = (
        f"recipe.toml is not what the plan was made with{named(wrong, 3)}"
        if wrong
        else "recipe.toml has the plan's options and names its sources"
    )
    return Finding("recipe", not wrong, says, {"wrong": wrong})


def of_sources(sources: pa.Table, options: Options) -> dict[str, Any]:
    """Return the options that say what was indexed, as SOURCES has it: names of roots, and the tables that described them."""
    if not isinstance(options, MixOptions):
        return {"sources": "sources.parquet", "verdicts": None}
    names: dict[bool, list[str]] = {False: [], True: []}
    for root, corpus in zip(*(sources.column(name).to_pylist() for name in ("root", "corpus")), strict=True):
        kind = names[corpus == NOISE]
        if root not in kind:
            kind.append(root)
    said = metadata(sources.schema).get("csv", "[]")
    csv = json.loads(said) if said.startswith("[") else [said]
    return {"source": tuple(names[False]), "noise": names[True][0] if names[True] else None, "csv": tuple(csv)}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
