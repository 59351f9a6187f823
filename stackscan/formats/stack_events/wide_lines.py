"""The lines of a large text as columns: a look at a few letters of each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from stackscan.formats.stack_events.lines import CLOSING, CREATED_BY, DIGITS, NEWLINE, Text

_BLANK: Final = np.array([byte in b" \t\r" for byte in range(256)])
_DIGIT: Final = np.array([byte in DIGITS for byte in range(256)])


class WideText(Text):
    """The lines of a large text."""

    def _bounds(self) -> tuple[Sequence[int], Sequence[int]]:
        ends = np.flatnonzero(np.frombuffer(self.data, dtype=np.uint8) == NEWLINE)
        ends = np.append(ends, len(self.data)) if not self.data.endswith(b"\n") else ends
        self._ends = ends
        self._starts = np.concatenate(([0], ends[:-1] + 1))
        return self._starts.tolist(), ends.tolist()

    def _short(self) -> Iterable[int]:
        short: list[int] = np.flatnonzero(self._ends - self._starts < 8).tolist()
        return short

    @cached_property
    def _last(self) -> npt.NDArray[np.uint8]:
        """The last letter of each line, a newline for an empty one."""
        octets = np.frombuffer(self.data, dtype=np.uint8)
        last = self._ends - 1
        for _ in range(2):  # a blank and a carriage return
            last = np.where((last > self._starts) & _BLANK[octets[np.maximum(last, 0)]], last - 1, last)
        return np.where(last < self._starts, np.uint8(NEWLINE), octets[np.maximum(last, 0)])

    def ending_in(self, letters: bytes) -> list[int]:
        """The lines whose last letter is one of these."""
        found: list[int] = np.flatnonzero(np.isin(self._last, np.frombuffer(letters, dtype=np.uint8))).tolist()
        return found

    def candidates(self) -> list[int]:
        """Lines that may be a function's: the next one ends in a digit, and it has no arguments."""
        last = self._last
        may = (last[:-1] != NEWLINE) & (last[:-1] != CLOSING) & _DIGIT[last[1:]]
        found = np.flatnonzero(may)
        kept: list[int] = found[
            ~(self._begin_with(CREATED_BY, found) | self._begin_with(CREATED_BY, found + 1))
        ].tolist()
        return kept

    def _begin_with(self, word: bytes, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of some lines begin with a word: a dump has a thousand of them."""
        octets = np.frombuffer(self.data, dtype=np.uint8)
        found = np.ones(len(numbers), dtype=np.bool_)
        for place, letter in enumerate(word):
            at = np.minimum(self._starts[numbers] + place, len(octets) - 1)
            found &= octets[at] == letter
        return found
