"""What is run: the commands of synth and of its peers, each as a job of one or two sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from environments import PEERS, python_for
from measure import CommandError, run

ROOT = Path(__file__).resolve().parents[2]
SPEAKERS = ("--speakers", "1-3")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_SHAPE = """
import pathlib, sys, pyarrow.parquet as pq
files = [pq.ParquetFile(p).metadata for p in pathlib.Path(sys.argv[1]).rglob("*.parquet") if p.parent.name == "data"]
print(max(f.num_rows for f in files), max(f.row_group(i).num_rows for f in files for i in range(f.num_row_groups)))
"""


@dataclass(frozen=True, slots=True)
class Command:
    """Words to run, and what its environment has besides."""

    words: list[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A command that takes a size; two sizes give a slope, from which start and imports cancel."""

    command: Callable[[int, Path], Command]
    sizes: tuple[int, ...]
    repeat: int = 1  # runs a round; their mean counts as one
    at_most: int | None = None  # long jobs run in fewer rounds, without a warm-up
    private: bool = False  # watch the private memory
    pages_mb: int = 2_000  # pages to touch beforehand: a few times what the job writes


class Workbench:
    """The folder in which all is made, and the commands that make it."""

    def __init__(self, corpus: Path, work: Path, peers: Path | None) -> None:
        self.corpus = corpus
        self.work = work
        self.peers = peers
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as installed
        self.env = {**kept, **ONE_THREAD, "PYTHONPATH": str(ROOT), "SYNTH_CACHE_DIR": str(work / "cache")}
        self.shape = (10_000, 500)  # clips a file, clips a row group; measured by prepare()
        self._sources = work / "split.parquet"

    def synth(self, *words: str | Path, **env: str) -> Command:
        """Return a command of synth."""
        return Command([sys.executable, "-m", "synth", *words], env)

    def do(self, command: Command) -> None:
        """Run something that is not measured."""
        run(command.words, {**self.env, **command.env})

    # what has to be there before a job

    def sources(self) -> Path:
        """Return the table of sources, indexed and split once."""
        if not self._sources.exists():
            indexed = self.work / "sources.parquet"
            self.do(self.synth("index", self.corpus, "-o", indexed, "--quiet"))
            self.do(self.synth("split", indexed, "--split", "100/0/0", *SPEAKERS, "-o", self._sources, "--quiet"))
        return self._sources

    def plan(self, clips: int) -> Path:
        """Return a plan of so many clips."""
        plan = self.work / f"plan-{clips}.parquet"
        if not plan.exists():
            self.do(self.plan_command(clips, plan))
        return plan

    def enlarged(self, minutes: int) -> Path:
        """Return a corpus of so many minutes."""
        folder = self.work / f"enlarged-{minutes}"
        if not folder.exists():
            words: list[str | Path] = [
                sys.executable,
                PEERS / "enlarge.py",
                self.corpus,
                folder,
                "--minutes",
                str(minutes),
            ]
            self.do(Command(words))
        return folder

    def learn_shape(self, clips: int) -> None:
        """Render once, to see how many clips a file and a row group have; warms the cache as well."""
        out = self.work / "shape"
        self.do(self.render()(clips, out))
        told = subprocess.run([sys.executable, "-c", _SHAPE, out], capture_output=True, text=True, check=True).stdout
        rows, group = (int(word) for word in told.split())
        self.shape = (rows, group)

    # the commands of the jobs

    def plan_command(self, clips: int, plan: Path) -> Command:
        """Return ``synth plan`` for so many clips."""
        asked = ["--clips", f"{clips}/0/0", "--seconds", "1", "--seed", "0"]
        return self.synth("plan", self.sources(), *SPEAKERS, *asked, "-o", plan, "--quiet")

    def render(self, store: str = "parquet", codec: str = "wav", processes: int = 1) -> Callable[[int, Path], Command]:
        """Return the render of a plan of given size."""

        def command(clips: int, out: Path) -> Command:
            how = ["--store", store, "--codec", codec, "-j", str(processes), "--quiet"]
            return self.synth("render", self.plan(clips), "--sources", self.sources(), "-o", out / "set", *how)

        return command

    def mix(self, cold: bool) -> Callable[[int, Path], Command]:
        """Return the whole of it, with an empty cache or with the one in use."""

        def command(clips: int, out: Path) -> Command:
            asked = ["--clips", f"{clips}/0/0", "--split", "100/0/0", "-j", "1", "--quiet"]
            env = {"SYNTH_CACHE_DIR": str(out / "cache")} if cold else {}
            return self.synth("mix", *SPEAKERS, "--source", self.corpus, "--out", out / "set", *asked, **env)

        return command

    def index(self, minutes: int, out: Path) -> Command:
        """Return the index of a corpus of so many minutes, with an empty cache, so that it makes the arena."""
        words: list[str | Path] = ["index", self.enlarged(minutes), "-o", out / "sources.parquet", "-j", "1", "--quiet"]
        return self.synth(*words, SYNTH_CACHE_DIR=str(out / "cache"))

    def decode(self, minutes: int, _: Path) -> Command:
        """Return the decoding of the same corpus, and nothing else."""
        return Command([sys.executable, PEERS / "decode.py", self.enlarged(minutes)])

    def peer(self, script: str, *options: str) -> Callable[[int, Path], Command]:
        """Return a peer's script; raises MissingPeerError if its environment is not there."""
        python = python_for(script, self.peers)
        own = {"PYTHONPATH": ""}  # an environment of its own is not to see ours
        return lambda clips, out: Command([python, PEERS / f"{script}.py", str(clips), self.corpus, out, *options], own)

    def raw_write(self, clips: int, out: Path) -> Command:
        """Return the writing of as many bytes, in files and batches as large as those of synth."""
        rows, group = self.shape
        return self.peer("raw_write", "--shard", str(rows), "--batch", str(group))(clips, out)

    def help(self, _: int, __: Path) -> Command:
        """Return ``synth --help``."""
        return self.synth("--help")

    def click_help(self, _: int, __: Path) -> Command:
        """Return the help of a trivial click group."""
        return Command([sys.executable, PEERS / "click_group.py", "--help"])

    def heavy_imports_of_help(self) -> list[str]:
        """Return which of the heavy packages ``synth --help`` imports."""
        words = [sys.executable, "-X", "importtime", "-m", "synth", "--help"]
        done = subprocess.run(words, env=self.env, capture_output=True, text=True)
        told = done.stderr
        if done.returncode:
            raise CommandError(f"exit {done.returncode}: {told.strip().splitlines()[-1]}")
        imported = {line.rpartition("|")[2].strip().split(".")[0] for line in told.splitlines()}
        return sorted(imported & {"numpy", "pyarrow", "pandas"})
