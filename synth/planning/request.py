"""What is asked for, in numbers: the options of a plan parsed, checked and turned into samples, frames and tenths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from synth.errors import UsageError
from synth.recipe import MixOptions
from synth.tables import FRAMES_PER_S, SPLITS

MOST_SPEAKERS = 20


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request; levels in tenths of a dB, lengths in frames of 20 ms.

    ``overlap``: None when everyone speaks through the whole clip, else the range of the nominal overlap;
    ``snr``: None without noise.
    """

    fewest: int
    most: int
    clips: Mapping[str, int]
    rate_hz: int
    frames: int
    balance: str
    seed: int
    min_active: int
    sir: int
    level: tuple[int, int]
    overlap: tuple[Fraction, Fraction] | None
    snr: tuple[int, int] | None

    @property
    def frame_n(self) -> int:
        """Samples in a frame."""
        return self.rate_hz // FRAMES_PER_S

    @property
    def length_n(self) -> int:
        """Samples in a clip."""
        return self.frames * self.frame_n


def parsed(options: MixOptions, noise: bool) -> Request:
    """Parse the options of a plan; ``noise`` says whether there is background noise. Raises UsageError."""
    fewest, most = speakers(options.speakers)
    if fewest == 0 and not noise:
        raise UsageError(
            f"--speakers {options.speakers}: clips in which nobody speaks need background noise, or digital silence "
            "gives the answer away; add --noise FOLDER, or ask for --speakers 1-" + str(max(most, 1))
        )
    frames = whole_frames("--seconds", options.seconds)
    min_active = whole_frames("--min-active", options.least_active_s)
    if min_active > frames:
        raise UsageError(f"--min-active {options.min_active}: longer than the clip (--seconds {options.seconds:g})")
    if not 0 <= options.sir_db <= 30:
        raise UsageError(f"--sir-db {options.sir_db:g}: wanted 0 to 30 (speakers differ by at most so many dB)")
    level = _range("--level-dbfs", options.level_dbfs, -70, 0)
    snr = _range("--snr-db", options.snr_db, -30, 60) if noise else None
    return Request(
        fewest=fewest,
        most=most,
        clips=clip_counts(options.clips),
        rate_hz=checked_rate(options.rate),
        frames=frames,
        balance=options.balance,
        seed=options.seed,
        min_active=min_active,
        sir=round(options.sir_db * 10),
        level=level,
        overlap=_overlap(options.overlap),
        snr=snr,
    )


def speakers(text: str) -> tuple[int, int]:
    """Parse ``1-3`` or ``2`` to the fewest and the most speakers. Raises UsageError."""
    fewest, dash, most = text.partition("-")
    if not fewest.isdecimal() or (dash and not most.isdecimal()):
        raise UsageError(f"--speakers {text}: wanted a number or a range such as 1-3")
    low, high = int(fewest), int(most or fewest)
    if low > high:
        raise UsageError(f"--speakers {text}: the range runs backwards; did you mean {high}-{low}?")
    if high > MOST_SPEAKERS:
        raise UsageError(f"--speakers {text}: wanted at most {MOST_SPEAKERS} speakers in a clip")
    return low, high


def clip_counts(text: str) -> dict[str, int]:
    """Parse ``3600/360/360`` to clips per split; a zero means that there is no such split, and one number that there
    is only train. Raises UsageError.
    """
    fields = text.split("/")
    if len(fields) == 1:
        fields += ["0"] * (len(SPLITS) - 1)
    if len(fields) != len(SPLITS) or not all(field.isdecimal() for field in fields) or not any(map(int, fields)):
        raise UsageError(
            f"--clips {text}: wanted three whole numbers such as 3600/360/360 (train/val/test), or one for train alone"
        )
    return {name: int(field) for name, field in zip(SPLITS, fields, strict=True) if int(field)}


def checked_rate(rate_hz: int) -> int:
    """Return a rate that has a whole number of samples in 20 ms. Raises UsageError."""
    if rate_hz < 4000 or rate_hz > 192_000 or rate_hz % FRAMES_PER_S:
        raise UsageError(f"--rate {rate_hz}: wanted a multiple of {FRAMES_PER_S} Hz from 4000 to 192000, e.g. 16000")
    return rate_hz


def whole_frames(option: str, seconds: float) -> int:
    """Return seconds in frames of 20 ms. Raises UsageError where they are no whole number of them, or over an hour."""
    if not math.isfinite(seconds) or seconds <= 0:
        raise UsageError(f"{option} {seconds:g}: wanted more than 0 seconds")
    if seconds > 3600:
        raise UsageError(f"{option} {seconds:g}: wanted at most an hour")
    frames = round(seconds * FRAMES_PER_S)
    if abs(frames - seconds * FRAMES_PER_S) > 1e-6 or frames == 0:
        raise UsageError(
            f"{option} {seconds:g}: wanted a multiple of 0.02 s; the nearest is {max(frames, 1) / FRAMES_PER_S:g}"
        )
    return frames


def _range(option: str, text: str, lowest: int, highest: int) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    try:
        tenths = round(float(low) * 10), round(float(high if colon else low) * 10)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text}: wanted LOW:HIGH in dB, e.g. {lowest // 2}:{highest}") from None
    if tenths[0] > tenths[1]:
        raise UsageError(f"{option} {text}: the range runs backwards; did you mean {high}:{low}?")
    if tenths[0] < lowest * 10 or tenths[1] > highest * 10:
        raise UsageError(f"{option} {text}: wanted {lowest} to {highest} dB")
    return tenths


def _overlap(text: str) -> tuple[Fraction, Fraction] | None:
    if text == "full":
        return None
    low, colon, high = text.partition(":")
    try:
        shares = Fraction(low), Fraction(high if colon else low)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--overlap {text}: wanted 'full', or a range of shares such as 0:0.5") from None
    if not 0 <= shares[0] <= shares[1] <= 1:
        raise UsageError(f"--overlap {text}: wanted shares from 0 to 1, the smaller one first")
    return shares
