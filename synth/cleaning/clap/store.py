"""Embeddings that were made once: Parquet in the user's cache, so that a second run or another prompt costs nothing.

One folder for each model, engine and version of the front end; in it, parts that are written as the work goes on, so
that an interrupted run loses little. A row is one recording (all its windows end to end) or one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synth.store import arrays, atomic

Vectors = NDArray[np.float32]
MANY_PARTS = 32  # then they become one


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a list of keys: ``vectors`` (sum of ``counts``, dimension) in the order of the keys.

    ``counts`` has a number a key: 0 where nothing is known of it.
    """

    vectors: Vectors
    counts: NDArray[np.int64]


class Store:
    """One folder of embeddings; safe to use from several processes, which then write parts of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        atomic.clean_after_dead(folder)

    def add(self, keys: Sequence[str], vectors: Sequence[Vectors]) -> None:
        """Write a part: the vectors of each key, shape (windows, dimension) each."""
        if not keys:
            return
        name = sha256("\n".join(keys).encode()).hexdigest()[:24]
        self._write(keys, vectors, self.folder / f"{name}.parquet")

    def find(self, keys: Sequence[str]) -> Found:
        """Return what is known of the keys."""
        wanted = arrays.texts(list(keys))
        counts = np.zeros(len(keys), np.int64)
        pieces: list[tuple[NDArray[np.int64], Vectors, NDArray[np.int64]]] = []
        dimension = 0
        for path in self._parts():
            table = self._read(path)
            if table is None:
                continue
            place = pc.index_in(wanted, value_set=table.column("key").combine_chunks())
            rows = place.fill_null(-1).to_numpy(zero_copy_only=False)
            fresh = np.flatnonzero((rows >= 0) & (counts == 0))
            if not len(fresh):
                continue
            windows = table.column("windows").to_numpy()
            flat = table.column("vectors").combine_chunks().flatten().to_numpy()
            dimension = len(flat) // int(windows.sum())
            firsts = np.cumsum(windows) - windows
            counts[fresh] = windows[rows[fresh]]
            pieces.append((fresh, flat.reshape(-1, dimension), firsts[rows[fresh]]))
        vectors = np.empty((int(counts.sum()), dimension), np.float32)
        begins = np.cumsum(counts) - counts
        for fresh, flat, firsts in pieces:
            size = counts[fresh]
            within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
            vectors[np.repeat(begins[fresh], size) + within] = flat[np.repeat(firsts, size) + within]
        return Found(vectors, counts)

    def tidy(self) -> None:
        """Make one part of many."""
        parts = self._parts()
        if len(parts) < MANY_PARTS:
            return
        tables = [table for table in map(self._read, parts) if table is not None]
        keys = list(dict.fromkeys(key for table in tables for key in table.column("key").to_pylist()))
        found = self.find(keys)
        ends = np.cumsum(found.counts)
        self._write(keys, np.split(found.vectors, ends[:-1]), self.folder / f"all-{len(keys):09d}.parquet")
        for path in parts:
            if path.name != f"all-{len(keys):09d}.parquet":
                path.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.parquet") if not path.name.startswith(atomic.PREFIX))

    def _write(self, keys: Sequence[str], vectors: Sequence[Vectors], path: Path) -> None:
        counts = np.array([len(one) for one in vectors], np.int64)
        flat = np.concatenate(list(vectors)).astype(np.float32, copy=False)
        offsets = np.concatenate([[0], np.cumsum(counts * flat.shape[1])])
        table = pa.table(
            {
                "key": arrays.texts(list(keys)),
                "windows": arrays.numbers(counts, pa.int64()),
                "vectors": pa.LargeListArray.from_arrays(
                    arrays.numbers(offsets, pa.int64()), arrays.numbers(flat.reshape(-1), pa.float32())
                ),
            }
        )
        with atomic.replacing(path) as temporary:
            pq.write_table(table, temporary, compression="none", use_dictionary=False)

    def _read(self, path: Path) -> pa.Table | None:
        """Read a part; one that another process has just put together with others, or a damaged one, is none."""
        try:
            return pq.read_table(path, use_threads=False)
        except (OSError, pa.ArrowInvalid):
            return None
