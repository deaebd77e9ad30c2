"""The 20-ms envelope of a recording, and where in it somebody speaks.

All of a plan is decided on the envelope: a byte per 20 ms for the RMS, another for the peak. The activity rule is
relative to the recording's own loud frames (a fixed threshold would delete whole quiet recordings) and to its own
quiet frames (in a noisy room the background must not count as speech).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, byte_energies, byte_peaks, rms_thresholds
from synth.tables import FRAMES_PER_S

BELOW_LOUD = 2 * 25  # half decibels: active frames lie at most 25 dB under the 95th percentile of the frames' RMS
ABOVE_QUIET = 2 * 9  # … and at least 9 dB over the 5th percentile,
DYNAMIC = 2 * 20  # … where the recording has pauses at all: 20 dB between the two percentiles
SILENT = 2 * 90  # a frame below -90 dBFS is never active
FAINT = 2 * 75  # background noise below -75 dBFS is padding, not noise: raising it would give gain without sound


@dataclass(frozen=True, slots=True)
class Envelope:
    """RMS and peak bytes of the whole 20-ms frames, and their exact sums of squares, each of shape (n // frame_n,).

    ``highest`` is the largest absolute sample of all, those after the last whole frame too: 0 to 32,768.
    """

    rms: NDArray[np.uint8]
    peaks: NDArray[np.uint8]
    energy: NDArray[np.int64]
    highest: int = 0


def frame_length(rate_hz: int) -> int:
    """Return the samples in 20 ms; the rate is a multiple of 50 Hz."""
    return rate_hz // FRAMES_PER_S


def energies(samples: NDArray[np.int16], frame_n: int) -> NDArray[np.int64]:
    """Return the exact sum of squares of each whole frame.

    Computed in float64: all partial sums are integers below 2**53, so every order of summation gives the same result.
    """
    frames = samples[: len(samples) // frame_n * frame_n].astype(np.float64).reshape(-1, frame_n)
    return np.asarray(np.einsum("ij,ij->i", frames, frames), np.int64)


def rms_bytes(sums: NDArray[np.int64], frame_n: int) -> NDArray[np.uint8]:
    """Return the RMS in half dB below full scale, rounded, of frames given by their sums of squares."""
    return (255 - np.searchsorted(rms_thresholds(frame_n), sums, side="right")).astype(np.uint8)


def measure(samples: NDArray[np.int16], rate_hz: int) -> Envelope:
    """Measure int16 samples of shape (n,); what is left after the last whole 20 ms is in no frame."""
    frame_n = frame_length(rate_hz)
    energy = energies(samples, frame_n)
    rms = rms_bytes(energy, frame_n)
    if not len(samples):
        return Envelope(rms, rms.copy(), energy)
    heights = np.abs(samples).view(np.uint16)  # -32,768 has no positive counterpart in int16
    highest = np.maximum.reduceat(heights, np.arange(0, len(heights), frame_n))
    return Envelope(rms, _byte_of_peak()[highest[: len(rms)]], energy, int(highest.max()))


@lru_cache(maxsize=1)
def _byte_of_peak() -> NDArray[np.uint8]:
    """Return the byte of each absolute sample, shape (32769,): the quietest that allows it."""
    ascending = byte_peaks()[::-1]
    return (255 - np.searchsorted(ascending, np.arange(FULL_SCALE + 1), side="left")).astype(np.uint8)


def active_thresholds(rms: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return per recording the largest byte (quietest frame) that counts as active; -1 where none does.

    ``rms`` holds the envelopes of all recordings end to end, recording s in ``offsets[s]:offsets[s + 1]``.
    """
    loud, quiet = loud_and_quiet(rms, offsets)
    threshold = loud + BELOW_LOUD
    noisy = quiet - loud >= DYNAMIC
    threshold[noisy] = np.minimum(threshold, quiet - ABOVE_QUIET)[noisy]
    threshold = np.minimum(threshold, SILENT)
    threshold[(np.diff(offsets) == 0) | (loud > SILENT)] = -1
    return threshold.astype(np.int16)


def loud_and_quiet(rms: NDArray[np.uint8], offsets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return per recording the bytes of its loud and its quiet frames: the 95th and the 5th percentile of the RMS.

    The layout is that of :func:`active_thresholds`; of a recording without frames both are 0.
    """
    loud, quiet = (np.empty(len(offsets) - 1, np.int64) for _ in range(2))
    if len(loud) == 1 and len(rms):
        loud[0], quiet[0] = _of_one(rms)
        return loud, quiet
    block = 4096  # recordings at a time: 256 counters each
    for first in range(0, len(loud), block):
        bounds = offsets[first : first + block + 1]
        sizes = np.diff(bounds)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        counts = np.bincount(owner * 256 + rms[bounds[0] : bounds[-1]], minlength=256 * len(sizes)).reshape(-1, 256)
        ranks = np.cumsum(counts, axis=1)  # bytes ascend from loud to quiet
        loud[first : first + block] = (ranks > (sizes * 5 // 100)[:, None]).argmax(axis=1)
        quiet[first : first + block] = (ranks > (sizes * 95 // 100)[:, None]).argmax(axis=1)
    return loud, quiet


def _of_one(rms: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the loud and the quiet byte of one recording: it is sorted more quickly than counted."""
    ordered = np.sort(rms)
    return int(ordered[len(rms) * 5 // 100]), int(ordered[len(rms) * 95 // 100])


def active(envelope: Envelope) -> NDArray[np.bool_]:
    """Return which frames of one recording are active speech, shape of its envelope: those of :func:`active_thresholds`.

    The same rule in plain numbers: many recordings are measured one by one, and arrays of one number are slow.
    """
    rms = envelope.rms
    if not len(rms):
        return np.zeros(0, np.bool_)
    loud, quiet = _of_one(rms)
    if loud > SILENT:
        return np.zeros(len(rms), np.bool_)
    threshold = loud + BELOW_LOUD
    if quiet - loud >= DYNAMIC:
        threshold = min(threshold, quiet - ABOVE_QUIET)
    return np.asarray(rms <= min(threshold, SILENT))


def byte_energy_sum(rms: NDArray[np.uint8], frame_n: int) -> int:
    """Return the sum of squares that the bytes stand for."""
    return int(byte_energies(frame_n)[rms].sum())
