"""The arena: decoded corpora as int16 files that are mapped into memory, keyed by content hash.

A pack holds the recordings of one chunk of work end to end, at one output rate, with their mean removed: the samples
that are rendered. Packs are written once and never changed; the cache's table says where each recording lies.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio.cache import Place, folder
from synth.audio.decode import VERSION as DECODER
from synth.audio.measured import Measured, measured

SPARE_BYTES = 2 << 30  # disk that the arena leaves alone
Writer = Callable[[Path], AbstractContextManager[Path]]  # yields a temporary path, renamed to the one given at the end
EXPANSION = 4  # at most so many bytes of samples a byte of source file, for the size check


def pack_path(name: str, rate_hz: int) -> Path:
    """Return where a pack lies."""
    return folder() / "arena" / str(rate_hz) / f"{name}.i16"


def fits(source_bytes: int) -> bool:
    """Return whether the samples of so many bytes of source files fit on the disk of the cache, with room to spare."""
    folder().mkdir(parents=True, exist_ok=True)
    return source_bytes * EXPANSION + SPARE_BYTES < shutil.disk_usage(folder()).free


def measure_chunk(paths: Sequence[Path], rate_hz: int, keep: Writer | None) -> list[tuple[Measured, Place | None]]:
    """Decode and measure files; with ``keep`` write their samples into one new pack, whole or not at all.

    Runs in a thread: decoding, hashing and resampling all release the interpreter's lock.
    """
    results = [measured(path, rate_hz) for path in paths]
    good = [samples for _, samples in results if samples is not None]
    if keep is None or not good:
        return [(facts, None) for facts, _ in results]
    hashes = "".join(facts.sha256 for facts, samples in results if samples is not None)
    name = sha256(f"{DECODER} {hashes}".encode()).hexdigest()[:32]
    if _size(pack_path(name, rate_hz)) != sum(samples.nbytes for samples in good):  # else equal files made it already
        with keep(pack_path(name, rate_hz)) as temporary, temporary.open("wb") as file:
            for samples in good:
                file.write(np.ascontiguousarray(samples).data)
    out: list[tuple[Measured, Place | None]] = []
    start = 0
    for facts, kept in results:
        if kept is None:
            out.append((facts, None))
        else:
            out.append((facts, Place(name, start, len(kept))))
            start += len(kept)
    return out


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def present(places: Mapping[str, Place], rate_hz: int) -> dict[str, Place]:
    """Return the places whose pack is there and long enough: a pack may have been deleted with the cache."""
    sizes: dict[str, int] = {}
    for place in places.values():
        if place.pack not in sizes:
            sizes[place.pack] = _size(pack_path(place.pack, rate_hz)) // 2
    return {sha: place for sha, place in places.items() if place.start_n + place.length_n <= sizes[place.pack]}


def mapped(pack: str, rate_hz: int) -> NDArray[np.int16]:
    """Map a pack into memory, read-only; its pages belong to the system's file cache, not to the process."""
    with pack_path(pack, rate_hz).open("rb") as file:
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(view, np.int16)
