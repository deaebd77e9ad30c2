"""Does a peer really mix what the plan says? Explain its clips by the planned windows and print what is left over.

    python check.py CORPUS OUT

reads what a peer wrote to OUT (clips.parquet, or 00000000.wav and so on), finds by least squares the gain of every
planned window, and prints the largest share of a clip's energy that the windows do not explain, and how far the gains
are from the plan's, in dB (a peer that sets loudness by itself may differ there). Exit 1 above 1 % left over.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile as sf
from plan import CLIP_N, clips

ENOUGH = 0.01
QUIET = 1e-7  # windows and clips of a mean square below this (-70 dBFS) show nothing


def written(out: Path) -> list[np.typing.NDArray[np.float64]]:
    """Read a peer's clips, in order."""
    table = out / "clips.parquet"
    if table.exists():
        column = pq.ParquetFile(table).read(columns=["audio"]).column("audio").to_pylist()
        return [sf.read(io.BytesIO(audio["bytes"]))[0] for audio in column]
    return [sf.read(path)[0] for path in sorted(out.glob("????????.wav"))]


def main() -> None:
    """Compare clip by clip."""
    corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
    found = written(out)
    worst, offset_db, compared = 0.0, [], 0
    for mixture, windows in zip(found, clips(len(found), corpus), strict=True):
        if mixture.shape != (CLIP_N,):
            raise SystemExit(f"{out}: a clip of shape {mixture.shape}, ({CLIP_N},) wanted")
        stems = np.stack([sf.read(w.path, start=w.start_n, frames=CLIP_N)[0] for w in windows], axis=1)
        if np.mean(mixture**2) < QUIET or np.mean(stems**2, axis=0).min() < QUIET:
            continue
        gains, *_ = np.linalg.lstsq(stems, mixture, rcond=None)
        left = mixture - stems @ gains
        worst = max(worst, float(np.sum(left**2) / np.sum(mixture**2)))
        offset_db += [20 * np.log10(max(g, 1e-9)) - w.gain_db for g, w in zip(gains, windows, strict=True)]
        compared += 1
    spread = f"{min(offset_db):+.2f} to {max(offset_db):+.2f}" if offset_db else "-"
    sys.stdout.write(
        f"{out.name}: {compared} of {len(found)} clips compared, left over {worst:.1e}, gains {spread} dB\n"
    )
    if not compared or worst > ENOUGH:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
