"""Give memory that is no longer used back to the system, between the steps of a long command."""

from __future__ import annotations

import ctypes
import gc
import sys

import pyarrow as pa


def give_back() -> None:
    """Release what Arrow's pool and the C library keep of freed memory.

    Both keep it for the next request, so a process would hold the peak of every step it has been through: with this, a
    data set of ten times the clips is made in the same memory.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)
