"""Worker processes, for every step that uses more than one processor.

Workers are spawned: forking a process that has threads (pyarrow's) may hang. Python's spawn runs the main script of the
parent again in every worker, which breaks a script without ``if __name__ == "__main__"`` and one that came over standard
input. Nothing that a worker of synth does lies in the main script, so workers start without it.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import spawn
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

from synth.errors import InputError

Given = TypeVar("Given")
Item = TypeVar("Item")
Result = TypeVar("Result")

_starting = threading.Lock()
_work: Callable[[Any], Any] | None = None  # in a worker: what it does with an item


def unordered(
    start: Callable[[Given], Callable[[Item], Result]], given: Given, items: Sequence[Item], jobs: int
) -> Iterator[Result]:
    """Yield the result of each item as it is finished, in any order, from at most ``jobs`` processes.

    ``start(given)`` runs once in each process and returns the function that takes an item; ``start`` lies in a module.
    When the caller stops listening (an error, Ctrl-C), items under way are finished and no more are begun. Where no
    process can be started (inside a worker of another pool, or in a program without a Python of its own), all is done
    here. Raises InputError when a worker dies.
    """
    if jobs <= 1 or len(items) <= 1 or mp.current_process().daemon or not spawn.get_executable():
        work = start(given)
        for item in items:
            yield work(item)
        return
    pool = ProcessPoolExecutor(
        min(jobs, len(items)), mp_context=_Context(), initializer=_begin, initargs=(start, given)
    )
    try:
        with _interrupts_held():
            futures = [pool.submit(_one, item) for item in items]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process ended before its work was done (the system may have run out of memory). What is finished "
            "is kept: the same command again goes on from there; -j 1 needs the least memory"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Process(SpawnProcess):
    """A spawned process that does not run the parent's main script."""

    def start(self) -> None:
        """Start the process, leaving the main script out of what it is told about its parent."""
        here = threading.get_ident()
        with _starting:
            whole = spawn.get_preparation_data

            def without_main(name: str) -> dict[str, Any]:
                data = whole(name)
                if threading.get_ident() != here:  # somebody else's process
                    return data
                return {key: value for key, value in data.items() if not key.startswith("init_main")}

            spawn.get_preparation_data = without_main
            try:
                super().start()
            finally:
                spawn.get_preparation_data = whole


class _Context(SpawnContext):
    Process = _Process  # the executor makes its processes with this


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


def _begin(start: Callable[[Any], Callable[[Any], Any]], given: object) -> None:
    global _work  # noqa: PLW0603  # made once in each process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _work = start(given)


def _die_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _one(item: object) -> Any:  # noqa: ANN401  # any result
    if _work is None:
        raise RuntimeError("the worker was not started")
    return _work(item)
