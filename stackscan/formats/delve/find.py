"""Finds what Delve printed in a text: sessions of its terminal, and answers of its JSON API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

NAME: Final = "delve"
#: Literals of which each report holds one.
MARKS: Final[tuple[bytes, ...]] = (
    b" - User: ", b" - Runtime: ", b" - Go: ", b" - Start: ", b"Runtime: ", b"  0x0000", b'"Goroutines"',
    b'"Locations"', b'"userCurrentLoc"',
)  # fmt: skip
#: What only its answers hold: other tools write a list of "Goroutines", too, and a label may have any name.
_JSON_OWN: Final = re.compile(rb'"(?:Locations"\s*:\s*[\[n]|(?:userCurrentLoc|currentLoc|goStatementLoc)"\s*:\s*\{)')
_JSON_MARK: Final = re.compile(rb'"(?:(?:Goroutines|Locations)"\s*:\s*[\[n]|userCurrentLoc"\s*:\s*\{)')
_COLOUR: Final = rb"(?:\x1b\[[0-9;]{0,20}m)?"
#: A line that only Delve prints.
_CORE: Final = re.compile(
    rb"(?m)^[ \t>|+-]{0,40}(?:\(dlv\) ?)?(?:\* )?(?:Goroutine \d{1,20} - (?:User|Runtime|Go|Start): [^\n]"
    rb"|Goroutine \d{1,20}:[ \t\r]*\n[ \t>|+-]{0,40}Runtime: [^\n]{1,4096} \(0x"
    rb"|\d{1,7}[ \t]{1,4}0x[0-9a-f]{16} in [^\n])"
)
#: A line that belongs to the last one.
_MORE: Final = re.compile(
    rb"(?m)^[ \t>|+-]{0,40}(?:at [^\n]{1,4096}:\d{1,10}" + _COLOUR + rb"[ \t\r|]*$|\(truncated\)|\[\d{1,9} goroutines\]"
    rb"|Total: \d{1,9}[ \t\r|]*$|Labels: \"|(?:Runtime|User|Go|Start): [^\n]{1,4096} \(0x|\(dlv\)|\* Goroutine "
    rb"|Switched from \d{1,20} to |Created by Goroutine \d|Goroutine \(unreadable |error: |Goroutine \d{1,20}:?)"
)
_ABOVE: Final = re.compile(rb"\[|[ \t>|+-]{0,40}\(dlv\) (?:goroutines|grs)\b")
_ANY: Final = re.compile(rb"(?m)^[ \t>|+-]{0,40}(?:\(dlv\)|\* Goroutine |Goroutine [\d(]|\d{1,7}[ \t]{1,4}0x"
                         rb"|at |\(truncated\)|\[\d|Total: |Labels: |Runtime: |User: |Go: |Start: |Switched |Created by"
                         rb"|error: )")  # fmt: skip
#: Lines of a dump or of another tool's report, which end a session.
_FOREIGN: Final = re.compile(rb"(?m)^[ \t]{0,40}(?:goroutine \d{1,20} [^\n]{0,200}\[|WARNING: DATA RACE|panic: )")
#: Bytes of other text between two lines of one session: source, locals, what the program prints.
_MOST_BETWEEN: Final = 1 << 14
_JSON_BEGIN: Final = re.compile(rb"[^\n{\[]{0,400}(?:[{\[])")


def spans(data: bytes) -> list[tuple[int, int]]:
    """Where Delve's output stands: whole lines, ascending."""
    if _JSON_OWN.search(data):
        found = [*_answers(data)]
        if found:
            return found
    return [*_sessions(data)]


def _sessions(data: bytes) -> Iterator[tuple[int, int]]:
    begin = end = above = -1
    for at, line_end, is_core in _lines(data):
        apart = begin >= 0 and (at - end > _MOST_BETWEEN or _FOREIGN.search(data, end, at) is not None)
        if apart:
            yield begin, end
            begin = -1
        if begin < 0:
            if not is_core:
                above, end = at, line_end
                continue
            # Above a list stands its command, and up to Delve 1.4 its number of goroutines.
            headed = above >= 0 and end == at and _ABOVE.match(data, above) is not None
            begin = above if headed else _with_name_of_group(data, at)
        end = line_end
    if begin >= 0:
        yield begin, end


def _lines(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """The lines of Delve's: where each begins and ends, and whether only Delve prints it."""
    for found in _ANY.finditer(data):
        at = found.start()
        newline = data.find(b"\n", at)
        end = newline + 1 if newline >= 0 else len(data)
        if _CORE.match(data, at):
            yield at, end, True
        elif _MORE.match(data, at, end):
            yield at, end, False


def _with_name_of_group(data: bytes, at: int) -> int:
    """The beginning of the line above a first line that is indented like a group's; else of that line."""
    if not data.startswith(b"\t  ", at) or at == 0:
        return at
    return data.rfind(b"\n", 0, at - 1) + 1


def _answers(data: bytes) -> Iterator[tuple[int, int]]:
    """The whole text where it is JSON, else runs of lines that hold an answer."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        yield 0, len(data)
        return
    begin = end = -1
    for mark in _JSON_MARK.finditer(data):
        if mark.start() < end:
            continue
        line = data.rfind(b"\n", max(end, 0), mark.start()) + 1 or max(end, 0)
        newline = data.find(b"\n", mark.end())
        if not _JSON_BEGIN.match(data, line, mark.start()):
            continue
        if begin >= 0 and (line - end > _MOST_BETWEEN or _FOREIGN.search(data, end, line)):
            yield begin, end
            begin = -1
        begin, end = (line if begin < 0 else begin), (newline + 1 if newline >= 0 else len(data))
    if begin >= 0:
        yield begin, end
