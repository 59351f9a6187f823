"""A live display of a reproducer on stderr: only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def watching(budget_seconds: float) -> Iterator[Callable[[str, int, int, float], None] | None]:
    """Yields what to call with progress (what is counted, how many, of how many, seconds so far); None in a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with _progress() as bars:
        lines: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int, elapsed: float) -> None:
            if what not in lines:
                lines[what] = bars.add_task(what, total=total, clock="")
            bars.update(lines[what], completed=done, clock=f"{elapsed:.1f} of {budget_seconds:g} s at most")

        yield show


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn())
    clock = TextColumn("{task.fields[clock]}", markup=False)
    return Progress(*columns, clock, console=Console(stderr=True, markup=False), transient=True)
