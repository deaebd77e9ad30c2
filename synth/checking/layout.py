"""What lies in ``data/`` is what loads: the plan's files and no other, each with the plan's columns, types and class names.

``load_dataset("parquet", data_files="data/*")`` takes all that is there, and what the first file says of types, rate and
classes holds for the rest; so every file is looked at. What should be there is put together here from the contract
(:mod:`synth.tables`) and the plan, without the code that writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.encode import WAV_HEADER_BYTES
from synth.checking import beside, stored
from synth.checking.findings import Finding, named
from synth.errors import InputError
from synth.store.parquet import File, metadata, own_metadata
from synth.tables import AUDIO, LABEL, MANIFEST
from synth.units import counted

Ints = NDArray[np.int64]

_VALUES = {"double": "float64", "float": "float32"}  # Arrow's names and the Hub's, where they differ
_AS_WRITTEN = {
    "decode": True,
    "mono": True,
    "num_channels": None,
    "stream_index": None,
    "id": None,
}  # of audio, by default
_LISTS = ("List", "Sequence")  # datasets from 4.0 on, and all before


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the plan says of the files: ``classes`` by column, ``ids`` and ``parts`` (how many) of the clips, in its order.

    ``stamp``: what the metadata of each table say of its origin.
    """

    out: Path
    shards: Sequence[stored.Part]
    rate_hz: int
    length_n: int
    codec: str
    stems: bool
    stamp: Mapping[str, str]
    classes: Mapping[str, Sequence[str]]
    ids: pa.ChunkedArray
    parts: Ints

    def schema(self, audio: bool, file_name: bool) -> pa.Schema:
        """Return names and types of a shard (``audio``), or of a table without sounds, in their order."""
        fields = list(MANIFEST.schema())
        if LABEL.name in self.classes:
            fields.append(pa.field(LABEL.name, LABEL.type))
        if audio:
            fields.insert(0, pa.field("audio", AUDIO))
            fields += [pa.field("stems", pa.list_(AUDIO))] if self.stems else []
        return pa.schema(fields + ([pa.field("file_name", pa.string())] if file_name else []))

    def names(self, part: stored.Part) -> list[str]:
        """Return the names of a shard's sounds."""
        ids = self.ids.slice(part.first, part.end - part.first).to_pylist()
        return [f"{name}.{self.codec}" for name in ids]

    def stem_names(self, part: stored.Part) -> list[list[str]]:
        """Return the names of the stems of each clip of a shard."""
        ids = self.ids.slice(part.first, part.end - part.first).to_pylist()
        counts = self.parts[part.first : part.end].tolist()
        return [[f"{name}.{k}.{self.codec}" for k in range(n)] for name, n in zip(ids, counts, strict=True)]


def finding(wanted: Wanted) -> Finding:
    """Check the files of ``data/`` and the schema of each, and of the manifest, against the plan."""
    wrong = problems(wanted)
    says = (
        f"what would be loaded is not what the plan says{named(wrong)}"
        if wrong
        else f"data/ holds the {counted(len(wanted.shards), 'shard')} of the plan and nothing else; columns, types, class "
        f"names and {wanted.rate_hz:,} Hz are the plan's in each"
    )
    return Finding("loaded", not wrong, says, {"shards": len(wanted.shards), "wrong": wrong[:100]})


def problems(wanted: Wanted) -> list[str]:
    """Return what is wrong with the files, a sentence each. A shard that is missing or damaged is another finding."""
    in_files = bool(wanted.shards) and not wanted.shards[0].has_audio
    wrong = _strays(wanted)
    if others := beside.strays(wanted.out):
        wrong.append(
            f"{counted(len(others), 'file')} beside data/ that may be loaded with it, or run{named(others, 3)}"
        )
    manifest = File(wanted.out / "manifest.parquet", memory_map=True)
    wrong += [f"manifest.parquet: {why}" for why in _schema(manifest, wanted, audio=False, file_name=in_files)]
    for said in (metadata(manifest.schema_arrow), own_metadata(manifest)):
        others = [key for key, value in wanted.stamp.items() if said.get(key) != value]
        wrong += [f"manifest.parquet says {key} = {said.get(key)}, wanted {wanted.stamp[key]}" for key in others]
    folders: list[str] = []
    for part in wanted.shards:
        file, _ = stored.opened(part)
        if file is None:
            continue
        why = _schema(file, wanted, audio=part.has_audio, file_name=not part.has_audio)
        if not why and file.metadata.num_rows == part.end - part.first:
            why = _paths(file, part, wanted) or _containers(file, part, wanted)
        wrong += [f"{part.name}: {one}" for one in why]
        folders += [part.table.parent.relative_to(wanted.out).as_posix()] * (part.end - part.first)
    if in_files and len(folders) == len(wanted.ids) and "file_name" in manifest.schema_arrow.names:
        found = manifest.read(columns=["file_name"], use_threads=False).column(0).to_pylist()
        names = [
            f"{folder}/{name}.{wanted.codec}" for folder, name in zip(folders, wanted.ids.to_pylist(), strict=True)
        ]
        if found != names:
            wrong.append("manifest.parquet: file_name is not where the clips lie")
    return wrong


def _strays(wanted: Wanted) -> list[str]:
    """Return what lies in ``data/`` and is none of the plan's files."""
    data = wanted.out / "data"
    known = {part.table for part in wanted.shards}
    for part in wanted.shards:
        if not part.has_audio:
            folder = part.table.parent
            known |= {folder.parent, folder, *(folder / name for name in wanted.names(part))}
            if wanted.stems:
                known |= {folder / name for names in wanted.stem_names(part) for name in names}
    strays = sorted(path.relative_to(wanted.out).as_posix() for path in data.rglob("*") if path not in known)
    missing = sorted(path.relative_to(wanted.out).as_posix() for path in known if not path.exists())
    wrong = [f"{counted(len(strays), 'file')} in data/ that the plan does not have{named(strays, 3)}"] if strays else []
    return wrong + ([f"{counted(len(missing), 'file')} missing in data/{named(missing, 3)}"] if missing else [])


def _schema(file: File, wanted: Wanted, audio: bool, file_name: bool) -> list[str]:
    """Return how columns, types, or what the metadata say of them differ from the plan."""
    schema = wanted.schema(audio, file_name)
    found = file.schema_arrow
    if found.names != schema.names:
        others = [name for name in [*found.names, *schema.names] if (name in found.names) != (name in schema.names)]
        return [f"columns are not those of the plan{named(others or found.names)}"]
    wrong = [
        f"column {field.name} is {found.field(field.name).type}, wanted {field.type}"
        for field in schema
        if found.field(field.name).type != field.type
    ]
    # a file says it twice, and which of them is believed depends on the library and its version
    for one in (found.metadata, file.metadata.metadata):
        said = features(one)
        if list(said) != schema.names:
            return [*wrong, "the metadata name other columns than the table (key 'huggingface')"]
        for field in schema:
            if why := _feature(field, said[field.name], wanted):
                wrong.append(f"the metadata of column {field.name} {why}")
    return list(dict.fromkeys(wrong))


def features(said: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """Return what the metadata of a table say of its columns to the Hub's library, by name; empty where it cannot be read."""
    try:
        found = json.loads((said or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _feature(field: pa.Field, feature: object, wanted: Wanted) -> str:
    """Return what is wrong with what the metadata say of a column."""
    classes = wanted.classes.get(field.name)
    if classes is not None:
        names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
        return "" if names == list(classes) else f"name other classes, or in another order{named(names or [], 3)}"
    kind = field.type
    if field.name == "stems":
        inner = _inner(feature, kind.value_type, structs=False)
        kind, feature = kind.value_type, inner
    if kind == AUDIO:
        says = feature if isinstance(feature, dict) else {}
        if says.get("_type") != "Audio":
            return "do not say that it is audio"
        others = [key for key, value in says.items() if value != _AS_WRITTEN.get(key, value)]
        if others or not says.keys() <= _AS_WRITTEN.keys() | {"_type", "sampling_rate"}:
            return f"say of it {', '.join(others or sorted(says))}"
        rate = says.get("sampling_rate")
        return "" if rate == wanted.rate_hz else f"say sampling_rate = {rate}, wanted {wanted.rate_hz}"
    return "" if _fits(feature, kind) else f"do not fit its type, {field.type}"


def _fits(feature: object, kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        inner = _inner(feature, kind.value_type, structs=True)
        return inner is not None and _fits(inner, kind.value_type)
    if not isinstance(feature, dict):
        return False
    if pa.types.is_struct(kind):
        return [field.name for field in kind] == list(feature) and all(
            _fits(feature[field.name], field.type) for field in kind
        )
    return feature == {"dtype": _VALUES.get(str(kind), str(kind)), "_type": "Value"}


def _inner(feature: object, kind: pa.DataType, structs: bool) -> object:
    """Return what a list holds. A Sequence of a struct means a struct of lists, so it does not describe a list of structs."""
    if isinstance(feature, list) and len(feature) == 1:
        return feature[0]
    if isinstance(feature, dict) and feature.get("_type") in _LISTS and feature.get("length", -1) == -1:
        torn = structs and feature["_type"] == "Sequence" and pa.types.is_struct(kind)
        return None if torn else feature.get("feature")
    return None


def _containers(file: File, part: stored.Part, wanted: Wanted) -> list[str]:
    """Return whether a shard of WAV holds fewer bytes than WAV takes: then some of its sounds are of another container.

    FLAC has no size of its own; files say by their first bytes what they are. In a table that would take reading all of
    it: there the clips that are listened to are looked at one by one.
    """
    if not part.has_audio:
        paths = [path for name in wanted.names(part) if (path := part.table.parent / name).is_file()]
        if others := [path.name for path in paths if not stored.begins(path, wanted.codec)]:
            return [
                f"{counted(len(others), 'file')} of another container than {wanted.codec.upper()}{named(others, 3)}"
            ]
    if wanted.codec != "wav":
        return []
    size = WAV_HEADER_BYTES + 2 * wanted.length_n
    if not part.has_audio:
        names = [name for name in wanted.names(part) if (part.table.parent / name).is_file()]
        other = [name for name in names if (part.table.parent / name).stat().st_size != size]
        return (
            [f"{counted(len(other), 'file')} of another size than WAV of the clips' length{named(other, 3)}"]
            if other
            else []
        )
    sounds = {"audio.bytes": part.end - part.first}
    if wanted.stems:
        sounds["stems.list.element.bytes"] = int(wanted.parts[part.first : part.end].sum())
    held: dict[str, int] = {}
    for k in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(k)
        for column in map(group.column, range(group.num_columns)):
            try:
                name = column.path_in_schema
            except UnicodeError:
                return ["the names of its columns are damaged"]
            held[name] = held.get(name, 0) + column.total_uncompressed_size
    return [
        f"{name} holds {held.get(name, 0):,} bytes, too few for {counted(count, 'sound')} as WAV, {count * size:,}"
        for name, count in sounds.items()
        if held.get(name, 0) < count * size
    ]


def _paths(file: File, part: stored.Part, wanted: Wanted) -> list[str]:
    """Return whether the sounds of a shard, and their stems, are called otherwise than their clips."""
    try:
        if not part.has_audio:
            found = file.read(columns=["file_name"], use_threads=False).column("file_name").to_pylist()
            return [] if found == wanted.names(part) else ["file_name is not the clip's name"]
        leaves = ["audio.path", *(["stems.list.element.path"] if wanted.stems else [])]
        table = file.read(columns=leaves, use_threads=False)
        wrong = []
        if [one and one["path"] for one in table.column("audio").to_pylist()] != wanted.names(part):
            wrong.append("audio.path is not the clip's name")
        if wanted.stems:
            found = [[stem and stem["path"] for stem in one or ()] for one in table.column("stems").to_pylist()]
            if found != wanted.stem_names(part):
                wrong.append("stems: their paths are not those of the clip's parts, in order")
    except InputError as error:
        return [stored.without_folder(error, part)]
    return wrong
