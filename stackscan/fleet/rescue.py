"""What is left of a part whose reading kills its process: all but the captures that do so when they are read alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from stackscan.errors import StackscanError, WorkerError
from stackscan.fleet.row import Row, Unread
from stackscan.formats.contents import Progress
from stackscan.sources.parts import Part, groups


class _Lose(Protocol):
    def __call__(self, part: Part, error: StackscanError, member: str | None = None) -> Unread: ...


@dataclass(frozen=True, slots=True)
class Rescue:
    """Reads the groups of a part in halves until each that kills its process is alone, and sets those aside.

    ``run`` reads a part in a new process and ``names`` names its groups there; both raise WorkerError when that
    process ends. ``lost`` says what cannot be read. Any engine may give these.
    """

    run: Callable[[Part], Sequence[Row | Unread]]
    names: Callable[[Part], Sequence[str | None]]
    lost: _Lose

    def __call__(self, part: Part, _: WorkerError) -> list[Row | Unread]:
        """The rows of a part that killed its process once."""
        try:
            names = self.names(part)
        except WorkerError as error:  # opening it is enough
            return [self.lost(part, error)]
        if len(names) < 2:
            return self._tried(part, next(iter(names), None), 1)
        middle = len(names) // 2
        return [*self._range(part, names, 0, middle), *self._range(part, names, middle, len(names))]

    def _range(self, part: Part, names: Sequence[str | None], first: int, end: int) -> list[Row | Unread]:
        piece = part.piece(first, end if end < len(names) else None)
        if end - first == 1:
            return self._tried(piece, names[first], 2)
        try:
            return [*self.run(piece)]
        except WorkerError:
            middle = (first + end) // 2
            return [*self._range(part, names, first, middle), *self._range(part, names, middle, end)]

    def _tried(self, part: Part, name: str | None, times: int) -> list[Row | Unread]:
        """The rows of one group, which may kill so many processes more."""
        for _ in range(times):
            try:
                return [*self.run(part)]
            except WorkerError as error:
                last = error
        return [self.lost(part, last, name)]


def names_of(part: Part, _: Progress | None = None) -> list[str | None]:
    """The name of the first member of each group of a part, as far as it can be opened."""
    names: list[str | None] = []
    with suppress(StackscanError):
        names.extend(group.members[0].name for group in groups(part))
    return names
