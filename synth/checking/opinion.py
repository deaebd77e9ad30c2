"""A second opinion on every claimed speaker: does a detector that shares nothing with the rule hear speech at all?

The rule that plans also promises, so checking one by the other proves that nothing was changed, not that anybody speaks.
Here a neural network hears each speaker alone. Of honest sets it misses less than one speaker in a hundred; of those made
by a rule that takes noise for speech it misses a tenth to a half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from synth.checking.findings import Finding, named
from synth.checking.rows import Clips
from synth.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLAIM = "heard"
TOLERATED = 0.03  # of the claimed speakers the detector itself may miss
CHANCE = 0.001  # a class fails where so many missed ones, or more, are less likely than this
DEAF = 0.1  # it is deaf to a root where it hears at most this share of the clearest parts of its recordings,
VOICES = 0.75  # … if this share of them may be voices by pitch and movement: noise is no reason to be deaf


@dataclass(frozen=True, slots=True)
class Root:
    """What the detector makes of the clearest parts of a root's recordings: how many were asked of, heard, may be voices."""

    asked: int
    heard: int
    voices: int

    @property
    def deaf(self) -> bool:
        """Whether the detector does not hear these voices even alone."""
        return self.asked > 0 and self.heard <= DEAF * self.asked and self.voices >= VOICES * self.asked


@dataclass(frozen=True, slots=True)
class Unheard:
    """A recording in which nothing was heard: how many of its windows were asked of, beside its clearest part.

    ``voice``: its clearest part may be a voice by pitch and movement; it may be sung, or music.
    """

    name: str
    windows: int
    voice: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was heard of some speakers: their ``clip`` (row), how many speak in it, ``n``, and ``heard``, all (speakers,).

    ``roots``: by name; ``deaf``: speakers of roots that it is deaf to, ``short``: those too short for it, both not judged.
    ``recordings``: how many the speakers come from, of ``used`` in all; ``unheard``: those in which nothing was heard at all.
    """

    clip: Ints
    n: Ints
    heard: Bools
    roots: Mapping[str, Root]
    deaf: int
    short: int
    recordings: int = 0
    used: int = 0
    unheard: Sequence[Unheard] = ()


def finding(clips: Clips, opinion: Opinion, enough_s: float, how: str) -> Finding:
    """Check that speech is heard in the claimed speakers of every class, for ``enough_s`` each; ``how``: what was heard."""
    classes = {str(count): opinion.n == count for count in np.unique(opinion.n).tolist()}
    table = {
        name: {"asked": int(mine.sum()), "heard": int(opinion.heard[mine].sum())} for name, mine in classes.items()
    }
    deaf = sorted(name for name, root in opinion.roots.items() if root.deaf)
    missed = np.nonzero(~opinion.heard)[0]
    asked, heard = len(opinion.heard), int(opinion.heard.sum())
    culprits = clips.ids(opinion.clip[missed])
    figures = {
        "asked": asked,
        "heard": heard,
        "share_heard": round(heard / asked, 4) if asked else None,
        "n_speakers": table,
        "roots_not_heard_alone": deaf,
        "not_judged": opinion.deaf,
        "too_short": opinion.short,
        "recordings_asked": opinion.recordings,
        "recordings_used": opinion.used,
        "recordings_not_heard": [one.name for one in opinion.unheard][:100],
        "examples": culprits[:100],
    }
    apart = ""
    if deaf:
        apart = (
            f"not judged: {counted(opinion.deaf, 'speaker')} from {', '.join(deaf)}, as the detector does not hear these "
            "voices even alone"
        )
    if not asked:
        why = apart or (
            "not judged: what they say is shorter than the detector needs" if opinion.short else "no clip has a speaker"
        )
        return Finding(CLAIM, None, why, figures)
    many = [name for name, one in table.items() if too_many(one["asked"] - one["heard"], one["asked"])]
    bad = bool(many) or too_many(asked - heard, asked)
    by_class = ", ".join(f"{one['heard']:,} of {one['asked']:,} with {name}" for name, one in table.items())
    says = (
        f"in {asked - heard:,} of {counted(asked, 'claimed speaker')} a voice activity detector hears no speech for "
        f"{enough_s:g} s, wanted at most {TOLERATED:.0%}{named(culprits, 3)}"
        if bad
        else f"a voice activity detector that shares nothing with the plan hears speech in {heard:,} of "
        f"{counted(asked, 'claimed speaker')} (wanted {1 - TOLERATED:.0%})"
    )
    noise = [one for one in opinion.unheard if not one.voice]
    told = [_nobody(opinion.unheard), says] if noise else [says, _nobody(opinion.unheard)]
    told += [f"by number of speakers: {by_class}", _recordings(opinion), how, apart]
    return Finding(CLAIM, not (bad or noise), "; ".join(filter(None, told)), figures)


def _nobody(unheard: Sequence[Unheard]) -> str:
    """Name the recordings in which nothing was heard, those first that cannot even be voices, and say what to do."""
    if not unheard:
        return ""
    first = sorted(unheard, key=lambda one: one.voice)
    shown = [
        f"{one.name} ({one.windows} of {one.windows} windows and its clearest part"
        + (", though it may be a voice by its pitch)" if one.voice else "; nor does it move and sound like a voice)")
        for one in first
    ]
    return f"nobody is heard in {counted(len(unheard), 'recording')}{named(shown, 3)}: listen, and leave out what nobody speaks in"


def _recordings(opinion: Opinion) -> str:
    """Say how many recordings were asked of, where it is not all of them."""
    if opinion.recordings >= opinion.used:
        return ""
    return f"from {opinion.recordings:,} of {counted(opinion.used, 'recording')}; synth audit --all asks of all"


def too_many(missed: int, asked: int) -> bool:
    """Return whether so many missed speakers of those asked of cannot be chance where ``TOLERATED`` are missed (binomial)."""
    if missed <= TOLERATED * asked:
        return False
    fewer = sum(_likely(k, asked) for k in range(missed))
    return 1 - fewer < CHANCE


def _likely(k: int, n: int) -> float:
    """Return the probability of k of n at ``TOLERATED``; through logarithms where the numbers are large."""
    if n <= 1000:
        return comb(n, k) * TOLERATED**k * (1 - TOLERATED) ** (n - k)
    from math import exp, lgamma, log

    logs = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(logs + k * log(TOLERATED) + (n - k) * log(1 - TOLERATED))
