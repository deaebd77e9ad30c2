"""A recording that was replaced behind the cache's back is noticed by who checks: verify and audit read the files."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
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
    with pytest.raises(InputError, match="not those this plan was made for") as caught:
        verify(out)
    assert name in str(caught.value)
    with pytest.raises(InputError, match="not those this plan was made for"):
        verify(out, everything=True)


def test_audit(made):
    out, root = made
    name = replaced(out, root)
    found = audit(out, pictures=False)
    said = json.loads((out / "audit.json").read_text())
    assert name in json.dumps(said)
    assert any(finding.holds is not True for finding in found.findings)


def test_index_after_it_was_noticed(made):
    out, root = made
    name = replaced(out, root)
    with pytest.raises(InputError):
        verify(out)
    table = index([root], csv=root.parent / "t.csv").table.to_pydict()
    old = {row["source_id"]: row["sha256"] for row in rows(out / "sources.parquet", "source_id", "sha256")}
    changed = [one for one, sha in zip(table["source_id"], table["sha256"], strict=True) if old[one] != sha]
    assert changed == [name], "what verify read is what the cache knows now"
