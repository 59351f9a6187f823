"""Splits the rows of one text into snapshots, and decides whether each is complete."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text import arguments, dialect, rows
from stackscan.formats.goroutine_text.doubts import (
    Part,
    note,
    repeats,
    running_with_stack,
    with_doubts,
    with_follower,
    without_fake,
    without_repeats,
)
from stackscan.formats.goroutine_text.message import read_message
from stackscan.formats.goroutine_text.rows import Rows
from stackscan.formats.problems import bounded
from stackscan.model.counting import QUOTED
from stackscan.model.schemas import GOROUTINE_SCHEMA
from stackscan.model.snapshot import Snapshot
from stackscan.model.table import ANCESTOR_COLUMNS, Table

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.reading import Reading

NAME: Final = "goroutine-text"
#: net/http/pprof stops a debug=2 dump at exactly this many bytes (runtime/pprof.writeGoroutineStacks).
PPROF_LIMIT: Final = 64 << 20
_CUT: Final = "the text ends in the middle of this goroutine: the dump was cut"
_CUT_BY_PPROF: Final = (
    "cut at exactly 64 MiB, the limit of net/http/pprof's debug=2: goroutines are missing; "
    "take debug=0 or debug=1 for true totals"
)
_NO_ID: Final = pl.Series([None], dtype=pl.UInt64)


def build(reading: Reading, data: bytes, *, size: int, unterminated: bool) -> list[Snapshot]:
    """The snapshots of a text of ``size`` bytes; ``data`` is its normalised form."""
    reading.problems.sort(key=lambda problem: problem.line)
    reading.marks.sort(key=lambda mark: mark.line)
    reading.lost_lines.sort()
    reading.hidden_lines.sort()
    reading.skipped_lines.sort()
    reading.quoted_lines.sort()
    reading.ancestors.sort()
    parts = _split(rows.merge(reading.parts) if reading.parts else rows.from_careful([], reading.interned), reading)
    cut_by_pprof = size == PPROF_LIMIT and unterminated
    built = []
    for place, found in enumerate(parts):
        cut = place == len(parts) - 1 and (reading.cut or cut_by_pprof)
        part = with_doubts(without_fake(without_repeats(found, reading), reading), reading)
        part = with_follower(part, parts[place + 1] if place + 1 < len(parts) else None, reading)
        if cut:
            last = int(part.rows.line[-1]) if len(part.rows) else part.first_line
            part = note(part, last, _CUT_BY_PPROF if cut_by_pprof else _CUT)
        built.append(_snapshot(part, reading, data, cut=cut))
    return built


# -- one file, several dumps -----------------------------------------------------------------------------------------


def _split(all_rows: Rows, reading: Reading) -> list[Part]:
    """Each panic, signal or repeated id starts a snapshot, unless the runtime lists its threads one by one."""
    starts = _starts(all_rows, reading)
    if len(starts) == 1:
        return [Part(all_rows, 1, float("inf"))]
    causes = [mark.line for mark in reading.marks if mark.kind == "cause"]
    firsts = [1, *(_first_line(all_rows, start, causes) for start in starts[1:])]
    ends: list[float] = [*firsts[1:], float("inf")]
    bounds = zip(starts, [*starts[1:], len(all_rows)], firsts, ends, strict=True)
    return [Part(all_rows.take(np.arange(low, high)), first, end) for low, high, first, end in bounds]


def _first_line(all_rows: Rows, start: int, causes: Sequence[int]) -> int:
    """Where a snapshot's text begins: at the first cause above its first goroutine, or at that goroutine."""
    above, first = int(all_rows.line[start - 1]), int(all_rows.line[start])
    place = bisect_left(causes, above)
    return causes[place] if place < len(causes) and causes[place] < first else first


def _starts(all_rows: Rows, reading: Reading) -> list[int]:
    """The rows that start a snapshot."""
    begins = _below(all_rows, reading, "cause")
    begins &= ~_below(all_rows, reading, "thread")  # GOTRACEBACK=crash: the same signal, thread by thread
    starts = sorted({0, *np.flatnonzero(begins).tolist()})
    return _with_repeats(all_rows, starts, reading) if repeats(all_rows) else starts


def _with_repeats(all_rows: Rows, starts: list[int], reading: Reading) -> list[int]:
    """The starts, and one more wherever an id is repeated before the next."""
    ids, has_id = all_rows.goroutine_id.tolist(), all_rows.has_id.tolist()
    known = set(starts)
    threads = _below(all_rows, reading, "thread")
    likely = _likely_starts(all_rows, reading)
    found = [0]
    seen: set[int] = set()
    listing = False
    for place, goroutine_id in enumerate(ids):
        if place in known and place:
            found.append(place)
            seen, listing = set(), False
        listing |= bool(threads[place])
        if not has_id[place]:
            continue
        if goroutine_id in seen and not listing:
            start = next((k for k in range(place, found[-1], -1) if likely[k]), place)
            found.append(start)
            seen = set(ids[start:place])
        seen.add(goroutine_id)
    return found


def _below(all_rows: Rows, reading: Reading, kind: str) -> npt.NDArray[np.bool_]:
    """A mask of the rows that are the first below a mark of a kind."""
    marked = np.zeros(len(all_rows), dtype=np.bool_)
    lines = np.array([mark.line for mark in reading.marks if mark.kind == kind], dtype=np.int64)
    below = np.searchsorted(all_rows.line, lines)
    marked[below[below < len(all_rows)]] = True
    return marked


def _likely_starts(all_rows: Rows, reading: Reading) -> npt.NDArray[np.bool_]:
    """A mask of rows where a dump may begin: below text, without a blank line, or at a running goroutine with a stack.

    runtime.Stack prints the calling goroutine first, and no other running one with frames.
    """
    likely = _below(all_rows, reading, "text")
    no_blank = ~all_rows.after_blank
    if float(no_blank.mean()) < 0.5:  # else blank lines were dropped throughout and say nothing
        likely |= no_blank
    likely |= running_with_stack(all_rows, reading)
    return likely


# -- tables ----------------------------------------------------------------------------------------------------------


def _snapshot(part: Part, reading: Reading, data: bytes, *, cut: bool) -> Snapshot:
    lost = len(part.within(reading.lost_lines, int)) + len(part.within(reading.skipped_lines, int))
    cause, message = _message(part, reading, data)
    ancestors = part.within(reading.ancestors, itemgetter(0))
    if ancestors:  # those of goroutines that are not counted go with them
        counted = set(part.rows.line.tolist())
        ancestors = [found for found in ancestors if found[0] in counted]
    used = dict.fromkeys([*rows.in_order(part.rows.stack), *(found[4] for found in ancestors)])
    stack_ids = {old: new for new, old in enumerate(used)}
    stacks = tuple(reading.interned.stacks[old] for old in used)
    goroutines = _goroutines(part.rows, reading, stack_ids)
    return Snapshot(
        format=QUOTED if 2 * len(part.within(reading.quoted_lines, int)) >= max(len(part.rows), 1) else NAME,
        table=Table.of_frame(goroutines),
        stacks=stacks,
        problems=bounded((*part.within(reading.problems), *part.problems)),
        complete=not cut and not lost and not part.doubtful,
        header_lines=len(part.rows) + part.not_counted + len(part.within(reading.hidden_lines, int)),
        cause=cause,
        message=message,
        dialect=dialect.of(goroutines, stacks),
        ancestor_table=_ancestors(ancestors, stack_ids),
        read_arguments=arguments.reader(
            data, part.rows.line, goroutines, stacks, reading.calls, reading.scattered_calls
        ),
    )


def _ancestors(found: Sequence[tuple[int, int, int, int, int]], stack_ids: dict[int, int]) -> Table:
    rows = ((goroutine, depth, ancestor, stack_ids[stack]) for _, goroutine, depth, ancestor, stack in found)
    columns = zip(*rows, strict=True) if found else ((),) * len(ANCESTOR_COLUMNS)
    return Table.of_lists(dict(zip(ANCESTOR_COLUMNS, map(list, columns), strict=True)), "ancestors")


def _message(part: Part, reading: Reading, data: bytes) -> tuple[str | None, tuple[str, ...]]:
    """The cause of a part, and the message that it begins: empty where it is not the one of this dump."""
    causes = [mark for mark in part.within(reading.marks) if mark.kind == "cause"]
    if not causes:
        return None, ()
    header = int(part.rows.line[0]) if len(part.rows) else None
    line, message = read_message(data, [mark.line for mark in causes], header)
    return next((mark.text for mark in causes if mark.line == line), causes[0].text), message


def _goroutines(found: Rows, reading: Reading, stack_ids: dict[int, int]) -> pl.DataFrame:
    headers, entry = reading.interned.headers, found.header
    plain = pl.Series(np.array(reading.interned.plain, dtype=np.uint32)[entry])
    new_stack = np.zeros(len(reading.interned.stacks), dtype=np.uint32)
    new_stack[list(stack_ids)] = list(stack_ids.values())
    ids = pl.Series(found.goroutine_id, dtype=pl.UInt64)
    has_creator = pl.Series(found.has_creator_id, dtype=pl.Boolean)
    columns = {
        "goroutine_id": ids if found.has_id.all() else ids.zip_with(pl.Series(found.has_id), _NO_ID),
        "stack_id": pl.Series(new_stack[found.stack], dtype=pl.UInt32),
        "creator_id": pl.Series(found.creator_id, dtype=pl.UInt64).zip_with(has_creator, _NO_ID),
        "line": pl.Series(found.line.astype(np.uint32), dtype=pl.UInt32),
    }
    for name in ("wait_reason", "wait_minutes", "locked", "leaked", "attributes", "thread"):
        values = pl.Series(list(map(attrgetter(name), headers)), dtype=GOROUTINE_SCHEMA[name])
        columns[name] = values.gather(plain)
    columns["labels"] = reading.interned.labels().gather(entry)
    return pl.DataFrame({name: columns[name] for name in GOROUTINE_SCHEMA})
