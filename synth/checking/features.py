"""Numbers of a clip that should not tell its class, and some that do because they belong to the thing itself."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE

Floats = NDArray[np.float64]
Pcm = NDArray[np.int16]

SPECTRUM_S = 0.032  # length of a spectrum, rounded to a power of two
SPECTRA = 16  # spectra a clip, evenly spaced
LOW = (0.0125, 0.35)  # of the Nyquist frequency: 100 to 2,800 Hz at 16 kHz
HIGH = (0.5, 0.95)  # 4,000 to 7,600 Hz
FEWEST_PAUSES = 2  # frames in which nobody speaks that a noise floor is measured on
BLOCK_N = 200_000  # samples measured at a time, so that what is made of them stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Features:
    """One number per clip, shape (clips,); NaN where it cannot be measured.

    level, peak: dBFS; crest: peak over level, dB; dc: mean sample, in steps of 1/32768; bandwidth: power in the upper half
    of the spectrum over that in the lower third, in dB, the mean over moments (:func:`bandwidth`); floor: power while
    nobody speaks over that of the clip, in dB; active: share of the clip in which somebody speaks; full: samples at full
    scale.
    """

    level: Floats
    dc: Floats
    bandwidth: Floats
    floor: Floats
    peak: Floats
    crest: Floats
    active: Floats
    full: Floats

    def __len__(self) -> int:
        return len(self.level)


def measured(mix: Pcm, voices: NDArray[np.int64], rate_hz: int) -> Features:
    """Measure clips (clips, samples); ``voices`` (clips, frames of 20 ms) says how many speak in each.

    The noise floor is measured where no speaker is active by the envelopes of the recordings. Summing n recordings at a
    fixed level leaves its expectation alone, unlike that of a low percentile of the clip's own frames (which tells 1 from
    2 from 3 voices in 57 to 63 %, chance 33 %): n voices have fewer pauses in common.
    """
    step = max(1, BLOCK_N // mix.shape[1])
    return joined([_block(mix[k : k + step], voices[k : k + step], rate_hz) for k in range(0, len(mix), step)])


def _block(mix: Pcm, voices: NDArray[np.int64], rate_hz: int) -> Features:
    count, length = mix.shape
    wide = mix.astype(np.float32)
    frames = voices.shape[1]
    frame_n = length // max(frames, 1)
    cut = wide[:, : frames * frame_n].reshape(count, frames, frame_n)
    power = np.einsum("ijk,ijk->ij", cut, cut).astype(np.float64) / frame_n
    rest = wide[:, frames * frame_n :]
    energy = power.sum(axis=1) * frame_n + np.einsum("ij,ij->i", rest, rest)
    level = decibels(energy / length)
    quiet = voices == 0
    pauses = quiet.sum(axis=1)
    floor = np.full(count, np.nan)
    enough = pauses >= FEWEST_PAUSES
    floor[enough] = decibels((power * quiet).sum(axis=1)[enough] / pauses[enough]) - level[enough]
    highest = np.maximum(mix.max(axis=1).astype(np.int64), -mix.min(axis=1).astype(np.int64))
    peak = decibels(highest.astype(np.float64) ** 2)
    at_full = highest >= FULL_SCALE - 1
    full = np.zeros(count)
    full[at_full] = (np.abs(wide[at_full]) >= FULL_SCALE - 1).sum(axis=1)
    return Features(
        level=level,
        dc=np.einsum("ij->i", cut.mean(axis=2)) / max(frames, 1),
        bandwidth=bandwidth(wide, rate_hz),
        floor=floor,
        peak=peak,
        crest=peak - level,
        active=1 - pauses / max(frames, 1),
        full=full,
    )


def bandwidth(wide: NDArray[np.float32], rate_hz: int) -> Floats:
    """Return the power in 0.5 to 0.95 of the Nyquist frequency over that in 0.0125 to 0.35, in dB, of signals (n, samples).

    The mean of the decibels of 16 spectra, not the decibels of the mean: sibilants are short, and the more voices the
    likelier one of them hisses (on LibriSpeech the usual 95 % roll-off tells 1 from 2 from 3 voices in 43 %, this in 36
    to 40 %, chance 33 %). A low-pass filter changes it by tens of dB, its spread over clips is about 5 dB.
    """
    size = min(1 << round(np.log2(SPECTRUM_S * rate_hz)), wide.shape[1])
    starts = np.linspace(0, wide.shape[1] - size, SPECTRA).astype(np.int64)
    pieces = np.lib.stride_tricks.sliding_window_view(wide, size, axis=1)[:, starts]
    spectra = np.fft.rfft(pieces * np.hanning(size).astype(np.float32), axis=2)
    power = spectra.real**2 + spectra.imag**2
    bands = []
    for low, high in (LOW, HIGH):
        a, b = (round(share * (power.shape[2] - 1)) for share in (low, high))
        bands.append(power[:, :, a : b + 1].sum(axis=2).astype(np.float64) + size * (b + 1 - a) / 24)  # of rounding
    return np.asarray((10 * np.log10(bands[1] / bands[0])).mean(axis=1), np.float64)


def leftover(mix: Pcm, bare: Pcm) -> Floats:
    """Return the level of what clips (clips, samples) hold besides their voices, over that of the clip, in dB, -99 at least."""
    out = np.full(len(mix), -99.0)
    for k in np.nonzero((mix != bare).any(axis=1))[0].tolist():
        whole, rest = mix[k].astype(np.float64), mix[k].astype(np.float64) - bare[k]
        energy = np.einsum("i,i->", whole, whole), np.einsum("i,i->", rest, rest)
        out[k] = max(10 * np.log10(max(energy[1], 1e-9) / max(energy[0], 1.0)), -99.0)
    return out


def decibels(power: Floats) -> Floats:
    """Return the level in dBFS of mean squares of samples."""
    return np.asarray(10 * np.log10(np.maximum(power, 1e-3) / FULL_SCALE**2), np.float64)


def joined(batches: list[Features]) -> Features:
    """Return the features of all batches in one."""
    return Features(**{f.name: np.concatenate([getattr(one, f.name) for one in batches]) for f in fields(Features)})
