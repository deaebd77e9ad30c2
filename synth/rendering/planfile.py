"""Rows of a plan file as arrays, read where they are needed: a plan may be larger than memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.errors import InputError, listed
from synth.store.arrays import as_numpy
from synth.store.parquet import File, Stretches, file_metadata
from synth.units import counted

Ints = NDArray[np.int64]
_SOURCE = "parts.list.element.source_id"
_COUNTS = ("n_speakers", "n_female", "n_male")
_KEPT = ("clip_id", "split", *_COUNTS, "cell", "level_dbfs", "snr_db", "labels", "labels_mask")
_NUMBERS = ("source", "start_n", "onset_n", "length_n", "gain_q12")


@dataclass(frozen=True, slots=True)
class PlanRows:
    """Rows of a plan; parts end to end, those of row i in ``offsets[i]:offsets[i + 1]``; see PLAN for the columns."""

    table: pa.Table
    offsets: Ints
    source: Ints
    start_n: Ints
    onset_n: Ints
    length_n: Ints
    gain_q12: Ints
    active_s: NDArray[np.float32]
    sir_db: pa.Array

    @property
    def clip_of_part(self) -> Ints:
        """The row of each part."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


class PlanFile:
    """A plan file; ``index`` maps source ids to rows of SOURCES."""

    def __init__(self, path: Path, index: Mapping[str, int]) -> None:
        self._file = File(path, read_dictionary=[_SOURCE])
        self._path, self._index = path, index
        self._stretches = Stretches(self._file)
        self.metadata = file_metadata(self._file)
        self.clips = int(self._file.metadata.num_rows)

    def rows(self, first: int, end: int) -> PlanRows:
        """Return rows ``first`` to ``end`` of the file. Raises InputError for a source that SOURCES does not have."""
        return self._arrays(self._stretches.read(first, end).combine_chunks())

    def whole(self) -> PlanRows:
        """Return all rows in as few bytes as they need: 32-bit numbers, and of the table only names and classes."""
        pages = []
        for group in range(self._file.metadata.num_row_groups):
            page = self._arrays(self._file.read_row_group(group, use_threads=False).combine_chunks())
            slim = {name: getattr(page, name).astype(np.int32) for name in _NUMBERS}
            columns = [name for name in _KEPT if name in page.table.column_names]
            pages.append(replace(page, table=page.table.select(columns), **slim))
        if not pages:
            return self._arrays(self._file.read())
        ends = np.cumsum([0, *(len(page.source) for page in pages)])
        return PlanRows(
            table=pa.concat_tables([page.table for page in pages]),
            offsets=np.concatenate(
                [[0], *(page.offsets[1:] + end for page, end in zip(pages, ends[:-1], strict=True))]
            ),
            active_s=np.concatenate([page.active_s for page in pages]),
            sir_db=pa.chunked_array([page.sir_db for page in pages]),
            **{name: np.concatenate([getattr(page, name) for page in pages]) for name in _NUMBERS},
        )

    def used(self) -> Ints:
        """Return how often each source is used, shape (sources,)."""
        counts = np.zeros(len(self._index), np.int64)
        for group in range(self._file.metadata.num_row_groups):
            parts = (
                self._file.read_row_group(group, columns=[_SOURCE], use_threads=False).column("parts").combine_chunks()
            )
            counts += np.bincount(self._sources(_children(parts)["source_id"]), minlength=len(counts))
        return counts

    def _arrays(self, table: pa.Table) -> PlanRows:
        column = table.column("parts")
        parts = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        offsets = np.frombuffer(parts.buffers()[1], np.int32)[parts.offset : parts.offset + len(parts) + 1].astype(
            np.int64
        )
        flat = _children(parts)
        self._complete({"parts": parts, **{name: flat[name] for name in _NUMBERS[1:]}})
        self._complete({name: table.column(name) for name in ("clip_id", "split") if name in table.column_names})

        def ints(name: str) -> Ints:
            return as_numpy(flat[name], np.int64).astype(np.int64)

        return PlanRows(
            table=table,
            offsets=offsets - offsets[0],
            source=self._sources(flat["source_id"]),
            start_n=ints("start_n"),
            onset_n=ints("onset_n"),
            length_n=ints("length_n"),
            gain_q12=ints("gain_q12"),
            active_s=as_numpy(flat["active_s"], np.float32).astype(np.float32),
            sir_db=flat["sir_db"],
        )

    def _complete(self, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> None:
        if empty := [name for name, column in columns.items() if column.null_count]:
            raise InputError(
                f"{self._path} has rows without {listed(empty)}: it is damaged, or no plan. Make one with: synth plan"
            )

    def _sources(self, column: pa.Array) -> Ints:
        self._complete({"source_id": column})
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        unknown = [name for name in names if name not in self._index]
        if unknown:
            raise InputError(
                f"{self._path} uses {counted(len(unknown), 'source')} that the sources table does not have, e.g. {unknown[0]}; "
                "give the table the plan was made from: --sources FILE"
            )
        lookup = np.array([self._index[name] for name in names], np.int64)
        return lookup[as_numpy(encoded.indices, np.int64).astype(np.int64)]


def _children(parts: pa.ListArray) -> dict[str, pa.Array]:
    """Return the fields of all parts end to end (``flatten`` honours slices, ``field`` does not)."""
    flat = parts.flatten()
    return dict(zip([field.name for field in flat.type], flat.flatten(), strict=True))
