"""What a command costs: CPU, wall time, peak memory, of itself and of all the processes it starts.

This module and all of the benchmark's driver use the standard library alone: a fork hands the resident memory of its
parent to the child's record, so a driver that had loaded numpy would be seen in the memory of `synth plan`.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

MB = 1_000_000
SAMPLE_S = 0.02
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: orphans of a command become ours, so their CPU seconds are not lost


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost."""

    cpu_s: float
    wall_s: float
    rss_mb: float  # peak resident memory of the largest process
    private_mb: float  # peak of the sum of private memory over the process tree; 0 where it was not sampled


class CommandError(Exception):
    """A measured command failed."""


def run(command: Sequence[str | Path], env: Mapping[str, str], private: bool = False) -> Cost:
    """Run a command to its end; return what it and its descendants cost."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], env=dict(env), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        sampler = _Sampler(process.pid) if private else None
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = code = os.waitstatus_to_exitcode(status)
        cpu_s = used.ru_utime + used.ru_stime + _orphans_cpu_s()
        if code:
            said.seek(0)
            tail = said.read().decode(errors="replace").strip()[-800:]
            raise CommandError(f"exit {code}: {' '.join(map(str, command))}\n{tail}")
    return Cost(cpu_s, wall_s, used.ru_maxrss * 1024 / MB, sampler.peak_mb() if sampler else 0.0)


def touch_pages(megabytes: int, folder: Path) -> None:
    """Write a file and drop it, so that the kernel has as many pages at hand (an eighth of the memory at most).

    On a virtual machine a free page may have been handed back to the host; fetching it again costs several times what
    is written to it, and falls on whoever comes first.
    """
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MB
    scratch = folder / "pages"
    piece = bytes(MB)
    with scratch.open("wb", buffering=0) as file:
        for _ in range(min(megabytes, memory_mb // 8)):
            file.write(piece)
    scratch.unlink()


def adopt_orphans() -> None:
    """Let processes whose parent has ended become children of this one (Linux; elsewhere nothing)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_SUBREAPER, 1, 0, 0, 0)


def _orphans_cpu_s() -> float:
    """Wait for adopted processes; return their CPU seconds."""
    cpu_s = 0.0
    try:
        while True:
            _, _, used = os.wait4(-1, 0)
            cpu_s += used.ru_utime + used.ru_stime
    except ChildProcessError:
        return cpu_s


class _Sampler:
    """Watches the private memory of a process tree."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self._peak = max(self._peak, sum(_private_bytes(pid) for pid in _tree(self._pid)))

    def peak_mb(self) -> float:
        """Stop and return the peak."""
        self._stop.set()
        self._thread.join()
        return self._peak / MB


def _private_bytes(pid: int) -> int:
    """Pages that this process alone holds, clean and dirty; mapped files count where no other process maps them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


def _tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children[int(stat.rpartition(")")[2].split()[1])].append(int(entry.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found
