"""Work for other processes, which import it from here."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from stackscan.errors import ExpressionError
from stackscan.model.capture import Capture
from stackscan.workers.work import Progress


def process_of(task: int, progress: Progress | None) -> tuple[int, int]:
    """The task, and which process worked on it."""
    if progress is not None:
        progress(f"task {task}", task, 10)
    return task, os.getpid()


def refusing_three(task: int, _: Progress | None) -> int:
    """An error that is made of more than its message."""
    if task == 3:
        raise ExpressionError("a name is expected", where="--where", text="a or", at=5)
    return task


class OfAnotherKindError(Exception):
    """An error that cannot be made again of what it holds."""

    def __init__(self, one: int, *, two: int) -> None:
        super().__init__(f"{one} and {two}")


def failing(task: int, _: Progress | None) -> int:
    """An error that nobody foresaw."""
    raise OfAnotherKindError(task, two=2)


def killed_at_three(task: int, _: Progress | None) -> int:
    """What happens when memory runs out."""
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def printing(task: int, _: Progress | None) -> int:
    """A library that prints."""
    os.write(1, b"not an answer")
    sys.stdout.write("nor this")
    sys.stdout.flush()
    return task


def leaving_marks(task: Path, _: Progress | None) -> str:
    """Shows outside that it was begun."""
    task.touch()
    return task.name


def lasting(task: Path, _: Progress | None) -> None:
    """Says who it is, and takes longer than any test."""
    task.write_text(str(os.getpid()))
    time.sleep(120)


@dataclass(frozen=True)
class Poisonous:
    """Hides nothing; dies of captures that hold the word "poison", and never ends with those that hold "endless"."""

    signal: int = signal.SIGKILL

    def capture(self, capture: Capture) -> Capture:
        if b"poison" in capture.content:
            os.kill(os.getpid(), self.signal)
        if b"endless" in capture.content:
            time.sleep(600)
        return capture

    def source(self, name: str) -> str:
        return name

    def member(self, name: str | None) -> str | None:
        return name

    def stream(self, name: str) -> str:
        return name

    def version(self, name: str) -> str:
        return name


@dataclass(frozen=True)
class DyingOnce:
    """Work that kills the first process that gets a task."""

    folder: Path

    def __call__(self, task: int, _: Progress | None) -> int:
        mark = self.folder / str(task)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        return task


def hanging_once(task: Path, _: Progress | None) -> str:
    """The first process that gets it takes longer than any test; the next one does not."""
    first = not task.exists()
    with task.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if first:
        time.sleep(30)
    return "done"


def resting(task: int, _: Progress | None) -> int:
    """Work that lasts for a moment."""
    time.sleep(0.1)
    return task
