"""The audit's second opinion at work: which claimed speakers are asked of, and what the detector hears of each alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.checking import opinion, voice
from synth.checking.findings import Finding
from synth.checking.rows import Clips
from synth.errors import InputError
from synth.steps.verify import Again, Folder

Ints = NDArray[np.int64]
Pcm = NDArray[np.int16]

ASKED = 240  # speakers in all unless all are wanted, as many of each class
FEWEST = 40  # … but at least so many of each
SHORTEST_S = 0.5  # shorter windows tell the detector too little: it warms up for a tenth of a second
CLEAREST = 24  # recordings of a root whose clearest parts are heard alone
CLEAREST_S = 2.0
WINDOWS = 6  # of a recording are asked of where the first are not heard,
DOUBTED = 40  # … in so many recordings at most


class SecondOpinion:
    """Hears the speakers of the clips ``chosen`` (rows); from their recordings (``again``), or from stored stems.

    ``enough_s``: seconds of speech in which a speaker is heard.
    """

    def __init__(
        self, folder: Folder, clips: Clips, chosen: Ints, again: Again | None, enough_s: float, everything: bool
    ) -> None:
        self._folder, self._clips, self._again, self._enough_s = folder, clips, again, enough_s
        self._root = clips.sources.code("root")
        self._names = clips.sources.names("root")
        self._parts: list[int] = []
        self._heard: list[bool] = []
        self._alone: dict[
            str, list[Pcm]
        ] = {}  # of stems, where there are no recordings: the first windows of each root
        self._roots: dict[str, opinion.Root] = {}
        self._deaf = 0
        self._why = ""
        plan = folder.plan
        self._owner = np.repeat(np.arange(len(plan.table)), np.diff(plan.offsets))
        voices = self._owner[~clips.sources.noise[plan.source]]
        self._n = np.bincount(voices, minlength=len(plan.table))  # speakers of each clip
        self._ask, self._short = self._asked(chosen, everything)
        try:
            self._detector = voice.Detector() if self._ask.any() else None
        except InputError as error:
            self._why, self._detector = str(error), None
        if self._detector and again:
            for name, windows in self._clearest(again).items():
                self._roots[name] = self._root_heard(windows)

    def hear(self, first: int, stems: Sequence[Pcm]) -> None:
        """Hear the speakers of neighbouring clips from the row ``first``: their stems (parts, samples), clip by clip."""
        if self._detector is None:
            return
        plan, rate_hz = self._folder.plan, self._folder.rate_hz
        for row, those in enumerate(stems, first):
            begin = int(plan.offsets[row])
            for k in np.nonzero(self._ask[begin : begin + len(those)])[0].tolist():
                part = begin + k
                name = self._names[self._root[plan.source[part]]]
                if name in self._roots and self._roots[name].deaf:
                    self._deaf += 1
                    continue
                onset, length = int(plan.onset_n[part]), int(plan.length_n[part])
                window = those[k, onset : onset + length]
                if self._again is None and len(self._alone.setdefault(name, [])) < CLEAREST:
                    self._alone[name].append(window.copy())
                self._parts.append(part)
                self._heard.append(self._detector.hears(window, rate_hz, self._enough_s))

    def finding(self, why: str) -> Finding:
        """Return what was heard; ``why``: why there was nothing to hear, if so."""
        if self._why or (why and not self._parts and self._ask.any()):
            return Finding(opinion.CLAIM, None, f"not checked: {self._why or why}", {})
        parts, heard = np.array(self._parts, np.int64), np.array(self._heard, np.bool_)
        for name, windows in self._alone.items():
            self._roots[name] = self._root_heard(windows)
        if self._alone:  # what it turns out to be deaf to was asked in vain
            root = self._root[self._folder.plan.source[parts]]
            deaf = [k for k, name in enumerate(self._names) if name in self._roots and self._roots[name].deaf]
            judged = ~np.isin(root, deaf)
            self._deaf += int((~judged).sum())
            parts, heard = parts[judged], heard[judged]
        clip = self._owner[parts]
        source = self._folder.plan.source[parts]
        found = opinion.Opinion(
            clip,
            self._n[clip],
            heard,
            self._roots,
            self._deaf,
            self._short,
            len(np.unique(source)),
            len(np.unique(self._folder.plan.source[~self._clips.sources.noise[self._folder.plan.source]])),
            self._unheard(source, heard),
        )
        how = f"heard in their {'recordings' if self._again else 'stems'}, each alone"
        return opinion.finding(self._clips, found, self._enough_s, how)

    def _unheard(self, source: Ints, heard: NDArray[np.bool_]) -> list[opinion.Unheard]:
        """Return the recordings in which nothing is heard: none of the windows asked of, none of others, nor the clearest part."""
        if self._again is None or self._detector is None:
            return []
        plan, rate_hz, out = self._folder.plan, self._folder.rate_hz, []
        frames = self._folder.sources.column("envelope").combine_chunks()
        for code in np.setdiff1d(source[~heard], source[heard])[:DOUBTED].tolist():
            mine = np.nonzero((plan.source == code) & (plan.length_n >= round(SHORTEST_S * rate_hz)))[0]
            _, first = np.unique(plan.start_n[mine], return_index=True)
            some = _spread(mine[first], WINDOWS)
            windows = (self._again.window(code, int(plan.start_n[k]), int(plan.length_n[k])) for k in some.tolist())
            if any(self._detector.hears(window, rate_hz, self._enough_s) for window in windows):
                continue
            whole = self._again.window(code, 0, len(frames[code].as_py()) * (rate_hz // 50))
            clearest = voice.clearest(whole, rate_hz, CLEAREST_S)
            if not self._detector.hears(clearest, rate_hz, self._enough_s):
                may_be = voice.may_be_a_voice(clearest, rate_hz)
                out.append(opinion.Unheard(self._clips.sources.ids[code], len(some), may_be))
        return out

    def _asked(self, chosen: Ints, everything: bool) -> tuple[NDArray[np.bool_], int]:
        """Return which parts of the plan are asked of, and how many of those chosen are too short: evenly, by class.

        First those of recordings that no other class is asked of, so that as many recordings as can be are heard.
        """
        plan, clips = self._folder.plan, self._clips
        wanted = np.zeros(len(plan.table), np.bool_)
        wanted[chosen] = True
        owner, speaks = self._owner, wanted[self._owner] & ~clips.sources.noise[plan.source]
        long = plan.length_n >= round(SHORTEST_S * self._folder.rate_hz)
        out = np.zeros(len(speaks), np.bool_)
        part = np.nonzero(speaks & long)[0]
        counts = self._n[owner[part]]
        classes = np.unique(counts)
        most = len(part) if everything else max(FEWEST, ASKED // max(len(classes), 1))
        heard = np.zeros(len(clips.sources.ids), np.bool_)
        for count in classes.tolist():
            mine = part[counts == count]
            once = mine[np.unique(plan.source[mine], return_index=True)[1]]
            fresh = _spread(once[~heard[plan.source[once]]], most)
            heard[plan.source[fresh]] = out[fresh] = True
            out[_spread(np.setdiff1d(mine, fresh), most - len(fresh))] = True
        return out, int((speaks & ~long).sum())

    def _clearest(self, again: Again) -> dict[str, list[Pcm]]:
        """Return the clearest parts of some recordings of each root, spread over those that are asked of."""
        used = np.unique(self._folder.plan.source[self._ask])
        frames = self._folder.sources.column("envelope").combine_chunks()
        frame_n = self._folder.rate_hz // 50
        out: dict[str, list[Pcm]] = {}
        for code in np.unique(self._root[used]).tolist():
            mine = used[self._root[used] == code]
            out[self._names[code]] = [
                voice.clearest(again.window(k, 0, len(frames[k].as_py()) * frame_n), self._folder.rate_hz, CLEAREST_S)
                for k in _spread(mine, CLEAREST).tolist()
            ]
        return out

    def _root_heard(self, windows: Sequence[Pcm]) -> opinion.Root:
        """Return what the detector makes of a root's clearest parts; it stops once it is clear that it hears them."""
        heard = voices = 0
        for window in windows:
            heard += self._detector is not None and self._detector.hears(window, self._folder.rate_hz, self._enough_s)
            if heard > opinion.DEAF * len(windows):
                return opinion.Root(len(windows), heard, voices)
            voices += voice.may_be_a_voice(window, self._folder.rate_hz)
        return opinion.Root(len(windows), heard, voices)


def _spread(values: Ints, most: int) -> Ints:
    """Return at most so many of some values, evenly spread."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).astype(np.int64))]
