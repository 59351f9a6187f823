"""Reads a whole text: cuts it in chunks, runs the fast path on several at once, the careful reader on the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from stackscan.formats.goroutine_text import irregular, rows, snapshots
from stackscan.formats.goroutine_text.arguments import Calls, ScatteredCalls
from stackscan.formats.goroutine_text.columns import ChunkColumns, Interner, read_chunk
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reading import Reading
from stackscan.formats.goroutine_text.segments import Segment, SegmentResult
from stackscan.formats.goroutine_text.surroundings import COUNTED, HEADER_LIKE_BYTES
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress, limits

_CHUNK: Final = 4 << 20  # bytes: many for numpy, few for caches and memory
_MOST_THREADS: Final = 8


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a text, at least one. Damage is in their problems."""
    size = len(data)
    data, problems = normalise(data)
    reading = Reading(problems=problems)
    _note_counted(data, reading)
    unterminated = bool(data) and not data.endswith(b"\n")
    interner = Interner()
    threads = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    spans = list(_spans(data, _chunk_size(len(data), threads)))
    chunks = []
    headers = 0
    with ThreadPoolExecutor(threads) as pool:
        for span, chunk in zip(spans, pool.map(lambda span: _read_span(data, span, interner), spans), strict=True):
            chunks.append(chunk)
            headers += len(chunk.header_lines)
            if headers > limits.MAX_GOROUTINES:
                pool.shutdown(cancel_futures=True)
                raise limits.too_many_goroutines()
            if progress is not None:
                progress(span[1], len(data))
    resolver = rows.Resolver(interner, reading.interned)
    if chunks:
        resolver.headers(np.concatenate([chunk.tail for chunk in chunks]))  # all at once: a call on columns is dear
    first_line = 1
    for span, chunk in zip(spans, chunks, strict=True):
        _take(data, span, chunk, first_line, resolver, reading, unterminated)
        first_line += chunk.line_count
    return snapshots.build(reading, data, size=size, unterminated=unterminated)


def _note_counted(data: bytes, reading: Reading) -> None:
    """Report counted profiles between goroutines: they are not read, since a panic's message may quote them."""
    for found in COUNTED.finditer(data) if b" profile: total " in data else ():
        line = data.count(b"\n", 0, found.start()) + 1
        reason = "a counted profile after a panic's first line, perhaps part of its message; not read"
        reading.problems.append(Problem(line, reason, found[0].split(b"\n")[0].decode()))
        reading.lost_lines.append(line)


def _chunk_size(size: int, threads: int) -> int:
    """About _CHUNK bytes, such that all threads get equally many."""
    chunks = -(-size // _CHUNK)
    return _CHUNK if chunks < 2 else -(-size // (-(-chunks // threads) * threads))


def _spans(data: bytes, size: int) -> Iterator[tuple[int, int]]:
    """Byte ranges of about a size that begin with a header (the first one aside)."""
    begin = 0
    while begin < len(data):
        found = HEADER_LIKE_BYTES.search(data, begin + size) if begin + size < len(data) else None
        end = found.start() if found else len(data)
        yield begin, end
        begin = end


def _read_span(data: bytes, span: tuple[int, int], interner: Interner) -> ChunkColumns:
    begin, end = span
    chunk = data[begin:end]
    last = end == len(data)
    if not chunk.endswith(b"\n"):
        chunk += b"\n"
    return read_chunk(chunk, interner, last=last)


def _take(
    data: bytes,
    span: tuple[int, int],
    chunk: ChunkColumns,
    first_line: int,
    resolver: rows.Resolver,
    reading: Reading,
    unterminated: bool,
) -> None:
    """Add one chunk: its regular goroutines as columns, the others through the careful reader."""
    part = rows.from_chunk(chunk, first_line, resolver)
    if len(part) and part.line[0] == first_line:  # the chunk does not know what stands before it
        part.after_blank[0] = _is_after_blank(data, span[0])
    readable = (part.header >= 0) & (part.stack >= 0)
    to_read = chunk.irregular.copy()
    to_read[~chunk.irregular] = ~readable
    if not readable.all():
        part = part.take(np.flatnonzero(readable))
    reading.parts.append(part)
    reading.calls.append(Calls.of_chunk(chunk, part.line, span[0], readable))
    found = []
    for segment, low, after_blank in _segments(data, span, chunk, first_line, to_read, unterminated):
        result = irregular.read_segment(segment)
        reading.scattered_calls += [
            ScatteredCalls(g.line, g.call_lines, low, segment.first_line) for g in result.goroutines
        ]
        _add(result, reading)
        found += [(goroutine, after_blank) for goroutine in result.goroutines]
    if found:
        reading.parts.append(rows.from_careful(found, reading.interned))


def _segments(
    data: bytes,
    span: tuple[int, int],
    chunk: ChunkColumns,
    first_line: int,
    to_read: npt.NDArray[np.bool_],
    unterminated: bool,
) -> Iterator[tuple[Segment, int, bool]]:
    """The segments for the careful reader, each with its first byte and whether a blank line precedes it."""
    begin, end = span
    bounds = [*(chunk.header_bytes + begin).tolist(), end]
    lines = chunk.header_lines.tolist()
    wanted = [(bounds[i], bounds[i + 1], lines[i]) for i in np.flatnonzero(to_read).tolist()]
    if bounds[0] > begin:  # the text before the first header
        wanted.insert(0, (begin, bounds[0], 0))
    for low, high, line in wanted:
        text = data[low:high].decode().removesuffix("\n").split("\n")
        at_end = high == len(data)
        yield Segment(text, first_line + line, at_end, at_end and unterminated), low, _is_after_blank(data, low)


def _is_after_blank(data: bytes, at: int) -> bool:
    """Whether a blank line stands before a place, or nothing at all."""
    return at == 0 or data[max(at - 4, 0) : at].endswith((b"\n\n", b"\n\r\n"))


def _add(result: SegmentResult, reading: Reading) -> None:
    reading.problems += result.problems
    reading.marks += result.marks
    reading.lost_lines += result.lost
    reading.hidden_lines += result.hidden
    reading.skipped_lines += result.skipped
    reading.quoted_lines += result.quoted
    reading.cut |= result.cut
    for goroutine in result.goroutines:
        for depth, (ancestor, stack) in enumerate(goroutine.ancestors, start=1):
            stack_id = reading.interned.stack_id(stack)
            reading.ancestors.append((goroutine.line, goroutine.goroutine_id or 0, depth, ancestor, stack_id))
