"""Gives memory back to the system: a watcher runs for weeks, and receives an answer of megabytes now and then."""

from __future__ import annotations

import sys
from typing import Final

#: Parameters of glibc's mallopt(3), and what they are here. One heap for all threads: without that each of some hundred
#: threads leaves holes in one of many. Answers are mapped, and unmapped: glibc raises that threshold with each of them.
_TRIM_THRESHOLD: Final = (-1, 128 << 10)
_MMAP_THRESHOLD: Final = (-3, 128 << 10)
_ARENA_MAX: Final = (-8, 1)


def give_memory_back() -> None:
    """Ask the C library to hold no more memory than is in use. Call it before threads start; does nothing where the
    library is not glibc."""
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in (_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX):
            mallopt(parameter, value)
