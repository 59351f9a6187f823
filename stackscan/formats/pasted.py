"""Reports of tools inside other text: their lines without quotes and indentation, and where a report ends.

Tests indent what they print, issues quote it, and several containers write to one log. What these put before a line
means nothing to a tool whose lines can be recognised without their indentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.model.snapshot import Problem

#: Bytes of a text, from the beginning of a line to the end of one.
Span = tuple[int, int]

#: A container, quotation marks, a tag of HTML, the mark or the number of a list's item, and blanks.
_BEFORE: Final = re.compile(
    r"(?:[\w.@-]{1,60} {0,40}\| )?[ \t>|]{0,200}(?:<(?:pre|code)[^>\n]{0,80}>){0,2}"
    r"(?:(?:[*+•-]|\d{1,7}[.):]?)(?:[ \t]{1,200}|\Z))?"
)
_BOM: Final = b"\xef\xbb\xbf"
_LOCATION: Final = re.compile(r":-?\d{1,10}(?: \+0x[0-9a-f]{1,16})?(?: fp=0x[^)\n]{1,80})?(?: pc=0x[0-9a-f]{1,16})?\Z")
#: What HTML writes for other characters: a line of a tool holds none.
_ESCAPES: Final = {"&lt;": "<", "&gt;": ">", "&#43;": "+", "&#34;": '"', "&quot;": '"', "&#39;": "'", "&amp;": "&"}
_NO_BREAK: Final = "\u00a0"
#: The beginning of a function's name, of a path or of a goroutine: what is left of a line in which a text is cut.
_TORN: Final = re.compile(
    rb"(?![^\s/]{0,200}@|\S{0,20}://)[^\s<`]{0,399}?[\w)*](?:[./][\w(*]\S{0,399}|\.\S{0,399}\([^)\n]{0,399})\Z"
    rb"|(?:\S{1,399}[ \t]{1,99})?\S{1,399}\.\w{1,4}:\d{1,10}:?[ \t]{1,99}\S{0,399}\Z"
)
#: Bytes of a line that are looked at to find out what it is.
_LOOK: Final = 400
#: Lines of something else that may stand inside a report: other goroutines print into it.
_MOST_FOREIGN: Final = 8
#: Bytes between two reports that are read as one list.
_MOST_BETWEEN: Final = 1 << 16


def lines_of(data: bytes) -> tuple[list[str], list[Problem]]:
    """The lines of a report without what stands around them, and the problems of its bytes. None is lost."""
    text, problems = normalise(data)
    return [bare(line) for line in text.decode().split("\n")], problems


def bare(line: str) -> str:
    r"""``> \t/src/x.go:12 +0x1d`` → ``/src/x.go:12 +0x1d``."""
    line = line.replace(_NO_BREAK, " ")
    found = _BEFORE.match(line)
    rest = line[found.end() if found else 0 :].rstrip(" \t\r")
    if rest.endswith((" |", "\t|")):  # the cell of a table
        rest = rest[:-1].rstrip(" \t")
    if "&" in rest:
        for escape, meant in _ESCAPES.items():
            rest = rest.replace(escape, meant)
    return rest


def as_dumped(line: str) -> str:
    """A bare line of a goroutine's stack as the runtime prints it: a tab before its location."""
    return f"\t{line}" if line.startswith("pc=0x") or is_location(line) else line


def is_location(line: str) -> bool:
    """Whether a bare line ends like ``x.go:12 +0x1d``."""
    return _LOCATION.search(line, max(0, len(line) - 130)) is not None


def heads(data: bytes, mark: bytes, at: int = 0) -> Iterator[Span]:
    """The lines that hold a mark near their beginning, each with its end (behind the newline)."""
    place = data.find(mark, at)
    while place >= 0:
        begin = data.rfind(b"\n", max(0, place - _LOOK), place) + 1
        end = line_end(data, place)
        if begin > 0 or place <= _LOOK:
            yield begin, end
        place = data.find(mark, end)


def line_end(data: bytes, at: int) -> int:
    """Where the line of a byte ends, its newline included."""
    newline = data.find(b"\n", at)
    return len(data) if newline < 0 else newline + 1


def line_before(data: bytes, begin: int) -> int | None:
    """Where the line before a line begins; None where there is none, or it is long."""
    if begin == 0:
        return None
    above = data.rfind(b"\n", max(0, begin - 1 - _LOOK), begin - 1)
    return above + 1 if above >= 0 else 0 if begin - 1 <= _LOOK else None


def look(data: bytes, begin: int, end: int) -> bytes:
    """The bare beginning of a line, and of a long one its last bytes too."""
    line = data[begin:end] if end - begin <= 2 * _LOOK else data[begin : begin + _LOOK] + data[end - _LOOK : end]
    text = line.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    return bare(text.rstrip("\n")).encode("utf-8", "surrogateescape")


def follows(data: bytes, at: int, wanted: re.Pattern[bytes], *, lines: int) -> bool:
    """Whether one of the next lines begins as wanted."""
    for _ in range(lines):
        end = line_end(data, at)
        if wanted.match(look(data, at, end)):
            return True
        at = end
    return False


def extent(data: bytes, at: int, is_own: Callable[[bytes], bool | None]) -> int:
    """Where a report that goes on at ``at`` ends: behind its last own line.

    ``is_own`` says of the bare beginning of a line whether it is the report's (None: something else begins here). A
    few lines of others may stand between.
    """
    end, foreign = at, 0
    while at < len(data) and foreign <= _MOST_FOREIGN:
        after = line_end(data, at)
        line = look(data, at, after)
        own = is_own(line) if line else False
        if own is None:
            break
        foreign = 0 if own else foreign + 1
        at = after
        end = after if own else end
    return with_torn(data, end)


def with_torn(data: bytes, end: int) -> int:
    """Where a report ends, its last line included if the text was cut in the middle of it."""
    rest = data[end : end + _LOOK + 1]
    return len(data) if 0 < len(rest) <= _LOOK and b"\n" not in rest and is_torn(look(rest, 0, len(rest))) else end


def is_torn(line: bytes) -> bool:
    """Whether a bare line can be the beginning of one of a stack's."""
    return _TORN.match(line) is not None


def joined(data: bytes, found: Iterable[Span], other: re.Pattern[bytes]) -> list[Span]:
    """The spans, those joined between which only little text stands, and none that ``other`` finds in it."""
    spans: list[Span] = []
    for begin, end in found:
        near = bool(spans) and begin - spans[-1][1] <= _MOST_BETWEEN
        if near and other.search(data, spans[-1][1], begin) is None:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((begin, end))
    return spans
