"""Every column of every table, changed in one row alike wherever it stands: the audit names the column.

The walk goes over the schemas, so a column that is added later is changed as well. What stands in the manifest stands in
the shards too, and is changed in both, so that comparing these two finds nothing.
"""

from __future__ import annotations

import copy
import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from synth.recipe import ManifestOptions
from synth.rendering.features import data_schema
from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.manifest import manifest
from synth.tables import LABEL, LABELLED_PLAN, MANIFEST, PLAN, SOURCES
from tests.checking.wrong_sets import copied

KINDS = ("mixtures", "labelled")


def leaves(kind: pa.DataType, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the paths to all that a column holds; ``[]`` is a list itself, which may lose or turn its entries."""
    if pa.types.is_list(kind):
        return [(*path, "[]"), *leaves(kind.value_type, (*path, "*"))]
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in leaves(field.type, (*path, field.name))]
    return [path]


def columns(schema: pa.Schema) -> list[tuple[str, ...]]:
    return [leaf for field in schema for leaf in leaves(field.type, (field.name,))]


def other(value: object, kind: pa.DataType) -> object:
    """Return another value of a type, as near as it can be."""
    if pa.types.is_boolean(kind):
        return not value
    if pa.types.is_integer(kind):
        return (value or 0) + 1
    if pa.types.is_float32(kind):
        return float(np.nextafter(np.float32(value or 0), np.float32(1e9)))
    if pa.types.is_floating(kind):
        return float(np.nextafter(value or 0.0, 1e9))
    if pa.types.is_binary(kind):
        data = bytearray(value or b"\0")
        data[len(data) // 2] ^= 1
        return bytes(data)
    return (value or "") + "x"


def kind_of(kind: pa.DataType, path: tuple[str, ...]) -> pa.DataType:
    for name in path:
        kind = kind.value_type if name in ("*", "[]") else kind.field(name).type
    return kind


def changed(row: dict, path: tuple[str, ...], kind: pa.DataType, how: str) -> bool:
    """Change one value of a row in place; return whether that was possible."""
    holder: object = row
    for name in path[:-1]:
        holder = (holder[-1] if holder else None) if name == "*" else holder[name]
        if holder is None:
            return False
    at = -1 if path[-1] == "*" else path[-1]
    if path[-1] == "[]":
        entries = holder
        if not entries or (how == "turned" and (len(entries) < 2 or entries[::-1] == entries)):
            return False
        entries[:] = entries[:-1] if how == "shorter" else entries[::-1] if how == "turned" else [*entries, entries[0]]
        return True
    if path[-1] == "*" and not holder:
        return False
    if how == "null":
        if holder[at] is None:
            return False
        holder[at] = None
    else:
        holder[at] = other(holder[at], kind)
    return True


def ways(path: tuple[str, ...]) -> tuple[str, ...]:
    return ("shorter", "longer", "turned") if path[-1] == "[]" else ("other", "null")


def noise(folder):
    folder.mkdir()
    random = np.random.default_rng(5)
    for k in range(6):
        soundfile.write(folder / f"{k}.wav", random.normal(0, 0.05, 48_000), 16_000)
    return folder


@pytest.fixture(scope="module")
def sets(made, tmp_path_factory):
    place = tmp_path_factory.mktemp("tampered")
    table = index([], noise=[noise(place / "hiss")]).table
    options = {"seconds": 1.0, "speakers": "0-3", "overlap": "0:1", "min_active": 0.3, "snr_db": "5:15"}
    mixtures = made("tampered", clips="30/6/6", table=table, rendering={"stems": True}, **options)
    sounds = place / "sounds"
    sounds.mkdir()
    random = np.random.default_rng(6)
    with (place / "sounds.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "labels", "group_id", "licence", "attribution"])
        for k in range(18):
            sound = random.normal(0, 0.1, 16_000 + 400 * k) * np.linspace(0.2, 1, 16_000 + 400 * k)
            soundfile.write(sounds / f"{k}.wav", sound, 16_000)
            rows.writerow([f"{k}.wav", ["bell", "saw", "rain"][k % 3], f"g{k // 2}", "CC-BY-4.0", f"somebody {k % 4}"])
    manifest(
        index([sounds], csv=place / "sounds.csv").table,
        out=place / "labelled",
        jobs=1,
        recipe=ManifestOptions(seconds=1.0, rate=16_000),
    )
    return {"mixtures": mixtures, "labelled": place / "labelled"}


def wrong_claims(folder) -> dict[str, str]:
    return {one.claim: one.says for one in audit(folder, pictures=False).findings if one.holds is False}


@pytest.mark.parametrize("kind", KINDS)
def test_before_anything_is_changed(sets, kind):
    assert wrong_claims(sets[kind]) == {}


SHARD = data_schema(["F"], ["bell"], 16_000, stems=True)


@pytest.mark.parametrize("path", columns(SHARD), ids=".".join)
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_the_manifest_and_the_shards(sets, tmp_path, kind, path):
    folder = copied(sets[kind], tmp_path / "set")
    shard = folder / "data" / "train-00000-of-00001.parquet"
    tables = {where: pq.ParquetFile(where).read() for where in (folder / "manifest.parquet", shard)}
    if path[0] not in tables[shard].column_names:
        pytest.skip("this kind has no such column")
    rows = {where: table.to_pylist() for where, table in tables.items()}
    at = {row["clip_id"]: k for k, row in enumerate(rows[folder / "manifest.parquet"])}
    done = 0
    for how in ways(path):
        values = {where: copy.deepcopy(found) for where, found in rows.items()}
        for k, row in enumerate(values[shard]):
            if not changed(row, path, kind_of(SHARD.field(path[0]).type, path[1:]), how):
                continue
            mine = values[folder / "manifest.parquet"][at[rows[shard][k]["clip_id"]]]
            if path[0] in mine:
                mine[path[0]] = row[path[0]]
            break
        else:
            continue
        for where, found in values.items():
            pq.write_table(pa.Table.from_pylist(found, schema=tables[where].schema), where)
        claims = wrong_claims(folder)
        name = next(part for part in reversed(path) if part not in ("*", "[]"))
        named = any(name in says for says in claims.values()) or bool(claims.keys() & SOUNDS.get(path[0], set()))
        assert named, (how, claims)
        assert "manifest" not in claims, "manifest and shards were changed alike"
        done += 1
    assert done or (kind, path) in NOTHING_TO_CHANGE


SOUNDS = {"audio": {"render"}, "stems": {"render", "stems"}}
NOTHING_TO_CHANGE = {
    ("mixtures", ("labels", "[]")),
    ("mixtures", ("labels", "*")),
    ("mixtures", ("labels_mask", "[]")),
    ("mixtures", ("labels_mask", "*")),
}


@pytest.mark.parametrize("path", columns(pa.schema(list(SOURCES.schema()))), ids=".".join)
def test_a_column_of_the_sources(sets, tmp_path, path):
    tampered_table(sets["labelled" if path[0] in ("labels", "group_id") else "mixtures"], tmp_path, "sources", path)


@pytest.mark.parametrize("path", columns(PLAN.schema()), ids=".".join)
def test_a_column_of_the_plan_of_mixtures(sets, tmp_path, path):
    tampered_table(sets["mixtures"], tmp_path, "plan", path)


@pytest.mark.parametrize("path", columns(LABELLED_PLAN.schema()), ids=".".join)
def test_a_column_of_the_plan_of_labelled_clips(sets, tmp_path, path):
    tampered_table(sets["labelled"], tmp_path, "plan", path)


def tampered_table(whole, tmp_path, name, path) -> None:
    """Change a column of a table that has a digest: the audit names the file, or the table is refused."""
    from synth.errors import InputError

    folder = copied(whole, tmp_path / "set")
    where = folder / f"{name}.parquet"
    table = pq.ParquetFile(where).read()
    rows = table.to_pylist()
    for how in ways(path):
        values = copy.deepcopy(rows)
        kind = kind_of(table.schema.field(path[0]).type, path[1:])
        if not any(changed(row, path, kind, how) for row in values):
            continue
        file = pq.ParquetFile(where)
        said = {k: v for k, v in file.metadata.metadata.items() if k != b"ARROW:schema"}
        pq.write_table(pa.Table.from_pylist(values, schema=table.schema.with_metadata(said)), where)
        try:
            claims = wrong_claims(folder)
        except InputError as error:
            assert where.name in str(error)
        else:
            assert where.name in claims["digests"], how


def test_the_walk_meets_every_column_of_the_contract():
    met = {path[0] for path in columns(SHARD)}
    assert met == {"audio", "stems", LABEL.name, *MANIFEST.names}
    parts = {path[2] for path in columns(SHARD) if path[:2] == ("parts", "*")}
    assert parts == {field.name for field in MANIFEST.schema().field("parts").type.value_type}


def test_two_clips_whose_sounds_change_places(sets, tmp_path):
    folder = copied(sets["mixtures"], tmp_path / "set")
    where = folder / "data" / "train-00000-of-00001.parquet"
    table = pq.ParquetFile(where).read()
    rows = table.to_pylist()
    for name in ("audio", "stems"):
        rows[1][name], rows[2][name] = rows[2][name], rows[1][name]
    for k in (1, 2):
        rows[k]["audio"]["path"] = f"{rows[k]['clip_id']}.wav"
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), where)
    claims = wrong_claims(folder)
    assert {rows[1]["clip_id"], rows[2]["clip_id"]} <= {word.strip(",;:") for word in claims["render"].split()}


def test_classes_change_places_in_names_and_numbers(sets, tmp_path):
    """The names are permuted everywhere: who reads only the files of data/ would learn F for M."""
    folder = copied(sets["mixtures"], tmp_path / "set")
    for where in [folder / "manifest.parquet", *(folder / "data").glob("*.parquet")]:
        table = pq.ParquetFile(where).read()
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        names = features["cell"]["names"]
        names[:2] = names[1::-1]
        said = {**table.schema.metadata, b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        pq.write_table(table.replace_schema_metadata(said), where)
    assert {"loaded", "cells", "labels"} <= wrong_claims(folder).keys()
