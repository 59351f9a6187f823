"""Frames and columns of numbers, written short for the scripts of a page.

Numbers that grow are written as differences, and a column with one value as that value: a hundred thousand goroutines
take a megabyte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from stackscan.model.snapshot import Frame, Stack
    from stackscan.report.links import Links

#: The largest whole number that a browser knows exactly.
_EXACT: Final = 2**53


class Frames:
    """The distinct frames of a page, with their links; stacks name them by their places."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._places: dict[Frame, int] = {}

    def stack(self, stack: Stack) -> list[Any]:
        """The places of a stack's frames, and of the frame that created it (None: none)."""
        creator = None if stack.created_by is None else self._place(stack.created_by)
        return [[self._place(frame) for frame in stack.frames], creator]

    def values(self) -> dict[str, Any]:
        """``frames``: function, file, line, module (its place in ``modules``), link, link for an editor."""
        modules: dict[str, int] = {}
        links = self._links
        frames = [
            [
                frame.function,
                frame.file,
                frame.line,
                modules.setdefault(links.module(frame), len(modules)),
                links.url(frame),
                links.editor_url(frame),
            ]
            for frame in self._places
        ]
        return {"frames": frames, "modules": list(modules)}

    def _place(self, frame: Frame) -> int:
        return self._places.setdefault(frame, len(self._places))


def one(values: Sequence[Any]) -> Any:
    """The values, or the one that all have."""
    return values[0] if values and all(value == values[0] for value in values) else list(values)


def differences(values: Sequence[int | None]) -> list[Any]:
    """Numbers as differences; as text where one is too large, or unknown, for a browser to add up."""
    if any(value is None or value >= _EXACT for value in values):
        return [None if value is None else str(value) for value in values]
    known = [value for value in values if value is not None]
    return [value - before for before, value in zip([0, *known], known, strict=False)]
