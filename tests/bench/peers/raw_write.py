"""The floor: write as many bytes as the clips have, in batches as large and files as many, and do nothing else."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

CLIP_BYTES = 44 + 2 * 16_000


def main() -> None:
    """Write, flush to the disk and rename, as a careful writer does; the corpus is not read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", type=int)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--batch", type=int, default=1_000, help="clips in one write")
    parser.add_argument("--shard", type=int, default=1_000, help="clips in one file")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    batch = memoryview(os.urandom(1 << 20) * (options.batch * CLIP_BYTES // (1 << 20) + 1))[
        : options.batch * CLIP_BYTES
    ]
    for number, begin in enumerate(range(0, options.clips, options.shard)):
        end = min(options.clips, begin + options.shard)
        name = options.out / f"{number:05d}.raw"
        partial = name.with_suffix(".partial")
        with partial.open("wb", buffering=0) as file:
            for row in range(begin, end, options.batch):
                file.write(batch[: min(options.batch, end - row) * CLIP_BYTES])
            os.fsync(file.fileno())
        partial.rename(name)


if __name__ == "__main__":
    main()
