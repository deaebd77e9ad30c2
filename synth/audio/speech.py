"""Which 20-ms frames of a recording are somebody speaking: a rule that knows the room.

Who counts as a speaker is decided here, so noise must not pass. Speech moves: between 250 and 750 Hz, where vowels have
their first formant and rooms, fans and hiss change little within a second, its frames rise over what lies between them.
Active is what rises 8 dB over the background there, in most frames of a fifth of a second, and is not faint beside the
loud frames of the recording. The background is the level that 15 % of the frames lie under, of the whole recording and,
where a recording is long, of the seconds around as well, for a background that changes. Where the loudest frames do not
rise 10 dB over the background, speech cannot be told from noise, and nothing is active.

Percentiles that follow the noise floor are an old idea (R. Martin, "Noise power spectral density estimation based on
optimal smoothing and minimum statistics", IEEE Trans. Speech and Audio Processing 9, 2001); band, percentile and margins
were chosen on clean recordings put into noise. All of it is integers: the same frames on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.audio.envelope import BELOW_LOUD, FAINT, SILENT, active_thresholds, frame_length, rms_bytes
from synth.tables import FRAMES_PER_S

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

BAND_RATE_HZ = 2000  # the band is taken at about this rate: the difference of next neighbours but one passes 250-750 Hz
RISES = 2 * 10  # half decibels that the loud frames of a recording lie over its background at least,
ABOVE_FLOOR = 2 * 8  # … and that an active frame does
QUIET_PERCENT = 15  # of the frames are background
LOUD_PERCENT, MOST_LOUD = 5, 10  # the loud level: so many per cent of the frames lie over it, and at most so many
AROUND, MOST_OF = 11, 5  # a frame is active where 5 of the 11 frames around rise,
WIDER = 3  # … and so are three frames on either side
LOCAL_S = 8  # seconds in which the background is looked for in long recordings
NOTHING = 255  # the byte of no sound at all
FEWEST = 10  # frames with any sound, below which there is nothing to judge


@dataclass(frozen=True, slots=True)
class Judged:
    """Which frames are active speech, shape (frames,); where none is, a status of SOURCES and the reason."""

    active: Bools
    status: str = "ok"
    reason: str | None = None


def band_bytes(samples: NDArray[np.int16], rate_hz: int) -> Bytes:
    """Return a byte per whole 20 ms, shape (n // frame_n,): the level between 250 and 750 Hz in half dB, larger = quieter.

    Sums of neighbouring samples bring the frame to about 2 kHz, the difference of next neighbours but one does the rest.
    Nothing crosses a frame. All sums are integers, those in float32 below 2**24 and those in float64 below 2**53: exact.
    """
    frame_n = frame_length(rate_hz)
    width = max(1, round(rate_hz / BAND_RATE_HZ))
    count = frame_n // width
    frames = len(samples) // frame_n
    cut = samples[: frames * frame_n].reshape(frames, frame_n)[:, : count * width]
    sums = _sums(cut, width).reshape(frames, count)
    moves = (sums[:, 2:] - sums[:, :-2]).astype(np.float64)
    energy = np.einsum("ij,ij->i", moves, moves).astype(np.int64)
    return rms_bytes(energy // (4 * width), frame_n)


def _sums(samples: NDArray[np.int16], width: int) -> NDArray[np.float32]:
    """Return the sums of each ``width`` samples, in a row: by halves while that works, which is twice as quick."""
    wide = samples.astype(np.float32).ravel()
    while width % 2 == 0:
        wide, width = wide[0::2] + wide[1::2], width // 2
    return wide if width == 1 else np.asarray(np.add.reduce(wide.reshape(-1, width), axis=1), np.float32)


def judged(rms: Bytes, band: Bytes) -> Judged:
    """Return which frames of one recording are speech, from its bytes: RMS and :func:`band_bytes`, both (frames,)."""
    nothing = np.zeros(len(rms), np.bool_)
    sounds = (rms <= SILENT) & (
        band < NOTHING
    )  # zeros are no background, nor is the constant that a DC offset makes of them
    heard = int(np.count_nonzero(sounds))
    if heard < FEWEST:
        return Judged(nothing, "silent", f"{heard / FRAMES_PER_S:g} s of it rise above -90 dBFS")
    level = _median_of_three(band)
    ascending = np.sort(level[sounds])
    rank = min(heard * LOUD_PERCENT // 100, MOST_LOUD)
    loud = int(ascending[rank])
    background = int(ascending[heard - 1 - heard * QUIET_PERCENT // 100])
    if background - loud < RISES:
        return Judged(
            nothing,
            "no-speech",
            f"speech cannot be told from noise: between 250 and 750 Hz the loudest {(rank + 1) / FRAMES_PER_S:g} s lie only "
            f"{(background - loud) / 2:g} dB over the background, wanted {RISES / 2:g}",
        )
    rises = sounds & (level <= _floors(level, sounds, background) - ABOVE_FLOOR)
    active = _around(_around(rises, AROUND) >= MOST_OF, 2 * WIDER + 1) > 0
    faint = int(np.sort(rms[sounds])[rank]) + BELOW_LOUD
    active &= rms <= min(faint, SILENT)
    if not active.any():
        return Judged(
            nothing,
            "no-speech",
            f"speech cannot be told from noise: nothing rises {ABOVE_FLOOR / 2:g} dB over the background for "
            f"{MOST_OF / FRAMES_PER_S:g} s between 250 and 750 Hz",
        )
    return Judged(active)


def packed(active: Bools) -> bytes:
    """Return a bit per frame, the first one lowest, as SOURCES has them."""
    return np.packbits(active, bitorder="little").tobytes()


def active_frames(rms: Bytes, offsets: Ints, noise: Bools, bits: Bytes, bit_offsets: Ints) -> Bools:
    """Return which frames of many recordings are active, shape of ``rms``: that of SOURCES, end to end.

    Recording s has the RMS bytes ``offsets[s]:offsets[s + 1]`` and the packed bits ``bit_offsets[s]:bit_offsets[s + 1]``;
    where these fit, they say it. Without them (noise, sounds that nobody speaks in, tables of earlier versions) the level
    does: background noise, ``noise`` (S,), is active wherever it is not padding.
    """
    frames = np.diff(offsets)
    told = has_bits(offsets, bit_offsets)
    out = np.zeros(len(rms), np.bool_)
    if told.any():
        out[np.repeat(told, frames)] = _unpacked(bits, bit_offsets, frames, told)
    left = np.nonzero(~told & (frames > 0))[0]
    if len(left):
        mine = np.concatenate([[0], np.cumsum(frames[left])])
        here = np.repeat(~told, frames)
        limit = np.where(noise[left], np.int16(FAINT), active_thresholds(rms[here], mine))
        out[here] = rms[here] <= np.repeat(limit, frames[left])
    return out


def _unpacked(bits: Bytes, bit_offsets: Ints, frames: Ints, told: Bools) -> Bools:
    """Return the bits of the recordings ``told`` end to end, without those that fill up their last bytes."""
    ends = bit_offsets[1:] * 8
    keep = np.repeat(told, np.diff(bit_offsets) * 8)
    spare = np.where(told, ends - bit_offsets[:-1] * 8 - frames, 0)
    for k in range(8):
        keep[ends[spare > k] - 1 - k] = False
    return np.unpackbits(bits, bitorder="little").view(np.bool_)[keep]


def has_bits(offsets: Ints, bit_offsets: Ints) -> Bools:
    """Return which recordings have a bit for each of their frames, shape (S,)."""
    frames = np.diff(offsets)
    return np.asarray((np.diff(bit_offsets) == -(-frames // 8)) & (frames > 0), np.bool_)


def _median_of_three(values: Bytes) -> Bytes:
    """Return the median of each value and its neighbours; at the ends, of the value itself twice."""
    before = np.concatenate([values[:1], values[:-1]])
    after = np.concatenate([values[1:], values[-1:]])
    low, high = np.minimum(before, values), np.maximum(before, values)
    return np.asarray(np.maximum(low, np.minimum(high, after)), np.uint8)


def _around(mask: Bools, width: int) -> Ints:
    """Return how many of the ``width`` frames around each one are set; ``width`` is odd."""
    total = np.zeros(len(mask) + width, np.int64)
    total[width // 2 + 1 : width // 2 + 1 + len(mask)] = np.cumsum(mask)
    total[width // 2 + 1 + len(mask) :] = total[width // 2 + len(mask)]
    return np.asarray(total[width:] - total[:-width], np.int64)


def _floors(level: Bytes, sounds: Bools, background: int) -> Ints:
    """Return the background of each frame: that of the recording, ``background``, or a louder one of the seconds around it.

    Of the 8 s that begin with a second and those that end with it, the louder counts: at a step of the background, one side
    is the quieter room.
    """
    seconds = -(-len(level) // FRAMES_PER_S)
    if seconds <= LOCAL_S:
        return np.full(len(level), background, np.int64)
    second = np.arange(len(level)) // FRAMES_PER_S
    counts = np.bincount(second[sounds] * 256 + level[sounds], minlength=seconds * 256).reshape(seconds, 256)
    before = np.concatenate([np.zeros((1, 256), np.int64), np.cumsum(counts, axis=0)])
    stretches = before[LOCAL_S:] - before[:-LOCAL_S]
    local = np.where(stretches.sum(axis=1) >= FRAMES_PER_S, _quiet(stretches), 255)  # no sound, no background
    at = np.arange(seconds)
    sides = np.minimum(local[np.minimum(at, len(local) - 1)], local[np.maximum(at - LOCAL_S + 1, 0)])
    return np.asarray(np.minimum(sides, background)[second], np.int64)


def _quiet(counts: Ints) -> Ints:
    """Return the byte that 15 % of the frames lie under (are quieter than), per row of counts by byte (rows, 256)."""
    from_quiet = np.cumsum(counts[:, ::-1], axis=1)
    rank = from_quiet[:, -1] * QUIET_PERCENT // 100
    return np.asarray(255 - (from_quiet > rank[:, None]).argmax(axis=1), np.int64)
