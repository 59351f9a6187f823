"""Where the argument lists of a text stand, and which words of them are wanted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan.model.snapshot import Frame, Stack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stackscan.formats.goroutine_text.columns import ChunkColumns
    from stackscan.formats.goroutine_text.lines import Mask, Positions

#: Words below this are no pointers: lengths, flags, small numbers.
LEAST_POINTER: Final = 0x1000
#: Bytes of the shortest list that holds a pointer: "(0x1000)".
SHORTEST: Final = 8
#: The largest frame and position that the table of words has a column for; others come from hostile texts only.
LARGEST_PLACE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Calls:
    """The argument lists of the regular goroutines of one chunk, which begins at byte ``begin`` of the text.

    ``line`` are the goroutines' header lines (1-based, ascending) and ``count`` their calls; call k of one is its frame
    k. ``paren`` and ``end`` are where each list begins and its line ends, relative to ``begin``.
    """

    begin: int
    line: Positions
    count: Positions
    paren: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]

    @classmethod
    def of_chunk(cls, chunk: ChunkColumns, lines: Positions, begin: int, readable: Mask) -> Calls:
        """The calls of a chunk's goroutines that were ``readable``, whose header lines are ``lines``."""
        if readable.all():
            return cls(begin, lines, chunk.calls, chunk.call_paren, chunk.call_end)
        kept = readable.repeat(chunk.calls)
        return cls(begin, lines, chunk.calls[readable], chunk.call_paren[kept], chunk.call_end[kept])

    def within(self, first_line: int, last_line: int) -> Calls:
        """The part whose goroutines' headers stand on these lines."""
        low, high = self.line.searchsorted((first_line, last_line + 1))
        if low == 0 and high == len(self.line):
            return self
        ends = self.count.cumsum()
        calls = slice(ends[low - 1] if low else 0, ends[high - 1] if high else 0)
        return Calls(self.begin, self.line[low:high], self.count[low:high], self.paren[calls], self.end[calls])


class Wanted:
    """Which words are read: those of the frames ``of`` (None: all); of these ``among`` some (None: any), and only the
    first of each list (``first``)."""

    def __init__(
        self, stacks: Sequence[Stack], of: Collection[Frame] | None, among: Collection[int] | None, *, first: bool
    ) -> None:
        self.among = among
        self.first = first
        self._stacks = stacks
        self._frames = None if of is None else frozenset(of)
        self._known: dict[int, tuple[int, ...]] = {}

    @property
    def is_all(self) -> bool:
        """Whether the words of all frames are wanted."""
        return self._frames is None

    @property
    def lengths(self) -> list[int]:
        """How many frames each stack has."""
        return [len(stack.frames) for stack in self._stacks]

    def frames(self, stack_id: int) -> tuple[int, ...]:
        """The wanted frames of a stack, as indices, ascending."""
        found = self._known.get(stack_id)
        if found is None:
            frames = self._stacks[stack_id].frames[: LARGEST_PLACE + 1]
            wanted = self._frames
            found = tuple([at for at, frame in enumerate(frames) if wanted is None or frame in wanted])
            self._known[stack_id] = found
        return found
