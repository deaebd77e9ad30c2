"""pydub: from_file, slice, gain, overlay, export, stored by pyarrow. It starts ffmpeg for every source."""

from __future__ import annotations

import io

from plan import CLIP_N, RATE_HZ, Window, arguments, clips
from pydub import AudioSegment
from rows import Rows


def cut(window: Window) -> AudioSegment:
    """Return the window at its level; pydub counts milliseconds."""
    begin = window.start_s * 1000
    return AudioSegment.from_file(window.path)[begin : begin + 1000 * CLIP_N / RATE_HZ] + window.gain_db


def main() -> None:
    """Mix into clips.parquet."""
    options = arguments(__doc__ or "")
    with Rows(options.out, options.codec) as rows:
        for windows in clips(options.clips, options.corpus):
            mixture = cut(windows[0])
            for window in windows[1:]:
                mixture = mixture.overlay(cut(window))
            encoded = io.BytesIO()
            mixture.export(encoded, format=options.codec)
            rows.add(encoded.getvalue(), windows)


if __name__ == "__main__":
    main()
