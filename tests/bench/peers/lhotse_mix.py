"""lhotse: a lazy mix of cuts with their gains, loaded, encoded by soundfile, stored by pyarrow.

Parquet is cheaper here than lhotse's own Shar, so this is the kinder of the two.
"""

from __future__ import annotations

import io

import soundfile as sf
from lhotse import MonoCut, Recording
from plan import CLIP_N, RATE_HZ, Window, arguments, clips
from rows import Rows


def main() -> None:
    """Mix into clips.parquet."""
    options = arguments(__doc__ or "")
    recordings: dict[str, Recording] = {}

    def cut(window: Window, name: str) -> MonoCut:
        recording = recordings.get(window.path)
        if recording is None:
            recording = recordings[window.path] = Recording.from_file(window.path)
        whole = MonoCut(id=name, start=window.start_s, duration=CLIP_N / RATE_HZ, channel=0, recording=recording)
        return whole.perturb_volume(window.gain)

    with Rows(options.out, options.codec) as rows:
        for number, windows in enumerate(clips(options.clips, options.corpus)):
            mixed = cut(windows[0], f"{number}-0")
            for j, window in enumerate(windows[1:], 1):
                mixed = mixed.mix(cut(window, f"{number}-{j}"))
            encoded = io.BytesIO()
            sf.write(encoded, mixed.load_audio()[0, :CLIP_N], RATE_HZ, format=options.codec.upper(), subtype="PCM_16")
            rows.add(encoded.getvalue(), windows)


if __name__ == "__main__":
    main()
