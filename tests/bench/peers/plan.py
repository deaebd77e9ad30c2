"""The windows that every peer mixes: a plan of 1-s clips at 16 kHz with 1-3 different speakers each.

Every number is a hash of (row, purpose), the finaliser of SplitMix64, so two runs and two peers get the same clips,
and the plan for more clips begins with the plan for fewer. It costs a few microseconds a clip, in every peer alike.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

RATE_HZ = 16_000
CLIP_N = RATE_HZ
MOST_SPEAKERS = 3
BLOCK = 1_000

U64 = np.typing.NDArray[np.uint64]


class Window(NamedTuple):
    """A second of one speaker: where it is and how loud it is to be."""

    path: str
    speaker: str
    start_n: int
    gain: float

    @property
    def start_s(self) -> float:
        """Start of the window in the recording, in seconds."""
        return self.start_n / RATE_HZ

    @property
    def gain_db(self) -> float:
        """The gain in decibels."""
        return 20 * float(np.log10(self.gain))


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings by speaker: path and number of samples of each."""

    speakers: list[str]
    recordings: list[list[tuple[str, int]]]


def arguments(about: str) -> argparse.Namespace:
    """Parse what every peer takes: how many clips, from where, to where, and as what."""
    parser = argparse.ArgumentParser(description=about.strip().splitlines()[0])
    parser.add_argument("clips", type=int, help="number of clips")
    parser.add_argument("corpus", type=Path, help="folder of FLAC files SPEAKER-CHAPTER-NUMBER.flac, 16 kHz, mono")
    parser.add_argument("out", type=Path, help="folder to write to; is made")
    parser.add_argument("--codec", choices=("wav", "flac"), default="wav")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def flac_header(path: Path) -> tuple[int, int, int]:
    """Return rate, channels and number of samples of a FLAC file from its first 26 bytes (STREAMINFO, RFC 9639)."""
    with path.open("rb") as file:
        head = file.read(26)
    if head[:4] != b"fLaC" or len(head) < 26:
        return 0, 0, 0
    bits = int.from_bytes(head[18:26], "big")  # 20 bits rate, 3 channels - 1, 5 sample size - 1, 36 samples
    return bits >> 44, (bits >> 41 & 7) + 1, bits & (1 << 36) - 1


def scan(folder: Path) -> Corpus:
    """Find the recordings of at least one clip's length, sorted, by speaker."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.flac")):
        rate_hz, channels, samples = flac_header(path)
        if (rate_hz, channels) == (RATE_HZ, 1) and samples >= CLIP_N:
            found[path.name.split("-")[0]].append((str(path), samples))
    if len(found) < MOST_SPEAKERS:
        raise SystemExit(
            f"{folder}: {len(found)} speakers with 16-kHz mono FLAC of 1 s or more, {MOST_SPEAKERS} wanted"
        )
    speakers = sorted(found)
    return Corpus(speakers, [found[speaker] for speaker in speakers])


def _draw(rows: np.typing.NDArray[np.int64], purpose: int, below: U64 | int) -> np.typing.NDArray[np.int64]:
    """Draw an integer in [0, below) per row."""
    x = (rows.astype(np.uint64) * np.uint64(64) + np.uint64(purpose + 1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (((x >> np.uint64(32)) * np.asarray(below, np.uint64)) >> np.uint64(32)).astype(np.int64)


def _different_speakers(rows: np.typing.NDArray[np.int64], speakers: int) -> np.typing.NDArray[np.int64]:
    """Draw three different speakers per row, shape (rows, 3): each is drawn among those left, then counted past."""
    first = _draw(rows, 1, speakers)
    second = _draw(rows, 2, speakers - 1)
    second += second >= first
    third = _draw(rows, 3, speakers - 2)
    third += third >= np.minimum(first, second)
    third += third >= np.maximum(first, second)
    return np.stack([first, second, third], axis=1)


def clips(count: int, folder: Path) -> Iterator[list[Window]]:
    """Yield the windows of each clip."""
    corpus = scan(folder)
    lengths = [np.array([samples for _, samples in of_one]) for of_one in corpus.recordings]
    recordings = np.array([len(of_one) for of_one in corpus.recordings])
    gains = [10 ** (-tenths / 200) for tenths in range(60, 121)]  # -6 to -12 dB
    for begin in range(0, count, BLOCK):
        rows = np.arange(begin, min(count, begin + BLOCK))
        numbers = _draw(rows, 0, MOST_SPEAKERS) + 1
        who = _different_speakers(rows, len(corpus.speakers))
        which = np.stack([_draw(rows, 4 + j, recordings[who[:, j]]) for j in range(MOST_SPEAKERS)], axis=1)
        where = np.stack([_draw(rows, 7 + j, 1 << 32) for j in range(MOST_SPEAKERS)], axis=1)
        loud = np.stack([_draw(rows, 10 + j, len(gains)) for j in range(MOST_SPEAKERS)], axis=1)
        for number, *columns in zip(numbers.tolist(), who.tolist(), which.tolist(), where, loud.tolist(), strict=True):
            windows = []
            for s, r, w, g in list(zip(*columns, strict=True))[:number]:
                path, _ = corpus.recordings[s][r]
                start_n = (int(w) * int(lengths[s][r] - CLIP_N + 1)) >> 32
                windows.append(Window(path, corpus.speakers[s], start_n, gains[g]))
            yield windows
