"""A script in the style of LibriMix: loudness of every whole source by pyloudnorm, then stems and mixture as files.

LibriMix itself measures the loudness when it makes its metadata and mixes later; both are done here, in one pass.
"""

from __future__ import annotations

import warnings

import numpy as np
import pyloudnorm
import soundfile as sf
from plan import CLIP_N, RATE_HZ, arguments, clips

LEVEL_LUFS = -20
FULL = 0.9


def main() -> None:
    """Mix into WAV files, one for the mixture and one for each source."""
    warnings.filterwarnings("ignore")
    options = arguments(__doc__ or "")
    meter = pyloudnorm.Meter(RATE_HZ)
    for number, windows in enumerate(clips(options.clips, options.corpus)):
        sources = []
        for window in windows:
            whole, _ = sf.read(window.path, dtype="float32")
            loudness = meter.integrated_loudness(whole)
            whole = pyloudnorm.normalize.loudness(whole, loudness, LEVEL_LUFS + window.gain_db)
            peak = np.abs(whole).max()
            if peak > FULL:
                whole *= FULL / peak
            sources.append(whole[window.start_n : window.start_n + CLIP_N])
        mixture = np.sum(sources, axis=0)
        peak = np.abs(mixture).max()
        if peak > FULL:
            sources = [source * (FULL / peak) for source in sources]
            mixture = mixture * (FULL / peak)
        for j, source in enumerate(sources):
            sf.write(options.out / f"{number:08d}_s{j + 1}.wav", source, RATE_HZ, subtype="PCM_16")
        sf.write(options.out / f"{number:08d}.wav", mixture, RATE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()
