"""Which 20-ms frames of a recording are somebody speaking: a rule that knows the room.

Who counts as a speaker is decided here, so noise must not pass. Speech moves: between 250 and 750 Hz, where vowels have
their first formant and rooms, fans and hiss change little within a second, its frames rise over what lies between them.
Active is what rises 8 dB over the background there, in most frames of a fifth of a second, and is not faint beside the
loud frames of the recording. The background is the level that 15 % of the frames lie under, of the whole recording and,
where a recording is long, of the seconds around as well, for a background that changes. Where the loudest frames do not
rise 10 dB over the background, speech cannot be told from noise, and nothing is active. Noise that comes and goes rises as
well; so what rises must have a pitch somewhere (:mod:`synth.audio.pitch`), as every few syllables of speech have.

Percentiles that follow the noise floor are an old idea (R. Martin, "Noise power spectral density estimation based on
optimal smoothing and minimum statistics", IEEE Trans. Speech and Audio Processing 9, 2001); band, percentile and margins
were chosen on clean recordings put into noise. All of it is integers: the same frames on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.audio.envelope import BELOW_LOUD, FAINT, SILENT, active_thresholds, frame_length, rms_bytes
from synth.audio.pitch import Coarse, voiced
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
LONGEST_RUN = 50  # frames of a run that must have a pitch somewhere
LONGEST_CONSONANT = 24  # frames of a run without a pitch that is speech,
CLOSE, LOUD_CLOSE = 10, 35  # … so many frames away from one with a pitch at most; as loud as a tenth of all, so many
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

    The difference of next neighbours but one, at about 2 kHz; nothing crosses a frame. Sums are integers below 2**53: exact.
    """
    return _band_bytes(coarse(samples, rate_hz), rate_hz)


def _band_bytes(sums: Coarse, rate_hz: int) -> Bytes:
    moves = (sums[:, 2:] - sums[:, :-2]).astype(np.float64)
    energy = np.einsum("ij,ij->i", moves, moves).astype(np.int64)
    return rms_bytes(energy // (4 * _width(rate_hz)), frame_length(rate_hz))


def _width(rate_hz: int) -> int:
    return max(1, round(rate_hz / BAND_RATE_HZ))


def coarse(samples: NDArray[np.int16], rate_hz: int) -> Coarse:
    """Return sums of neighbouring samples at about 2 kHz, shape (frames, samples of a frame): integers below 2**24, exact.

    What is left of a frame after the last whole sum is left out, at most 1 % of it at the usual rates.
    """
    frame_n, width = frame_length(rate_hz), _width(rate_hz)
    count, frames = frame_n // width, len(samples) // frame_n
    cut = samples[: frames * frame_n].reshape(frames, frame_n)[:, : count * width]
    return _sums(cut, width).reshape(frames, count)


def _sums(samples: NDArray[np.int16], width: int) -> Coarse:
    """Return the sums of each ``width`` samples, in a row: by halves while that works, which is twice as quick."""
    wide = samples.astype(np.float32).ravel()
    while width % 2 == 0:
        wide, width = wide[0::2] + wide[1::2], width // 2
    return wide if width == 1 else np.asarray(np.add.reduce(wide.reshape(-1, width), axis=1), np.float32)


def spoken(samples: NDArray[np.int16], rate_hz: int, rms: Bytes) -> Judged:
    """Return which frames of one recording (n,) are speech; ``rms``: its RMS bytes (frames,). See :func:`spoken_in`."""
    return spoken_in(coarse(samples, rate_hz), rate_hz, rms)


def spoken_in(sums: Coarse, rate_hz: int, rms: Bytes) -> Judged:
    """Return which frames of one recording are speech, from its :func:`coarse` and its RMS bytes ``rms`` (frames,).

    What rises over the background as :func:`rising` finds it, in runs (pieces of at most a second of long ones) in which
    something has a pitch, and in short ones beside those.
    """
    band = _band_bytes(sums, rate_hz)
    found = rising(rms, band)
    if not found.active.any():
        return found
    around = np.zeros(len(found.active) + 2, np.bool_)
    around[1:-1] = found.active
    edges = np.flatnonzero(around[1:] != around[:-1])
    first, end = _pieces(edges[::2], edges[1::2])
    has_pitch = voiced(sums, first, end, band)
    if has_pitch.all():
        return found
    active = found.active.copy()
    left_out = ~has_pitch & ~_consonants(first, end, has_pitch, active, rms)
    for a, b in zip(first[left_out].tolist(), end[left_out].tolist(), strict=True):
        active[a:b] = False
    if not has_pitch.any():
        return Judged(
            active,
            "no-speech",
            f"speech cannot be told from noise: what rises over the background for {int(found.active.sum()) / FRAMES_PER_S:g} s "
            "has no pitch",
        )
    return Judged(active)


def _consonants(first: Ints, end: Ints, has_pitch: Bools, active: Bools, rms: Bytes) -> Bools:
    """Return which runs are short and lie close to one with a pitch; loud ones, such as a sharp "s", may lie further away."""
    frames, far = int(end[-1]), LOUD_CLOSE + 1
    before = np.maximum.accumulate(np.where(has_pitch, end, -far))  # where the last one with a pitch ends,
    after = np.minimum.accumulate(np.where(has_pitch, first, frames + far)[::-1])[::-1]  # … and the next one begins
    voices = np.sort(rms[active])
    loudest = np.minimum.reduceat(rms[:frames], np.column_stack([first, end]).ravel()[:-1])[::2]
    close = np.where(loudest <= voices[len(voices) // 10], LOUD_CLOSE, CLOSE)
    return (np.minimum(first - before, after - end) <= close) & (end - first <= LONGEST_CONSONANT)


def _pieces(first: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Return runs of frames, cut into equal pieces where they are long: a word and noise can be one run."""
    frames = end - first
    if frames.max() <= LONGEST_RUN:
        return first, end
    pieces = -(-frames // LONGEST_RUN)
    of = np.repeat(np.arange(len(first)), pieces)
    at = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = first[of] + frames[of] * at // pieces[of]
    return begin, first[of] + frames[of] * (at + 1) // pieces[of]


def rising(rms: Bytes, band: Bytes) -> Judged:
    """Return which frames of one recording rise over its background, from RMS and :func:`band_bytes`, both (frames,)."""
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
    rises = level <= _floors(level, sounds, background) - ABOVE_FLOOR
    rises &= sounds
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
    out = values.copy()
    before, here, after = values[:-2], values[1:-1], values[2:]
    low, high = np.minimum(before, here), np.maximum(before, here)
    np.maximum(low, np.minimum(high, after, out=high), out=out[1:-1])
    return out


def _around(mask: Bools, width: int) -> Ints:
    """Return how many of the ``width`` frames around each one are set; ``width`` is odd."""
    begin, end = width // 2 + 1, width // 2 + 1 + len(mask)
    total = np.zeros(len(mask) + width, np.int64)
    mask.cumsum(out=total[begin:end])
    total[end:] = total[end - 1]
    return np.asarray(total[width:] - total[:-width], np.int64)


def _floors(level: Bytes, sounds: Bools, background: int) -> Ints | np.int64:
    """Return the background of each frame: that of the recording, ``background``, or a louder one of the seconds around it;
    one number for a recording that is no longer than those.

    Of the 8 s that begin with a second and those that end with it, the louder counts: at a step of the background, one side
    is the quieter room.
    """
    seconds = -(-len(level) // FRAMES_PER_S)
    if seconds <= LOCAL_S:
        return np.int64(background)
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
