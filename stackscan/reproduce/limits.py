"""Limits of the reproducers; files and threads are counted before anything is opened."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from stackscan.errors import ReproducerError

MOST_TASKS: Final = 10_000
MOST_WORKERS: Final = 1_000
#: Each close of a silent peer holds two threads, as it holds two goroutines in Go.
MOST_THREADS: Final = 5_000
#: An hour: no wait here is longer.
MOST_SECONDS: Final = 3600.0
_SPARE: Final = 32  # files that imports, the terminal and the peers' ports need


def whole(value: int, name: str, *, least: int = 1, most: int) -> int:
    """A whole number within its limits. Raises ReproducerError for any other."""
    if not least <= value <= most:
        raise ReproducerError(f"{name} must be from {least:,} to {most:,}, not {value:,}")
    return value


def seconds(value: float, name: str) -> float:
    """A time above 0 and at most an hour. Raises ReproducerError for any other."""
    if not math.isfinite(value) or not 0 < value <= MOST_SECONDS:
        raise ReproducerError(f"{name} must be above 0 s and at most {MOST_SECONDS:g} s, not {value:g} s")
    return float(value)


def ensure_threads(number: int) -> None:
    """Raises ReproducerError when so many threads are too many."""
    if number > MOST_THREADS:
        raise ReproducerError(
            f"this needs {number:,} threads; the limit is {MOST_THREADS:,}",
            hint="Each silent peer needs two threads: use fewer tasks, or a smaller share of silent peers.",
        )


def ensure_files(number: int) -> None:
    """Raise the process's soft limit, as Go does, so that so many more files can be open at once.

    Raises ReproducerError when the hard limit is too low. Where there is no such limit (Windows), does nothing.
    """
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + _open_files() + _SPARE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise ReproducerError(
            f"this needs {wanted:,} open files (two for each task); the limit of the process is {hard:,}",
            hint=f"Raise the limit (ulimit -n {wanted}) or use fewer --tasks.",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open_files() -> int:
    for folder in (Path("/proc/self/fd"), Path("/dev/fd")):
        if folder.is_dir():
            return sum(1 for _ in folder.iterdir())
    return 0
