"""Make a corpus of a given length out of another one, for the cost of an index: enough to measure, and no duplicates.

    python enlarge.py CORPUS OUT --minutes 120

Recordings are taken in turn over the speakers until the length is reached. When all are used, they are used again with
their samples rotated, under a new chapter number of the same speaker: other bytes, the same work.
"""

from __future__ import annotations

import argparse
from itertools import zip_longest
from pathlib import Path

import numpy as np
import soundfile as sf
from plan import RATE_HZ, scan

NEW_CHAPTER = 1_000_000


def main() -> None:
    """Write OUT/bench/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac with transcripts, and the list of speakers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    for about in options.corpus.glob("*.TXT"):
        (options.out / about.name).write_bytes(about.read_bytes())
    in_turn = [one for each in zip_longest(*scan(options.corpus).recordings) for one in each if one is not None]
    left_n = options.minutes * 60 * RATE_HZ
    again = 0
    while left_n > 0:
        for path, samples in in_turn:
            if left_n <= 0:
                break
            _copy(Path(path), options.out, again)
            left_n -= samples
        again += 1


def _copy(path: Path, out: Path, again: int) -> None:
    speaker, chapter, number = path.stem.split("-")
    chapter = str(int(chapter) + again * NEW_CHAPTER)
    folder = out / "bench" / speaker / chapter
    folder.mkdir(parents=True, exist_ok=True)
    samples, rate_hz = sf.read(path, dtype="int16")
    name = f"{speaker}-{chapter}-{number}"
    sf.write(folder / f"{name}.flac", np.roll(samples, 1_000 * again), rate_hz)
    with (folder / f"{speaker}-{chapter}.trans.txt").open("a") as file:
        file.write(f"{name} SPOKEN\n")


if __name__ == "__main__":
    main()
