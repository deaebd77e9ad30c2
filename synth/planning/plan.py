"""The plan as a function of its index.

Row i of a split depends on (seed, split, i, SOURCES) alone: its cell from the period, its speakers from the uses before
it, everything else from draws that are hashed from the index. So a longer plan begins with the shorter one, and any
range of rows can be made by anyone in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import byte_peaks
from synth.errors import InfeasibleError
from synth.planning import overlap
from synth.planning.cells import Period
from synth.planning.levels import LARGEST, Gains, Heard, achieved, balanced, lowered, ratios, scaled
from synth.planning.orders import Orders
from synth.planning.pool import Pool
from synth.planning.request import Request
from synth.planning.speakers import Speakers, levelled
from synth.planning.windows import Windows
from synth.seeds import U64, below, draw, key
from synth.tables import SPLITS
from synth.units import counted

FURTHER_ATTEMPTS = ((1, 2, 3), tuple(range(4, 16)))  # at windows and relative levels, before the best one is lowered
PURPOSES = ("window", "offset", "onset")  # what an attempt draws
BLOCK, SMALL_BLOCK = 65_536, 32_768  # rows planned at a time: a large plan in less time, a usual one in less memory
MANY = 500_000  # clips of a large plan
FRAMES_AT_ONCE = 1 << 20  # for the closer bound of the peaks: 8 MB
MOST_SLOTS = 64  # of a clip: speakers of either sex and noise
SEX_WORDS = ("female", "male")
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a plan as arrays; slots hold speakers first, then noise; an empty slot has source -1.

    Shapes: (rows,) for cell, level, snr (tenths of a dB) and lowered; (rows, slots) for the rest. Starts, onsets and
    lengths are in frames; starts count from the beginning of the source.
    """

    cell: Ints
    level: Ints
    snr: Ints | None
    lowered: NDArray[np.bool_]
    source: Ints
    start: Ints
    onset: Ints
    length: Ints
    gain_q12: NDArray[np.int32]
    active: Ints
    sir: Ints


@dataclass(frozen=True, slots=True)
class Drawn:
    """One attempt at windows and relative levels, shape (rows, slots)."""

    first: Ints
    length: Ints
    onset: Ints
    offset: Ints
    heard: Heard
    gains: Gains


class Planner:
    """Plans the clips of one split; call :meth:`check` first."""

    def __init__(self, pool: Pool, request: Request, period: Period, split: str) -> None:
        self._pool, self._request, self._period, self.split = pool, request, period, split
        self._turns = overlap.table(request.fewest, request.most, request.frames, request.overlap)
        overlap.check(self._turns, request.min_active, request.frames)
        here = pool.usable & (pool.split == SPLITS.index(split))
        self._can_speak = here & ~pool.noise & (pool.speaker >= 0) & (pool.sex >= 0)
        shortest = min(turn.length for by_step in self._turns for turn in by_step)
        self.heard_enough = self._windows(shortest).count > 0
        self._items = [
            self._items_of(np.nonzero(self._can_speak & self.heard_enough & (pool.sex == s))[0]) for s in (0, 1)
        ]
        self._noise = self._noise_sources(here) if request.snr else np.empty(0, np.int64)
        self._orders = Orders.of(period.cells)

    def blocks(self, clips: int) -> Iterator[Block]:
        """Yield the first ``clips`` rows, block by block."""
        block = BLOCK if clips > MANY else SMALL_BLOCK
        for first in range(0, clips, block):
            yield self.rows(first, min(first + block, clips))

    def rows(self, first: int, end: int) -> Block:
        """Return rows ``first`` to ``end`` (exclusive)."""
        request, rows = self._request, np.arange(first, end, dtype=np.int64)
        cell = self._period.cell_index(rows)
        source = self._sources(rows, cell)
        level = request.level[0] + below(self._draw("level", rows), request.level[1] - request.level[0] + 1)
        snr = None
        if request.snr:
            snr = request.snr[0] + below(self._draw("snr", rows), request.snr[1] - request.snr[0] + 1)
            source = np.concatenate([source, self._noise[self._noise_turns(rows)][:, None]], axis=1)
        step = below(self._draw("overlap", rows), len(self._turns[0]))
        drawn = self._attempt(rows, cell, source, level, snr, step)
        failed = self._until_it_fits(drawn, rows, cell, source, level, snr, step)
        off = np.zeros(len(rows), np.bool_)
        if len(failed):
            starts, lengths, onsets = drawn.first[failed], drawn.length[failed], drawn.onset[failed]
            gains, _ = lowered(
                _rows_of(drawn.gains, failed),
                drawn.heard.present[failed],
                lambda q12: self._frame_peaks(starts, lengths, onsets, q12),
            )
            for name in ("tenths", "q12", "peak"):
                getattr(drawn.gains, name)[failed] = getattr(gains, name)
            level[failed] = achieved(
                drawn.heard.energy[failed], gains.tenths, drawn.heard.present[failed], request.length_n
            )
            off[failed] = True
        present = source >= 0
        voices = present.copy()
        if snr is not None:
            voices[:, -1] = False
        start = np.where(present, drawn.first - self._pool.offsets[source], 0)
        return Block(
            cell=cell,
            level=level,
            snr=snr,
            lowered=off,
            source=source,
            start=start,
            onset=drawn.onset,
            length=drawn.length,
            gain_q12=drawn.gains.q12,
            active=np.where(present, drawn.heard.active_n / request.frame_n, 0).astype(np.int64),
            sir=ratios(drawn.heard.energy, drawn.gains.tenths, voices),
        )

    def left_out(self) -> list[tuple[str, int, str]]:
        """Return why recordings of this split are not drawn from: reason, count, an example."""
        pool = self._pool
        here = pool.usable & (pool.split == SPLITS.index(self.split)) & ~pool.noise
        reasons = [
            ("no speaker", here & (pool.speaker < 0)),
            ("sex unknown", here & (pool.speaker >= 0) & (pool.sex < 0)),
            ("speech cannot be told from noise", self._can_speak & ~pool.sounds),
            (
                f"no window with the speaker active for {self._request.min_active / 50:g} s",
                self._can_speak & pool.sounds & ~self.heard_enough,
            ),
        ]
        return [(why, int(mask.sum()), pool.ids[int(mask.argmax())]) for why, mask in reasons if mask.any()]

    def _draw(self, purpose: str, rows: Ints) -> U64:
        return draw(key(self._request.seed, self.split, purpose), rows)

    @cached_property
    def _window_tables(self) -> dict[int, Windows]:
        return {}

    def _windows(self, length: int) -> Windows:
        if length not in self._window_tables:
            shorter = self._request.overlap is not None
            self._window_tables[length] = Windows.of(self._pool, length, self._request.min_active, shorter)
        return self._window_tables[length]

    def _items_of(self, sources: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the utterances of the speakers end to end, where each speaker's begin, and how many there are."""
        speaker = self._pool.speaker[sources]
        order = np.argsort(speaker, kind="stable")
        _, first, count = np.unique(speaker[order], return_index=True, return_counts=True)
        return sources[order], first.astype(np.int64), count.astype(np.int64)

    def _noise_sources(self, here: NDArray[np.bool_]) -> Ints:
        frames = self._request.frames
        return np.nonzero(here & self._pool.noise & (self._noise_windows(frames).count > 0))[0]

    def _noise_windows(self, frames: int) -> Windows:
        if -1 not in self._window_tables:
            self._window_tables[-1] = Windows.of(self._pool, frames, -(-frames // 2), shorter=False)
        return self._window_tables[-1]

    @property
    def speakers(self) -> tuple[int, int]:
        """How many female and male speakers with a usable recording this split has."""
        return len(self._items[0][1]), len(self._items[1][1])

    def check(self, fewest_elsewhere: int) -> None:
        """Raise InfeasibleError when this split cannot fill the cells.

        ``fewest_elsewhere``: the fewest speakers of one sex in any split, for the nearest request that works in all.
        """
        lost = "; ".join(
            f"left out: {counted(n, 'recording')} ({why}, e.g. {example})" for why, n, example in self.left_out()
        )
        for sex, word in enumerate(SEX_WORDS):
            need, have = self._period.most(sex), self.speakers[sex]
            if have < need:
                if fewest_elsewhere:
                    low = min(self._request.fewest, fewest_elsewhere)
                    nearest = f"--speakers {low}-{fewest_elsewhere}, or a --split that gives {self.split} more speakers"
                else:
                    nearest = "shorter clips (--seconds), a lower --min-active, other sources or another --split"
                raise InfeasibleError(
                    f"split {self.split}: {counted(have, f'{word} speaker')} with a usable recording, but a clip may "
                    f"hold {need}. {lost + '. ' if lost else ''}Nearest feasible: {nearest}"
                )
        if self._request.snr and not len(self._noise):
            raise InfeasibleError(
                f"split {self.split}: no noise recording of at least {self._request.frames / 50:g} s that is not silent; "
                "give --noise a folder with longer recordings, or ask for fewer splits"
            )

    def _sources(self, rows: Ints, cell: Ints) -> Ints:
        """Return the utterance of each speaker slot, shape (rows, most speakers), in a drawn order of the sexes."""
        if not self._orders.most:
            return np.empty((len(rows), 0), np.int64)
        women, first_woman = self._utterances(0, rows)
        men, first_man = self._utterances(1, rows)
        flat = np.concatenate([women, men, np.full(self._orders.most, -1)])
        order = self._orders.drawn(cell, draw(key(self._request.seed, self.split, "order"), rows))
        female = self._orders.female[order]
        at = np.where(female, first_woman[:, None], (first_man + len(women))[:, None])
        at += self._orders.rank[order]
        found = flat[at]
        found[self._orders.empty[order]] = -1
        return found

    def _utterances(self, sex: int, rows: Ints) -> tuple[Ints, Ints]:
        """Return the utterances of the speakers of one sex, row after row, and where each row's begin."""
        most = self._period.most(sex)
        utterances, first, count = self._items[sex]
        if not most:
            return np.empty(0, np.int64), np.zeros(len(rows), np.int64)
        stream = key(self._request.seed, self.split, "speaker", sex)
        speaker, turn, begins = Speakers(stream, self._period, sex, len(first), most).of(rows)
        stream = key(self._request.seed, self.split, "utterance", sex)
        item = levelled(stream, speaker, turn, count)
        item += first[speaker]
        return utterances[item], begins[:-1]

    def _noise_turns(self, rows: Ints) -> Ints:
        stream = key(self._request.seed, self.split, "noise")
        return levelled(stream, np.zeros_like(rows), rows, np.array([len(self._noise)]))

    def _attempt(
        self,
        rows: Ints,
        cell: Ints,
        source: Ints,
        level: Ints,
        snr: Ints | None,
        step: Ints,
        attempts: tuple[int, ...] = (0,),
    ) -> Drawn:
        """Draw windows and relative levels; with several attempts, row r has attempt ``attempts[r % len(attempts)]``."""
        request = self._request
        voices = source.shape[1] - (snr is not None)
        stream = [self._streams(purpose, attempts, len(rows)) for purpose in PURPOSES]
        counters = _slot_counters(rows, source.shape[1])
        numbers = draw(stream[0], counters)
        first, length, onset = (np.zeros(source.shape, np.int64) for _ in range(3))
        present = source >= 0
        present[:, voices:] = False
        speakers = np.array([n for n, _ in self._period.cells], np.int64)[cell]
        jitter = draw(stream[2], counters) if request.overlap else numbers
        for turn, those in self._rows_by_turn(speakers, step):
            here = np.flatnonzero(present if those is None else present & those[:, None])
            who, windows = source.take(here), self._windows(turn.length)
            first.reshape(-1)[here] = windows.drawn(who, numbers.take(here))
            length.reshape(-1)[here] = windows.length[who]
            if request.overlap:
                late = below(jitter.reshape(-1)[here], turn.length - windows.length[who] + 1)
                onset.reshape(-1)[here] = here % source.shape[1] * turn.span // turn.hops + late
        if snr is not None:
            first[:, -1] = self._noise_windows(request.frames).drawn(source[:, -1], numbers[:, -1])
            length[:, -1] = request.frames
        heard = self._heard(first, length, source >= 0)
        half = request.sir // 2
        offset = below(draw(stream[1], counters), 2 * half + 1) - half
        gains = balanced(heard, offset, level, snr, request.length_n)
        over = np.flatnonzero(gains.peak > LARGEST)
        gains.peak[over] = self._frame_peaks(first[over], length[over], onset[over], gains.q12[over])
        return Drawn(first, length, onset, offset, heard, gains)

    def _streams(self, purpose: str, attempts: tuple[int, ...], rows: int) -> U64:
        """Return the stream of each row's attempt, shape (rows, 1), or (1, 1) for a single attempt."""
        streams = self._attempt_streams[purpose][list(attempts)]
        return np.tile(streams, rows // len(attempts) if len(attempts) > 1 else 1)[:, None]

    @cached_property
    def _attempt_streams(self) -> dict[str, U64]:
        attempts = range(FURTHER_ATTEMPTS[-1][-1] + 1)
        return {
            purpose: np.array([key(self._request.seed, self.split, purpose, attempt) for attempt in attempts])
            for purpose in PURPOSES
        }

    def _rows_by_turn(self, speakers: Ints, step: Ints) -> Iterator[tuple[overlap.Turns, NDArray[np.bool_] | None]]:
        """Yield each kind of turns and which rows have it; None for all rows, when everyone speaks throughout."""
        if self._request.overlap is None:
            yield self._turns[0][0], None
            return
        for n in np.unique(speakers).tolist():
            for k, turn in enumerate(self._turns[n]):
                yield turn, (speakers == n) & (step == k)

    def _frame_peaks(self, first: Ints, length: Ints, onset: Ints, q12: NDArray[np.int32]) -> Ints:
        """Return a closer bound of the peaks, shape (clips,): the peaks of the parts added frame by frame."""
        step = max(1, FRAMES_AT_ONCE // self._request.frames)
        pieces = [slice(k, k + step) for k in range(0, len(first), step)]
        bounds = [self._frame_sums(first[k], length[k], onset[k], q12[k]).max(axis=1) for k in pieces]
        return np.concatenate([np.empty(0, np.int64), *bounds])

    def _frame_sums(self, first: Ints, length: Ints, onset: Ints, q12: NDArray[np.int32]) -> Ints:
        """Return the sum of the parts' peaks, shape (clips, frames of a clip)."""
        frames = np.arange(self._request.frames)
        total = np.zeros((len(first), len(frames)), np.int64)
        for slot in range(first.shape[1]):
            at = frames - onset[:, slot, None]
            inside = (at >= 0) & (at < length[:, slot, None]) & (q12[:, slot, None] > 0)
            peaks = byte_peaks()[self._pool.peaks[np.where(inside, first[:, slot, None] + at, 0)]]
            total += np.where(inside, scaled(peaks, q12[:, slot, None]), 0)
        return total

    def _heard(self, first: Ints, length: Ints, present: NDArray[np.bool_]) -> Heard:
        pool = self._pool
        at = np.flatnonzero(present)
        a, frames = first.take(at), length.take(at)
        b = a + frames
        energy, active_energy, active_n = (np.zeros(first.shape) for _ in range(3))
        energy.reshape(-1)[at] = pool.energy_before.take(b) - pool.energy_before.take(a)
        active_energy.reshape(-1)[at] = pool.active_energy_before.take(b) - pool.active_energy_before.take(a)
        active_n.reshape(-1)[at] = (pool.active_before.take(b) - pool.active_before.take(a)) * pool.frame_n
        peak = np.zeros(first.shape, np.int32)
        peak.reshape(-1)[at] = pool.largest(a, frames)
        return Heard(energy, active_energy, active_n, peak, present)

    def _until_it_fits(
        self, drawn: Drawn, rows: Ints, cell: Ints, source: Ints, level: Ints, snr: Ints | None, step: Ints
    ) -> Ints:
        """Draw windows and relative levels again where the peaks would pass full scale; return the rows that never fit.

        The level stays as drawn: a lower one would tell how many speak. The first attempt that fits is taken; where none
        does, the one with the lowest peaks.
        """
        left = np.flatnonzero(~drawn.gains.fits)
        for attempts in FURTHER_ATTEMPTS:
            several = len(attempts)
            for first in range(0, len(left), BLOCK // several):
                those = left[first : first + BLOCK // several]
                again = np.repeat(those, several)
                noise = None if snr is None else snr[again]
                found = self._attempt(
                    rows[again], cell[again], source[again], level[again], noise, step[again], attempts
                )
                fits = found.gains.fits.reshape(-1, several)
                peaks = found.gains.peak.reshape(-1, several)
                best = np.where(fits.any(axis=1), fits.argmax(axis=1), peaks.argmin(axis=1))
                best += np.arange(len(those)) * several
                better = found.gains.fits[best] | (found.gains.peak[best] < drawn.gains.peak[those])
                _put(drawn, those[better], found, best[better])
            left = left[~drawn.gains.fits[left]]
        return left


def _slot_counters(rows: Ints, slots: int) -> Ints:
    """Return a counter for each slot of each row, shape (rows, slots)."""
    return rows[:, None] * MOST_SLOTS + np.arange(slots)


def _rows_of(gains: Gains, rows: Ints) -> Gains:
    return Gains(gains.tenths[rows], gains.q12[rows], gains.peak[rows], gains.met[rows])


def _put(into: Drawn, rows: Ints, found: Drawn, at: Ints) -> None:
    """Put rows ``at`` of some attempts in place of ``rows``."""
    for name in ("first", "length", "onset", "offset"):
        getattr(into, name)[rows] = getattr(found, name)[at]
    for name in ("energy", "active_energy", "active_n", "peak", "present"):
        getattr(into.heard, name)[rows] = getattr(found.heard, name)[at]
    for name in ("tenths", "q12", "peak", "met"):
        getattr(into.gains, name)[rows] = getattr(found.gains, name)[at]
