"""The tables of a data set as arrays: whole numbers and codes, one row per clip, per part or per source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.store.arrays import as_numpy
from synth.tables import NOISE, PART_MANIFEST, SPLITS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BITS_32 = -(1 << 31), (1 << 31) - 1
UNKNOWN = -2  # the code of a text that is in one table and not in the other; a null is -1
# the fields of a manifest's part that are copied from SOURCES
COPIED = tuple(field.name for field in PART_MANIFEST if pa.types.is_string(field.type) and field.name != "source_id")
CLIP_COLUMNS = ("clip_id", "split", "n_speakers", "speakers_sex", "n_female", "n_male", "cell", "level_dbfs", "licence")
CLIP_LEAVES = (
    *CLIP_COLUMNS,
    *(f"parts.list.element.{name}" for name in ("source_id", "onset_s", "duration_s", "level_dbfs", *COPIED)),
)
IN_DICTIONARIES = (
    "split",
    "licence",
    "speakers_sex",
    *(f"parts.list.element.{name}" for name in ("source_id", *COPIED)),
)


def codes(column: pa.Array | pa.ChunkedArray, names: Sequence[str] | None = None) -> tuple[Ints, list[str]]:
    """Return per row the index of its text in ``names`` (by default its own distinct texts, sorted), and the names.

    A null is -1, a text that is not in ``names`` is ``UNKNOWN``.
    """
    encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(encoded, pa.ChunkedArray):  # more than one chunk is left where texts pass 2 GB
        raise ValueError("a column of more than 2 GB of text")
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    found = encoded.dictionary.to_pylist()
    known = list(names) if names is not None else sorted({name for name in found if name is not None})
    rank: dict[str | None, int] = {name: k for k, name in enumerate(known)}
    rank[None] = -1
    lookup = np.array([*(rank.get(name, UNKNOWN) for name in found), -1], np.int64)
    index = as_numpy(encoded.indices, np.int64).astype(np.int64)
    if encoded.indices.null_count:
        index[nulls(encoded.indices)] = len(found)
    return lookup[index], known


def nulls(array: pa.Array) -> Bools:
    """Return which rows of an array are null, shape (n,)."""
    if not array.null_count:
        return np.zeros(len(array), np.bool_)
    bits = np.unpackbits(np.frombuffer(array.buffers()[0], np.uint8), bitorder="little")
    return ~bits[array.offset : array.offset + len(array)].astype(np.bool_)


def filled(array: pa.Array, fill: int) -> Ints:
    """Return whole numbers (n,) with ``fill`` where there is none."""
    return np.where(nulls(array), fill, as_numpy(array, np.int64))


@dataclass(frozen=True)
class Sources:
    """A SOURCES table; arrays of shape (S,). Codes are indexes into ``names[column]``, -1 is null."""

    table: pa.Table
    ids: list[str]

    @classmethod
    def of(cls, table: pa.Table) -> Sources:
        """Take a SOURCES table."""
        return cls(table, table.column("source_id").to_pylist())

    @cached_property
    def _coded(self) -> dict[str, tuple[Ints, list[str]]]:
        return {}

    def code(self, column: str) -> Ints:
        """Return the codes of a text column."""
        return self._column(column)[0]

    def names(self, column: str) -> list[str]:
        """Return what the codes of a text column mean."""
        return self._column(column)[1]

    def _column(self, name: str) -> tuple[Ints, list[str]]:
        if name not in self._coded:
            self._coded[name] = codes(self.table.column(name))
        return self._coded[name]

    @cached_property
    def noise(self) -> Bools:
        """Which sources are background noise."""
        names = self.names("corpus")
        return np.asarray(self.code("corpus") == (names.index(NOISE) if NOISE in names else UNKNOWN), np.bool_)

    @cached_property
    def sex(self) -> Ints:
        """0 female, 1 male, -1 unknown."""
        return codes(self.table.column("sex"), ("F", "M"))[0]


@dataclass(frozen=True)
class Clips:
    """The rows of a manifest; parts end to end, those of clip i in ``offsets[i]:offsets[i + 1]``.

    Shapes: (clips,) for split (index into SPLITS, negative if it is none of them), n, n_female, n_male, cell (-1: null), level_db,
    sexes and licence (indexes into ``sexes_names`` and ``licence_names``); (parts,) for source (row of SOURCES,
    ``UNKNOWN`` if it is not there), onset_s, duration_s, part_level_db (NaN where there is none), and for each column
    copied from SOURCES ``differs``: where a part says something else than its source.
    """

    sources: Sources
    clip_id: pa.ChunkedArray
    split: Ints
    n: Ints
    n_female: Ints
    n_male: Ints
    cell: Ints
    level_db: NDArray[np.float32]
    sexes: Ints
    sexes_names: list[str]
    licence: Ints
    licence_names: list[str]
    offsets: Ints
    source: Ints
    onset_s: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    part_level_db: NDArray[np.float32]
    differs: dict[str, Bools]

    @classmethod
    def of(cls, pages: Iterable[pa.Table], sources: Sources) -> Clips:
        """Take the columns ``CLIP_LEAVES`` of a manifest, page by page: the texts of one page at a time."""
        sexes_names: list[str] = []
        licence_names: list[str] = []
        found: dict[str, list[NDArray[np.generic]]] = {}
        differs: dict[str, list[Bools]] = {name: [] for name in COPIED}
        ids: list[pa.Array] = []
        for page in pages:
            ids += page.column("clip_id").chunks
            parts = page.column("parts").combine_chunks()
            offsets = np.frombuffer(parts.buffers()[1], np.int32)[parts.offset : parts.offset + len(parts) + 1]
            flat = parts.flatten()
            fields = dict(zip([field.name for field in flat.type], flat.flatten(), strict=True))
            source = codes(fields["source_id"], sources.ids)[0]
            level = fields["level_dbfs"]
            values: dict[str, NDArray[np.generic]] = {
                "split": codes(page.column("split"), SPLITS)[0],
                "level_db": as_numpy(page.column("level_dbfs"), np.float32),
                "sexes": _numbered(page.column("speakers_sex"), sexes_names),
                "licence": _numbered(page.column("licence"), licence_names),
                "parts": np.diff(offsets),
                "source": source,
                "onset_s": as_numpy(fields["onset_s"], np.float64),
                "duration_s": as_numpy(fields["duration_s"], np.float64),
                "part_level_db": np.where(nulls(level), np.nan, as_numpy(level, np.float32)).astype(np.float32),
                **{name: _counts(page.column(name)) for name in ("n_speakers", "n_female", "n_male", "cell")},
            }
            for name, array in values.items():
                whole = np.issubdtype(array.dtype, np.integer)  # a count that 32 bits cannot hold stays a wrong one
                held = np.clip(array, *_BITS_32).astype(np.int32) if whole else array.copy()
                found.setdefault(name, []).append(held)
            for name in COPIED:
                written, _ = codes(fields[name], sources.names(name))
                of_source = np.where(source >= 0, sources.code(name)[np.maximum(source, 0)], written)
                differs[name].append(np.asarray(written != of_source, np.bool_))
        whole_: dict[str, Any] = {name: np.concatenate(arrays) for name, arrays in found.items()}
        return cls(
            sources=sources,
            clip_id=pa.chunked_array(ids, pa.string()),
            n=whole_.pop("n_speakers"),
            offsets=np.concatenate([[0], np.cumsum(whole_.pop("parts"), dtype=np.int64)]),
            sexes_names=sexes_names,
            licence_names=licence_names,
            differs={name: np.concatenate(masks) for name, masks in differs.items()},
            **whole_,
        )

    def __len__(self) -> int:
        return len(self.n)

    @cached_property
    def clip_of_part(self) -> Ints:
        """The clip of each part."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def known(self) -> Bools:
        """Which parts have a source that is in SOURCES."""
        return self.source >= 0

    @cached_property
    def speaks(self) -> Bools:
        """Which parts are speakers, not noise; a part of an unknown source is taken for one."""
        return ~(self.known & self.sources.noise[np.maximum(self.source, 0)])

    @cached_property
    def part_split(self) -> Ints:
        """The split of each part: that of its clip."""
        return self.split[self.clip_of_part]

    def of_source(self, values: NDArray[np.generic], unknown: int = UNKNOWN) -> Ints:
        """Return a value of SOURCES for each part."""
        return np.where(self.known, values[np.maximum(self.source, 0)], unknown).astype(np.int64)

    def ids(self, rows: Ints | Bools) -> list[str]:
        """Return the ids of some clips, given by index or by mask."""
        chosen = np.nonzero(rows)[0] if rows.dtype == np.bool_ else rows
        return [self.clip_id[int(k)].as_py() for k in chosen[:1000]]


def _counts(column: pa.ChunkedArray) -> Ints:
    """Return whole numbers, -1 for null."""
    return np.concatenate(
        [
            np.zeros(0, np.int64),
            *(np.where(nulls(chunk), -1, as_numpy(chunk, np.int64)) for chunk in column.chunks if len(chunk)),
        ]
    )


def _numbered(column: pa.ChunkedArray, names: list[str]) -> Ints:
    """Return per row the index of its text in ``names``, to which new texts are added; null is -1."""
    code, found = codes(column)
    names += [name for name in found if name not in names]
    return np.array([*(names.index(name) for name in found), -1], np.int64)[code]
