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


class _Bar:
    def __init__(self) -> None:
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
                self._bar = _start()
            task = self._bar.task_ids[0]
            self._bar.update(task, description=f"reading {visible(what)[-40:]}", completed=done, total=total or None)

    def stop(self) -> None:
        """Take the bar off the screen."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()


def _start() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(stderr=True, markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    bar = Progress(*columns, console=console, transient=True)
    bar.add_task("reading", total=None)
    bar.start()
    return bar
