"""Every claimed speaker is heard: active for as long as promised, and not drowned by the others.

Activity is measured where it is made, in the recordings: the frames of 20 ms of the window that are speech in the whole
recording (:mod:`synth.audio.speech`); in sets of earlier versions, and in labelled clips, those over its threshold
(:mod:`synth.audio.envelope`). A gain does not change when somebody speaks, but it may make him inaudible; so levels are
compared after the gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.audio.decibels import FULL_SCALE, UNITY, byte_energies
from synth.audio.envelope import SILENT, loud_and_quiet, rms_bytes
from synth.checking.findings import Finding, named
from synth.checking.rows import Clips
from synth.tables import FRAMES_PER_S
from synth.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Pcm = NDArray[np.int16]

BELOW_LOUDEST_DB = 3.0  # a speaker further than --sir-db and this under the loudest of the clip is not heard
INAUDIBLE_DBFS = -90.0  # nor one below what the envelope calls silence
NOISE_SHARE = 0.01  # of the speakers of a set of an earlier version may be noise
BLOCK_N = 100_000  # samples measured at a time: their float64 copy stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Heard:
    """Parts of some clips: active frames (parts, frames of a window), and the active level after the gain in dBFS."""

    active: Bools
    level_db: NDArray[np.float64]

    @property
    def frames(self) -> Ints:
        """Active frames of each part."""
        return np.asarray(self.active.sum(axis=1), np.int64)


def windows_bytes(windows: Pcm, frame_n: int) -> NDArray[np.uint8]:
    """Return the envelope bytes of windows (parts, samples), shape (parts, whole frames)."""
    parts, frames = len(windows), windows.shape[1] // frame_n
    out = np.empty((parts, frames), np.uint8)
    step = max(1, BLOCK_N // max(windows.shape[1], 1))
    for first in range(0, parts, step):
        wide = windows[first : first + step, : frames * frame_n].astype(np.float64).reshape(-1, frame_n)
        sums = np.einsum("ij,ij->i", wide, wide).astype(np.int64)
        out[first : first + step] = rms_bytes(sums, frame_n).reshape(-1, frames)
    return out


def in_windows(
    values: NDArray[Any], offsets: Ints, source: Ints, start_n: Ints, length_n: Ints, frame_n: int, beyond: int
) -> NDArray[Any]:
    """Return what SOURCES says of the frames of windows (parts, frames); ``beyond`` past a window.

    ``values``: one per frame of all recordings end to end, those of source s from ``offsets[s]``.
    """
    frames = length_n // frame_n
    at = np.arange(int(frames.max(initial=0)))
    first = offsets[source] + start_n // frame_n
    inside = (at < frames[:, None]) & (first[:, None] + at < offsets[source + 1][:, None])
    found = values[np.where(inside, first[:, None] + at, 0)] if len(values) else np.zeros(inside.shape, values.dtype)
    return np.where(inside, found, values.dtype.type(beyond))


def in_stems(threshold: NDArray[np.int16], gain_q12: Ints) -> NDArray[np.int16]:
    """Return the thresholds (parts,) of recordings after their gains, for stems: a byte is half a dB, and one is allowed."""
    gain_db = 20 * np.log10(np.maximum(gain_q12, 1) / UNITY)
    return np.asarray(np.clip(np.round(threshold - 2 * gain_db) + 1, -1, SILENT), np.int16)


def dynamics(rms: NDArray[np.uint8], offsets: Ints) -> NDArray[np.float64]:
    """Return how far the quiet frames (5th percentile) of each recording lie under its loud ones (95th), in dB; NaN if empty."""
    loud, quiet = loud_and_quiet(rms, offsets)
    return np.where(np.diff(offsets) > 0, (quiet - loud) / 2, np.nan)


def heard(found: NDArray[np.uint8], active: Bools, gain_q12: Ints, frame_n: int) -> Heard:
    """Return the levels of windows, given their bytes and which frames are active, both (parts, frames)."""
    energy = (byte_energies(frame_n)[found] * active).sum(axis=1).astype(np.float64)
    count = np.maximum(active.sum(axis=1), 1)
    power = energy / (count * float(frame_n * FULL_SCALE**2)) * (gain_q12 / UNITY) ** 2
    return Heard(active, 10 * np.log10(np.maximum(power, 1e-20)))


def voices(active: Bools, onset_n: Ints, clip_of_part: Ints, clips: int, length_n: int, frame_n: int) -> Ints:
    """Return how many speakers are active in each frame of each clip, shape (clips, frames), from parts that speak."""
    frames = length_n // frame_n
    part, frame = np.nonzero(active)
    place = onset_n[part] // frame_n + frame
    inside = place < frames
    flat = clip_of_part[part[inside]] * frames + place[inside]
    return np.bincount(flat, minlength=clips * frames).reshape(clips, frames)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of the parts that speak in the sampled clips, end to end: rows of ``part`` in the manifest.

    ``spoken``: frames that are speech by the rule, found again from the samples of the whole recording; -1 where it was not
    measured.
    """

    part: Ints
    frames: Ints
    level_db: NDArray[np.float64]
    spoken: Ints


def finding(
    clips: Clips, measured: Measured, promised_s: NDArray[np.float32], min_active_s: float, sir_db: float, how: str
) -> Finding:
    """Check that every part is active as promised, for at least ``min_active_s``, and loud enough to be heard.

    In sets of earlier versions the plan takes every loud frame for speech; there at most one part in a hundred may be less
    than half speech, as it is found now.

    ``promised_s``: (all parts,) of the plan. ``how`` says what was measured.
    """
    part = measured.part
    owner = clips.clip_of_part[part]
    active_s = measured.frames / FRAMES_PER_S
    loudest = np.full(len(clips), -np.inf)
    np.maximum.at(loudest, owner, measured.level_db)
    under = loudest[owner] - measured.level_db
    promise = np.nan_to_num(promised_s[part].astype(np.float64))
    short = active_s < promise - 0.02 - 1e-6
    few = active_s < min_active_s - 1e-6
    quiet = (under > sir_db + BELOW_LOUDEST_DB) | (measured.level_db < INAUDIBLE_DBFS)
    noise = (measured.spoken >= 0) & (2 * measured.spoken < np.round(promise * FRAMES_PER_S)) & ~(short | few)
    judged = int((measured.spoken >= 0).sum())
    if noise.sum() <= NOISE_SHARE * judged:
        noise[:] = False
    bad = short | few | quiet | noise
    clips_seen = len(np.unique(owner))
    rows = np.nonzero(bad)[0][:5].tolist()
    shown = [
        f"{clips.ids(owner[k : k + 1])[0]} ({_speaker(clips, int(part[k]))}: {active_s[k]:.2f} s of {promise[k]:.2f} s, "
        + (f"{measured.spoken[k] / FRAMES_PER_S:.2f} s of it speech, " if noise[k] else "")
        + ("inaudible)" if measured.level_db[k] < INAUDIBLE_DBFS else f"{under[k]:.1f} dB under the loudest)")
        for k in rows
    ]
    figures = {
        "clips": clips_seen,
        "parts": len(part),
        "shorter_than_promised": int(short.sum()),
        "shorter_than_min_active": int(few.sum()),
        "not_heard": int(quiet.sum()),
        "less_than_half_speech": int(
            (2 * measured.spoken < np.round(promise * FRAMES_PER_S))[measured.spoken >= 0].sum()
        ),
        "speech_judged": judged,
        "least_active_s": round(float(active_s.min(initial=np.inf)), 2) if len(part) else None,
        "furthest_under_loudest_db": round(float(under.max(initial=0)), 1),
        "examples": shown,
    }
    if not len(part):
        return Finding("active", None, "no clip has a speaker", figures)
    says = (
        f"{int(bad.sum()):,} of {counted(len(part), 'speaker')} in {counted(clips_seen, 'clip')} are not heard as promised, "
        f"wanted none{named(shown, 2)}"
        if bad.any()
        else f"all {len(part):,} speakers of {counted(clips_seen, 'clip')} are active as promised; the least is "
        f"{active_s.min():.2f} s (wanted {min_active_s:g} s), the quietest {under.max():.1f} dB under the loudest of its clip "
        f"(wanted at most {sir_db + BELOW_LOUDEST_DB:g})"
    )
    return Finding("active", not bad.any(), f"{says}; {how}", figures)


def _speaker(clips: Clips, part: int) -> str:
    code = int(clips.of_source(clips.sources.code("speaker_id"), -1)[part])
    return clips.sources.names("speaker_id")[code] if code >= 0 else "a speaker"
