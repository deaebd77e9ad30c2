"""Large classes of simulated scores: is the precision that was asked for held, and what could be had at best?

Right clips score d standard deviations above those without the label; a wrong one is of another listed label ("inside"),
of none ("outside"), or half of them are of each kind. The oracle knows the densities and the rates: what it cannot reject at
a precision, nobody can. Every run is a line of a results file, so a stopped grid goes on where it was.

    python tests/bench/cleaning.py --large runs.jsonl --only 3000x3 --minutes 20    # as far as it comes
    python tests/bench/cleaning.py --table runs.jsonl
"""

# ruff: noqa: T201

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from synth.cleaning.decision import JUDGED, WRONG, decided, weighed
from tests.cleaning.simulated import together

ASKED = (0.8, 0.9, 0.95)
ENOUGH = 0.01  # standard error of a precision
LEAST_RUNS, MOST_RUNS = 4, 150
WHERE = {"inside": 0.0, "half": 0.5, "outside": 1.0}  # share of the wrong clips in which no listed label is heard
CELLS = [
    (n, k, share, where, d)
    for d in (3.0, 2.5, 4.0)
    for k in (3, 10, 50)
    for n in (1000, 3000, 300, 10_000)
    for share in (0.05, 0.02, 0.1, 0.2)
    for where in WHERE
]


def named(cell) -> str:
    n, k, share, where, d = cell
    return f"{n}x{k} {share:.0%} {where} d={d:g}"


def oracle(scores, given, d, share, foreign):
    """Return P(wrong) of each clip (clips,) by who knows how the scores were made."""
    rows = np.arange(len(given))
    ratio = np.exp(d * scores - d * d / 2)
    own = ratio[rows, given]
    others = (ratio.sum(axis=1) - own) / max(scores.shape[1] - 1, 1)
    bad = share * (foreign + (1 - foreign) * others)
    return bad / (bad + (1 - share) * own)


def best(p_wrong, precision):
    """Return the largest set that is expected to hold the precision."""
    order = np.argsort(-p_wrong)
    hold = np.nonzero(np.cumsum(p_wrong[order]) / np.arange(1, len(order) + 1) >= precision)[0]
    flags = np.zeros(len(p_wrong), bool)
    flags[order[: hold[-1] + 1 if len(hold) else 0]] = True
    return flags


def run(cell, seed):
    """Return the counts of one run: of each precision asked (hits, rejected, wrong, expected hits), and the intervals."""
    n, k, share, where, d = cell
    scores, given, wrong = together(n, k, d, share, WHERE[where], seed)
    scores = scores.astype(np.float32)
    start = time.process_time()
    known = weighed(scores, np.eye(k, dtype=bool)[given], None, seed)
    out = {"cell": named(cell), "seed": seed, "ours": [], "oracle": []}
    truly = oracle(scores.astype(np.float64), given, d, share, WHERE[where])
    for asked in ASKED:
        found = decided(known, asked)
        flags = found.verdict == WRONG
        out["ours"].append(
            [int((flags & wrong).sum()), int(flags.sum()), int(wrong.sum()), float(found.p_wrong[flags].sum())]
        )
        flags = best(truly, asked)
        out["oracle"].append(
            [int((flags & wrong).sum()), int(flags.sum()), int(wrong.sum()), float(truly[flags].sum())]
        )
    out["cpu_s"] = round(time.process_time() - start, 2)
    rates = [wrong[given == label].mean() for label in range(k)]
    judged = [(one, rate) for one, rate in zip(found.classes, rates, strict=True) if one.decision == JUDGED]
    out["judged"] = len(judged)
    out["covered"] = int(sum(one.low - 1e-9 <= rate <= one.high + 1e-9 for one, rate in judged))
    out["known"] = None if np.isnan(found.known) else float(found.known)
    return out


def read(path: Path):
    """Return the runs of each cell."""
    runs = defaultdict(dict)
    for line in path.read_text().splitlines() if path.exists() else ():
        one = json.loads(line)
        runs[one["cell"]][one["seed"]] = one
    return {cell: list(of.values()) for cell, of in runs.items()}


def pooled(runs, way, at):
    """Return precision, its standard error, and recall over runs; runs differ by more than chance within one."""
    hit, flagged, wrong, _ = np.array([one[way][at] for one in runs], float).T
    total = flagged.sum()
    if not total:
        return np.nan, 0.0, 0.0
    precision = hit.sum() / total
    within = precision * (1 - precision) / total
    between = ((hit - precision * flagged) ** 2).sum() / total**2 * len(runs) / max(len(runs) - 1, 1)
    return precision, np.sqrt(max(within, between if len(runs) > 1 else 0)), hit.sum() / wrong.sum()


def grid(path: Path, only: str, minutes: float, most: int = MOST_RUNS, first: int = 0):
    """Run the cells whose names hold one of the words ``only``, until each is sure or the time is over; seeds from ``first`` on."""
    end = time.monotonic() + 60 * minutes
    runs = read(path)
    words = only.split(",")
    for cell in CELLS:
        if not any(word in named(cell) for word in words):
            continue
        mine = runs.get(named(cell), [])
        while len(mine) < most and not (
            len(mine) >= min(LEAST_RUNS, most) and max(pooled(mine, "ours", at)[1] for at in range(3)) <= ENOUGH
        ):
            if time.monotonic() > end:
                return
            mine.append(run(cell, first + len(mine)))
            with path.open("a") as file:
                file.write(json.dumps(mine[-1]) + "\n")
        print(line(named(cell), mine), flush=True)


def line(cell, runs):
    """Return one row of the table."""
    ours = [pooled(runs, "ours", at) for at in range(3)]
    can = [pooled(runs, "oracle", at) for at in range(3)]
    covered = sum(one["covered"] for one in runs) / max(sum(one["judged"] for one in runs), 1)
    held = ["" if np.isnan(p) or p >= asked - 0.02 else "!" for (p, _, _), asked in zip(ours, ASKED, strict=True)]
    return (
        f"| {cell} | {len(runs)} | "
        + " | ".join(f"{p:.3f}{mark} ±{e:.3f} / {r:.2f}" for (p, e, r), mark in zip(ours, held, strict=True))
        + " | " + " ".join(f"{r:.2f}" for _, _, r in can)
        + f" | {covered:.2f}{'' if covered >= 0.85 else '!'} | {sum(one['cpu_s'] for one in runs) / len(runs):.1f} |"
    )  # fmt: skip


def table(path: Path):
    """Print all that was run."""
    print("| cell | runs | .8: precision / recall | .9 | .95 | oracle's recall | coverage | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    runs = read(path)
    for cell in CELLS:
        if named(cell) in runs:
            print(line(named(cell), runs[named(cell)]))
