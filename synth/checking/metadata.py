"""What the tables say beside their rows: every key of every Parquet file is one that synth writes, and says what is so.

What can be told from the rows and the recipe is compared with these. What cannot (which version planned, which tables
described the recordings) stands a second time in manifest.parquet, and the two have to agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from synth.checking import stored
from synth.checking.findings import Finding, named
from synth.checking.layout import Wanted
from synth.checking.left_out import Counted
from synth.checking.left_out import problems as of_left_out
from synth.errors import InputError
from synth.store.parquet import File, metadata, own_metadata
from synth.tables import FORMAT_VERSION, MADE_FROM, SOURCES

_OF_ANY = ("table", "format_version", "synth_version", "seed", "sources_digest", "recipe", "clips", "cells", "digest")
_OF_PLAN = {
    "mix": (*_OF_ANY, "noise", "lowered"),
    "manifest": (*_OF_ANY, "command", "labels", "one_label", "judged", "left_out", "facts"),
}
_OF_SOURCES = ("table", "format_version", "rate_hz", "split", "csv", "pandas")
_HUB = "huggingface"
_FIELD_ID = b"PARQUET:field_id"
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")


@dataclass(frozen=True, slots=True)
class Planned:
    """What rows and recipe say: the options that change a sample, by name, whether clips have noise, and of how many the
    level is not the one drawn (the least and the most that it can be; None where it was not looked for). ``left_out``: of
    labelled clips, what the tables tell of what is in no clip.
    """

    command: str
    content: Mapping[str, Any]
    noise: bool
    lowered: tuple[int, int] | None
    left_out: Counted | None = None


def finding(wanted: Wanted, planned: Planned) -> Finding:
    """Check the metadata of all Parquet files of a folder."""
    wrong = problems(wanted, planned)
    says = (
        f"the metadata of the tables are not what is so{named(wrong, 3)}"
        if wrong
        else "the metadata of plan, sources, manifest and shards say what rows and recipe say"
    )
    return Finding("metadata", not wrong, says, {"wrong": wrong[:100]})


def problems(wanted: Wanted, planned: Planned) -> list[str]:
    """Return what is wrong, a sentence each, with the file, the key, what it says and what it should."""
    wrong: list[str] = []
    said = {}
    for name in ("plan", "sources", "manifest"):
        file = File(wanted.out / f"{name}.parquet", memory_map=True)
        said[name] = own_metadata(file) | metadata(file.schema_arrow)
        wrong += [f"{name}.parquet {why}" for why in _twice(file)]
    made_from = said["manifest"].get(MADE_FROM)
    later = [column.name for column in SOURCES.columns if column.later]
    names = File(wanted.out / "sources.parquet", memory_map=True).schema_arrow.names
    if made_from is None and any(name in names for name in later):
        wrong.append(f"manifest.parquet lacks {MADE_FROM} in its metadata")
    if made_from is None:  # of an earlier version
        wrong += _unknown("plan.parquet", said["plan"], _OF_PLAN[planned.command])
        wrong += _unknown("sources.parquet", said["sources"], _OF_SOURCES)
    wrong += _of_plan(said["plan"], planned)
    wrong += _of_sources(said["sources"], planned)
    wrong += _unknown("manifest.parquet", said["manifest"], (_HUB, *wanted.stamp, MADE_FROM))
    wrong += _hub("manifest.parquet", said["manifest"])
    for part in wanted.shards:
        shard, _ = stored.opened(part)
        if shard is None:
            continue
        its = own_metadata(shard) | metadata(shard.schema_arrow)
        wrong += _unknown(part.name, its, (_HUB, *wanted.stamp))
        wrong += _hub(part.name, its)
        wrong += [f"{part.name} {why}" for why in _twice(shard)]
    if made_from is not None:
        wrong += _as_made(said, made_from)
        wrong += of_left_out(said["plan"], planned.left_out) if planned.left_out else []
    return wrong


def version(out: Path) -> str | None:
    """Return the version of synth that rendered a folder, as manifest.parquet says; None where it does not."""
    try:
        said = json.loads(own_metadata(File(out / "manifest.parquet", memory_map=True)).get(MADE_FROM, "{}"))
    except (ValueError, InputError):
        return None
    found = said.get("synth") if isinstance(said, dict) else None
    return found if isinstance(found, str) else None


def _of_plan(said: Mapping[str, str], planned: Planned) -> list[str]:
    keys = _OF_PLAN[planned.command]
    wrong = [f"plan.parquet lacks {key} in its metadata" for key in keys if key not in said]
    expected = {
        "table": "plan",
        "format_version": FORMAT_VERSION,
        "seed": str(planned.content.get("seed")),
        **({"noise": json.dumps(planned.noise)} if planned.command == "mix" else {"command": planned.command}),
    }
    wrong += _unlike("plan.parquet", said, expected)
    if not _VERSION.fullmatch(said.get("synth_version", "0.0.0")):
        wrong.append(f"plan.parquet says synth_version = {said['synth_version']}, wanted a version such as 0.1.0")
    recipe = json.loads(said["recipe"])
    wrong += [f"the recipe in plan.parquet lacks {name}" for name in planned.content if name not in recipe]
    lowered = said.get("lowered")
    if planned.lowered and lowered is not None:
        least, most = planned.lowered
        if not (lowered.isdecimal() and least <= int(lowered) <= most):
            found = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            wrong.append(f"plan.parquet says lowered = {lowered}, the level of {found} clips is not the one drawn")
    return wrong


def _of_sources(said: Mapping[str, str], planned: Planned) -> list[str]:
    expected = {
        "table": "sources",
        "format_version": FORMAT_VERSION,
        "rate_hz": json.dumps(planned.content["rate"]),
        "split": str(planned.content.get("split")),
    }
    return _unlike("sources.parquet", said, expected)


def _as_made(said: Mapping[str, Mapping[str, str]], made_from: str) -> list[str]:
    """Compare the metadata of plan and sources with what manifest.parquet says of them."""
    try:
        before = json.loads(made_from)
        pairs = [(name, dict(before[name])) for name in ("plan", "sources")]
        known = isinstance(before["synth"], str) and set(before) == {"synth", "plan", "sources"}
    except (ValueError, KeyError, TypeError):
        known = False
    if not known or not _VERSION.fullmatch(before["synth"]):
        return [f"manifest.parquet: {MADE_FROM} in its metadata is damaged"]
    wrong = []
    for name, its in pairs:
        lost = [key for key in its if key not in said[name]]
        wrong += [f"{name}.parquet lacks {key} in its metadata, it was {_short(its[key])}" for key in lost]
        added = [key for key in said[name] if key not in its]
        wrong += [f"{name}.parquet has {key} in its metadata, which it was not made with" for key in added]
        changed = [key for key in its if key in said[name] and said[name][key] != its[key]]
        wrong += [
            f"{name}.parquet says {key} = {_short(said[name][key])}, it was {_short(its[key])}" for key in changed
        ]
    return wrong


def _twice(file: File) -> Iterator[str]:
    """Yield how the two places differ in which a file says its metadata, and what single columns say beside."""
    own, other = own_metadata(file), metadata(file.schema_arrow)
    for key in dict.fromkeys([*own, *other]):
        if own.get(key) != other.get(key) and key in own and key in other:
            yield f"says {key} = {_short(own[key])} and {_short(other[key])}"
    for name in _described(file.schema_arrow):
        yield f"has metadata of its own at column {name}"


def _described(fields: Sequence[pa.Field] | pa.Schema | pa.DataType, above: str = "") -> list[str]:
    """Return the columns with metadata of their own, those that are nested in others, too."""
    out = []
    for field in fields:
        name = f"{above}{field.name}"
        out += [name] if set(field.metadata or {}) - {_FIELD_ID} else []
        kind = field.type
        if pa.types.is_list(kind):
            out += _described([kind.value_field], f"{name}.")
        elif pa.types.is_struct(kind):
            out += _described(kind, f"{name}.")
    return out


def _hub(name: str, said: Mapping[str, str]) -> list[str]:
    """Return what the Hub's library would be told beside the columns: nothing."""
    try:
        found = json.loads(said.get(_HUB, "{}"))
        extra = [*(found.keys() - {"info"}), *(found.get("info", {}).keys() - {"features"})]
    except (ValueError, AttributeError):
        return []  # no names of columns: said by another finding
    return [f"{name}: the metadata '{_HUB}' say more than the columns{named(sorted(extra))}"] if extra else []


def _unknown(name: str, said: Mapping[str, str], known: Sequence[str]) -> list[str]:
    extra = [key for key in said if key not in known]
    return [f"{name} has metadata that synth does not write{named(extra)}"] if extra else []


def _unlike(name: str, said: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    return [
        f"{name} says {key} = {_short(said[key])}, wanted {_short(value)}"
        for key, value in expected.items()
        if key in said and said[key] != value
    ]


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]}…"
