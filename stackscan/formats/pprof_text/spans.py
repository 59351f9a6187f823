"""Finds the reports of ``go tool pprof`` over goroutines in a text, by their fixed lines; one scan for each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stackscan.formats.pprof_text import tables_in
from stackscan.formats.pprof_text.lines import QUOTE, Span, back, lines

MARKS: Final = (b"Samples:", b"-----------+-----", b"flat%")

#: Lines that may stand between two fixed ones without being understood: labels hold any text.
_MOST_FOREIGN: Final = 200
#: Lines of a stack whose beginning is cut off that are still taken as one.
_MOST_OF_STACK: Final = 2000

_SAMPLES: Final = re.compile(
    rb"(?m)^(" + QUOTE + rb")Samples:[ \t\r]*\n[^\n]{0,99}?\bgoroutine(?:s|leak)?/[^\n]{0,99}(?:\n|\Z)"
)
_RAW_HEADER: Final = re.compile(rb"(?:PeriodType|Period|Time|Duration|Doc|Comment): ")
_LOCATIONS: Final = re.compile(rb"Locations\s*\Z")
_MAPPINGS: Final = re.compile(rb"Mappings\s*\Z")
_SAMPLE_LIKE: Final = re.compile(rb" {0,12}-?\d[\d -]{0,400}:(?: \d|\s*\Z)")
_LABELS_LIKE: Final = re.compile(rb"[ \t]{8,}\S[^\n]*\]\s*\Z")
_LOCATION_LIKE: Final = re.compile(rb"[ \t]{0,12}\d{1,20}: 0x[0-9a-f]|[ \t]{8,}\S[^\n]{0,9999}? s=-?\d|[ \t]{8,}\?\?")
_MAPPING_LIKE: Final = re.compile(rb"[ \t]*\d{1,20}: 0x[0-9a-f]+/0x")

_SEPARATOR: Final = re.compile(rb"(?m)^(" + QUOTE + rb")-{11}\+-{20,80}[ \t\r]*(?:\n|\Z)")
_TRACES_HEADER: Final = re.compile(rb"(?:File|Build ID|Type|Time|Duration|Doc|Active filters): ?")
_TYPE: Final = re.compile(rb"Type: (\S{1,99})")
_WEIGHT: Final = re.compile(rb"(?m)^[ \t>]{0,40}(-?\d[^\s]{0,30}) {2,3}(?:[0-9a-f]{16} )?[^\s\d][^\n]{0,4096}$")
_FRAME_LIKE: Final = re.compile(rb"(?: {6,}|\t)[^\s|]")
_TAG_LIKE: Final = re.compile(rb"[ \t]{0,12}[^\s:][^:\n]{0,200}:  |[ \t]{0,12}:  ")
_PARKED: Final = b"runtime.gopark"
_TYPES: Final = frozenset({b"goroutine", b"goroutines", b"goroutineleak"})


def spans(data: bytes) -> list[Span]:
    """Where reports of goroutines stand in a text: tables with sums only where it has no stacks."""
    raw = [*_raw_spans(data)] if b"Samples:" in data else []
    traces = [*_trace_spans(data)] if b"-----------+-----" in data else []
    found: list[Span] = []
    for begin, end in sorted([*raw, *traces]):  # where labels hold lines of the other, the first has them
        if not found or begin >= found[-1][1]:
            found.append((begin, end))
    return found or tables_in.spans(data)


def quote_of(data: bytes) -> bytes:
    """What stands before every line of a report: blanks of a list or a Markdown block, ``> `` of an answer."""
    first = _SAMPLES.search(data)
    table = None if first else tables_in.quote_of(data)
    first = first or (_SEPARATOR.search(data) if table is None else None)
    return table or (first[1] if first else b"")


# -- raw ---------------------------------------------------------------------------------------------------------------


def _raw_spans(data: bytes) -> Iterator[Span]:
    anchors = [(match.start(), match.end(), match[1]) for match in _SAMPLES.finditer(data)]
    done = 0
    for place, (start, end, quote) in enumerate(anchors):
        limit = anchors[place + 1][0] if place + 1 < len(anchors) else len(data)
        begin = back(data, start, done, quote, _RAW_HEADER)
        last = _raw_end(data, end, limit, quote)
        if last > end:  # something follows: a sample, or the lists of an empty profile
            done = last
            yield begin, done


def _raw_end(data: bytes, at: int, limit: int, quote: bytes) -> int:
    """Where the last line of a report ends whose samples begin at a place."""
    end, foreign = at, 0
    likes = (_SAMPLE_LIKE, _LABELS_LIKE)
    for begin, stop in lines(data, at, limit):
        line = data[begin:stop].removeprefix(quote)
        if likes[0] is _SAMPLE_LIKE and _LOCATIONS.match(line):
            likes = (_LOCATION_LIKE, _LOCATION_LIKE)
        elif likes[0] is not _MAPPING_LIKE and _MAPPINGS.match(line):
            likes = (_MAPPING_LIKE, _MAPPING_LIKE)
        elif not (likes[0].match(line) or likes[1].match(line)):
            foreign += 1
            if foreign > (_MOST_FOREIGN if likes[0] is _SAMPLE_LIKE else 3) or likes[0] is _MAPPING_LIKE:
                break
            continue
        end, foreign = stop, 0
    return end


# -- traces ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Chain:
    """Separators of one report: where the first begins, the last ends, and what stands before each line."""

    begin: int
    end: int
    quote: bytes


def _trace_spans(data: bytes) -> Iterator[Span]:
    done = 0
    for chain in _chains(data):
        begin, quote = chain.begin, chain.quote
        header = back(data, begin, done, quote, _TRACES_HEADER)
        kind = _type_of(data[header:begin], quote)
        if kind is None:
            header = back(data, begin, done, quote, _FRAME_LIKE, _WEIGHT, most=_MOST_OF_STACK)
        end = _cut_stack(data, chain.end, quote)
        if _is_of_goroutines(data[header:end], kind):
            done = end
            yield header, end


def _chains(data: bytes) -> Iterator[_Chain]:
    """Separators with stacks between them, in runs; also one alone, beside which a cut stack may stand."""
    chain: _Chain | None = None
    for match in _SEPARATOR.finditer(data):
        if chain is not None and match[1] == chain.quote and _is_block(data, chain.end, match.start()):
            chain.end = match.end()
            continue
        if chain is not None:
            yield chain
        chain = _Chain(match.start(), match.end(), match[1])
    if chain is not None:
        yield chain


def _is_block(data: bytes, begin: int, end: int) -> bool:
    """Whether the text between two separators is one stack: labels, then a count and the innermost frame."""
    block = data[begin:end]
    return _WEIGHT.search(block) is not None and _TYPE.search(block) is None


def _cut_stack(data: bytes, at: int, quote: bytes) -> int:
    """The end of a stack behind the last separator, for a text that ends within one."""
    end, weighed = at, False
    for count, (begin, stop) in enumerate(lines(data, at, len(data))):
        line = data[begin:stop].removeprefix(quote)
        if not weighed and _WEIGHT.match(line.rstrip(b"\r\n")):
            weighed = True
        elif weighed and _FRAME_LIKE.match(line):
            pass
        elif weighed or not _TAG_LIKE.match(line) or count > _MOST_FOREIGN:
            break
        end = stop if weighed else end
    return end


def _type_of(header: bytes, quote: bytes) -> bytes | None:
    """The kind of profile that the lines before the first separator name."""
    lines = (line.removeprefix(quote) for line in header.split(b"\n"))
    return next((found[1] for line in lines if (found := _TYPE.match(line))), None)


def _is_of_goroutines(span: bytes, kind: bytes | None) -> bool:
    """Whether a report shows goroutines. Without its first lines, their innermost frame says so: ``runtime.gopark``."""
    if kind is not None:
        return kind in _TYPES and _WEIGHT.search(span) is not None
    weights = list(_WEIGHT.finditer(span))
    return any(_PARKED in match[0] for match in weights) and all(match[1].isdigit() for match in weights)
