"""A progress bar on stderr, for work that lasts: only on a terminal, and only after a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final

from stackscan.errors import visible

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE_SECONDS: Final = 1.0


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """Yields what to call with progress (what, bytes done, bytes in all); None where nobody would see it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.stop()


@contextmanager
def progress_of_many() -> Iterator[
    tuple[Callable[[str, int, int], None] | None, Callable[[int, int, int], None] | None]
]:
    """The same for very many files: yields also what to call with files done, files in all, and captures read. The bar
    then shows these, and the bytes of none."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None, None
        return
    bar = _Bar(counts=True)
    try:
        yield bar.show, bar.count
    finally:
        bar.stop()


class _Bar:
    def __init__(self, *, counts: bool = False) -> None:
        self._counts = counts
        self._told = ""
        self._started = time.monotonic()
        self._bar: Progress | None = None
        # Several threads tell of progress, one for each process that works. A second bar would never be stopped: rich
        # would write all that follows.
        self._lock = Lock()

    def show(self, what: str, done: int, total: int) -> None:
        """Show the bar, once the work has lasted long enough to wonder."""
        with self._lock:
            if self._bar is None:
                if time.monotonic() - self._started < _PATIENCE_SECONDS:
                    return
                self._bar = _start(counts=self._counts)
            task, name = self._bar.task_ids[0], visible(what)[-40:]
            if self._counts:
                self._bar.update(task, description=f"{self._told}reading {name}")
            else:
                self._bar.update(task, description=f"reading {name}", completed=done, total=total or None)

    def count(self, done: int, total: int, captures: int) -> None:
        """Show how many files are done of how many, and the captures in them."""
        with self._lock:
            self._told = f"{captures:,} captures, "
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def stop(self) -> None:
        """Take the bar off the screen."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()


def _start(*, counts: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, markup=False)
    size = MofNCompleteColumn(separator=" of ") if counts else DownloadColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), size)
    bar = Progress(*columns, console=console, transient=True)
    bar.add_task("reading", total=None)
    bar.start()
    return bar
