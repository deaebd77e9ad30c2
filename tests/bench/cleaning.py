"""How well wrong labels are found: real clips and a real judge, simulated scores, guards, and the cost.

    python tests/bench/cleaning.py --real         # YAMNet on ESC-10, planted wrong labels, baselines; 2 minutes
    python tests/bench/cleaning.py --simulated    # against the rule of one label alone; 10 minutes
    python tests/bench/cleaning.py --guards       # judges that know nothing; 2 minutes
    python tests/bench/cleaning.py --cost         # 2 million labels
    python tests/bench/cleaning.py --large FILE   # large classes beside what could be had at best: hours, goes on where it stopped
    python tests/bench/cleaning.py --table FILE   # what has been run of it

Wants the test extra (ai-edge-litert) and the real clips; the line of cleanlab is left out where it is not installed.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import importlib.util
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from synth.cleaning.decision import JUDGED, WRONG, judge
from synth.cleaning.trial import calibration
from tests.bench import large_classes
from tests.cleaning import rule, simulated
from tests.cleaning.yamnet import heard, one_each, planted


def ours(scores, carries, groups, seed, more=None):
    found = judge([scores] if more is None else [scores, more], carries, groups, 0.9, seed)
    return found, found.verdict == WRONG


def baselines(scores, given, wrong):
    """Return what simple ways reject; "the best afterwards" knows the answers, which no user does."""
    rows = np.arange(len(given))
    own = scores[rows, given]
    order = np.argsort(own)
    hits = np.cumsum(wrong[order])
    f1 = 2 * hits / (np.arange(1, len(own) + 1) + wrong.sum())
    best = own <= own[order[f1.argmax()]]
    lowest = np.zeros(len(given), bool)
    for label in range(scores.shape[1]):
        mine = np.nonzero(given == label)[0]
        lowest[mine[np.argsort(own[mine])[: round(0.1 * len(mine))]]] = True
    out = {
        "one global threshold of .5": own < 0.5,
        "one global threshold of .1": own < 0.1,
        "one global threshold, the best afterwards": best,
        "lowest 10 % of each class": lowest,
    }
    if importlib.util.find_spec("cleanlab"):
        from cleanlab.filter import find_label_issues

        sure = scores / scores.sum(axis=1, keepdims=True)
        out["cleanlab, scores as probabilities"] = find_label_issues(given, sure)
        softer = np.exp(scores - scores.max(axis=1, keepdims=True))
        out["cleanlab, softmax of the scores"] = find_label_issues(given, softer / softer.sum(axis=1, keepdims=True))
    return out


def real(runs):
    clips = heard()
    from synth.cleaning.witness import agreement

    print("| wrong labels | way | precision | recall | F1 | intervals that cover | calibration error |")
    print("|---|---|---|---|---|---|---|")
    for noise in (0.1, 0.2):
        table, covered, p_wrong, truth = {}, [], [], []
        for seed in range(runs):
            given, wrong = planted(clips.truth, noise, seed)
            carries = one_each(given)
            found, taken = ours(clips.scores, carries, clips.groups, seed)
            for label, facts in enumerate(found.classes):
                if facts.decision == JUDGED:
                    covered.append(facts.low - 1e-9 <= wrong[given == label].mean() <= facts.high + 1e-9)
            p_wrong.append(found.p_wrong)
            truth.append(wrong.astype(float))
            witness = agreement(clips.embeddings.astype(np.float32), carries, clips.groups, seed)
            ways = {
                "synth clean, asked .9": taken,
                "synth clean, embeddings alone": ours(witness, carries, clips.groups, seed)[1],
                "synth clean, scores and embeddings": ours(clips.scores, carries, clips.groups, seed, witness)[1],
                **baselines(clips.scores, given, wrong),
            }
            for way, flags in ways.items():
                table.setdefault(way, []).append(((flags & wrong).sum(), flags.sum(), wrong.sum()))
        off = calibration(np.concatenate(p_wrong), np.concatenate(truth))
        for way, counts in table.items():
            hit, flagged, all_wrong = np.sum(counts, axis=0)
            more = f"{np.mean(covered):.2f} | {off:.3f}" if way.endswith("asked .9") else "| "
            print(
                f"| {noise:.0%} | {way} | {hit / max(flagged, 1):.2f} | {hit / all_wrong:.2f} | "
                f"{2 * hit / (flagged + all_wrong):.3f} | {more} |",
                flush=True,
            )


def simulation(runs):
    print("| d | clips | wrong | precision: ours, rule | recall | coverage | bias |")
    print("|---|---|---|---|---|---|---|")
    for d in (3, 2):
        for n in (100, 500, 3000):
            for share in (0.05, 0.1, 0.2):
                ways = {"ours": [], "rule": []}
                for seed in range(max(runs * 100 // n, runs // 10)):
                    carriers, others, wrong = simulated.alone(n, d, share, seed)
                    facts, flags = simulated.judged_alone(carriers, others, seed)
                    ways["ours"].append(
                        figures(facts.decision == JUDGED, facts.noise, facts.low, facts.high, flags, wrong)
                    )
                    ways["rule"].append(figures(*rule.rule(carriers, others, seed), wrong))
                both = [np.nansum(rows, axis=0) for rows in ways.values()]
                text = [
                    [
                        f"{hit / max(flagged, 1):.2f}",
                        f"{hit / all_wrong:.2f}",
                        f"{cover / used:.2f}",
                        f"{bias / used:+.3f}",
                    ]
                    for used, bias, cover, hit, flagged, all_wrong in both
                ]
                cells = " | ".join(f"{a}, {b}" for a, b in zip(*text, strict=True))
                print(f"| {d} | {n} | {share} | {cells} |", flush=True)


def figures(judged, noise, low, high, flags, wrong):
    if not judged:
        return [0, 0, 0, 0, 0, wrong.sum()]
    real = wrong.mean()
    return [1, noise - real, low * 0.999 <= real <= high * 1.001, wrong[flags].sum(), flags.sum(), wrong.sum()]


def together(runs):
    print("| d | clips a label | foreign | precision: together, rule | recall | coverage |")
    print("|---|---|---|---|---|---|")
    for d in (3, 2):
        for n in (100, 500):
            for foreign in (1.0, 0.5, 0.0):
                sums = np.zeros((2, 5))
                for seed in range(max(runs * 20 // n, 3)):
                    scores, given, wrong = simulated.together(n, 10, d, 0.1, foreign, seed)
                    found = judge(scores, one_each(given), None, 0.9, seed)
                    flags = found.verdict == WRONG
                    sums[0, :3] += [(flags & wrong).sum(), flags.sum(), wrong.sum()]
                    for k, facts in enumerate(found.classes):
                        mine = given == k
                        truth = wrong[mine]
                        sums[0, 3:] += [1, facts.low - 1e-3 <= truth.mean() <= facts.high + 1e-3]
                        judged, _, low, high, flags = rule.rule(scores[mine, k], scores[~mine, k], seed)
                        sums[1] += [
                            truth[flags].sum(),
                            flags.sum(),
                            truth.sum(),
                            judged,
                            low - 1e-3 <= truth.mean() <= high + 1e-3,
                        ]
                text = [[f"{a / max(b, 1):.2f}", f"{a / c:.2f}", f"{e / max(f, 1):.2f}"] for a, b, c, f, e in sums]
                print(
                    f"| {d} | {n} | {foreign:.0%} | "
                    + " | ".join(f"{a}, {b}" for a, b in zip(*text, strict=True))
                    + " |",
                    flush=True,
                )


def guards(runs):
    for name, make in simulated.WITHOUT_KNOWLEDGE.items():
        judged = rejected = 0
        for seed in range(runs):
            scores, carries = make(seed)
            found = judge(scores, carries, None, 0.9, seed)
            judged += any(one.decision == JUDGED for one in found.classes)
            rejected += bool((found.verdict == WRONG).any())
        print(f"| {name} | judged in {judged} of {runs} runs | rejected in {rejected} |", flush=True)


def cost():
    n, width = 1_000_000, 50
    scores, carries = simulated.large(n, width)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    start, work = time.perf_counter(), time.process_time()
    found = judge(scores, carries, None, 0.9)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{len(found.clip):,} labels, {scores.size:,} scores ({scores.nbytes / 1e6:.0f} MB): {time.process_time() - work:.1f} CPU s, "
        f"{time.perf_counter() - start:.1f} s, {before:.0f} MB before, {peak:.0f} MB at most"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("real", "simulated", "guards", "cost"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--runs", type=int, default=None)
    parser.add_argument("--large", type=Path, metavar="FILE")
    parser.add_argument(
        "--only", default="", help="of --large: cells whose names hold one of these words, joined by commas"
    )
    parser.add_argument("--first-seed", type=int, default=0, help="of --large: seeds that no constant was chosen on")
    parser.add_argument("--minutes", type=float, default=600, help="of --large: then it stops")
    parser.add_argument("--table", type=Path, metavar="FILE")
    asked = parser.parse_args()
    if asked.real:
        real(asked.runs or 20)
    if asked.simulated:
        simulation(asked.runs or 100)
        together(asked.runs or 100)
    if asked.guards:
        guards(asked.runs or 200)
    if asked.cost:
        cost()
    if asked.large:
        large_classes.grid(
            asked.large, asked.only, asked.minutes, asked.runs or large_classes.MOST_RUNS, asked.first_seed
        )
    if asked.table:
        large_classes.table(asked.table)
