"""The words of argument lists, read on demand: ``main.(*T).run(0xc000012345, {0x1?, ...})``.

Most commands need no arguments, so the readers only note the places of the lists and keep the text. In a damaged list,
words that are whole between their separators are read. Inlined calls and ancestors print no words (``(...)``).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final, cast

from stackscan.formats.goroutine_text.calls import LARGEST_PLACE, LEAST_POINTER, SHORTEST, Calls, Wanted
from stackscan.formats.goroutine_text.reading import ScatteredCalls
from stackscan.model.arguments import Word, Words
from stackscan.model.snapshot import Frame, Stack

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.late_calls import LateCalls
    from stackscan.formats.goroutine_text.lines import Positions
    from stackscan.model.snapshot import ReadWords

_BLANK: Final = b"\0\r \t"
_CLOSE: Final = ord(")")
#: So many words are looked for in the text itself.
_FEW: Final = 32
#: The lists of so many goroutines are read one by one: numpy takes as long for one of them as for hundreds.
_FEW_GOROUTINES: Final = 16


def reader(
    data: bytes,
    lines: Sequence[int] | Positions,
    stack_ids: Callable[[], list[int]],
    stacks: Sequence[Stack],
    calls: Sequence[Calls | LateCalls],
    scattered: Sequence[ScatteredCalls],
) -> ReadWords:
    """What reads the arguments of one snapshot: ``lines`` are the header lines of its goroutines, ascending, and
    ``stack_ids`` gives the stack of each. ``calls`` and ``scattered`` are those of the whole text, ascending too."""

    def read(of: Collection[Frame] | None, among: Collection[int] | None = None, *, first: bool = False) -> Words:
        if not len(lines):
            return Words()
        wanted = Wanted(stacks, of, among, first=first)
        low, high = int(lines[0]), int(lines[-1])
        line = attrgetter("line")
        mine = scattered[bisect_left(scattered, low, key=line) : bisect_left(scattered, high + 1, key=line)]
        if len(lines) <= _FEW_GOROUTINES and not any(isinstance(whole, Calls) for whole in calls):
            late = (one for whole in calls for one in _one_by_one(cast("LateCalls", whole), low, high))
            every = sorted([*late, *mine], key=line)
            return _read_scattered(data, every, lines, stack_ids(), wanted) if every else Words()
        found = _read_scattered(data, mine, lines, stack_ids(), wanted) if mine else Words()
        parts = [part for whole in calls if len((part := whole.within(low, high)).paren)]
        if not parts:
            return found
        from stackscan.formats.goroutine_text.chunk_arguments import read_chunks

        return read_chunks(data, parts, lines, stack_ids(), wanted).joined(found)

    return read


def _one_by_one(late: LateCalls, first_line: int, last_line: int) -> Iterator[ScatteredCalls]:
    """The goroutines whose headers stand on these lines, each by itself."""
    for at in range(bisect_left(late.line, first_line), bisect_left(late.line, last_line + 1)):
        line = late.line[at]
        yield ScatteredCalls(line, range(line + 1, line + 1 + 2 * late.count[at], 2), late.low[at], line)


def _read_scattered(
    data: bytes,
    goroutines: Sequence[ScatteredCalls],
    lines: Sequence[int] | Positions,
    stack_ids: Sequence[int],
    wanted: Wanted,
) -> Words:
    """The words of goroutines that were read line by line."""
    among, first = wanted.among, wanted.first
    found: list[Word] = []
    for goroutine in goroutines if among is None else _that_may_hold(data, goroutines, among):
        row = bisect_left(lines, goroutine.line)
        if row == len(lines) or lines[row] != goroutine.line:
            continue  # no goroutine of this snapshot's own
        for frame, begin, end in _lists(data, goroutine, wanted.frames(stack_ids[row])):
            for position, word, reliable in words_in(data, begin, end):
                if (among is None or word in among) and not (first and position):
                    found.append((row, frame, position, word, reliable))
    return Words.of(found)


def _that_may_hold(
    data: bytes, goroutines: Sequence[ScatteredCalls], among: Collection[int]
) -> Sequence[ScatteredCalls]:
    """Those in whose text the digits of one of these words stand: where few words are looked for, the text is searched
    for them."""
    if len(among) > _FEW:
        return goroutines
    begins = [goroutine.begin for goroutine in goroutines]
    end = _end_of(data, goroutines[bisect_left(begins, begins[-1]) :])
    found: set[int] = set()
    for digits in (b"%x" % word for word in among):
        at = data.find(digits, begins[0], end)
        while at >= 0:
            behind = bisect_right(begins, at)
            found.update(range(bisect_left(begins, begins[behind - 1]), behind))
            if behind == len(begins):
                break
            at = data.find(digits, begins[behind], end)
    return [goroutines[place] for place in sorted(found)]


def _end_of(data: bytes, goroutines: Sequence[ScatteredCalls]) -> int:
    """Where the last argument list of some goroutines ends that begin at one place: other dumps may follow."""
    at = goroutines[0].begin
    last = max(max(goroutine.call_lines, default=0) for goroutine in goroutines)
    for _ in range(last - goroutines[0].first_line + 1):
        at = data.find(b"\n", at) + 1
        if not at:
            return len(data)
    return at


def _lists(data: bytes, goroutine: ScatteredCalls, frames: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """The argument lists of some frames of a goroutine that may hold a pointer: frame, begin, end. Its lines ascend, so
    each is found from the last one."""
    at, number, calls = goroutine.begin, goroutine.first_line, goroutine.call_lines
    for frame in frames:
        line = calls[frame] if frame < len(calls) else 0
        if not line:
            continue
        for _ in range(line - number):
            at = data.index(b"\n", at) + 1
        number = line
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        while end > at and data[end - 1] in _BLANK:
            end -= 1
        begin = data.rfind(b"(", at, end)
        if begin >= 0 and end - begin >= SHORTEST and data[end - 1] == _CLOSE:
            yield frame, begin, end


#: A whole word between its separators.
_WORD: Final = rb"(?<=[({ ])0x([0-9a-f]{4,16})(\??)(?=\}*(?:,|\)\Z))"
#: A comma behind an empty aggregate (``{}``, ``{{}}``), so behind no word.
_BEHIND_NOTHING: Final = rb"\{\}+,"


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)


def words_in(data: bytes, begin: int, end: int) -> list[tuple[int, int, bool]]:
    """The words of at least LEAST_POINTER in the argument list data[begin:end], with its parentheses: the position of
    each, its value, and whether it is reliable."""
    words = []
    for found in _compiled(_WORD).finditer(data, begin, end):
        word = int(found[1], 16)
        if word >= LEAST_POINTER:
            at = found.start()
            position = data.count(b",", begin, at)
            if position and data.find(b"{}", begin, at) >= 0:
                position -= len(_compiled(_BEHIND_NOTHING).findall(data, begin, at))
            if position > LARGEST_PLACE:
                break
            words.append((position, word, not found[2]))
    return words
