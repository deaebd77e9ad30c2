"""scaper: one soundscape a clip, one foreground event a speaker, everything given, nothing drawn.

It writes a WAV file and a JAMS file a clip, and measures loudness (LUFS) to set the levels. It is given no
background, and its fades, pitch shifts and time stretches are left out.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
from plan import CLIP_N, RATE_HZ, arguments, clips, scan

for _gone, _name in (("Inf", "inf"), ("float_", "float64")):  # scaper and jams use names that numpy 2 has dropped
    if not hasattr(np, _gone):
        setattr(np, _gone, getattr(np, _name))
warnings.filterwarnings("ignore")

import scaper  # noqa: E402

LEVEL_LUFS = -33


def label_folders(corpus: Path, out: Path) -> dict[str, str]:
    """Lay out the corpus as scaper wants it, a folder a label (here a speaker), by links; return path -> link."""
    links = {}
    found = scan(corpus)
    for speaker, recordings in zip(found.speakers, found.recordings, strict=True):
        folder = out / "foreground" / speaker
        folder.mkdir(parents=True, exist_ok=True)
        for path, _ in recordings:
            link = folder / Path(path).name
            link.symlink_to(Path(path).resolve())
            links[path] = str(link)
    (out / "background").mkdir()
    return links


def main() -> None:
    """Mix into WAV and JAMS files."""
    logging.disable(logging.WARNING)
    options = arguments(__doc__ or "")
    links = label_folders(options.corpus, options.out)
    for number, windows in enumerate(clips(options.clips, options.corpus)):
        scape = scaper.Scaper(CLIP_N / RATE_HZ, str(options.out / "foreground"), str(options.out / "background"))
        scape.sr = RATE_HZ
        scape.ref_db = LEVEL_LUFS
        scape.n_channels = 1
        scape.fade_in_len = scape.fade_out_len = 0
        for window in windows:
            scape.add_event(
                label=("const", window.speaker),
                source_file=("const", links[window.path]),
                source_time=("const", window.start_s),
                event_time=("const", 0),
                event_duration=("const", CLIP_N / RATE_HZ),
                snr=("const", window.gain_db + 9),
                pitch_shift=None,
                time_stretch=None,
            )
        name = options.out / f"{number:08d}"
        scape.generate(f"{name}.wav", f"{name}.jams", disable_sox_warnings=True)


if __name__ == "__main__":
    main()
