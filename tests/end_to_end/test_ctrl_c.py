"""Ctrl-C: exit code 130, a word that it goes on from there, and the same command finishes with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.commands import SYNTH, files, litter, planned, synth

OPTIONS = ("--speakers", "1-3", "--clips", "300/50/50", "--seconds", 4, "--rate", 48000, "--overlap", "0.2:0.8")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("plan"), plan=OPTIONS, index=("--rate", 48000))


@pytest.fixture(scope="module")
def whole(plan, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "set"
    synth("render", plan, "-o", out)
    return files(out)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("whom", ["the command", "all, as a terminal does"])
def test_render(plan, whole, tmp_path, jobs, whom):
    out = tmp_path / "set"
    words = ["render", plan, "-o", out, "-j", jobs]
    interrupted = _interrupt(words, whom, lambda _: any((out / "data").glob(".partial-*")))
    assert interrupted.code == 130
    assert "Interrupted" in interrupted.err and "goes on from there" in interrupted.err
    assert "Traceback" not in interrupted.err
    kept = sorted((out / "data").glob("*.parquet"))
    assert len(kept) < 8, "the run was to be interrupted before its end"
    assert litter(out) == [], "an interrupted run has the time to tidy up"
    assert not (out / "manifest.parquet").exists()
    stamps = [path.stat().st_ino for path in kept]
    synth(*words)
    assert [path.stat().st_ino for path in kept] == stamps, "finished shards were made again"
    assert files(out) == whole


@pytest.mark.parametrize("whom", ["the command", "all, as a terminal does"])
def test_while_the_workers_start(plan, whole, tmp_path, whom):
    """Workers that are still loading have not yet learnt to leave Ctrl-C to the command."""
    out = tmp_path / "set"
    interrupted = _interrupt(["render", plan, "-o", out, "-j", 2], whom, _has_workers)
    assert interrupted.code == 130
    assert "Traceback" not in interrupted.err
    synth("render", plan, "-o", out, "-j", 2)
    assert files(out) == whole


def test_mix_while_indexing(tmp_path):
    out, cache = tmp_path / "set", tmp_path / "cache"
    words = ["mix", "--clips", "90/18/18", "--rate", 48000, "--out", out, "-j", 2]
    interrupted = _interrupt(
        words, "the command", lambda _: any((cache / "arena").rglob("*")), SYNTH_CACHE_DIR=str(cache)
    )
    assert interrupted.code == 130
    assert "goes on from there" in interrupted.err
    assert not out.exists()
    synth(*words, SYNTH_CACHE_DIR=str(cache))
    synth("mix", *words[1:-4], "--out", tmp_path / "whole" / "set")
    assert files(out) == files(tmp_path / "whole" / "set")


def _has_workers(pid: int) -> bool:
    """Tell whether a process has begun a worker (where there is no /proc: it does so soon)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return any(b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children)
    except OSError:
        return not Path("/proc/self").exists()


class _Interrupted:
    def __init__(self, code: int, err: str) -> None:
        self.code, self.err = code, err


def _interrupt(words: list, whom: str, moment, **env: str) -> _Interrupted:
    """Start a command and send SIGINT when ``moment`` (of its process id) has come."""
    running = subprocess.Popen(
        [*SYNTH, *map(str, words)],
        env={**os.environ, **env},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE_S
    while not moment(running.pid) and running.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    assert running.poll() is None, f"the run ended before it could be interrupted: {running.communicate()[1]}"
    if whom == "the command":
        running.send_signal(signal.SIGINT)
    else:
        os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE_S)
    return _Interrupted(running.returncode, err)
