"""A recording that was replaced behind the cache's back is noticed by who checks: verify and audit read the files."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile as sf

from synth import audit, mix, verify
from synth.audio.cache import Cache, Stamp
from synth.errors import InputError
from synth.steps.index import index
from tests.end_to_end.commands import rows


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A data set of a copy of some recordings, and that copy; the cache of this test alone knows both."""
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "voices"
    table = index(["demo-voices"]).table.to_pydict()
    lines = ["path,speaker_id,sex"]
    from synth.steps.roots import named

    with Cache() as cache:
        (demo,) = named(cache, ["demo-voices"])
    root.mkdir()
    for k, (path, speaker, sex) in enumerate(zip(table["path"], table["speaker_id"], table["sex"], strict=True)):
        shutil.copy(demo.folder / path, root / f"{k}.flac")
        lines.append(f"{k}.flac,{speaker.partition('/')[2]},{sex}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "set"
    mix(speakers="1-2", source=[str(root)], csv=str(tmp_path / "t.csv"), clips="30/6/6", out=out)
    return out, root


def replaced(out, root):
    """Put other sound where a used recording was; its size, its time and what the cache believes stay."""
    used = {part["source_id"] for row in rows(out / "plan.parquet", "parts") for part in row["parts"]}
    one = next(row for row in rows(out / "sources.parquet", "source_id", "path", "sha256") if row["source_id"] in used)
    path = root / one["path"]
    before = path.stat()
    samples, rate = sf.read(path, dtype="int16")
    sf.write(path, np.roll(samples[::-1], 77), rate, format="FLAC", subtype="PCM_16")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with Cache() as cache:
        cache.remember_hashes([(Stamp.of(path), one["sha256"])])
        assert cache.hashes([Stamp.of(path)]) == [one["sha256"]], "the cache takes it for the old one"
    return one["source_id"]


def test_verify(made):
    out, root = made
    assert verify(out).holds
    name = replaced(out, root)
    with pytest.raises(InputError, match="not what this plan was made for") as caught:
        verify(out)
    assert name in str(caught.value)
    with pytest.raises(InputError, match="not what this plan was made for"):
        verify(out, everything=True)


def test_audit(made):
    out, root = made
    name = replaced(out, root)
    found = audit(out, pictures=False)
    assert name in (out / "audit.json").read_text()
    assert not found.holds
    wrong = {finding.claim: finding.says for finding in found.findings if finding.holds is False}
    assert wrong.keys() == {"render"} and name in wrong["render"]


@pytest.mark.parametrize("how", ["replaced", "emptied", "missing"])
def test_what_others_are_made_of_is_checked_all_the_same(made, how):
    """One recording that is not what it was hides no other fault: all clips without it are made again and listened to."""
    out, root = made
    name = replaced(out, root) if how == "replaced" else rows(out / "plan.parquet", "parts")[0]["parts"][0]["source_id"]
    path = root / next(
        row["path"] for row in rows(out / "sources.parquet", "source_id", "path") if row["source_id"] == name
    )
    if how == "emptied":
        path.write_bytes(b"")
    elif how == "missing":
        path.unlink()
    before = {finding.claim: finding for finding in audit(out, pictures=False).findings}
    assert before["render"].holds is (None if how == "missing" else False)
    assert before["active"].holds and before["active"].figures["clips"] > 30
    assert before["heard"].holds is not False and before["heard"].figures["asked"] > 30
    clips = rows(out / "manifest.parquet", "clip_id", "parts")
    spoiled = next(row["clip_id"] for row in clips if name not in {part["source_id"] for part in row["parts"]})
    shard = next(iter(sorted((out / "data").glob(f"{spoiled.split('-')[0]}*"))))
    table = pq.ParquetFile(shard).read()
    there = table.to_pylist()
    for row in there:
        if row["clip_id"] == spoiled:
            sound = bytearray(row["audio"]["bytes"])
            sound[10_000] ^= 1
            row["audio"]["bytes"] = bytes(sound)
    pq.write_table(pa.Table.from_pylist(there, schema=table.schema), shard)
    after = next(finding for finding in audit(out, pictures=False).findings if finding.claim == "render")
    assert after.holds is False and spoiled in after.figures["differing"]


def test_index_after_it_was_noticed(made):
    out, root = made
    name = replaced(out, root)
    with pytest.raises(InputError):
        verify(out)
    table = index([root], csv=root.parent / "t.csv").table.to_pydict()
    old = {row["source_id"]: row["sha256"] for row in rows(out / "sources.parquet", "source_id", "sha256")}
    changed = [one for one, sha in zip(table["source_id"], table["sha256"], strict=True) if old[one] != sha]
    assert changed == [name], "what verify read is what the cache knows now"
