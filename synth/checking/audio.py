"""The audio is what the plan makes, at the level that the manifest says, and nowhere clipped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.checking.findings import Finding, named
from synth.checking.rows import Clips
from synth.units import counted

Ints = NDArray[np.int64]
LEVEL_DB = 0.052  # the manifest's levels are rounded to tenths, and these are measured to a thousandth

SILENT_DBFS = -119.0  # one sample in ten thousand is 1


def rendered(
    clips: Clips, looked: Ints, differ: Ints, damaged: Ints, why: str, changed: str = "", form: str = "audio"
) -> Finding:
    """Check that the sampled clips are what the plan makes.

    ``why`` says why they, or some of them, could not be made again; ``changed`` which recordings are others than they were; ``form`` how clips are stored.
    ``looked``, ``differ``, ``damaged``: rows of clips.
    """
    figures = {
        "clips": len(looked),
        "differing": clips.ids(differ)[:100],
        "unreadable": clips.ids(damaged)[:100],
    }
    wrong = [changed] if changed else []
    if len(damaged):
        wrong.append(f"{counted(len(damaged), 'clip')} cannot be read as {form}{named(clips.ids(damaged))}")
    if len(differ):
        wrong.append(
            f"{len(differ):,} of {counted(len(looked), 'clip')} are not what the plan makes{named(clips.ids(differ))}"
        )
    if wrong:
        return Finding("render", False, "; ".join(wrong), figures)
    if why:
        return Finding("render", None, f"not rendered again: {why}", figures)
    return Finding("render", True, f"{counted(len(looked), 'clip')} rendered again: the same samples", figures)


def stems(clips: Clips, looked: int, wrong: Ints) -> Finding:
    """Check that stems add up to their mixtures bit for bit: ``wrong`` (rows of clips) of ``looked`` do not."""
    says = f"the stems of {len(wrong):,} of {counted(looked, 'clip')} do not add up to the mixture, wanted none{named(clips.ids(wrong))}"
    return Finding("stems", not len(wrong), says, {"clips": looked, "wrong": clips.ids(wrong)[:100]})


def levels(clips: Clips, looked: Ints, level_db: NDArray[np.float64]) -> Finding:
    """Check the manifest's level_dbfs against the RMS measured, both of the rows ``looked``."""
    said = clips.level_db[looked]
    audible = said > SILENT_DBFS  # under it both say that there is nothing
    off = np.where(audible | (level_db > SILENT_DBFS), np.abs(level_db - said), 0)
    whole = (np.rint(said.astype(np.float64) * 10) / 10).astype(np.float32) == said
    wrong = looked[(off > LEVEL_DB) | ~whole]
    says = (
        f"level_dbfs of {len(wrong):,} of {counted(len(looked), 'clip')} is not the level of its samples in tenths of a dB, "
        f"wanted none{named(clips.ids(wrong))}; the largest difference is {off.max(initial=0):.2f} dB"
    )
    return Finding(
        "levels", not len(wrong), says, {"clips": len(looked), "largest_db": round(float(off.max(initial=0)), 3)}
    )


def unclipped(clips: Clips, looked: Ints, full: NDArray[np.float64], plain: bool) -> Finding:
    """Check that no sample is at full scale; ``full`` (clips,) counts those that are.

    Where every gain is 1 (``plain``: clips that are used as they are) this is the recordings' own, and only reported.
    """
    wrong = looked[full > 0]
    says = (
        f"{counted(int(full.sum()), 'sample')} at full scale in {len(wrong):,} of {counted(len(looked), 'clip')}, wanted "
        f"none{named(clips.ids(wrong))}"
    )
    holds = None if plain and len(wrong) else not len(wrong)
    return Finding("unclipped", holds, says, {"clips": len(looked), "clipped": clips.ids(wrong)[:100]})
