"""A disk that takes no larger file (ulimit -f, FAT32): a sentence and exit 3 from every command that writes, and no litter."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest
import soundfile as sf

from tests.end_to_end.commands import SYNTH, litter, synth

resource = pytest.importorskip("resource", reason="limits as POSIX has them")
RATE = 16_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tables of every step, recordings with labels, and a whole data set."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "a").mkdir()
    for k in range(12):
        sf.write(folder / "a" / f"{k}.wav", np.random.default_rng(k).normal(0, 0.1, 2 * RATE), RATE, subtype="PCM_16")
    (folder / "a.csv").write_text("path,labels\n" + "".join(f"{k}.wav,{'ab'[k % 2]}\n" for k in range(12)))
    synth("index", "a", "--csv", "a.csv", "-o", "labelled.parquet", cwd=folder)
    synth("index", "demo-voices", "-o", "indexed.parquet", cwd=folder)
    synth("split", "indexed.parquet", "-o", "sources.parquet", cwd=folder)
    synth("plan", "sources.parquet", "--clips", "60/6/6", "-o", "plan.parquet", cwd=folder)
    synth("render", "plan.parquet", "-o", "set", cwd=folder)
    return folder


def limited(words, most_bytes, cwd, **env):
    """Run a command that may write no file beyond so many bytes."""
    return subprocess.run(
        [*SYNTH, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **env},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
    )


@pytest.mark.parametrize("most_bytes", [100, 3_000, 60_000, 200_000])
@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("index", "a", "--csv", "a.csv", "-o"), "new.parquet"),
        (("split", "indexed.parquet", "-o"), "new.parquet"),
        (("plan", "sources.parquet", "--clips", "3600/360/360", "-o"), "new.parquet"),
        (("render", "plan.parquet", "--sources", "sources.parquet", "-j", 2, "-o"), "new"),
        (("render", "plan.parquet", "--sources", "sources.parquet", "--store", "files", "-o"), "new"),
        (("mix", "--speakers", "1-2", "--clips", "60/6/6", "--out"), "new"),
        (("manifest", "labelled.parquet", "--seconds", 1, "-o"), "new"),
    ],
    ids=lambda value: "-".join(str(word) for word in value[:1]) if isinstance(value, tuple) else "",
)
def test_a_sentence_and_nothing_half_written(made, tmp_path, words, out, most_bytes):
    done = limited([*words, tmp_path / out], most_bytes, made)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    whole = done.returncode == 0
    if not whole:
        assert done.returncode == 3, said
        assert "disk is full for a file so large" in said
        assert "could not be written" in said
    assert (tmp_path / out / "manifest.parquet" if out == "new" else tmp_path / out).exists() == whole
    assert litter(tmp_path) == []


def test_with_room_the_same_command_goes_on(made, tmp_path):
    words = ["render", made / "plan.parquet", "-o", tmp_path / "set"]
    assert limited(words, 100_000, made).returncode == 3
    synth(*words)
    assert litter(tmp_path) == []


@pytest.mark.parametrize("most_bytes", [0, 9_000, 20_000, 100_000])
def test_a_cache_that_may_not_grow_says_where_another_may_lie(made, tmp_path, most_bytes):
    words = ["index", made / "a", "--csv", made / "a.csv", "-o", tmp_path / "new.parquet"]
    done = limited(words, most_bytes, made, SYNTH_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 3
    assert "disk is full for a file so large" in done.stderr
    assert str(tmp_path / "cache") in done.stderr
    assert "delete that folder" not in done.stderr
    assert not (tmp_path / "new.parquet").exists()
    assert litter(tmp_path) == []


@pytest.mark.parametrize("most_bytes", [0, 20])
@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("clean", "labelled.parquet", "--scores", "scores.csv", "-o", "new.parquet"), "new.parquet"),
        (("review", "verdicts.parquet", "--export", "new.csv"), "new.csv"),
        (("review", "verdicts.parquet", "--apply", "said.csv"), "verdicts.parquet"),
        (("fetch-audioset", "--csv", "lists", "--label", "Horn", "--adopt", "a", "--out", "new"), "new/ledger.parquet"),
    ],
    ids=lambda value: "-".join(value[:1]) if isinstance(value, tuple) else "",
)
def test_verdicts_and_ledgers(made, tmp_path, words, out, most_bytes):
    (tmp_path / "scores.csv").write_text(
        "path,label,score\n" + "".join(f"{k}.wav,{'ab'[k % 2]},{k}\n" for k in range(12))
    )
    shutil.copy(made / "labelled.parquet", tmp_path)
    shutil.copytree(made / "a", tmp_path / "a")
    shutil.copy(tmp_path / "a" / "0.wav", tmp_path / "a" / "Yabcdefghij0_30000_32000.wav")
    synth("clean", "labelled.parquet", "--scores", "scores.csv", "-o", "verdicts.parquet", cwd=tmp_path)
    (tmp_path / "said.csv").write_text("source_id,label,verdict\na/0.wav,a,keep\n")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "class_labels_indices.csv").write_text("index,mid,display_name\n0,/m/01,Horn\n")
    (tmp_path / "lists" / "eval_segments.csv").write_text('abcdefghij0, 30.000, 32.000, "/m/01"\n')
    before = (tmp_path / out).read_bytes() if (tmp_path / out).exists() else None
    done = limited(words, most_bytes, tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "disk is full for a file so large" in done.stderr and "Traceback" not in done.stderr
    assert "a file could not be written" not in done.stderr
    after = (tmp_path / out).read_bytes() if (tmp_path / out).exists() else None
    assert after == before
    assert litter(tmp_path) == []


def test_an_audit_that_cannot_be_written_is_no_claim_that_fails(made):
    done = limited(["audit", made / "set"], 100, made, SYNTH_CACHE_DIR=str(made / "no-cache"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "disk is full for a file so large" in done.stderr
