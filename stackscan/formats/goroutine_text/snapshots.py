"""Splits the rows of one text into snapshots, and decides whether each is complete."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cache, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeVar

from stackscan.formats.goroutine_text import dialect
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
from stackscan.formats.goroutine_text.reading import Reading, Text
from stackscan.formats.goroutine_text.rows import Rows
from stackscan.formats.problems import bounded
from stackscan.model.counting import QUOTED
from stackscan.model.snapshot import Frame, Problem, Snapshot, Stack
from stackscan.model.table import ANCESTOR_COLUMNS, Table

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.arrays import ArrayRows
    from stackscan.model.arguments import Words
    from stackscan.model.snapshot import ReadWords

AnyRows = TypeVar("AnyRows", "Rows", "ArrayRows")
NAME: Final = "goroutine-text"
#: net/http/pprof stops a debug=2 dump at exactly this many bytes (runtime/pprof.writeGoroutineStacks).
PPROF_LIMIT: Final = 64 << 20
_CUT: Final = "the text ends in the middle of this goroutine: the dump was cut"
_CUT_BY_PPROF: Final = (
    "cut at exactly 64 MiB, the limit of net/http/pprof's debug=2: goroutines are missing; "
    "take debug=0 or debug=1 for true totals"
)


def build(rows: Rows | ArrayRows, reading: Reading, data: bytes, *, size: int, unterminated: bool) -> list[Snapshot]:
    """The snapshots of a text of ``size`` bytes; ``data`` is its normalised form, ``rows`` are its goroutines."""
    reading.sort()
    text = Text(data)
    cut_by_pprof = size == PPROF_LIMIT and unterminated
    cut_at = _CUT_BY_PPROF if cut_by_pprof else _CUT if reading.cut else None
    if not isinstance(rows, Rows):  # a large text
        if not any(mark.kind == "cause" for mark in reading.marks) and not rows.repeats():  # one dump, without doubts
            whole = Part(rows, 1, float("inf"))
            return [_snapshot(_cut(whole, cut_at) if cut_at else whole, reading, text, cut=cut_at is not None)]
        rows = rows.as_lists()
    repeated = repeats(rows)
    parts = _split(rows, reading, repeated=repeated)
    built = []
    for place, found in enumerate(parts):
        part = without_repeats(found, reading) if repeated else found
        part = with_doubts(without_fake(part, reading), reading)
        part = with_follower(part, parts[place + 1] if place + 1 < len(parts) else None, reading)
        ends = cut_at if place == len(parts) - 1 else None
        built.append(_snapshot(_cut(part, ends) if ends else part, reading, text, cut=ends is not None))
    return built


def _cut(part: Part[AnyRows], reason: str) -> Part[AnyRows]:
    """The part, with a problem at its last goroutine: what follows is missing."""
    return note(part, Problem(part.rows.lines()[-1] if len(part.rows) else part.first_line, reason))


# -- one file, several dumps -----------------------------------------------------------------------------------------


def _split(rows: Rows, reading: Reading, *, repeated: bool) -> list[Part[Rows]]:
    """Each panic, signal or repeated id starts a snapshot, unless the runtime lists its threads one by one."""
    starts = _starts(rows, reading, repeated=repeated)
    if len(starts) == 1:
        return [Part(rows, 1, float("inf"))]
    causes = [mark.line for mark in reading.marks if mark.kind == "cause"]
    firsts = [1, *(_first_line(rows, start, causes) for start in starts[1:])]
    ends: list[float] = [*firsts[1:], float("inf")]
    bounds = zip(starts, [*starts[1:], len(rows)], firsts, ends, strict=True)
    return [Part(rows.between(low, high), first, end) for low, high, first, end in bounds]


def _first_line(all_rows: Rows, start: int, causes: Sequence[int]) -> int:
    """Where a snapshot's text begins: at the first cause above its first goroutine, or at that goroutine."""
    above, first = all_rows.line[start - 1], all_rows.line[start]
    place = bisect_left(causes, above)
    return causes[place] if place < len(causes) and causes[place] < first else first


def _starts(all_rows: Rows, reading: Reading, *, repeated: bool) -> list[int]:
    """The rows that start a snapshot."""
    # GOTRACEBACK=crash: the same signal, thread by thread
    begins = _below(all_rows, reading, "cause") - _below(all_rows, reading, "thread")
    starts = sorted({0, *begins})
    return _with_repeats(all_rows, starts, reading) if repeated else starts


def _with_repeats(all_rows: Rows, starts: list[int], reading: Reading) -> list[int]:
    """The starts, and one more wherever an id is repeated before the next."""
    ids = [goroutine_id or 0 for goroutine_id in all_rows.goroutine_id]
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
        listing |= place in threads
        if all_rows.goroutine_id[place] is None:
            continue
        if goroutine_id in seen and not listing:
            start = next((k for k in range(place, found[-1], -1) if k in likely), place)
            found.append(start)
            seen = set(ids[start:place])
        seen.add(goroutine_id)
    return found


def _below(all_rows: Rows, reading: Reading, kind: str) -> set[int]:
    """The rows that are the first below a mark of a kind."""
    lines = [mark.line for mark in reading.marks if mark.kind == kind]
    return {bisect_left(all_rows.line, line) for line in lines} - {len(all_rows)}


def _likely_starts(all_rows: Rows, reading: Reading) -> set[int]:
    """The rows where a dump may begin: below text, without a blank line, or at a running goroutine with a stack.

    runtime.Stack prints the calling goroutine first, and no other running one with frames.
    """
    likely = _below(all_rows, reading, "text")
    no_blank = [place for place, blank in enumerate(all_rows.after_blank) if not blank]
    if 2 * len(no_blank) < len(all_rows):  # else blank lines were dropped throughout and say nothing
        likely.update(no_blank)
    likely.update(running_with_stack(all_rows, reading))
    return likely


# -- tables ----------------------------------------------------------------------------------------------------------


def _snapshot(part: Part[Rows] | Part[ArrayRows], reading: Reading, text: Text, *, cut: bool) -> Snapshot:
    rows, interned = part.rows, reading.interned
    lost = len(part.within(reading.lost_lines, int)) + len(part.within(reading.skipped_lines, int))
    cause, message = _message(part, reading, text)
    ancestors = part.within(reading.ancestors, itemgetter(0))
    if ancestors:  # those of goroutines that are not counted go with them
        counted = set(rows.lines())
        ancestors = [found for found in ancestors if found[0] in counted]
    used = dict.fromkeys([*rows.stack_order(), *(found[4] for found in ancestors)])
    stack_ids = {old: new for new, old in enumerate(used)}
    stacks = tuple(interned.stacks[old] for old in used)
    table = rows.table(interned, stack_ids)
    return Snapshot(
        format=QUOTED if 2 * len(part.within(reading.quoted_lines, int)) >= max(len(rows), 1) else NAME,
        table=table,
        stacks=stacks,
        problems=bounded((*part.within(reading.problems), *part.problems)),
        complete=not cut and not lost and not part.doubtful,
        header_lines=len(rows) + part.not_counted + len(part.within(reading.hidden_lines, int)),
        cause=cause,
        message=message,
        dialect=dialect.of(
            map(interned.header, rows.entries()),
            stacks,
            creators=rows.has_creators(),
            labels=rows.has_labels(interned),
        ),
        ancestor_table=_ancestors(ancestors, stack_ids),
        read_arguments=_argument_reader(part, table, stacks, reading, text.data),
    )


def _argument_reader(
    part: Part[Rows] | Part[ArrayRows], table: Table, stacks: tuple[Stack, ...], reading: Reading, data: bytes
) -> ReadWords:
    # Not all rows, and not all that was read: what is kept here is kept for as long as the snapshot.
    scattered, calls, lines = part.within(reading.scattered_calls), reading.calls, part.rows.line

    @cache
    def made() -> ReadWords:
        from stackscan.formats.goroutine_text import arguments  # few are asked for

        stack_ids = partial(table.column, "stack_id")
        return arguments.reader(data, lines, stack_ids, stacks, calls, scattered)

    def read(of: Collection[Frame] | None, among: Collection[int] | None = None, *, first: bool = False) -> Words:
        return made()(of, among, first=first)

    return read


def _ancestors(found: Sequence[tuple[int, int, int, int, int]], stack_ids: dict[int, int]) -> Table:
    rows = ((goroutine, depth, ancestor, stack_ids[stack]) for _, goroutine, depth, ancestor, stack in found)
    columns = zip(*rows, strict=True) if found else ((),) * len(ANCESTOR_COLUMNS)
    return Table.of_lists(dict(zip(ANCESTOR_COLUMNS, map(list, columns), strict=True)), "ancestors")


def _message(part: Part[Rows] | Part[ArrayRows], reading: Reading, text: Text) -> tuple[str | None, tuple[str, ...]]:
    """The cause of a part, and the message that it begins: empty where it is not the one of this dump."""
    causes = [mark for mark in part.within(reading.marks) if mark.kind == "cause"]
    if not causes:
        return None, ()
    from stackscan.formats.goroutine_text.message import read_message  # few dumps are of a process that died

    header = part.rows.lines()[0] if len(part.rows) else None
    line, message = read_message(text, [mark.line for mark in causes], header)
    return next((mark.text for mark in causes if mark.line == line), causes[0].text), message
