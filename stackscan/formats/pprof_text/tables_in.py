"""Finds tables of ``go tool pprof`` over goroutines (-top, -tree, -peek) in a text, by the names of their columns."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from stackscan.formats.pprof_text.lines import QUOTE, Span, back, lines

COLUMNS: Final = re.compile(
    rb"(?m)^(" + QUOTE + rb") {0,40}flat +flat% +sum% +cum +cum%(?P<tree> +calls)?[^\n]{0,99}(?:\n|\Z)"
)
_TYPE: Final = re.compile(rb"(?m)^[ \t>]{0,40}(?:\(pprof\) )?Type: (\w{1,40})")
_TYPES: Final = frozenset({b"goroutine", b"goroutines", b"goroutineleak"})
_HEADER: Final = re.compile(
    rb"(?:\(pprof\) )?(?:(?:File|Build ID|Type|Time|Duration|Doc|Active filters):|Showing [nt]o|Dropped \d|-{40,}\+"
    rb"|\d+ of \d+)"
    rb"|   \w+=[^\n]"  # a filter
)
_SEPARATOR: Final = re.compile(rb"-{40,}\+-{10,}\s*\Z")
_VALUE: Final = rb"-?\d[\d.]{0,20}\w{0,6}"
_SHARE: Final = rb" {1,20}[\d.e+-]{1,20}%"
_ROW: Final = re.compile(
    rb"[ \t]*(" + _VALUE + rb")(?:" + _SHARE + rb"){2} {1,20}(" + _VALUE + rb")" + _SHARE + rb" +([^\n]+)"
)
_EDGE: Final = re.compile(rb"[ \t]*" + _VALUE + _SHARE + rb" \|")
#: The header of a goroutine: where there are stacks, sums say nothing new.
_DUMP: Final = re.compile(
    rb"(?m)^[ \t>]{0,40}goroutine \d+ [^\n]{0,200}?\[[a-zA-Z?]|^[ \t>]{0,40}goroutine(?:leak)? profile: total "
)
#: What pprof prints before the name of the first column.
_INDENT: Final = b" " * 6
#: Lines that are not understood may stand inside a table.
_MOST_FOREIGN: Final = 3
#: Bytes between the line that names the profile and a table in one session.
_MOST_SESSION: Final = 4096
_PARKED: Final = b"runtime.gopark"


def spans(data: bytes) -> list[Span]:
    """Where tables of goroutines stand; of trees where a text has trees. None where it has a dump."""
    if b"flat%" not in data or _DUMP.search(data):
        return []
    found = [*_tables(data)]
    is_tree = any(tree for _, tree in found)
    return [span for span, tree in found if tree == is_tree]


def quote_of(data: bytes) -> bytes | None:
    """What stands before every line of the first table; None where there is none."""
    columns = COLUMNS.search(data)
    return None if columns is None else columns[1].removesuffix(_INDENT)


def _tables(data: bytes) -> Iterator[tuple[Span, bool]]:
    """The tables, each with whether it is a tree."""
    types = [(match.start(), match[1]) for match in _TYPE.finditer(data)]
    places = [place for place, _ in types]
    done = 0
    for columns in COLUMNS.finditer(data):
        if columns.start() < done:
            continue
        quote = columns[1].removesuffix(_INDENT)
        begin = back(data, columns.start(), done, quote, _HEADER, most=20)
        named = bisect_left(places, columns.start()) - 1
        kind = types[named][1] if named >= 0 else None
        end, rows = _rows(data, columns.end(), quote)
        if not rows or not _is_of_goroutines(kind, rows):
            continue
        if named >= 0 and done <= places[named] and 0 < begin - places[named] <= _MOST_SESSION:
            begin = places[named]
        done = end
        yield (begin, end), columns["tree"] is not None


def _rows(data: bytes, at: int, quote: bytes) -> tuple[int, list[re.Match[bytes]]]:
    """The end of a table whose rows begin at a place, and the rows."""
    end, foreign, rows = at, 0, []
    for begin, stop in lines(data, at, len(data)):
        line = data[begin:stop].removeprefix(quote)
        row = _ROW.match(line)
        if _HEADER.match(line) and not _SEPARATOR.match(line):  # the next table's
            break
        if row is not None:
            rows.append(row)
        elif not _EDGE.match(line) and not _SEPARATOR.match(line):
            foreign += 1
            if foreign > _MOST_FOREIGN or COLUMNS.match(data, begin):
                break
            continue
        end, foreign = stop, 0
    return end, rows


def _is_of_goroutines(kind: bytes | None, rows: list[re.Match[bytes]]) -> bool:
    """Whether a table counts goroutines. Without the line that says so: most are in ``runtime.gopark``, as in no other
    profile."""
    counts = [int(row[1]) for row in rows if row[1].isdigit()]
    if kind is not None or len(counts) < len(rows):
        return kind in _TYPES and bool(counts)
    return any(int(row[1]) * 2 >= max(sum(counts), 1) for row in rows if row[3].lstrip(b"| ").startswith(_PARKED))
