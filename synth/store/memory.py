"""Give memory that is no longer used back to the system between steps, and keep it within one."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's names for mallopt
_DEFAULT, _KEEP = 128 << 10, 32 << 20


def give_back() -> None:
    """Release what Arrow's pool and the C library keep of freed memory.

    Both keep it for the next request, so a process would hold the peak of every step it has been through: with this, a
    data set of ten times the clips is made in the same memory.
    """
    pa.default_memory_pool().release_unused()
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


@contextmanager
def kept() -> Iterator[None]:
    """Reuse freed arrays instead of asking the system for fresh pages, while many blocks of one size are worked on.

    By default the C library returns every array of more than 128 kB at once; faulting its pages in again took a tenth
    of the time of a large plan.
    """
    _keep_up_to(_KEEP)
    try:
        yield
    finally:
        _keep_up_to(_DEFAULT)


def _keep_up_to(size: int) -> None:
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, size)
        mallopt(_MMAP_THRESHOLD, size)


def _glibc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; musl and other systems lack some."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
