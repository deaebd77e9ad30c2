"""What a data set will take, before the work: bytes on the disk, and seconds of every step.

Times are those of a laptop core, to within a factor of two: reading and measuring speech (10 MB/s a core of FLAC and
other packed audio, 30 MB/s of WAV and other plain samples), planning, rendering, writing and checking clips (measured with the demo voices), listening to the audit's sample, and
the second opinion on its speakers (20 ms a second of audio).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.corpora.walk import extension, is_audio
from synth.planning.request import clip_counts, speakers
from synth.recipe import MixOptions

LISTENED = 2000  # clips that an audit listens to
ASKED = 240  # speakers of mixtures on whom it asks a second opinion
ROW_BYTES = 200  # of a clip's row in a table
FLAC = 0.62  # of WAV
READ_BYTES_PER_S, PLAIN_BYTES_PER_S = 10e6, 30e6
PLAIN = frozenset(
    {"wav", "wave", "w64", "aif", "aiff", "au", "snd", "caf"}
)  # files that nearly always hold plain samples
CLIP_S, AUDIT_CLIP_S, LISTEN_S, START_S = 100e-6, 40e-6, 1e-3, 2.0
OPINION_S, OPINION_AUDIO_S = 20e-3, 0.5  # of a second of audio; how much of it is heard until it is speech enough


@dataclass(frozen=True, slots=True)
class Expected:
    """Clips of one length, their bytes with all that is kept of them, and the seconds of the steps."""

    clips: int
    seconds: float
    bytes: float
    to_read_bytes: int
    index_s: float
    render_s: float
    audit_s: float

    @property
    def total_s(self) -> float:
        """Seconds of all steps, if no recording was measured before."""
        return START_S + self.index_s + self.render_s + self.audit_s


def expected(
    clips: int,
    seconds: float,
    rate: int,
    codec: str,
    jobs: int,
    *,
    stems: float = 0,
    speakers: float = 0,
    to_read: Mapping[str, int] | None = None,
) -> Expected:
    """Return what so many clips take; ``to_read``: bytes of recordings by extension; ``stems``: how many of them a clip keeps on average, ``speakers``: how many it has."""
    read = to_read or {}
    kept = clips * (1 + stems)
    audio = kept * (seconds * rate * 2 + ROW_BYTES) * (FLAC if codec == "flac" else 1)
    work = seconds * rate / 16000 * (80e-6 if codec == "wav" else 300e-6)
    return Expected(
        clips=clips,
        seconds=seconds,
        bytes=audio,
        to_read_bytes=sum(read.values()),
        index_s=sum(count / (PLAIN_BYTES_PER_S if kind in PLAIN else READ_BYTES_PER_S) for kind, count in read.items())
        / jobs,
        render_s=1 + kept * work / jobs,
        audit_s=clips * (CLIP_S + AUDIT_CLIP_S)
        + min(clips, LISTENED) * seconds * rate / 16000 * LISTEN_S
        + min(clips * speakers, ASKED) * min(seconds, OPINION_AUDIO_S) * OPINION_S,
    )


def of_mix(options: MixOptions, jobs: int, folders: Sequence[Path] = ()) -> Expected:
    """Return what a mix takes; with --stems every speaker, and the noise, is kept beside the clip. ``folders``: those of
    the recordings.
    """
    fewest, most = speakers(options.speakers)
    each = (fewest + most) / 2
    return expected(
        sum(clip_counts(options.clips).values()),
        options.seconds,
        options.rate,
        options.codec,
        jobs,
        stems=each + bool(options.noise) if options.stems else 0,
        speakers=each,
        to_read=audio_bytes(folders),
    )


def windows(durations: Iterable[float | None], seconds: float, which: str) -> int:
    """Return how many clips recordings make: one each, or with ``all`` every whole window that fits."""
    known = [0.0 if one is None else one for one in durations]
    return len(known) if which != "all" else sum(max(1, int(one / seconds + 1e-6)) for one in known)


def audio_bytes(paths: Sequence[str | Path]) -> Counter[str]:
    """Return the bytes of the files below some folders that are named like audio, by extension; what is no folder has none."""
    total: Counter[str] = Counter()
    for path in paths:
        for folder, _, names in os.walk(Path(path).expanduser()):
            for name in names:
                if is_audio(name):
                    try:
                        total[extension(name)] += (Path(folder) / name).stat().st_size
                    except OSError:  # the index says what is wrong with it
                        continue
    return total
