"""How long AudioSet's largest list takes to read: against pandas' bare C parse, and against the way that reads it whole.

    python tests/bench/lists.py [--rows 2041789] [--rounds 5] [--real FOLDER]

The list is generated in the form of the real one, header and all. Rows have the ids, times and numbers of labels of
AudioSet's statistics, or those of the real lists in FOLDER drawn anew. Compared are, each in a fresh process, CPU
seconds of the reading alone, interleaved round by round:

- synth: ids, times, lines, every label split into codes, rows checked one by one, repeated segments looked for;
- pandas C: ``read_csv(skiprows=3, header=None, skipinitialspace=True)``: four columns, the labels one text, unchecked;
- pandas sep: ``read_csv(sep=", ", engine="python")``: what is found in public scripts; the quotes stay in the labels.

pandas gives less: it splits no label. Bars: synth <= 2.5 x pandas C, >= 8 x faster than pandas sep, <= 400 MB resident.
"""

# ruff: noqa: T201  it prints a report

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROWS = 2_041_789
BARS = {"pandas C": 2.5, "pandas sep": 8.0, "memory": 400.0}
_ALPHABET = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_READ = {
    "synth": "from pathlib import Path\nfrom synth.corpora.audioset import segments\n"
    "def go(): return len(segments.read(Path(path)))",
    "pandas C": "import pandas\n"
    "def go(): return len(pandas.read_csv(path, skiprows=3, header=None, skipinitialspace=True))",
    "pandas sep": "import pandas\n"
    "def go(): return len(pandas.read_csv(path, skiprows=3, header=None, sep=', ', engine='python'))",
}
_TIMED = """
import json, resource, sys, time
path = sys.argv[1]
{reader}
began = time.process_time(), time.perf_counter()
rows = go()
cpu_s, wall_s = time.process_time() - began[0], time.perf_counter() - began[1]
rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps(dict(rows=rows, cpu_s=cpu_s, wall_s=wall_s, rss_mb=rss_mb)))
"""


def generate(path: Path, rows: int, tails: list[str]) -> None:
    """Write a list of so many rows, sorted by id as the real one is; all draws come from a fixed seed."""
    import numpy as np

    chance = np.random.default_rng(0)
    letters = np.frombuffer(_ALPHABET, np.uint8)
    ids = np.unique(letters[chance.integers(0, 64, (rows + 100, 11))].view("S11")[:, 0])[:rows]
    picks = chance.integers(0, len(tails), rows)
    with path.open("w") as file:
        file.write("# Segments csv created Sun Mar  5 10:56:58 2017\n")
        file.write(f"# num_ytids={rows}, num_segs={rows}, num_unique_labels=527, num_positive_labels=4020212\n")
        file.write("# YTID, start_seconds, end_seconds, positive_labels\n")
        file.writelines(f"{ytid.decode()}{tails[pick]}" for ytid, pick in zip(ids, picks, strict=True))


def made_up(kinds: int = 200_000) -> list[str]:
    """Return ends of rows: 527 mids of uneven frequency, two labels a row on average, starts mostly at 30 s."""
    import numpy as np

    chance = np.random.default_rng(1)
    mids = [f"/m/0{k:05x}" for k in range(527)]
    weights = 1 / np.arange(1, 528)
    labels = chance.choice(527, (kinds, 8), p=weights / weights.sum())
    counts = np.minimum(chance.geometric(0.5, kinds), 8)
    starts = np.where(chance.random(kinds) < 0.4, 30, chance.integers(0, 60, kinds) * 10)
    return [
        f', {start}.000, {start + 10}.000, "{",".join(sorted({mids[k] for k in row[:count]}))}"\n'
        for start, row, count in zip(starts, labels, counts, strict=True)
    ]


def real(folder: Path) -> list[str]:
    """Return the ends of the rows of the real lists in a folder."""
    paths = sorted(path for path in folder.iterdir() if "_segments" in path.name)
    texts = (
        (lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()).decode() for path in paths
    )
    return [line[11:] for text in texts for line in text.splitlines(keepends=True) if not line.startswith("#")]


def run(what: str, path: Path) -> dict[str, float]:
    """Time one reading in a fresh process."""
    code = _TIMED.format(reader=_READ[what])
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=ROWS)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--real", type=Path, metavar="FOLDER", help="take times and labels from the real lists there")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unbalanced_train_segments.csv"
        generate(path, given.rows, real(given.real) if given.real else made_up())
        print(f"{given.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, {given.rounds} rounds")
        took: dict[str, list[dict[str, float]]] = {what: [] for what in _READ}
        for k in range(given.rounds):
            for what, costs in took.items():
                if what != "pandas sep" or k < 2:  # it takes as long as all the others together
                    costs.append(run(what, path))
                    assert costs[-1]["rows"] == given.rows, (what, costs[-1])
    middle = {what: {name: median(c[name] for c in costs) for name in costs[0]} for what, costs in took.items()}
    for what, costs in middle.items():
        spread = [cost["cpu_s"] for cost in took[what]]
        print(
            f"  {what:<11} {costs['cpu_s']:6.2f} s CPU ({min(spread):.2f} to {max(spread):.2f}), {costs['wall_s']:.2f} s, "
            f"{costs['rss_mb']:.0f} MB"
        )
    slower = middle["synth"]["cpu_s"] / middle["pandas C"]["cpu_s"]
    faster = middle["pandas sep"]["cpu_s"] / middle["synth"]["cpu_s"]
    held = middle["synth"]["rss_mb"]
    verdicts = [
        (slower <= BARS["pandas C"], f"synth / pandas C     {slower:.2f}   bar <= {BARS['pandas C']}"),
        (faster >= BARS["pandas sep"], f"pandas sep / synth  {faster:.1f}   bar >= {BARS['pandas sep']}"),
        (held <= BARS["memory"], f"memory of synth  {held:.0f} MB   bar <= {BARS['memory']:.0f} MB"),
    ]
    for holds, says in verdicts:
        print(f"  {'ok   ' if holds else 'FAILS'} {says}")
    sys.exit(0 if all(holds for holds, _ in verdicts) else 1)


if __name__ == "__main__":
    main()
