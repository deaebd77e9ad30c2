"""A rendering job: everything a worker needs to know, and the shards it is cut into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synth.audio.cache import Place

SHARD_BYTES = 32 << 20
LARGEST_SHARD = (
    64 << 20
)  # with the stems of 20 speakers it stays below the 2 GB that the offsets of an array can address
SHARD_CLIPS = (50, 1000)  # fewest and most: a shard is one row group, which costs 3 ms whatever is in it
STORES = ("parquet", "files")
CODECS = ("wav", "flac")


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows ``first`` to ``end`` of a split; ``row`` is where its first row lies in the plan file."""

    split: str
    number: int
    of: int
    first: int
    end: int
    row: int

    @property
    def name(self) -> str:
        """E.g. ``train-00000-of-00012``."""
        return f"{self.split}-{self.number:05d}-of-{self.of:05d}"


@dataclass(frozen=True, slots=True)
class Job:
    """What to render and where to; the same for all workers.

    ``as_is``: clips are recordings as they are: no ramps, and the lowest sample that 16 bits can hold is let through.
    ``labels``: the classes of clips that have one label each. ``places``: source_id to its samples in the arena; ``files``: source_id to the file, for those read from there.
    """

    plan: Path
    sources: Path
    out: Path
    digest: str
    rate_hz: int
    length_n: int
    store: str
    codec: str
    stems: bool
    cells: tuple[str, ...]
    places: Mapping[str, Place]
    files: Mapping[str, Path]
    as_is: bool = False
    labels: tuple[str, ...] = ()

    @property
    def per_shard(self) -> int:
        """Clips in a shard: a function of the clip's size alone, so that bytes do not depend on the workers."""
        fewest, most = SHARD_CLIPS
        wanted = max(fewest, min(most, SHARD_BYTES // (2 * self.length_n)))
        return max(1, min(wanted, LARGEST_SHARD // (2 * self.length_n)))

    def shards(self, clips: Mapping[str, int]) -> list[Shard]:
        """Cut the splits (clips by split, in the order of the plan) into shards."""
        out, row = [], 0
        for split, count in clips.items():
            of = -(-count // self.per_shard)
            for number in range(of):
                first = number * self.per_shard
                out.append(Shard(split, number, of, first, min(first + self.per_shard, count), row + first))
            row += count
        return out

    def path(self, shard: Shard) -> Path:
        """Return where a finished shard lies: a Parquet file, or a folder of audio files with their metadata."""
        if self.store == "parquet":
            return self.out / "data" / f"{shard.name}.parquet"
        return self.out / "data" / shard.split / shard.name

    def table(self, shard: Shard) -> Path:
        """Return the Parquet file that holds the shard's rows."""
        return self.path(shard) if self.store == "parquet" else self.path(shard) / "metadata.parquet"
