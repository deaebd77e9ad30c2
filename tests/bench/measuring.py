# ruff: noqa: T201  # a program run by hand: it prints its figures
"""What measuring a corpus costs in one process, as a multiple of decoding it: `synth index` without its start and tables.

Whole passes in turn, each over all files: decoding alone, then measuring (which decodes, hashes twice, and finds levels and
speech). Prints the median of the rounds' ratios of CPU time, the smallest and the largest. Neighbours on a shared processor
slow measuring more than decoding: on a busy machine compare two versions in turn, and nothing with the bar.

    python tests/bench/measuring.py [--corpus PATH/LibriSpeech] [--rounds 11]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import soundfile

from synth import demo
from synth.audio.measured import measured

RATE_HZ = 16_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = Path(__file__).resolve().parents[3] / "shared" / "data" / "LibriSpeech"
    parser.add_argument("--corpus", type=Path, default=beside if beside.exists() else demo.folder())
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    files = sorted(options.corpus.rglob("*.flac"))
    seconds = sum(soundfile.info(file).duration for file in files)
    ratios, decoding = [], []
    for _ in range(options.rounds + 1):
        alone = took(lambda file: soundfile.read(file, dtype="int16"), files)
        ratios.append(took(lambda file: measured(file, RATE_HZ), files) / alone)
        decoding.append(alone / seconds * 1e6)
    del ratios[0], decoding[0]  # to warm up
    print(f"{len(files)} files, {seconds:.0f} s; decoding alone {median(decoding):.0f} us a second of sound")
    print(f"measuring / decoding {median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}; bar: <= 1.8)")


def took(work: Callable[[Path], object], files: Sequence[Path]) -> float:
    """Return the CPU seconds of some work on all files."""
    began = time.process_time()
    for file in files:
        work(file)
    return time.process_time() - began


if __name__ == "__main__":
    main()
