"""The sources as arrays: what the plan may draw from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.audio.decibels import byte_energies, byte_peaks
from synth.audio.envelope import frame_length
from synth.audio.speech import active_frames
from synth.store.arrays import as_numpy, ragged
from synth.tables import NOISE, SEXES, SPLITS

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Sources with their envelopes end to end; source s has the frames ``offsets[s]:offsets[s + 1]``.

    ``is_active``: which frames are active, over all sources; ``usable``, ``noise``: (S,) masks; ``sex``: 0 female, 1 male, -1 unknown; ``split``: index into SPLITS, -1 none;
    ``speaker``: (S,) codes, -1 unknown, names in ``speaker_names``.
    """

    ids: list[str]
    rate_hz: int
    rms: NDArray[np.uint8]
    peaks: NDArray[np.uint8]
    offsets: Ints
    is_active: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    noise: NDArray[np.bool_]
    sex: Ints
    split: Ints
    speaker: Ints
    speaker_names: list[str]

    @classmethod
    def of(cls, sources: pa.Table, rate_hz: int) -> Pool:
        """Make a pool of a SOURCES table whose envelopes are those of the samples at ``rate_hz``."""
        rms, offsets = ragged(sources.column("envelope"))
        peaks, _ = ragged(sources.column("peaks"))
        status = sources.column("status").to_pylist()
        split, _ = codes(sources.column("split"), SPLITS)
        sex, _ = codes(sources.column("sex"), SEXES)
        speaker, names = codes(sources.column("speaker_id"))
        corpus, _ = codes(sources.column("corpus"), (NOISE,))
        usable = np.fromiter((s == "ok" for s in status), np.bool_, len(status)) & (np.diff(offsets) > 0)
        ids = sources.column("source_id").to_pylist()
        bits, bit_offsets = np.empty(0, np.uint8), np.zeros(len(offsets), np.int64)
        if "speech" in sources.column_names:
            bits, bit_offsets = ragged(sources.column("speech"))
        active = active_frames(rms, offsets, corpus == 0, bits, bit_offsets)
        return cls(ids, rate_hz, rms, peaks, offsets, active, usable, corpus == 0, sex, split, speaker, names)

    @property
    def frame_n(self) -> int:
        """Samples in a frame of 20 ms."""
        return frame_length(self.rate_hz)

    @cached_property
    def frames(self) -> Ints:
        """Whole frames of each source, shape (S,)."""
        return np.diff(self.offsets)

    @cached_property
    def active_before(self) -> NDArray[np.int32]:
        """Active frames before each frame, cumulated over all sources."""
        return np.concatenate([[0], np.cumsum(self.is_active, dtype=np.int32)]).astype(np.int32)

    @cached_property
    def sounds(self) -> NDArray[np.bool_]:
        """Which sources have an active frame, shape (S,)."""
        return np.asarray(np.diff(self.active_before[self.offsets]) > 0, np.bool_)

    @cached_property
    def energy_before(self) -> Ints:
        """Energy (sum of squares) before each frame, cumulated over all sources."""
        return np.concatenate([[0], np.cumsum(byte_energies(self.frame_n)[self.rms])])

    @cached_property
    def active_energy_before(self) -> Ints:
        """Energy of the active frames before each frame, cumulated over all sources."""
        return np.concatenate([[0], np.cumsum(byte_energies(self.frame_n)[self.rms] * self.is_active)])

    @cached_property
    def _loudest(self) -> dict[int, NDArray[np.uint8]]:
        return {0: self.peaks}

    def largest(self, first: Ints, length: Ints) -> NDArray[np.int32]:
        """Return a bound of the absolute samples in windows of whole frames, shape (windows,), length at least 1.

        A sparse table: the loudest of 2**k frames, twice, covers every length between 2**k and 2**(k + 1).
        """
        if not len(first):
            return np.empty(0, np.int32)
        shortest, longest = int(length.min()).bit_length() - 1, int(length.max()).bit_length() - 1
        if shortest == longest:
            return self._largest(first, first + length, shortest)
        level = np.frexp(length)[1].astype(np.int64) - 1
        out = np.empty(len(first), np.int32)
        for k in range(shortest, longest + 1):
            here = level == k
            out[here] = self._largest(first[here], first[here] + length[here], k)
        return out

    def _largest(self, first: Ints, end: Ints, k: int) -> NDArray[np.int32]:
        table = self._level(k)
        return np.asarray(
            byte_peaks().take(np.minimum(table.take(first), table.take(end - (1 << k))), mode="clip"), np.int32
        )

    def _level(self, k: int) -> NDArray[np.uint8]:
        if k not in self._loudest:
            below = self._level(k - 1)
            reach = 1 << (k - 1)
            table = below.copy()
            table[: len(below) - reach] = np.minimum(below[: len(below) - reach], below[reach:])
            self._loudest[k] = table
        return self._loudest[k]


def codes(column: pa.ChunkedArray, names: tuple[str, ...] | None = None) -> tuple[Ints, list[str]]:
    """Return per row the index of its text in ``names`` (sorted distinct texts by default), -1 for null or unknown."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    found = encoded.dictionary.to_pylist()
    known = list(names) if names is not None else sorted(found)
    rank = {name: k for k, name in enumerate(known)}
    lookup = np.array([*(rank.get(name, -1) for name in found), -1], np.int64)
    index = as_numpy(encoded.indices, np.int64).copy()
    if encoded.null_count:
        index[np.asarray(encoded.indices.is_null().to_numpy(zero_copy_only=False))] = len(found)
    return lookup[index.astype(np.int64)], known
