"""Does the judge know what everybody knows? Sounds of the project's own, each with its sentence.

The statistic is the trace of the doubly centred matrix of cosines against its distribution under random assignment
(mean zero, variance sum of squares / (n - 1); Hoeffding, "A combinatorial central limit theorem", 1951). A model with
random weights, a wrong tokenizer or a wrong front end stays within chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.clap import sounds
from synth.errors import ClaimError

if TYPE_CHECKING:
    from synth.cleaning.clap.scorer import Judge

WANTED = 3.0  # standard deviations above chance: one in a thousand gets there by luck


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The outcome: ``z`` above chance, how many sounds found their sentence, and the cosines (sounds, sentences)."""

    z: float
    right: int
    names: tuple[str, ...]
    cosines: NDArray[np.float32]

    @property
    def passed(self) -> bool:
        """Whether the judge did better than chance explains."""
        return self.z >= WANTED

    @property
    def says(self) -> str:
        """The outcome in a sentence."""
        return (
            f"{self.right} of {len(self.names)} known sounds found their sentence, {self.z:.1f} standard deviations above "
            f"chance (wanted {WANTED:.0f})"
        )


def run(judge: Judge) -> SelfTest:
    """Let the judge hear the known sounds and read their sentences."""
    cosines = (
        judge.sounds([sounds.sound(name) for name in sounds.KNOWN]) @ judge.sentences(list(sounds.KNOWN.values())).T
    )
    return SelfTest(
        standing(cosines), int((cosines.argmax(1) == np.arange(len(cosines))).sum()), tuple(sounds.KNOWN), cosines
    )


def required(judge: Judge) -> SelfTest:
    """Run the test; raise ClaimError where the judge fails it."""
    test = run(judge)
    if not test.passed:
        raise ClaimError(
            f"{judge.says} cannot judge: {test.says}. Its files do not belong together or it is no trained model; nothing "
            "was judged. See what it confuses: synth clean --self-test"
        )
    return test


def standing(cosines: NDArray[np.float32]) -> float:
    """Return how many standard deviations the diagonal of a square matrix stands above random assignment."""
    n = len(cosines)
    centred = cosines - cosines.mean(0) - cosines.mean(1, keepdims=True) + cosines.mean()
    spread = float(np.sqrt((centred.astype(np.float64) ** 2).sum() / (n - 1)))
    return float(np.trace(centred)) / spread if spread > 0 else 0.0
