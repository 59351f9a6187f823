"""Where the argument lists stand of goroutines that were read one by one: looked for when words are first asked for.

A few megabytes hold a hundred thousand lists. Most commands want none of them, and numpy finds all at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.calls import Calls

_PART: Final = 2 << 20  # bytes whose lists are looked for, and read, at once


@dataclass(frozen=True)
class LateCalls:
    """:class:`Calls` that are not known yet, of regular goroutines, which end before byte ``high`` of a text.

    ``line`` are their header lines (1-based, ascending), which begin at the bytes ``low``; ``count`` are their calls.
    Each call stands two lines below the one before it, and the first below the header.
    """

    data: bytes
    low: Sequence[int]
    high: int
    line: Sequence[int]
    count: Sequence[int]

    def within(self, first_line: int, last_line: int) -> Calls:
        """The part whose goroutines' headers stand on these lines."""
        return self._known.within(first_line, last_line)

    @cached_property
    def _known(self) -> Calls:
        import numpy as np

        from stackscan.formats.goroutine_text.calls import Calls
        from stackscan.formats.goroutine_text.lines import ends_and_parens

        ends, parens = ends_and_parens(np.frombuffer(self.data, np.uint8, self.high - self.low[0], self.low[0]))
        line, count = np.array(self.line, dtype=np.int64), np.array(self.count, dtype=np.int64)
        behind = np.cumsum(count)
        of_calls = np.repeat(line - line[0] + 1 - 2 * (behind - count), count) + 2 * np.arange(behind[-1])
        return Calls(self.low[0], line, count, parens[of_calls].astype(np.int32), ends[of_calls].astype(np.int32))


def of_goroutines(
    data: bytes, low: Sequence[int], high: Sequence[int], line: Sequence[int], count: Sequence[int]
) -> Iterator[LateCalls]:
    """The calls of regular goroutines, at least one, that begin and end at these bytes, in parts that several threads
    can read."""
    first = 0
    for place, end in enumerate(high, start=1):
        if end - low[first] >= _PART or place == len(high):
            yield LateCalls(data, low[first:place], end, line[first:place], count[first:place])
            first = place
