"""Where a renderer's samples come from: the arena, or windows read from the corpus. Both give the same samples."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio.arena import mapped
from synth.audio.cache import Place
from synth.audio.decode import decode, read_window
from synth.audio.measured import centred, resampled, without_dc

KEPT = 16  # whole recordings of another rate kept decoded


class Samples:
    """Samples of the sources at the output rate, their mean removed; ``ids`` gives the order of the sources.

    ``dc_n`` (S,) and ``rate_hz`` (S,) are the columns of SOURCES.
    """

    def __init__(
        self,
        ids: Sequence[str],
        out_hz: int,
        places: Mapping[str, Place],
        files: Mapping[str, Path],
        dc_n: NDArray[np.int64],
        rate_hz: NDArray[np.int64],
    ) -> None:
        self._out_hz, self._files, self._ids = out_hz, files, ids
        self._dc_n, self._rate_hz = dc_n, rate_hz
        packs = {name: mapped(name, out_hz) for name in sorted({place.pack for place in places.values()})}
        self._arena: list[NDArray[np.int16] | None] = [None] * len(ids)
        for k, name in enumerate(ids):
            place = places.get(name)
            if place is not None:
                self._arena[k] = packs[place.pack][place.start_n : place.start_n + place.length_n]
        self._whole: OrderedDict[int, NDArray[np.int16]] = OrderedDict()

    def windows(
        self, source: NDArray[np.int64], start: NDArray[np.int64], length: NDArray[np.int64]
    ) -> list[NDArray[np.int16]]:
        """Return ``length`` samples of each source from ``start``, both at the output rate; all three are (windows,)."""
        asked = zip(source.tolist(), start.tolist(), length.tolist(), strict=True)
        return [self.window(*one) for one in asked]

    def window(self, source: int, start: int, length: int) -> NDArray[np.int16]:
        """Return ``length`` samples of a source from ``start``, both at the output rate."""
        recording = self._arena[source]
        return self._read(source, start, length) if recording is None else recording[start : start + length]

    def _read(self, source: int, start: int, length: int) -> NDArray[np.int16]:
        path = self._files[self._ids[source]]
        if self._rate_hz[source] == self._out_hz:
            return without_dc(read_window(path, start, length), int(self._dc_n[source]))
        return self._decoded(source, path)[start : start + length]

    def _decoded(self, source: int, path: Path) -> NDArray[np.int16]:
        if source not in self._whole:
            decoded = decode(path)
            self._whole[source] = centred(resampled(decoded.samples, decoded.rate_hz, self._out_hz))[0]
            if len(self._whole) > KEPT:
                self._whole.popitem(last=False)
        self._whole.move_to_end(source)
        return self._whole[source]
