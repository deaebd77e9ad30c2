"""Recordings of somebody who speaks: their measures follow the rule for speech, those of all others the level alone.

A recording with a speaker is there for its speech: where that cannot be told from noise it is not used, and says why.
What has labels is of use without a word in it (rain, a dog with its owner's name), and keeps its status.
"""

from __future__ import annotations

from dataclasses import replace

from synth.audio.measured import Measured


def spoken(fact: Measured, speaker: bool, labels: bool) -> Measured:
    """Return the measures of a recording that has a speaker or not, labels or not.

    With a speaker, level and active frames are those of speech; without, there is no column of speech. With a speaker, without
    labels and without speech, the status is ``no-speech``.
    """
    if fact.status != "ok":
        return fact
    if not speaker:
        return replace(fact, speech=None)
    if fact.no_speech is None:
        return replace(fact, level_tenths=fact.speech_tenths, active_frames=fact.speech_frames)
    return fact if labels else replace(fact, status="no-speech", reason=fact.no_speech)
