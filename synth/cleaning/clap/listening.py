"""Files to embeddings: decoding runs ahead in threads while the model works, and what is done is stored in parts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.audio.decode import UndecodableError
from synth.cleaning.clap import windows
from synth.cleaning.clap.engine import Engine
from synth.cleaning.clap.store import Store

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, how much there is
Pieces = list[NDArray[np.int16]]
PART_WINDOWS = 256  # after so many, what was embedded is stored: a minute's work on a slow machine


def key(pcm_sha256: str, rate_hz: int) -> str:
    """Name the samples of a recording."""
    return f"{pcm_sha256}@{rate_hz}"


def listen(
    engine: Engine,
    store: Store,
    files: Sequence[Path],
    keys: Sequence[str | None],
    durations_s: Sequence[float],
    progress: Progress,
) -> tuple[list[str | None], dict[int, str]]:
    """Embed all windows of files into the store.

    Args:
        engine: the model.
        store: where the embeddings go.
        files: what to hear.
        keys: what their samples are to be, as ``key`` names them; None where that is not known.
        durations_s: about how long they last, so that decoding does not run further ahead than memory allows.
        progress: called after each file.

    Returns the keys of what was heard, and the reason for each file that was not.
    """
    found: list[str | None] = [None] * len(files)
    problems: dict[int, str] = {}
    batch: Pieces = []
    open_: deque[tuple[str, int]] = deque()  # key and number of windows of what is not stored yet
    ready: list[NDArray[np.float32]] = []  # the first of their vectors

    def embed(least: int) -> None:
        """Embed batches while so many windows wait."""
        while len(batch) >= least:
            ready.append(engine.audio(batch[: engine.batch]))
            del batch[: engine.batch]

    def keep() -> None:
        """Store every recording of which all windows are embedded."""
        flat, place, rows = np.concatenate(ready), 0, []
        while open_ and place + open_[0][1] <= len(flat):
            name, count = open_.popleft()
            rows.append((name, flat[place : place + count]))
            place += count
        ready[:] = [flat[place:]]
        store.add([name for name, _ in rows], [vectors for _, vectors in rows])

    progress("listening", 0, len(files))
    for position, heard in enumerate(_ahead(files, keys, durations_s, engine)):
        if isinstance(heard, str):
            problems[position] = heard
        else:
            found[position], pieces = heard
            batch.extend(pieces)
            open_.append((heard[0], len(pieces)))
            embed(engine.batch)
            if sum(map(len, ready)) >= PART_WINDOWS:
                keep()
        progress("listening", position + 1, len(files))
    embed(1)
    if ready:
        keep()
    return found, problems


def _ahead(
    files: Sequence[Path], keys: Sequence[str | None], durations_s: Sequence[float], engine: Engine
) -> Iterator[tuple[str, Pieces] | str]:
    """Yield what each file holds, in order, decoded by threads that run two batches of windows ahead."""
    sizes = [max(1, math.ceil(seconds * windows.RATE_HZ / windows.HOP_N)) for seconds in durations_s]
    waiting: deque[Future[tuple[str, Pieces] | str]] = deque()
    submitted = taken = load = 0
    with ThreadPoolExecutor(engine.decoders) as pool:
        while taken < len(files):
            while submitted < len(files) and (
                not waiting or load + sizes[submitted] <= 2 * engine.batch + engine.decoders
            ):
                waiting.append(pool.submit(_heard, files[submitted], keys[submitted]))
                load += sizes[submitted]
                submitted += 1
            yield waiting.popleft().result()
            load -= sizes[taken]
            taken += 1


def _heard(path: Path, wanted: str | None) -> tuple[str, Pieces] | str:
    """Return the key of a file's samples and its windows, or why there are none."""
    try:
        samples, rate_hz, wide = windows.read(path)
    except UndecodableError as error:
        return str(error)
    found = key(sha256(np.ascontiguousarray(samples).data).hexdigest(), rate_hz)
    if wanted is not None and found != wanted:
        return "changed: other samples than when it was indexed; run synth index again"
    return found, windows.cut(wide)
