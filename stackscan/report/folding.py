"""Chooses the frames of a stack that a person needs: their own, the deciding one, the root; the rest is folded."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from stackscan.formats.symbol import origin
from stackscan.report.model import Fold, FrameReport

if TYPE_CHECKING:
    from stackscan.model.snapshot import Stack

_INNER: Final = 4
_OUTER: Final = 3
#: Distinct stacks whose lines are kept for the next capture.
_STACKS: Final = 1 << 13


@lru_cache(maxsize=_STACKS)
def fold(stack: Stack, deciding: int) -> tuple[FrameReport | Fold, ...]:
    """The lines to show, innermost first."""
    frames = [FrameReport(frame, origin(frame).kind, index == deciding) for index, frame in enumerate(stack.frames)]
    own = [index for index, frame in enumerate(frames) if frame.kind != "std" or frame.deciding]
    if len(own) > _INNER + _OUTER + 1:
        own = sorted({*own[:_INNER], *own[-_OUTER:], deciding})
    lines: list[FrameReport | Fold] = []
    below = 0
    for index in [*own, len(frames)]:
        if index > below:
            lines += _folded(frames[below:index])
        if index < len(frames):
            lines.append(frames[index])
        below = index + 1
    return tuple(lines)


def _folded(frames: Iterable[FrameReport]) -> list[FrameReport | Fold]:
    hidden = list(frames)
    return [Fold(len(hidden), all(frame.kind == "std" for frame in hidden))]
