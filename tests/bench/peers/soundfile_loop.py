"""The loop that most people write: soundfile seeks each window, numpy sums, soundfile encodes, pyarrow stores."""

from __future__ import annotations

import io

import numpy as np
import soundfile as sf
from plan import CLIP_N, RATE_HZ, arguments, clips
from rows import Rows


def main() -> None:
    """Mix into clips.parquet, as WAV or FLAC."""
    options = arguments(__doc__ or "")
    with Rows(options.out, options.codec) as rows:
        for windows in clips(options.clips, options.corpus):
            mixture = np.zeros(CLIP_N, np.float32)
            for window in windows:
                samples, _ = sf.read(window.path, start=window.start_n, frames=CLIP_N, dtype="float32")
                mixture += samples * np.float32(window.gain)
            encoded = io.BytesIO()
            sf.write(encoded, mixture, RATE_HZ, format=options.codec.upper(), subtype="PCM_16")
            rows.add(encoded.getvalue(), windows)


if __name__ == "__main__":
    main()
