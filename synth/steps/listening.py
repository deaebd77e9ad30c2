"""The part of the audit that listens: sampled clips are read, made again from the corpora, and measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio import speech
from synth.audio.decibels import UNITY
from synth.audio.envelope import active_thresholds, frame_length
from synth.checking import activity, audio, disjoint, features, labelled, shortcuts, stored
from synth.checking.features import Features
from synth.checking.findings import Finding
from synth.checking.rows import Clips
from synth.errors import InputError, UnlikeError
from synth.recipe import MixOptions
from synth.steps.progress import Progress
from synth.steps.second_opinion import SecondOpinion
from synth.steps.verify import Again, Folder, differing_rows
from synth.store import arrays
from synth.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Pcm = NDArray[np.int16]

REMEASURED_N = 100_000_000  # samples of whole recordings that are measured again unless all are wanted
DECODING = 10  # how much dearer a sample is that must be decoded first


@dataclass(slots=True)
class Heard:
    """What was gathered while listening, batch by batch; ``parts``, ``frames``, ``level_db`` and ``spoken`` are of speakers alone."""

    rows: list[Ints] = field(default_factory=list)
    features: list[Features] = field(default_factory=list)
    bare: list[Features] = field(default_factory=list)
    rest: list[Floats] = field(default_factory=list)
    parts: list[Ints] = field(default_factory=list)
    frames: list[Ints] = field(default_factory=list)
    level_db: list[Floats] = field(default_factory=list)
    spoken: list[Ints] = field(default_factory=list)
    differ: set[int] = field(default_factory=set)
    damaged: list[int] = field(default_factory=list)
    unsummed: list[int] = field(default_factory=list)
    with_stems: int = 0
    from_stems: bool = False
    hashes: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[int, tuple[int, Pcm]] = field(default_factory=dict)  # by cell, or first label: row and samples


class Listener:
    """Listens to the rows ``chosen`` of a folder. The corpora need not be there; findings then say what was not checked."""

    def __init__(
        self,
        folder: Folder,
        clips: Clips,
        chosen: Ints,
        given: Mapping[str, Path],
        progress: Progress,
        everything: bool,
        labels: labelled.Labels | None = None,
    ) -> None:
        self._folder, self._clips, self._chosen, self._labels = folder, clips, chosen, labels
        self._kind = clips.cell if labels is None else labels.first
        self._frame_n = frame_length(folder.rate_hz)
        self._again: Again | None = None
        self._why = self._changed = ""
        try:
            self._again = self._made_again(given, progress)
        except InputError as error:  # audit.json holds no path of this machine
            self._why = re.sub(r" is not at [^;]+;", " is not here;", str(error))
        chosen = self._chosen
        rms, self._offsets = arrays.ragged(folder.sources.column("envelope"))
        self._rms = rms.copy()
        self._told, self._active, self._limits = self._by_table()
        self._spoken = self._active.copy()  # speech as it is found now; in the recordings ``_measured``
        self._measured = np.zeros(len(self._limits), np.bool_)
        self._how = self._measure_recordings(everything)
        options = folder.opened_plan.options
        self._second: SecondOpinion | None = None
        if isinstance(options, MixOptions):
            enough_s = options.least_active_s / 2
            self._second = SecondOpinion(folder, clips, chosen, self._again, enough_s, everything)

    def _made_again(self, given: Mapping[str, Path], progress: Progress) -> Again:
        """Return what makes the chosen clips again; without those of recordings that are missing or changed, if some are.

        Raises InputError where no clip can be made again.
        """
        folder = self._folder
        try:
            return Again(folder, folder.job(self._chosen, given, progress))
        except UnlikeError as error:
            self._changed = error.of_changed
            unlike = [*error.missing, *error.changed]
            parts = folder.rows_of(unlike)[folder.plan.source]
            owner = np.repeat(np.arange(len(folder.plan.table)), np.diff(folder.plan.offsets))
            left = self._chosen[~np.isin(self._chosen, owner[parts])]
            if not len(left):
                raise
            if error.missing:
                others = (
                    f"the other {len(left):,} are the same samples" if len(left) > 1 else "the other one is the same"
                )
                skipped = len(self._chosen) - len(left)
                self._why = f"{skipped:,} of {counted(len(self._chosen), 'clip')} ({others}), as {error.of_missing}"
            self._chosen = left
            return Again(folder, folder.job(left, given, progress, unlike))

    def listen(self, progress: Progress) -> Heard:
        """Read and measure the chosen clips."""
        got, done = Heard(), 0
        for part, wanted in stored.runs_of(self._chosen, self._folder.parts):
            for run in stored.read(part, wanted, self._folder.length_n, self._folder.rate_hz):
                self._listen(run, got)
                done += len(run.mix)
                progress("auditing", done, len(self._chosen))
        return got

    def findings(self, got: Heard) -> list[Finding]:
        """Return what the measured clips say."""
        if not got.rows:
            return []
        clips, rows, measured = self._clips, np.concatenate(got.rows), features.joined(got.features)
        return [
            disjoint.duplicates(clips, got.hashes),
            self._activity(got),
            *([self._second.finding("" if self._again else self._why)] if self._second else []),
            audio.rendered(
                clips,
                rows,
                np.array(sorted(got.differ), np.int64),
                np.array(got.damaged, np.int64),
                self._why,
                self._changed,
                self._folder.stored_as,
            ),
            *([audio.stems(clips, got.with_stems, np.array(got.unsummed, np.int64))] if got.with_stems else []),
            audio.levels(clips, rows, measured.level),
            audio.unclipped(clips, rows, measured.full, plain=bool((self._folder.plan.gain_q12 == UNITY).all())),
            *(
                self._shortcuts(got, rows, measured)
                if self._labels is None
                else labelled.told(clips, measured, self._labels.alone, rows)
            ),
        ]

    def _activity(self, got: Heard) -> Finding:
        if self._again is None and not got.from_stems:
            return Finding("active", None, f"not checked: {self._why}", {})
        options, promised_s = self._folder.opened_plan.options, self._folder.plan.active_s
        parts, frames, spoken = (np.concatenate(found) for found in (got.parts, got.frames, got.spoken))
        heard = activity.Measured(parts, frames, np.concatenate(got.level_db), spoken)
        how = "measured in the stems of data/, where they speak from sources.parquet" if got.from_stems else self._how
        if not isinstance(options, MixOptions):
            return labelled.heard(self._clips, heard, promised_s, how)
        return activity.finding(self._clips, heard, promised_s, options.least_active_s, options.sir_db, how)

    def _shortcuts(self, got: Heard, rows: Ints, measured: Features) -> list[Finding]:
        clips = self._clips
        n, cell = clips.n[rows], clips.cell[rows]
        bare = features.joined(got.bare) if got.bare else None
        rest = np.concatenate([np.empty(0), *got.rest])
        told = shortcuts.clips(measured, bare, n, cell, rows)
        told["floor"] |= shortcuts.recordings(clips, activity.dynamics(self._rms, self._offsets))
        if len(rest) and rest.max() > rest.min():  # otherwise all clips are voices and nothing else
            told["floor"] |= shortcuts.leftover(rest, n, cell, rows)
        if self._again is not None:
            told["bandwidth"] |= shortcuts.recordings(clips, self._bandwidths(self._again, rows))
        out = [
            shortcuts.finding(name, what, told[name], name not in shortcuts.REPORTED)
            for name, what in shortcuts.SAYS.items()
        ]
        corpus = clips.sources.code("corpus")
        if len(np.unique(corpus[clips.source[clips.known & clips.speaks]])) > 1:
            of_corpus = shortcuts.recordings(clips, corpus.astype(np.float64), kinds=True)
            out.append(shortcuts.finding("corpus", "the corpus", of_corpus))
        return out

    def _listen(self, run: stored.Run, got: Heard) -> None:
        """Measure some neighbouring clips."""
        folder, plan, clips = self._folder, self._folder.plan, self._clips
        count = len(run.mix)
        bounds = plan.offsets[run.first : run.first + count + 1]
        a, b = int(bounds[0]), int(bounds[-1])
        owner = np.repeat(np.arange(count), np.diff(bounds))
        source = plan.source[a:b]
        speaks = ~clips.sources.noise[source]
        made: tuple[Pcm, list[Pcm]] | None = None
        if self._again is not None:
            made = self._again.clips(run.first, count)
            got.differ |= differing_rows(run, *made) - set(run.damaged)
        stems = run.stems if made is None else made[1]
        if self._second is not None and stems is not None and sum(map(len, stems)) == b - a:
            self._second.hear(run.first, stems)
        heard = self._heard(run, a, b, got)
        voices = activity.voices(
            heard.active[speaks], plan.onset_n[a:b][speaks], owner[speaks], count, folder.length_n, self._frame_n
        )
        rows = np.arange(run.first, run.first + count)
        got.rows.append(rows)
        got.parts.append(np.arange(a, b)[speaks])
        got.frames.append(heard.frames[speaks])
        got.level_db.append(heard.level_db[speaks])
        got.spoken.append(self._in_speech(a, b)[speaks])
        got.damaged += run.damaged
        got.features.append(features.measured(run.mix, voices, folder.rate_hz))
        if made is not None:
            bare = made[0] if speaks.all() else _summed(made[1], owner, speaks, made[0])
            same = np.array_equal(bare, run.mix)
            got.rest.append(features.leftover(run.mix, bare))
            got.bare.append(got.features[-1] if same else features.measured(bare, voices, folder.rate_hz))
        for k, one in enumerate(run.stems or ()):
            got.with_stems += 1
            if not np.array_equal(one.sum(axis=0, dtype=np.int32), run.mix[k]):
                got.unsummed.append(run.first + k)
        for k, cell in enumerate(self._kind[rows].tolist()):
            got.hashes.setdefault(sha256(run.mix[k].data).hexdigest(), []).append(run.first + k)
            if cell not in got.examples:
                got.examples[cell] = run.first + k, run.mix[k].copy()

    def _heard(self, run: stored.Run, a: int, b: int, got: Heard) -> activity.Heard:
        """Return when the parts ``a`` to ``b`` are active: by their recordings, else their stems, else SOURCES."""
        plan = self._folder.plan
        source, limit, gain = plan.source[a:b], self._limits[plan.source[a:b]], plan.gain_q12[a:b]
        where = (self._offsets, source, plan.start_n[a:b], plan.length_n[a:b], self._frame_n)
        may = activity.in_windows(self._active, *where, beyond=0) | ~self._told[source][:, None]
        if self._again is None and run.stems is not None and sum(map(len, run.stems)) == b - a:
            got.from_stems = True
            windows = _shifted(np.concatenate(run.stems), plan.onset_n[a:b])
            found = activity.windows_bytes(windows, self._frame_n)
            may = np.pad(may, ((0, 0), (0, found.shape[1] - may.shape[1])))
            active = may & (found <= activity.in_stems(limit, gain)[:, None])
            return activity.heard(found, active, np.full(b - a, UNITY), self._frame_n)
        found = activity.in_windows(self._rms, *where, beyond=255)
        if self._again is not None:
            fresh = np.nonzero(~self._measured[source] | (plan.start_n[a:b] % self._frame_n != 0))[0]
            windows = np.zeros((len(fresh), found.shape[1] * self._frame_n), np.int16)
            for row, k in enumerate(fresh.tolist()):
                window = self._again.window(int(source[k]), int(plan.start_n[a + k]), int(plan.length_n[a + k]))
                windows[row, : len(window)] = window[: windows.shape[1]]
            found[fresh] = activity.windows_bytes(windows, self._frame_n)
        return activity.heard(found, may & (found <= limit[:, None]), gain, self._frame_n)

    def _in_speech(self, a: int, b: int) -> Ints:
        """Return the frames of the parts ``a`` to ``b`` that are speech as it is found now; -1 where it was not looked for."""
        plan, source = self._folder.plan, self._folder.plan.source[a:b]
        where = (self._offsets, source, plan.start_n[a:b], plan.length_n[a:b], self._frame_n)
        found = activity.in_windows(self._spoken, *where, beyond=0).sum(axis=1)
        return np.where(self._measured[source] & self._mixture, found, -1).astype(np.int64)

    @property
    def _mixture(self) -> bool:
        return isinstance(self._folder.opened_plan.options, MixOptions)

    def _by_table(self) -> tuple[Bools, Bools, NDArray[np.int16]]:
        """Return what SOURCES says: of which recordings it says the speech (S,), which frames are active (all, end to end),
        and the faintest active byte of each recording (S,).
        """
        sources, offsets = self._folder.sources, self._offsets
        bits, bit_offsets = np.empty(0, np.uint8), np.zeros(len(offsets), np.int64)
        if self._mixture and "speech" in sources.column_names:
            bits, bit_offsets = arrays.ragged(sources.column("speech"))
        told = speech.has_bits(offsets, bit_offsets)
        active = speech.active_frames(self._rms, offsets, self._clips.sources.noise, bits, bit_offsets)
        limits = active_thresholds(self._rms, offsets).astype(np.int16)
        for k in np.nonzero(told)[0].tolist():
            limits[k] = _faintest(self._rms[offsets[k] : offsets[k + 1]], active[offsets[k] : offsets[k + 1]])
        return told, active, limits

    def _used(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return the sources that some clips use, and one part of each."""
        plan = self._folder.plan
        wanted = np.zeros(len(plan.table), np.bool_)
        wanted[rows] = True
        part = np.nonzero(np.repeat(wanted, np.diff(plan.offsets)))[0]
        source, first = np.unique(plan.source[part], return_index=True)
        return source, part[first]

    def _measure_recordings(self, everything: bool) -> str:
        """Measure the envelopes of whole recordings again, from the samples that are rendered; say how many."""
        if self._again is None:
            return "levels and speech from sources.parquet"
        used, _ = self._used(self._chosen)
        ids = self._folder.sources.column("source_id").to_pylist()
        dear = np.array([1 if self._again.is_mapped(ids[k]) else DECODING for k in used.tolist()], np.int64)
        cost = int((np.diff(self._offsets)[used] * self._frame_n * dear).sum())
        some = used if everything else used[:: max(1, -(-cost // REMEASURED_N))]
        for k in some.tolist():
            first, end = int(self._offsets[k]), int(self._offsets[k + 1])
            samples = self._again.window(k, 0, (end - first) * self._frame_n)
            frames = len(samples) // self._frame_n
            if not frames:
                continue
            found = activity.windows_bytes(samples[: frames * self._frame_n].reshape(1, -1), self._frame_n)[0]
            self._rms[first : first + frames] = found
            if self._mixture:
                self._spoken[first : first + frames] = speech.spoken(samples, self._folder.rate_hz, found).active
            if self._told[k]:
                self._active[first : first + frames] = self._spoken[first : first + frames]
                self._limits[k] = _faintest(found, self._active[first : first + frames])
            else:
                self._limits[k] = active_thresholds(found, np.array([0, frames], np.int64))[0]
            self._measured[k] = True
        how = f"measured in the recordings, {len(some):,} of {len(used):,} {'of them ' if len(used) > 1 else ''}as a whole"
        return how + ("" if len(some) == len(used) else ", where the others speak from sources.parquet")

    def _bandwidths(self, again: Again, rows: Ints) -> Floats:
        """Return the bandwidth of one window of each source that some clips use, NaN for the others."""
        plan, length = self._folder.plan, self._folder.length_n
        source, part = self._used(rows)
        out = np.full(self._folder.sources.num_rows, np.nan)
        step = max(1, features.BLOCK_N // length)
        for begin in range(0, len(source), step):
            few = source[begin : begin + step]
            windows = np.zeros((len(few), length), np.float32)
            for row, (k, p) in enumerate(zip(few.tolist(), part[begin : begin + step].tolist(), strict=True)):
                window = again.window(k, int(plan.start_n[p]), int(plan.length_n[p]))
                windows[row] = np.resize(window, length)  # a shorter one is repeated: no step into silence
            out[few] = features.bandwidth(windows, self._folder.rate_hz)
        return out


def _faintest(rms: NDArray[np.uint8], active: Bools) -> int:
    """Return the largest byte of the active frames of a recording, -1 where none is."""
    return int(rms[active].max()) if active.any() else -1


def _shifted(stems: Pcm, onset_n: Ints) -> Pcm:
    """Return stems (parts, samples) moved to begin with their windows."""
    out = np.zeros_like(stems)
    for k, onset in enumerate(onset_n.tolist()):
        out[k, : stems.shape[1] - onset] = stems[k, onset:]
    return out


def _summed(stems: list[Pcm], owner: Ints, speaks: Bools, made: Pcm) -> Pcm:
    """Return the sums (clips, samples) of the speakers alone; of a clip in which nobody speaks, the whole clip, ``made``."""
    out = np.zeros(made.shape, np.int32)
    for k, stem in enumerate(np.concatenate(stems)):
        if speaks[k]:
            out[owner[k]] += stem
    silent = np.bincount(owner[speaks], minlength=len(made)) == 0
    out[silent] = made[silent]
    return np.clip(out, -32768, 32767).astype(np.int16)
