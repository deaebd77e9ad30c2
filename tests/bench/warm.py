# ruff: noqa: T201  # a program run by hand: it prints its figures
"""What a clip costs in one warm process: this project's renderer, a plain soundfile loop and a raw write, in turn.

`speed.py` measures whole commands, and on a virtual machine that hands its free memory back to the host the price of a
fresh page (up to 100 us a clip) hides the program. Here all three write the same clips again and again into memory that is
at hand. Prints CPU microseconds a clip (median of interleaved rounds) and the ratios.

    python tests/bench/warm.py [--corpus PATH/LibriSpeech] [--rounds 11]
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

CLIPS, LOOP_CLIPS = 3000, 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = Path(__file__).resolve().parents[3] / "shared" / "data" / "LibriSpeech"
    parser.add_argument("--corpus", type=Path, default=beside if beside.exists() else None)
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SYNTH_CACHE_DIR"] = f"{folder}/cache"
        jobs = prepared(options.corpus, Path(folder))
        for work, _ in jobs.values():
            work()
        took: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(options.rounds):
            for name, (work, clips) in jobs.items():
                began = time.process_time()
                work()
                took[name].append((time.process_time() - began) / clips * 1e6)
    for name, values in took.items():
        print(f"{name:<16} {median(values):8.1f} us a clip ({min(values):.1f}-{max(values):.1f})")
    synth, loop, raw = (median(took[name]) for name in ("synth", "soundfile loop", "raw write"))
    print(f"soundfile loop / synth {loop / synth:.1f} (bar: >= 15)   synth / raw write {synth / raw:.2f} (bar: <= 5.2)")


def prepared(corpus: Path | None, folder: Path) -> dict[str, tuple[Callable[[], None], int]]:
    """Return the jobs and their clips: the same plan for all, made from a corpus or the demo voices."""
    from synth.rendering.shards import Renderer
    from synth.steps.index import index
    from synth.steps.opened import open_plan
    from synth.steps.plan import plan
    from synth.steps.render import job_of
    from synth.steps.split import split

    indexed = index([corpus] if corpus else [])
    split(indexed.table, split="100/0/0", out=folder / "sources.parquet")
    plan(folder / "sources.parquet", out=folder / "plan.parquet", clips=f"{CLIPS}/0/0")
    opened = open_plan(folder / "plan.parquet")
    job = job_of(opened, folder, {})
    renderer, shards = Renderer(job), job.shards(opened.clips)
    where = {root.name: root.folder for root, _ in indexed.corpora}
    sources = opened.sources.select(["source_id", "root", "path"]).to_pylist()
    files = [str(where[row["root"]] / row["path"]) for row in sources]
    rows, _, _ = renderer.clips(0, LOOP_CLIPS)
    parts = list(zip(rows.source.tolist(), rows.start_n.tolist(), rows.gain_q12.tolist(), strict=True))
    clips = [parts[a:b] for a, b in zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True)]
    for shard in shards:
        renderer.render(shard)
    same = [job.path(shard).read_bytes() for shard in shards]

    def synth() -> None:
        for shard in shards:
            job.path(shard).unlink(missing_ok=True)
            renderer.render(shard)

    def loop() -> None:
        out = []
        for number, chosen in enumerate(clips):
            mix = np.zeros(job.length_n, np.float32)
            for source, start, gain in chosen:
                samples, _ = soundfile.read(files[source], start=start, stop=start + job.length_n, dtype="float32")
                mix += samples * (gain / 4096)
            buffer = io.BytesIO()
            soundfile.write(buffer, mix, job.rate_hz, format="WAV", subtype="PCM_16")
            out.append(
                {"audio": {"bytes": buffer.getvalue(), "path": f"{number}.wav"}, "n": len(chosen), "parts": chosen}
            )
        pq.write_table(pa.Table.from_pylist(out), folder / "loop.parquet")

    def raw() -> None:
        with (folder / "raw").open("wb") as file:
            for piece in same:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    return {"synth": (synth, CLIPS), "soundfile loop": (loop, LOOP_CLIPS), "raw write": (raw, CLIPS)}


if __name__ == "__main__":
    main()
