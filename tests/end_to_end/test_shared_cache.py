"""Several runs at a time on the same recordings, with one cache: none hinders another, and all tell the same."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from synth.audio.cache import Cache
from synth.steps.index import index
from synth.store.atomic import replacing
from tests.end_to_end.commands import SYNTH, files, rows, synth

RATE = 16_000


def recordings(folder: Path, count: int, seconds: float = 1.0) -> Path:
    folder.mkdir(parents=True)
    for k in range(count):
        noise = np.random.default_rng(k).normal(0, 0.1, int(seconds * RATE))
        sf.write(folder / f"{k}.wav", noise, RATE, subtype="PCM_16")
    return folder


def begun(*words: object, **env: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*SYNTH, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **env},
        start_new_session=True,
    )


@pytest.mark.parametrize("jobs", [2, 8])
@pytest.mark.parametrize("equal", ["one file twice", "all the same", "a folder and its backup"])
def test_many_workers_on_equal_files(tmp_path, monkeypatch, jobs, equal):
    folder = recordings(tmp_path / "a", 7)
    where = [folder]
    if equal == "one file twice":
        shutil.copy(folder / "2.wav", folder / "2 (1).wav")
    elif equal == "all the same":
        for k in range(1, 7):
            shutil.copy(folder / "0.wav", folder / f"{k}.wav")
    else:
        shutil.copytree(folder, tmp_path / "backup")
        where.append(tmp_path / "backup")
    for turn in range(4):  # each from an empty cache
        monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / f"cache-{turn}"))
        found = index(where, jobs=jobs)
        assert found.fresh == found.table.num_rows
        assert found.counts["unreadable"] == 0
        with Cache() as cache:
            assert set(cache.places(RATE)) == set(found.table.column("sha256").to_pylist())
    assert not list(tmp_path.rglob(".partial-*"))


def test_threads_that_write_one_target_leave_one_whole_file(tmp_path):
    together, failures = threading.Barrier(8), []

    def write(k: int) -> None:
        try:
            together.wait()
            with replacing(tmp_path / "pack") as temporary:
                temporary.write_bytes(bytes([k]) * 100_000)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]
    assert len(set((tmp_path / "pack").read_bytes())) == 1


def test_runs_that_begin_together_on_an_empty_cache(tmp_path, monkeypatch):
    folder = recordings(tmp_path / "a", 12)
    shutil.copytree(folder, tmp_path / "b")
    cache = {"SYNTH_CACHE_DIR": str(tmp_path / "cache")}
    runs = [
        begun("index", tmp_path / "a", tmp_path / "b", "-j", 2, "-o", tmp_path / f"{k}.parquet", **cache)
        for k in range(6)
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 6, "\n".join(said)
    assert len({(tmp_path / f"{k}.parquet").read_bytes() for k in range(6)}) == 1
    assert not list((tmp_path / "cache").rglob(".partial-*"))
    monkeypatch.setenv("SYNTH_CACHE_DIR", cache["SYNTH_CACHE_DIR"])
    assert index([tmp_path / "a", tmp_path / "b"]).fresh == 0, "what either measured is known to all"


def test_two_mixes_and_an_index_at_the_same_time(tmp_path):
    cache = {"SYNTH_CACHE_DIR": str(tmp_path / "cache")}
    words = ("--speakers", "1-2", "--clips", "24/6/6")
    runs = [
        begun("mix", *words, "--out", tmp_path / "one" / "set", **cache),
        begun("mix", *words, "--out", tmp_path / "two" / "set", **cache),
        begun("index", "demo-voices", "-o", tmp_path / "sources.parquet", **cache),
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], "\n".join(said)
    assert files(tmp_path / "one" / "set") == files(tmp_path / "two" / "set")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
def test_one_of_two_is_killed_and_the_other_goes_on(tmp_path):
    folder = recordings(tmp_path / "a", 30, seconds=20)
    cache = {"SYNTH_CACHE_DIR": str(tmp_path / "cache")}
    victim = begun("index", folder, "-j", 2, "-o", tmp_path / "victim.parquet", **cache)
    other = begun("index", folder, "-j", 2, "-o", tmp_path / "other.parquet", **cache)
    while victim.poll() is None and not list((tmp_path / "cache" / "arena").rglob("*.i16")):
        time.sleep(0.002)
    if victim.poll() is None:
        os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    said = other.communicate()[0]
    assert other.returncode == 0, said
    synth("index", folder, "-j", 2, "-o", tmp_path / "after.parquet", **cache)
    assert (tmp_path / "after.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()
    assert len(rows(tmp_path / "after.parquet", "path")) == 30
    assert not list((tmp_path / "cache").rglob(".partial-*")), "what the killed run began is gone"


def test_a_database_that_is_being_made_is_waited_for(tmp_path):
    """Many processes open a cache that is not there: each makes it, or waits for the one that does."""
    code = (
        "from synth.audio.cache import Cache\nwith Cache() as c: c.remember_root('a', __import__('pathlib').Path('a'))"
    )
    env = {**os.environ, "SYNTH_CACHE_DIR": str(tmp_path / "cache")}
    runs = [subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE) for _ in range(8)]
    said = [run.communicate()[1].decode() for run in runs]
    assert [run.returncode for run in runs] == [0] * 8, "\n".join(said)
