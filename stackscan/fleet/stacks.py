"""Stacks as text, to be kept once for each place in the code."""

from __future__ import annotations

from stackscan.model.snapshot import Frame, Stack


def printed(stack: Stack) -> str:
    """A stack as Go prints it, without arguments."""
    frames = [_frame(frame) for frame in stack.frames]
    if stack.created_by is not None:
        frames.append(f"created by {_frame(stack.created_by)}")
    return "\n".join(frames)


def _frame(frame: Frame) -> str:
    return f"{frame.function}\n\t{frame.file}:{frame.line}" if frame.file else frame.function
