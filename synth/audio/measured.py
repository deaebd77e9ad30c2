"""What is known of a recording once it has been decoded: levels, envelope, hashes, and the samples that are rendered."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio import speech
from synth.audio.channels import cancelling
from synth.audio.decibels import FULL_SCALE, tenths_of
from synth.audio.decode import UndecodableError, decode
from synth.audio.envelope import active, frame_length, measure
from synth.audio.pitch import Coarse
from synth.units import counted

_SHORT = 1 << 16  # so many 16-bit samples add up within 32 bits, which is several times faster than in 64
VERSION = 6  # of the measures; what another version measured is measured again


@dataclass(frozen=True, slots=True)
class Measured:
    """Facts of one file at one output rate; levels in tenths of a dB, None where there is no sound to measure.

    ``level_tenths`` and ``active_frames`` are of all that sounds, ``speech_…`` of what is speech should somebody speak in it:
    the frames as packed bits, or in ``no_speech`` why there are none.
    ``scaled_db`` is what floats beyond full scale were scaled by, None where they were not.
    """

    sha256: str
    status: str
    reason: str | None = None
    pcm_sha256: str | None = None
    format: str | None = None
    rate_hz: int | None = None
    channels: int | None = None
    frames: int | None = None
    dc_n: int | None = None
    level_tenths: int | None = None
    peak_tenths: int | None = None
    active_frames: int | None = None
    rms: bytes = b""
    peaks: bytes = b""
    speech: bytes | None = None
    speech_frames: int | None = None
    speech_tenths: int | None = None
    no_speech: str | None = None
    scaled_db: float | None = None


def measured(path: Path, rate_hz: int) -> tuple[Measured, NDArray[np.int16] | None]:
    """Decode and measure one file; return its facts and its samples at ``rate_hz``, None where it cannot be used.

    Never raises for a damaged file: the status and the reason say what is wrong with it.
    """
    try:
        with path.open("rb", buffering=0) as file:
            data = file.readall()
    except OSError as error:
        return Measured("", "unreadable", f"{error.strerror}: {path.name}"), None
    digest = sha256(data).hexdigest()
    try:
        decoded = decode(path, data)
    except UndecodableError as error:
        return Measured(digest, error.status, error.reason), None
    pcm = sha256(np.ascontiguousarray(decoded.samples).data).hexdigest()
    raw = resampled(decoded.samples, decoded.rate_hz, rate_hz)
    coarse = speech.coarse(raw, rate_hz)  # its differences do not know the mean, and its sum tells it
    samples, dc_n = centred(raw, _total(raw, coarse, rate_hz))
    envelope = measure(samples, rate_hz)
    if dc_n and envelope.highest >= FULL_SCALE - 1:  # something may have been saturated
        coarse = speech.coarse(samples, rate_hz)
    speaking = active(envelope)
    active_frames = int(np.count_nonzero(speaking))
    frame_n = frame_length(rate_hz)
    status, reason = "ok", None
    if not len(envelope.rms):
        status, reason = "empty", f"{counted(len(decoded.samples), 'sample')}: shorter than 20 ms"
    elif decoded.lost_db is not None:
        status, reason = "antiphase", cancelling(decoded.channels, decoded.lost_db)
    elif not active_frames:
        status, reason = "silent", "no 20 ms of it rise above -90 dBFS"
    spoken = speech.spoken_in(coarse, rate_hz, envelope.rms)
    level = peak = spoken_level = None
    if status == "ok":
        level, spoken_level = (tenths_of(_power(envelope.energy[of], frame_n)) for of in (speaking, spoken.active))
        peak = tenths_of((envelope.highest / FULL_SCALE) ** 2)
    facts = Measured(
        sha256=digest,
        status=status,
        reason=reason,
        pcm_sha256=pcm,
        format=decoded.format,
        rate_hz=decoded.rate_hz,
        channels=decoded.channels,
        frames=len(decoded.samples),
        dc_n=dc_n,
        level_tenths=level,
        peak_tenths=peak,
        active_frames=active_frames,
        rms=envelope.rms.tobytes(),
        peaks=envelope.peaks.tobytes(),
        speech=speech.packed(spoken.active),
        speech_frames=int(np.count_nonzero(spoken.active)),
        speech_tenths=spoken_level if spoken.reason is None else None,
        no_speech=spoken.reason,
        scaled_db=decoded.scaled_db,
    )
    return facts, samples if status == "ok" else None


def _power(energy: NDArray[np.int64], frame_n: int) -> float:
    """Return the mean power of some frames, given by their sums of squares, over that of full scale; 0 of none."""
    return float(energy.sum() / (max(len(energy), 1) * frame_n * FULL_SCALE**2))


def resampled(samples: NDArray[np.int16], rate_hz: int, wanted_hz: int) -> NDArray[np.int16]:
    """Resample a whole recording (soxr HQ in float32, rounded, clipped); unchanged where the rates agree."""
    if rate_hz == wanted_hz:
        return samples
    import soxr

    wide = soxr.resample(samples.astype(np.float32), rate_hz, wanted_hz, quality="HQ")
    return np.asarray(np.clip(np.rint(wide), -32768, 32767), np.int16)


def _total(samples: NDArray[np.int16], coarse: Coarse, rate_hz: int) -> int | None:
    """Return the sum of the samples by that of their coarse ones; None where these leave something of each frame out."""
    frame_n = frame_length(rate_hz)
    if frame_n % coarse.shape[1]:
        return None
    return int(coarse.sum(dtype=np.float64)) + sum_of(samples[len(coarse) * frame_n :])


def sum_of(samples: NDArray[np.int16]) -> int:
    """Return the exact sum of samples."""
    return sum(
        int(np.add.reduce(samples[k : k + _SHORT].astype(np.int32), dtype=np.int32))
        for k in range(0, len(samples), _SHORT)
    )


def centred(samples: NDArray[np.int16], total: int | None = None) -> tuple[NDArray[np.int16], int]:
    """Return the samples less their rounded mean (saturated at 16 bits), and that mean; ``total``: their sum, if known."""
    if not len(samples):
        return samples, 0
    if total is None:
        total = sum_of(samples)
    dc_n = (2 * total + len(samples)) // (2 * len(samples))
    return without_dc(samples, dc_n), dc_n


def without_dc(samples: NDArray[np.int16], dc_n: int) -> NDArray[np.int16]:
    """Subtract a constant, saturating at 16 bits."""
    if dc_n == 0:
        return samples
    if int(samples.min()) - dc_n >= -32768 and int(samples.max()) - dc_n <= 32767:  # nothing to saturate: no wider copy
        return samples - np.int16(dc_n)
    return np.clip(samples.astype(np.int32) - dc_n, -32768, 32767).astype(np.int16)
