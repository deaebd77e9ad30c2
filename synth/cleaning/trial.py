"""How well the verdicts work on these very clips: labels made wrong on purpose, and what became of them.

A share of the clips gets another clip's label in place of one of theirs. The planted labels are known to be wrong, so the
share of them that is found (recall) is measured. The precision is not: whether a rejected label that nobody planted is right
is taken from the p_wrong of the run without the trial. A run that is too sure of itself therefore passes its own trial, and a
judge that is deaf to part of a class is deaf to it here as well. Random labels are easier to find than look-alikes, too. What
the trial cannot show, people who listen can.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan

import numpy as np

from synth import seeds
from synth.cleaning.decision import UNJUDGED, WRONG, Judged
from synth.cleaning.hearing import interval
from synth.cleaning.null import Bools, Floats, Ints

CELLS = 10  # of the calibration
CANNOT_SHOW = (
    "A trial shows how many wrong labels of other clips are found. It cannot show that the judge is too sure, or deaf to some "
    "right clips: labels that nobody planted are counted by the verdicts themselves. Only listening shows that: synth review."
)


@dataclass(frozen=True, slots=True)
class Planted:
    """Labels after planting (clips, labels), and what was done: ``clip`` lost label ``hidden`` and got ``planted``."""

    carries: Bools
    clip: Ints
    hidden: Ints
    planted: Ints


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the planted labels. Intervals are 90 % ones of Clopper and Pearson.

    ``anew``: labels rejected in the trial that were not planted and are not rejected without it. They, as all that were not
    planted, count as wrong with the p_wrong of the run without the trial, whose error this cannot show. ``precision`` is
    that of the planted and the new ones together.
    ``calibration``: mean absolute difference between the p_wrong given and the share found wrong, over ten equal steps of
    p_wrong weighted by clips.
    """

    share: float
    planted: int
    judged: int  # planted labels that were judged at all
    found: int  # planted labels that were rejected
    anew: int
    right: int  # labels among those rejected anew that are right
    precision: float
    precision_interval: tuple[float, float]
    recall: float
    recall_interval: tuple[float, float]
    calibration: float
    hidden_suggested: int
    asked: float

    def facts(self) -> dict[str, object]:
        """Return the figures for JSON, which knows no NaN."""
        return {
            name: None if isinstance(value, float) and isnan(value) else value for name, value in asdict(self).items()
        }

    def sentences(self) -> list[str]:
        """Return what the trial says, a sentence each, and what to do about it."""
        if not self.judged:
            return [
                f"Trial: {self.planted:,} wrong labels were planted, and none was judged: this judge cannot clean these labels. "
                "Try another judge, other prompts, or more clips of each label."
            ]
        low, high = self.recall_interval
        out = [
            f"Trial: of {self.judged:,} planted wrong labels {self.found:,} were rejected: recall {self.recall:.2f} ({low:.2f}-{high:.2f})."
        ]
        if not self.found + self.anew:
            return [
                *out,
                "Nothing was rejected: at this precision the judge finds nothing. Lower --precision, or listen instead.",
            ]
        low, high = self.precision_interval
        out.append(
            f"{self._others()} Precision by this count: {self.precision:.2f} ({low:.2f}-{high:.2f}); requested: {self.asked:.2f}."
        )
        found = "1 hidden label is" if self.hidden_suggested == 1 else f"{self.hidden_suggested:,} hidden labels are"
        out.append(
            f"p_wrong is off by {self.calibration:.3f} on average; {found} suggested as missing, of {self.planted:,}."
        )
        if high < self.asked:
            out.append(
                "The rejected hold fewer wrong labels than requested: raise --precision, or listen before dropping (synth review)."
            )
        elif low < self.asked:
            out.append(
                "Too few were planted to be sure of the precision: repeat with a larger --trial, or listen (synth review)."
            )
        else:
            out.append("By this count the rejected hold the requested precision.")
        out.append(CANNOT_SHOW)
        return out

    def _others(self) -> str:
        """Return what else was rejected, in a sentence."""
        if not self.anew:
            return "No other label was rejected besides."
        if self.anew == 1:
            return f"1 other label was rejected besides, probably {'wrongly' if self.right else 'rightly'}."
        right = {0: "probably all rightly", self.anew: "probably all wrongly"}
        return f"{self.anew:,} other labels were rejected besides, {right.get(self.right, f'about {self.right:,} of them wrongly')}."


def plant(carries: Bools, named: Bools, share: float, seed: int) -> Planted:
    """Give a share of the clips a wrong label in place of one of theirs; labels keep about their sizes.

    ``named``: labels carried, or related to those carried: none of them is planted. (clips, labels) both.
    """
    n = len(carries)
    order = np.argsort(seeds.draw(seeds.key(seed, "trial", "clip"), np.arange(n)), kind="stable")
    chosen = np.sort(order[: round(n * share)])
    donors = np.nonzero(carries)[1]  # a label for each pair: frequent ones are drawn more often
    hidden, planted, clips = [], [], []
    for clip in chosen.tolist():
        mine = np.nonzero(carries[clip])[0]
        tries = seeds.draw(seeds.key(seed, "trial", "label", clip), np.arange(64))
        drawn = donors[seeds.below(tries, len(donors))]
        drawn = drawn[~named[clip, drawn]]
        if not len(drawn):
            continue
        clips.append(clip)
        hidden.append(int(mine[seeds.below(tries[:1], len(mine))[0]]))
        planted.append(int(drawn[0]))
    out = carries.copy()
    rows = np.array(clips, np.int64)
    lost, got = np.array(hidden, np.int64), np.array(planted, np.int64)
    out[rows, lost] = False
    out[rows, got] = True
    return Planted(out, rows, lost, got)


def compare(before: Judged, after: Judged, made: Planted, share: float, precision: float) -> Trial:
    """Return what became of the planted labels: ``before`` is the run on the labels as they are, ``after`` that on planted ones."""
    width = made.carries.shape[1]
    keys = after.clip * width + after.label
    is_planted = np.isin(keys, made.clip * width + made.planted)
    old = before.clip * width + before.label
    at = np.searchsorted(old, keys)
    same = ~is_planted
    gone_before = np.zeros(len(keys), np.bool_)
    gone_before[same] = before.verdict[at[same]] == WRONG
    gone = after.verdict == WRONG
    judged = int((is_planted & (after.verdict != UNJUDGED)).sum())
    found, anew = int((gone & is_planted).sum()), int((gone & ~is_planted & ~gone_before).sum())
    truth = np.ones(len(keys))
    truth[same] = before.p_wrong[at[same]]
    right = round(float(np.nansum(1 - truth[gone & ~gone_before])))
    missing = np.isin(made.clip * width + made.hidden, after.missing[0] * width + after.missing[1])
    return Trial(
        share,
        len(made.clip),
        judged,
        found,
        anew,
        right,
        1 - right / (found + anew) if found + anew else float("nan"),
        interval(found + anew - right, found + anew),
        found / judged if judged else float("nan"),
        interval(found, judged),
        calibration(after.p_wrong, truth),
        int(missing.sum()),
        precision,
    )


def calibration(p_wrong: Floats, truth: Floats) -> float:
    """Return the expected calibration error over ten equal steps of ``p_wrong``; NaN is left out."""
    use = ~np.isnan(p_wrong) & ~np.isnan(truth)
    if not use.any():
        return float("nan")
    cell = np.minimum((p_wrong[use] * CELLS).astype(np.int64), CELLS - 1)
    off = np.bincount(cell, p_wrong[use] - truth[use], CELLS)
    return float(np.abs(off).sum() / use.sum())
