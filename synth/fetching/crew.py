"""Workers: a few threads that take jobs in order, until there are none left or everything stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from threading import Event, Lock, Semaphore, Thread
from types import TracebackType
from typing import Generic, TypeVar

Job = TypeVar("Job")
_LOOK_S = 0.2  # how often the main thread looks up
_GRACE_S = 5.0  # how long those who are at work may take to put down what they hold


class Crew(Generic[Job]):
    """``count`` threads; ``stop`` keeps them from taking another job, ``abandon`` from finishing the one they have.

    The threads do not keep the program alive: what cannot be interrupted (a connection that says nothing) does not
    hold up whoever pressed Ctrl-C.
    """

    def __init__(self, count: int) -> None:
        self.stop, self.abandon = Event(), Event()
        self._count = count
        self._lock, self._ended = Lock(), Semaphore(0)
        self._failure: BaseException | None = None

    def work(self, jobs: Iterable[Job], worker: Callable[[Iterator[Job]], None], report: Callable[[], None]) -> None:
        """Let every thread call ``worker`` with one iterator of jobs that they share; ``report`` is called now and then.

        The first exception of a worker stops all others and is raised here, as is KeyboardInterrupt.
        """
        shared = _Shared(iter(jobs), self._lock, self.stop)
        left = self._count
        try:
            for _ in range(self._count):
                Thread(target=self._run, args=(worker, shared), daemon=True).start()
            while left:  # not Thread.join: interrupted by Ctrl-C, it takes a thread that works for one that has ended
                left -= self._ended.acquire(timeout=_LOOK_S)
                report()
        except BaseException:
            self.abandon.set()
            raise
        finally:
            self.stop.set()
            until_s = time.monotonic() + _GRACE_S
            while left and time.monotonic() < until_s:
                left -= self._ended.acquire(timeout=_LOOK_S)
        if self._failure is not None:
            raise self._failure

    def _run(self, worker: Callable[[Iterator[Job]], None], shared: Iterator[Job]) -> None:
        with ExitStack() as stack:
            stack.callback(self._ended.release)
            stack.push(self._noted)
            worker(shared)

    def _noted(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        """Keep what a worker raised for the thread that waits, and stop the others."""
        if error is not None:
            self._failure = self._failure or error
            self.stop.set()
            self.abandon.set()
        return True


class _Shared(Iterator[Job]):
    """An iterator that many threads may take from."""

    def __init__(self, jobs: Iterator[Job], lock: Lock, stop: Event) -> None:
        self._jobs, self._lock, self._stop = jobs, lock, stop

    def __next__(self) -> Job:
        if self._stop.is_set():
            raise StopIteration
        with self._lock:
            return next(self._jobs)
