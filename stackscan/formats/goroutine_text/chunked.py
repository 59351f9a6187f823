"""Reads a large text: cuts it in chunks, runs the fast path on several at once, the careful reader on the rest."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from stackscan.formats.goroutine_text import arrays, irregular, resolver
from stackscan.formats.goroutine_text.arrays import ArrayRows
from stackscan.formats.goroutine_text.calls import Calls
from stackscan.formats.goroutine_text.columns import ChunkColumns, Interner, read_chunk
from stackscan.formats.goroutine_text.reading import Reading
from stackscan.formats.goroutine_text.resolver import Resolver
from stackscan.formats.goroutine_text.rows import Rows, is_after_blank
from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE_BYTES
from stackscan.sources import Progress, limits

_CHUNK: Final = 4 << 20  # bytes: many for numpy, few for caches and memory
_MOST_THREADS: Final = 8
_NEWLINE: Final = ord("\n")


def read(data: bytes, reading: Reading, *, unterminated: bool, progress: Progress | None = None) -> ArrayRows:
    """The goroutines of a normalised text; what else it says goes to ``reading``."""
    interner = Interner()
    threads = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    spans = list(_spans(data, _chunk_size(len(data), threads)))
    chunks: deque[ChunkColumns] = deque()
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
    resolving = Resolver(interner, reading.interned)
    if chunks:
        resolving.headers(np.concatenate([chunk.tail for chunk in chunks]))  # all at once: a call on columns is dear
    if any(chunk.may_count for chunk in chunks):
        reading.note_counted(data)
    parts: list[ArrayRows] = []
    first_line = 1
    for span in spans:
        chunk = chunks.popleft()  # its columns are given back one chunk after the other
        parts += _take(data, span, chunk, first_line, resolving, reading, unterminated)
        first_line += chunk.line_count
    return arrays.merge(parts)


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
    last = end == len(data)
    if data[end - 1] == _NEWLINE:
        return read_chunk(memoryview(data)[begin:end], interner, last=last)
    return read_chunk(memoryview(data[begin:end] + b"\n"), interner, last=last)


def _take(
    data: bytes,
    span: tuple[int, int],
    chunk: ChunkColumns,
    first_line: int,
    resolving: Resolver,
    reading: Reading,
    unterminated: bool,
) -> Iterator[ArrayRows]:
    """The rows of one chunk: its regular goroutines from its columns, the others through the careful reader."""
    part = resolver.from_chunk(chunk, first_line, resolving)
    if len(part) and part.line[0] == first_line:  # the chunk does not know what stands before it
        part.after_blank[0] = is_after_blank(data, span[0])
    readable = (part.header >= 0) & (part.stack >= 0)
    to_read = chunk.irregular.copy()
    to_read[~chunk.irregular] = ~readable
    if not readable.all():
        part = part.take(np.flatnonzero(readable))
    yield part
    reading.calls.append(Calls.of_chunk(chunk, part.line, span[0], readable))
    left = [(low, high, first_line + line) for low, high, line in _irregular(span, chunk, to_read)]
    found = irregular.read_all(data, left, reading, unterminated=unterminated)
    if found:
        yield ArrayRows.of_rows(Rows.of(found))


def _irregular(
    span: tuple[int, int], chunk: ChunkColumns, to_read: npt.NDArray[np.bool_]
) -> list[tuple[int, int, int]]:
    """What is left to the careful reader: first byte, end, and first line (0-based in the chunk)."""
    begin, end = span
    bounds = [*(chunk.header_bytes + begin).tolist(), end]
    lines = chunk.header_lines.tolist()
    wanted = [(bounds[i], bounds[i + 1], lines[i]) for i in np.flatnonzero(to_read).tolist()]
    if bounds[0] > begin:  # the text before the first header
        wanted.insert(0, (begin, bounds[0], 0))
    return wanted
