"""Damaged files: wherever the bytes were hit, the audit and ``verify`` say so in a sentence, or nothing that counts changed."""

from __future__ import annotations

import random
import shutil

import pyarrow.parquet as pq
import pytest

from synth.errors import InputError, SynthError
from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.render import render
from synth.steps.split import split
from synth.steps.verify import verify
from tests.checking.wrong_sets import copied

TABLES = ("manifest", "plan", "sources", "data/train-00000-of-00001")
PLACES = 24  # of a file that are hit, one at a time; half of them in the last bytes, where its structure is described


@pytest.fixture(scope="module")
def small(made):
    options = {"seconds": 0.6, "speakers": "1-2", "rendering": {"stems": True}}
    return made("damaged", clips="24/4/4", **options)


@pytest.fixture
def folder(small, tmp_path):
    return copied(small, tmp_path / "set")


def content(path):
    """What anyone can read in a Parquet file: rows, types, and metadata (but for Arrow's own copy of the types)."""
    file = pq.ParquetFile(path)
    table = file.read()
    said = {key: value for key, value in file.metadata.metadata.items() if key != b"ARROW:schema"}
    return table.to_pylist(), table.schema, dict(table.schema.metadata or {}), said


def looked_at(folder) -> list[object]:
    """Return what the audit and ``verify`` make of a folder: whether it holds, or the exit status of the error."""
    out: list[object] = []
    for look in (lambda: audit(folder, pictures=False), lambda: verify(folder, everything=True)):
        try:
            out.append(look().holds)
        except SynthError as error:
            assert str(error)
            out.append(error.exit_code)
    return out


@pytest.mark.parametrize("name", TABLES)
def test_a_flipped_byte_anywhere(folder, name):
    path = folder / f"{name}.parquet"
    whole, before = path.read_bytes(), content(path)
    places = random.Random(name)
    told = 0
    for k in range(PLACES):
        at = places.randrange(len(whole)) if k % 2 else len(whole) - 1 - places.randrange(min(len(whole), 12_000))
        hit = bytearray(whole)
        hit[at] ^= 0xFF if k % 3 else 1 << places.randrange(8)
        path.write_bytes(hit)
        found = looked_at(folder)
        assert set(found) <= {True, False, 3}, (at, found)
        assert (found[0] is True) == (found[1] is True), f"byte {at} of {path.name}: audit and verify disagree, {found}"
        if True in found:
            assert content(path) == before, f"byte {at} of {path.name} was changed and {found} says nothing of it"
        told += True not in found
    assert told > PLACES // 3


def test_a_split_of_damaged_sources(tmp_path):
    """It is refused, or what was hit is none of the values: the splits that come out are the same."""
    path, out = tmp_path / "index.parquet", tmp_path / "split.parquet"
    index([], out=path)
    split(path, out=out)
    whole, before = path.read_bytes(), content(out)[0]
    places, refused = random.Random("split"), 0
    for k in range(80):
        hit = bytearray(whole)
        hit[places.randrange(len(whole))] ^= 0xFF if k % 2 else 1 << places.randrange(8)
        path.write_bytes(hit)
        try:
            split(path, out=out)
        except InputError as error:
            refused += 1
            assert path.name in str(error)
        else:
            assert content(out)[0] == before
    assert refused > 60


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["cut", "empty", "no Parquet", "a folder"])
def test_a_file_that_is_none(folder, name, kind):
    path = folder / f"{name}.parquet"
    whole = path.read_bytes()
    path.unlink()
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "no Parquet": b"path,labels\n" * 400}[kind])
    assert set(looked_at(folder)) <= {False, 3}


@pytest.mark.parametrize("name", ["plan", "sources"])
def test_rendering_refuses_what_is_damaged_and_names_it(folder, tmp_path, name):
    path = folder / f"{name}.parquet"
    whole, places = path.read_bytes(), random.Random(name)
    refused = 0
    for k in range(8):
        hit = bytearray(whole)
        hit[places.randrange(4, len(whole) * 2 // 3)] ^= 0xFF
        path.write_bytes(hit)
        try:
            render(folder / "plan.parquet", out=tmp_path / f"again-{k}", jobs=1)
        except InputError as error:
            refused += 1
            assert path.name in str(error)
    assert refused >= 6


def test_a_shard_that_was_hit_while_a_run_was_interrupted(folder):
    """Going on makes the shard anew when it cannot be opened, and names it when its rows cannot be read."""
    shard = folder / "data" / "train-00000-of-00001.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-5000])
    render(folder / "plan.parquet", out=folder, jobs=1, stems=True)
    assert shard.read_bytes() == whole
    assert verify(folder, everything=True).holds


def test_a_changed_type_is_said_with_its_column(folder):
    path = folder / "plan.parquet"
    table = pq.ParquetFile(path).read()
    position = table.schema.get_field_index("n_speakers")
    pq.write_table(table.set_column(position, "n_speakers", table.column("n_speakers").cast("string")), path)
    with pytest.raises(InputError, match="column n_speakers is string, wanted int8"):
        audit(folder, pictures=False)


def test_a_plan_whose_windows_lie_outside_is_not_rendered(folder):
    """As somebody may write one by hand, digest and all."""
    from synth.store.parquet import digest, file_metadata
    from synth.tables import PLAN

    path = folder / "plan.parquet"
    file = pq.ParquetFile(path)
    rows, said = file.read().to_pylist(), file_metadata(file)
    rows[3]["parts"][0]["start_n"] = 10**8
    table = pq.ParquetFile(path).read().from_pylist(rows, schema=PLAN.schema())
    pq.write_table(table.replace_schema_metadata({**said, "digest": digest(table, PLAN.names)}), path)
    assert rows[3]["clip_id"] in verify(folder).problems[-1]
    result = audit(folder, pictures=False)
    assert not result.holds
    assert any("outside their recording" in finding.says for finding in result.findings)
    shutil.rmtree(folder)
