"""Run synth and its peers side by side, in turn, and print how many times faster or slower they are.

    python tests/bench/speed.py --setup DIR        # once: a virtual environment for each peer
    python tests/bench/speed.py --peers DIR        # all; without --peers, what needs no peer but soundfile
    python tests/bench/speed.py --only render flac --rounds 11 --json speed.json

Ratios are the result; the seconds are those of one machine. A figure is a ratio of medians over interleaved rounds (a
warm-up round is thrown away), with the smallest and largest ratio of a single round beside it. CPU seconds are user and
system, of the process and all it starts. "Per clip" is the slope between two sizes of fresh processes, so start-up and
imports cancel; "whole" is the total of a command. Before each run more pages are written and dropped than it will
need, so that none pays for memory that a virtual machine has to ask its host for. Clips are 1 s at 16 kHz with 1-3
speakers, all from one corpus.

What is not like for like:
- The peers mix one common plan of windows, synth its own, which takes only windows in which the speaker is heard.
- The soundfile loop runs in this Python, with the numpy, soundfile and pyarrow that synth has; lhotse ends in the same
  Parquet (cheaper than its own Shar), its gains are the planned ones. The other peers have environments of their own.
- scaper measures LUFS and writes a WAV and a JAMS file a clip; its faster binding to sox is not installed.
- The LibriMix-style script reads and measures whole utterances and writes the stems too, as WAV files.
- pydub starts ffmpeg for every source of every clip.
Quote the last three as "what people use", not as a comparison of engineering.

How to read it:
- "memory" is the peak of private memory (clean and dirty, /proc/PID/smaps_rollup) summed over the process tree. Pages
  of a mapped file that no other process maps count as private, so the decoded corpus is in it as far as it was touched.
- The raw write in the list of jobs shows what the disk and the kernel take of any of these figures: see whether it is
  steady before believing a ratio. Do not quote a single round, wall time of a busy machine, or --quick.

Exit code: 0 if every bar that was measured holds, 1 otherwise, 2 for a wrong option. A peer that is not installed is
listed as not run and does not change it.
"""
# ruff: noqa: T201  a benchmark prints its report

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import environments
from bars import GROUPS, QUICK, Sizes, all_bars, all_jobs
from jobs import ROOT, Job, Workbench
from judge import Measured, Run, Verdict, mean_run, not_run
from measure import CommandError, adopt_orphans, run, touch_pages

MANY_FILES = 500


def main() -> int:
    """Do what the options ask."""
    options = _options()
    if options.setup:
        failed = environments.setup(options.setup)
        print(f"could not be installed: {', '.join(failed)}" if failed else f"ready: --peers {options.setup}")
        return 1 if failed else 0
    adopt_orphans()
    work = Path(tempfile.mkdtemp(prefix="synth-bench-", dir=options.work))
    os.chdir(work)  # python -m looks for synth in the current folder first
    try:
        return _compare(options, Workbench(options.corpus, work, options.peers))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _options() -> argparse.Namespace:
    real = ROOT.parent / "shared" / "data" / "LibriSpeech"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", type=Path, metavar="DIR", help="make the peers' environments in DIR, then stop")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="the peers' environments")
    parser.add_argument("--corpus", type=Path, default=real if real.is_dir() else ROOT / "synth" / "demo" / "voices")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where a folder for all that is written is made")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; one more to warm up (default: 5)")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="NAME", help=", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="smaller sizes, 2 rounds: to see that all runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run and every figure")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if not options.setup and not options.corpus.is_dir():
        parser.error(f"--corpus: {options.corpus} is not a folder")
    for name in ("setup", "peers", "corpus", "work", "json"):
        path = getattr(options, name)
        setattr(options, name, path and path.absolute())
    return options


def _compare(options: argparse.Namespace, bench: Workbench) -> int:
    """Measure what the chosen bars need, judge, print."""
    sizes, rounds = (QUICK, min(2, options.rounds)) if options.quick else (Sizes(), options.rounds)
    if {"render", "memory"} & set(options.only):
        try:
            bench.learn_shape(sizes.clips[1])
        except CommandError as error:
            _say(f"files and batches of unknown size, assumed {bench.shape}: {error}")
    bars = [bar for bar in all_bars(sizes, bench.shape[1]) if bar.group in options.only]
    wanted = {name for bar in bars for name in bar.jobs}
    jobs, missing, failed = _prepared(bench, sizes, wanted)
    measured = _measured(bench, jobs, rounds, failed)

    verdicts = []
    for bar in bars:
        lacking = [name for name in bar.jobs if name not in measured]
        if lacking:
            reason = failed.get(lacking[0]) or missing.get(lacking[0], "")
            verdicts.append(not_run(bar.path, bar.bar, reason, failed=lacking[0] in failed))
        else:
            verdicts.append(bar.judge(measured))
    if "help" in options.only:
        verdicts.append(_imports(bench))
    _print(options, rounds, measured, verdicts)
    if options.json:
        options.json.write_text(json.dumps(_report(options, rounds, measured, verdicts), indent=1) + "\n")
    return 0 if all(verdict.holds is not False for verdict in verdicts) else 1


def _prepared(
    bench: Workbench, sizes: Sizes, wanted: Iterable[str]
) -> tuple[dict[str, Job], dict[str, str], dict[str, str]]:
    """Make the jobs and what they read; return the jobs, why a peer is missing, and why a preparation failed."""
    jobs: dict[str, Job] = {}
    missing: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name, make in all_jobs(bench, sizes).items():
        if name not in wanted:
            continue
        try:
            job = make()
            for size in job.sizes:
                job.command(size, bench.work / "out")
            jobs[name] = job
        except environments.MissingPeerError as error:
            missing[name] = str(error)
        except CommandError as error:
            failed[name] = str(error)
            _say(f"{name}: {error}")
    return jobs, missing, failed


def _measured(bench: Workbench, jobs: dict[str, Job], rounds: int, failed: dict[str, str]) -> dict[str, Measured]:
    """Run all jobs in turn, round by round; the first round warms up and is not kept."""
    runs: dict[str, dict[int, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds + 1):
        for name, job in jobs.items():
            if name in failed or (job.at_most is not None and not 1 <= number <= job.at_most):
                continue
            _say(f"round {number} of {rounds}: {name}")
            try:
                found = {size: _run(bench, job, size) for size in job.sizes}
            except CommandError as error:
                failed[name] = str(error)
                _say(f"{name}: {error}")
                continue
            if number:
                for size, one in found.items():
                    runs[name][size].append(one)
    return {name: Measured(dict(of_one)) for name, of_one in runs.items() if name not in failed}


def _run(bench: Workbench, job: Job, size: int) -> Run:
    """Run a job at one size, each time into an empty folder, which is counted and removed outside of the time.

    A folder of many files stays until the end: ext4 does not reuse inodes for some minutes after they were freed but
    searches past them, so that creating a file right after such a removal costs ten times as much.
    """
    runs = []
    for _ in range(job.repeat):
        out = bench.work / "out"
        out.mkdir()
        try:
            command = job.command(size, out)
            touch_pages(job.pages_mb, bench.work)
            cost = run(command.words, {**bench.env, **command.env}, job.private)
            sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
            runs.append(Run(cost, sum(sizes)))
            if len(sizes) > MANY_FILES:
                out.rename(Path(tempfile.mkdtemp(dir=bench.work)) / "kept")
        finally:
            shutil.rmtree(out, ignore_errors=True)
    return mean_run(runs)


def _imports(bench: Workbench) -> Verdict:
    """Judge what ``synth --help`` imports."""
    path, bar = "synth --help: numpy, pyarrow, pandas imported", "none"
    try:
        heavy = bench.heavy_imports_of_help()
    except CommandError as error:
        return not_run(path, bar, str(error), failed=True)
    return Verdict(path, ", ".join(heavy) or "none", "", bar, not heavy)


def _print(options: argparse.Namespace, rounds: int, measured: dict[str, Measured], verdicts: list[Verdict]) -> None:
    """Print the table of bars, and what each job took."""
    answer = {True: "yes", False: "NO", None: "-"}
    rows = [("path", "figure", "min-max", "bar", "holds")]
    rows += [(v.path, v.figure, v.spread, v.bar, answer[v.holds]) for v in verdicts]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    print(f"corpus {options.corpus.name}, {rounds} rounds{', quick: not to be quoted' if options.quick else ''}\n")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\njob: CPU, median (min-max); per clip, row or minute of corpus where there are two sizes")
    for name, one in measured.items():
        each = one.rounds()
        slope = len(one.runs) > 1
        unit, factor = ("us", 1e6) if slope else ("s", 1)
        low, middle, high = (f"{factor * number:,.4g}" for number in (min(each), median(each), max(each)))
        size = " and ".join(f"{size:,}" for size in sorted(one.runs))
        print(f"  {name:16} {middle:>10} {unit:2} ({low}-{high}), size {size}")


def _report(
    options: argparse.Namespace, rounds: int, measured: dict[str, Measured], verdicts: list[Verdict]
) -> dict[str, object]:
    """Return all of it for programs."""
    return {
        "corpus": options.corpus.name,
        "rounds": rounds,
        "quick": options.quick,
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "bars": [verdict.as_dict() for verdict in verdicts],
        "jobs": {name: one.as_dict() for name, one in measured.items()},
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
