"""A killed run goes on where it stopped, ends with the bytes of a run that was never killed, and leaves nothing behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.commands import SYNTH, files, litter, planned, synth

# clips of 4 s at 48 kHz: fifty a shard, so that few clips make eight shards
OPTIONS = ("--speakers", "1-3", "--clips", "300/50/50", "--seconds", 4, "--rate", 48000, "--overlap", "0.2:0.8")
SHARDS = 8
MIX = ("--speakers", "1-3", "--clips", "540/60/60", "--rate", 48000)  # in four shards
PATIENCE_S = 60  # until something that must happen has happened; no result depends on how long it takes
MARK = "SYNTH_TEST_MARK"

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds left-over processes in /proc")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("plan"), plan=OPTIONS, index=("--rate", 48000))


@pytest.mark.parametrize(("store", "jobs", "seed"), [("parquet", 2, 1), ("files", 2, 2), ("parquet", 1, 3)])
def test_render(plan, tmp_path, store, jobs, seed):
    words = ["render", plan, "--store", store, "-j", jobs]
    out = tmp_path / "killed" / "set"
    chance = random.Random(seed)
    for victim in ("parent", "group", "parent", "group"):
        before = _shards(out)
        more = chance.randint(0, 2)
        _kill([*words, "-o", out], lambda b=before, m=more: _writing(out) and len(_shards(out)) - len(b) >= m, victim)
        kept = _shards(out)
        assert before.items() <= kept.items(), "finished shards were made again"
        assert len(kept) < SHARDS, "the run was to be killed before its end"
    # the next run begins at once: workers of the last one may not get in its way
    synth(*words, "-o", out)
    assert kept.items() <= _shards(out).items(), "finished shards were made again"
    synth(*words, "-o", tmp_path / "whole" / "set")
    assert files(out) == files(tmp_path / "whole" / "set")
    assert litter(out) == []


def test_mix_from_an_empty_cache(tmp_path):
    out, cache = tmp_path / "killed" / "set", tmp_path / "cache"
    words = ["mix", *MIX, "-j", 2, "--out", out]
    empty = {"SYNTH_CACHE_DIR": str(cache)}
    moments: list[Callable[[], object]] = [
        (cache / "index.sqlite").exists,
        lambda: any((cache / "arena").rglob("*.i16")),
        out.exists,
        lambda: (out / "plan.parquet").exists() and _writing(out),
        lambda: len(_shards(out)) >= 2,
        lambda: any(out.glob(".partial-*manifest.parquet")) or (out / "manifest.parquet").exists(),
    ]
    for k, moment in enumerate(moments):
        _kill(words, moment, ("parent", "group")[k % 2], **empty)
        assert not (out / "audit.json").exists()
    synth(*words, **empty)
    assert litter(out) == []
    synth(*words[:-1], tmp_path / "whole" / "set")
    assert files(out) == files(tmp_path / "whole" / "set")
    assert not [path for path in cache.rglob("*") if path.name.startswith(".partial-")], (
        "the cache keeps no litter either"
    )


@needs_proc
def test_no_worker_outlives_its_parent(plan, tmp_path):
    mark = f"{tmp_path}"
    _kill(
        ["render", plan, "-o", tmp_path / "set", "-j", 2], lambda: _writing(tmp_path / "set"), "parent", **{MARK: mark}
    )
    assert _until(lambda: not _alive(mark)), f"still alive: {_alive(mark)}"
    left = _shards(tmp_path / "set")
    synth("render", plan, "-o", tmp_path / "set", "-j", 2)
    assert left.items() <= _shards(tmp_path / "set").items()
    assert litter(tmp_path / "set") == []


@needs_proc
def test_a_finished_run_leaves_no_process(plan, tmp_path):
    synth("render", plan, "-o", tmp_path / "set", "-j", 3, **{MARK: str(tmp_path)})
    assert _until(lambda: not _alive(str(tmp_path)))


def test_two_runs_at_once_do_not_mix(plan, tmp_path):
    """The second one says who is writing; a killed run does not block the next."""
    out = tmp_path / "set"
    running = _started(["render", plan, "-o", out, "-j", 1])
    assert _until(lambda: _writing(out) or running.poll() is not None)
    os.kill(running.pid, signal.SIGSTOP)
    second = synth("render", plan, "-o", out, code=3)
    assert f"process {running.pid}" in second.says and "another --out" in second.says
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    synth("render", plan, "-o", out, "-j", 1)
    assert litter(out) == []


def _started(words: list, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*SYNTH, *map(str, words)],
        env={**os.environ, **env},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill(words: list, moment: Callable[[], object], victim: str, **env: str) -> None:
    """Start a command and kill it -9, alone or with all its workers, as soon as ``moment`` has come."""
    running = _started(words, **env)
    try:
        assert _until(lambda: moment() or running.poll() is not None), "the moment never came"
        assert running.poll() is None, "the run ended before it could be killed"
    finally:
        if running.poll() is None:
            running.kill() if victim == "parent" else os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert running.returncode == -signal.SIGKILL


def _until(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.001)
    return False


def _shards(out: Path) -> dict[str, int]:
    """Return the finished shards by name, with their inodes: a shard that was made again has another."""
    found = [*(out / "data").glob("*.parquet"), *(out / "data").glob("*/*-of-*")]
    return {path.name: path.stat().st_ino for path in found if not path.name.startswith(".")}


def _writing(out: Path) -> bool:
    """Tell whether a shard is being written."""
    return any((out / "data").glob(".partial-*")) or any((out / "data").glob("*/.partial-*"))


def _alive(mark: str) -> list[str]:
    """Return the processes that were started with a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(f"{folder.name} {(folder / 'cmdline').read_bytes()[:80]!r}")
        except OSError:
            continue
    return found
