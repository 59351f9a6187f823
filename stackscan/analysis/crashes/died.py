"""The goroutine that died, and the frame to look at: below the calls of the panic, outside the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from stackscan.analysis.crashes.ending import Nature
from stackscan.formats.symbol import origin, read_symbol
from stackscan.model.snapshot import Frame, Snapshot, Stack

#: States of a goroutine that can be the one that died. Goroutine 0 is a thread's own stack.
_LIVE: Final = frozenset(
    {None, "running", "syscall", "runnable", "preempted", "copystack", "stack growth", "stack split"}
)
_PANICS: Final = frozenset({"panic", "runtime.gopanic", "runtime.panic", "runtime.sigpanic", "runtime.panicmem"})
#: What cgo makes: calls into C, and calls from there.
_STUBS: Final = ("_Cfunc_", "_cgoexp_", "_Cgo_")


@dataclass(frozen=True, slots=True)
class Dead:
    """The goroutine that died: its row, its id, the stack as read and as it may be shown, and the index of the frame to
    look at (None: there is none)."""

    row: int
    goroutine_id: int | None
    stack_id: int
    stack: Stack
    shown: Stack
    place: int | None

    @property
    def frame(self) -> Frame | None:
        """The frame to look at, as it may be shown."""
        return None if self.place is None else self.shown.frames[self.place]

    @property
    def who(self) -> str:
        """``goroutine 508``."""
        return "a goroutine" if self.goroutine_id is None else f"goroutine {self.goroutine_id}"

    @property
    def where(self) -> str:
        """`` in cart.Register (types.go:31)``, or nothing."""
        return "" if self.frame is None else f" in {place_of(self.frame)}"


def find_dead(snapshot: Snapshot, shown: Snapshot, nature: Nature) -> Dead | None:
    """The goroutine that died: the first below the message. None where no goroutine did it, or none was printed."""
    for row in range(min(len(snapshot.table), 2)):
        names = "goroutine_id", "stack_id", "wait_reason"
        goroutine_id, stack_id, state = (snapshot.column(name)[row] for name in names)
        if goroutine_id == 0:
            continue  # its thread's own stack: what the thread ran comes next
        if state not in _LIVE or (row and state != "running"):
            return None
        stack = snapshot.stacks[stack_id]
        return Dead(row, goroutine_id, stack_id, stack, shown.stacks[stack_id], _place(stack, nature))
    return None


def _place(stack: Stack, nature: Nature) -> int | None:
    """The first own frame outside (below) the oldest panic, which is the one that the message begins with."""
    start = 0
    if nature in ("panic", "handler"):
        start = max((at + 1 for at, function in enumerate(stack.functions) if function in _PANICS), default=0)
    frames = range(len(stack.frames))
    own = [at for at in frames if is_own(stack.frames[at])]
    below = [at for at in own if at >= start]
    outside = [at for at in frames if at >= start and not _is_runtime(stack.frames[at])]
    return next(iter(below or own or outside), None)


def is_own(frame: Frame) -> bool:
    """Whether a frame is neither the standard library's, nor what cgo makes."""
    name = read_symbol(frame.function).name
    return origin(frame).kind != "std" and not name.startswith(_STUBS)


def called_in_c(stack: Stack) -> str | None:
    """The C function that a goroutine called; None where it called none."""
    for function in stack.functions:
        name = read_symbol(function).name
        if name.startswith("_Cfunc_"):
            return name.removeprefix("_Cfunc_")
    return None


def _is_runtime(frame: Frame) -> bool:
    package = read_symbol(frame.function).package
    return not package or package == "runtime" or package.startswith("internal/runtime") or package == "internal/sync"


def short(frame: Frame) -> str:
    """A function without the folders of its import path."""
    return frame.function.rpartition("/")[2]


def place_of(frame: Frame) -> str:
    """``cart.Register (types.go:31)``."""
    if not frame.file:
        return short(frame)
    return f"{short(frame)} ({PurePosixPath(frame.file.replace(chr(92), '/')).name}:{frame.line})"
