"""Windows: the stretches of a recording in which the speaker is active for long enough to be heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.planning.pool import Pool
from synth.seeds import below

Ints = NDArray[np.int64]
_BUCKET_BITS = 6


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of one length with enough activity, as runs of neighbouring starts.

    ``length``: (S,) frames of a window of each source; ``count``: (S,) windows, ``base``: (S,) windows of the sources
    before; run r ends after ``until[r]`` windows have been counted over all sources, and window number w of it starts at
    frame ``w + shift[r]`` (over all sources). ``hint`` gives the run of every 64th window: a step or two from any other.
    """

    length: Ints
    count: Ints
    base: Ints
    until: Ints
    shift: Ints
    hint: Ints

    @classmethod
    def of(cls, pool: Pool, wanted: int, fewest_active: int, shorter: bool) -> Windows:
        """Find the windows of ``wanted`` frames with at least ``fewest_active`` active ones.

        With ``shorter`` a recording below that length is one window of its own length; otherwise it has none.
        """
        frames = pool.frames
        length = np.minimum(frames, wanted) if shorter else np.full(len(frames), wanted)
        starts = np.where(pool.usable & (frames > 0), np.maximum(frames - length + 1, 0), 0)
        owner = np.repeat(np.arange(len(frames)), frames)
        at = np.arange(len(pool.rms))
        fits = at - pool.offsets[owner] < starts[owner]
        end = np.minimum(at + length[owner], len(pool.rms))
        heard = pool.active_before[end] - pool.active_before[at]
        good = fits & (heard >= fewest_active)
        count = np.bincount(owner[good], minlength=len(frames))
        edges = np.diff(np.concatenate([[0], good.astype(np.int8), [0]]))
        first = np.nonzero(edges == 1)[0]
        last = np.nonzero(edges == -1)[0]
        until = np.cumsum(last - first)
        buckets = np.arange(0, int(until[-1]) if len(until) else 0, 1 << _BUCKET_BITS)
        hint = np.searchsorted(until, buckets, side="right")
        return cls(length, count, np.cumsum(count) - count, until, last - until, hint)

    def drawn(self, sources: Ints, numbers: NDArray[np.uint64]) -> Ints:
        """Return the first frame (over all sources) of one window per source, by uniform 64-bit numbers."""
        rank = self.base.take(sources) + below(numbers, self.count.take(sources))
        run = self.hint.take(rank >> _BUCKET_BITS)
        while (later := self.until.take(run) <= rank).any():
            run = run + later
        return np.asarray(self.shift.take(run) + rank)
