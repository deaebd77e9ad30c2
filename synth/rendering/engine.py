"""Who does the work: shards are handed out here, and nothing else knows where they are rendered.

Another engine (a cluster's job array, Ray) needs only to call :class:`Renderer` with the job and a shard; shards do not
depend on one another.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.connection import wait

from synth.rendering.job import Job, Shard
from synth.rendering.shards import Renderer

_worker: Renderer | None = None


def rendered(job: Job, shards: Sequence[Shard], jobs: int) -> Iterator[int]:
    """Render shards with so many processes; yield the clips of each as it is finished, in any order.

    When the caller stops listening (an error, Ctrl-C), shards under way are finished and no more are begun.
    """
    if jobs <= 1 or len(shards) <= 1:
        renderer = Renderer(job)
        for shard in shards:
            yield renderer.render(shard)
        return
    context = mp.get_context("spawn")  # forking a process that has threads (pyarrow's) may hang
    pool = ProcessPoolExecutor(min(jobs, len(shards)), mp_context=context, initializer=_start, initargs=(job,))
    try:
        with _interrupts_held():
            futures = [pool.submit(_render, shard) for shard in shards]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while workers are begun: they inherit the mask, and this process hears of it afterwards.

    The mask is one thread's; the signal may come through another and would then break off a half-begun worker.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
    if heard:
        signal.raise_signal(signal.SIGINT)


def _start(job: Job) -> None:
    global _worker  # noqa: PLW0603  # one renderer a process, made once
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _worker = Renderer(job)


def _die_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _render(shard: Shard) -> int:
    if _worker is None:
        raise RuntimeError("the worker was not started")
    return _worker.render(shard)
