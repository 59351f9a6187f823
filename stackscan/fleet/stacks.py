"""Stacks of a place in the code: as text, to be kept once, and the packages on them."""

from __future__ import annotations

import sys

from stackscan.formats.symbol import is_std, read_symbol
from stackscan.model.snapshot import Frame, Stack


def printed(stack: Stack) -> str:
    """A stack as Go prints it, without arguments."""
    frames = [_frame(frame) for frame in stack.frames]
    if stack.created_by is not None:
        frames.append(f"created by {_frame(stack.created_by)}")
    return "\n".join(frames)


def packages_on(stack: Stack) -> tuple[str, ...]:
    """The packages on a stack outside the standard library, innermost first, then that of its creator."""
    frames = stack.frames if stack.created_by is None else (*stack.frames, stack.created_by)
    named = (read_symbol(frame.function).package for frame in frames)
    return tuple(dict.fromkeys(sys.intern(name) for name in named if name and not is_std(name)))


def _frame(frame: Frame) -> str:
    return f"{frame.function}\n\t{frame.file}:{frame.line}" if frame.file else frame.function
