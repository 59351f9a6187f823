"""From the rows of one text to its snapshots: where one dump ends and the next begins, what is listed twice, what is
no goroutine at all, and whether anything is missing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final, overload

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text import arguments, dialect, rows
from stackscan.formats.goroutine_text.rows import Rows
from stackscan.formats.goroutine_text.surroundings import Mark
from stackscan.formats.problems import bounded
from stackscan.snapshot import ANCESTOR_SCHEMA, GOROUTINE_SCHEMA, Problem, Snapshot

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.reader import Reading

NAME: Final = "goroutine-text"
#: net/http/pprof stops a debug=2 dump at exactly this many bytes (runtime/pprof.writeGoroutineStacks).
PPROF_LIMIT: Final = 64 << 20
_MAIN_FRAMES: Final = frozenset({"main.main", "runtime.main", "runtime.goexit", "runtime.mstart", "testing.tRunner"})


_NO_ID: Final = pl.Series([None], dtype=pl.UInt64)


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one snapshot, its lines (first, end), and what was found about it on the way: problems, and how many
    headers are no goroutine of their own."""

    rows: Rows
    first_line: int
    end_line: float
    problems: tuple[Problem, ...] = ()
    not_counted: int = 0
    doubtful: bool = False  # what is the dump's own and what a stranger's cannot be told

    def slice(self, lines: Sequence[int]) -> range:
        """Which of some ascending line numbers lie in this snapshot."""
        return range(bisect_left(lines, self.first_line), bisect_left(lines, self.end_line))


def build(reading: Reading, data: bytes, *, size: int, unterminated: bool) -> list[Snapshot]:
    """The snapshots of a text of ``size`` bytes, ``data`` in the form that was read."""
    reading.problems.sort(key=lambda problem: problem.line)
    reading.marks.sort(key=lambda mark: mark.line)
    reading.lost_lines.sort()
    reading.hidden_lines.sort()
    reading.ancestors.sort()
    parts = _split(rows.merge(reading.parts) if reading.parts else rows.from_careful([], reading.interned), reading)
    cut_by_pprof = size == PPROF_LIMIT and unterminated
    built = []
    for place, found in enumerate(parts):
        cut = place == len(parts) - 1 and (reading.cut or cut_by_pprof)
        part = _with_doubts(_without_fake(_without_repeats(found, reading), reading), reading)
        part = _with_follower(part, parts[place + 1] if place + 1 < len(parts) else None, reading)
        if cut:
            last = int(part.rows.line[-1]) if len(part.rows) else part.first_line
            part = _note(part, last, _cut_reason(by_pprof=cut_by_pprof))
        built.append(_snapshot(part, reading, data, cut=cut))
    return built


def _cut_reason(*, by_pprof: bool) -> str:
    if by_pprof:
        return (
            "cut at exactly 64 MiB, the limit of net/http/pprof's debug=2: more goroutines exist than are listed; "
            "take debug=0 or debug=1 for true totals"
        )
    return "the text ends in the middle of this goroutine: the dump was cut"


def _note(
    part: _Part, line: int, reason: str, excerpt: str = "", *, not_counted: int = 0, doubtful: bool = False
) -> _Part:
    problems = (*part.problems, Problem(line, reason, excerpt))
    doubtful |= part.doubtful
    return replace(part, problems=problems, not_counted=part.not_counted + not_counted, doubtful=doubtful)


# -- one file, several dumps -----------------------------------------------------------------------------------------


def _split(all_rows: Rows, reading: Reading) -> list[_Part]:
    """Each panic, signal or repeated id starts a snapshot, unless the runtime lists its threads one by one."""
    starts = _starts(all_rows, reading)
    if len(starts) == 1:
        return [_Part(all_rows, 1, float("inf"))]
    causes = [mark.line for mark in reading.marks if mark.kind == "cause"]
    firsts = [1, *(_first_line(all_rows, start, causes) for start in starts[1:])]
    ends: list[float] = [*firsts[1:], float("inf")]
    bounds = zip(starts, [*starts[1:], len(all_rows)], firsts, ends, strict=True)
    return [_Part(all_rows.take(np.arange(low, high)), first, end) for low, high, first, end in bounds]


def _repeats(found: Rows) -> bool:
    """Whether an id occurs twice."""
    return pl.Series(found.goroutine_id).n_unique() < len(found)


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
    return _with_repeats(all_rows, starts, reading) if _repeats(all_rows) else starts


def _with_repeats(all_rows: Rows, starts: list[int], reading: Reading) -> list[int]:
    """The same, with a start wherever an id comes again before the next one."""
    ids = all_rows.goroutine_id.tolist()
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
        if goroutine_id in seen and not listing:
            start = next((k for k in range(place, found[-1], -1) if likely[k]), place)
            found.append(start)
            seen = set(ids[start:place])
        seen.add(goroutine_id)
    return found


def _below(all_rows: Rows, reading: Reading, kind: str) -> npt.NDArray[np.bool_]:
    """Which rows are the first below a mark of a kind."""
    marked = np.zeros(len(all_rows), dtype=np.bool_)
    lines = np.array([mark.line for mark in reading.marks if mark.kind == kind], dtype=np.int64)
    below = np.searchsorted(all_rows.line, lines)
    marked[below[below < len(all_rows)]] = True
    return marked


def _likely_starts(all_rows: Rows, reading: Reading) -> npt.NDArray[np.bool_]:
    """Where a dump may begin: below other text, where the blank line is missing, at a running goroutine with a stack.

    runtime.Stack prints the goroutine that calls it first, and no other running one with its frames.
    """
    likely = _below(all_rows, reading, "text")
    no_blank = ~all_rows.after_blank
    if float(no_blank.mean()) < 0.5:  # else blank lines were dropped throughout and say nothing
        likely |= no_blank
    likely |= _running_with_stack(all_rows, reading)
    return likely


def _running_with_stack(found: Rows, reading: Reading) -> npt.NDArray[np.bool_]:
    """Which goroutines run and have frames: the one that the runtime prints first."""
    running = np.array([header.wait_reason == "running" for header in reading.interned.headers])[reading.interned.plain]
    shown = np.array([bool(stack.frames) for stack in reading.interned.stacks])
    both: npt.NDArray[np.bool_] = running[found.header] & shown[found.stack]
    return both


# -- what is no goroutine of its own ---------------------------------------------------------------------------------


def _without_repeats(part: _Part, reading: Reading) -> _Part:
    """GOTRACEBACK=crash lists running goroutines again with their thread: keep the listing that has a stack."""
    if not _repeats(part.rows):
        return part
    ids = part.rows.goroutine_id
    best: dict[int, int] = {}
    dropped: list[int] = []
    doubts: list[int] = []
    for place, goroutine_id in enumerate(ids.tolist()):
        first = best.get(goroutine_id)
        if first is None or goroutine_id == 0:  # each thread has a goroutine 0 of its own
            best[goroutine_id] = place
            continue
        kept, again = (reading.interned.stacks[part.rows.stack[row]] for row in (first, place))
        has_frames = bool(kept.frames)
        if has_frames and again.frames and kept != again:  # neither hides the other: one may be a stranger's text
            doubts.append(place)
            continue
        dropped.append(place if has_frames else first)
        best[goroutine_id] = first if has_frames else place
    for place in dropped:
        reason = "goroutine listed twice (GOTRACEBACK=crash); counted once"
        part = _note(part, int(part.rows.line[place]), reason, f"goroutine {ids[place]}", not_counted=1)
    for place in doubts:
        reason = "goroutine listed twice, with another stack; both are counted"
        part = _note(part, int(part.rows.line[place]), reason, f"goroutine {ids[place]}", doubtful=True)
    return replace(part, rows=part.rows.take(np.setdiff1d(np.arange(len(ids)), dropped)))


def _without_fake(part: _Part, reading: Reading) -> _Part:
    """A panic message of several lines may hold text that looks like a goroutine (printed raw up to Go 1.22).

    The real one is the goroutine that panicked: it comes right after the message, is running, and no other running one
    with a stack can follow. A message's goroutine stands before it and has neither creator nor main frame.
    """
    dropped = 0
    while dropped + 1 < len(part.rows) and _is_fake(part.rows, dropped, part.first_line, reading):
        line = int(part.rows.line[dropped])
        reason = "looks like a goroutine header, but stands inside the panic message; not counted"
        part = _note(part, line, reason, not_counted=1)
        dropped += 1
    return replace(part, rows=part.rows.take(np.arange(dropped, len(part.rows)))) if dropped else part


def _with_doubts(part: _Part, reading: Reading) -> _Part:
    """Say so where goroutines below a panic may be text of its message, and nothing tells whether they are.

    The goroutine that panicked comes first, and is the only running one with a stack: what stands above the last such
    one may have been written by a stranger.
    """
    found = part.rows
    if not len(found) or not _panics(part.first_line, int(found.line[0]), reading):
        return part
    if len(part.slice([mark.line for mark in reading.marks if mark.kind == "thread"])):
        return part  # GOTRACEBACK=crash: each thread has a running goroutine
    running = np.flatnonzero(_running_with_stack(found, reading))
    if not len(running) or not running[-1]:
        return part
    reason = f"the first {running[-1]:,} goroutines below the panic may be text of its message; all are counted"
    return _note(part, int(found.line[0]), reason, doubtful=True)


def _with_follower(part: _Part, following: _Part | None, reading: Reading) -> _Part:
    """Say so where a second dump follows a panic's without a cause of its own: a process that dies prints one."""
    if following is None or not len(part.rows) or not len(following.rows):
        return part
    line, own = int(part.rows.line[0]), int(following.rows.line[0])
    caused = any(
        mark.kind == "cause" for k in following.slice(_Lines(reading.marks)) if (mark := reading.marks[k]).line < own
    )
    if caused or not _panics(part.first_line, line, reading):
        return part
    return _note(
        part, line, "these goroutines may be text of the panic's message: a second dump follows", doubtful=True
    )


def _panics(first_line: int, line: int, reading: Reading) -> bool:
    """Whether a panic is told of between two lines."""
    above = range(bisect_left(_Lines(reading.marks), first_line), bisect_left(_Lines(reading.marks), line))
    return any(reading.marks[k].text.startswith("panic: ") for k in above)


def _is_fake(found: Rows, place: int, first_line: int, reading: Reading) -> bool:
    panics = _panics(first_line, int(found.line[place]), reading)
    if not panics or not (_runs(found, place, reading) and _runs(found, place + 1, reading)):
        return False
    stack, following = (reading.interned.stacks[found.stack[k]] for k in (place, place + 1))
    is_whole = stack.created_by is not None or (bool(stack.frames) and stack.frames[-1].function in _MAIN_FRAMES)
    return not is_whole and bool(following.frames)


def _runs(found: Rows, place: int, reading: Reading) -> bool:
    header = reading.interned.header(int(found.header[place]))
    return header.wait_reason == "running"


# -- tables ----------------------------------------------------------------------------------------------------------


def _snapshot(part: _Part, reading: Reading, data: bytes, *, cut: bool) -> Snapshot:
    problems = [reading.problems[k] for k in part.slice(_Lines(reading.problems))]
    lost = len(part.slice(reading.lost_lines))
    causes = [mark.text for k in part.slice(_Lines(reading.marks)) if (mark := reading.marks[k]).kind == "cause"]
    ancestors = [reading.ancestors[k] for k in part.slice([found[0] for found in reading.ancestors])]
    if ancestors:  # those of goroutines that are not counted go with them
        counted = set(part.rows.line.tolist())
        ancestors = [found for found in ancestors if found[0] in counted]
    used = dict.fromkeys([*rows.in_order(part.rows.stack), *(found[4] for found in ancestors)])
    stack_ids = {old: new for new, old in enumerate(used)}
    stacks = tuple(reading.interned.stacks[old] for old in used)
    goroutines = _goroutines(part.rows, reading, stack_ids)
    return Snapshot(
        format=NAME,
        rows=goroutines,
        stacks=stacks,
        problems=bounded((*problems, *part.problems)),
        complete=not cut and not lost and not part.doubtful,
        header_lines=len(part.rows) + part.not_counted + len(part.slice(reading.hidden_lines)),
        cause=causes[0] if causes else None,
        dialect=dialect.of(goroutines, stacks),
        ancestors=pl.DataFrame(
            [(goroutine, depth, ancestor, stack_ids[stack]) for _, goroutine, depth, ancestor, stack in ancestors],
            schema=ANCESTOR_SCHEMA,
            orient="row",
        ),
        read_arguments=arguments.reader(
            data, part.rows.line, goroutines, stacks, reading.calls, reading.scattered_calls
        ),
    )


class _Lines(Sequence[int]):
    """The lines of things that have one, without copying them: what bisect needs."""

    def __init__(self, things: Sequence[Problem | Mark]) -> None:
        self._things = things

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [thing.line for thing in self._things[index]]
        return self._things[index].line


def _goroutines(found: Rows, reading: Reading, stack_ids: dict[int, int]) -> pl.DataFrame:
    headers, entry = reading.interned.headers, found.header
    plain = pl.Series(np.array(reading.interned.plain, dtype=np.uint32)[entry])
    new_stack = np.zeros(len(reading.interned.stacks), dtype=np.uint32)
    new_stack[list(stack_ids)] = list(stack_ids.values())
    has_creator = pl.Series(found.has_creator_id, dtype=pl.Boolean)
    columns = {
        "goroutine_id": pl.Series(found.goroutine_id, dtype=pl.UInt64),
        "stack_id": pl.Series(new_stack[found.stack], dtype=pl.UInt32),
        "creator_id": pl.Series(found.creator_id, dtype=pl.UInt64).zip_with(has_creator, _NO_ID),
        "line": pl.Series(found.line.astype(np.uint32), dtype=pl.UInt32),
    }
    for name in ("wait_reason", "wait_minutes", "locked", "leaked", "attributes", "thread"):
        values = pl.Series(list(map(attrgetter(name), headers)), dtype=GOROUTINE_SCHEMA[name])
        columns[name] = values.gather(plain)
    columns["labels"] = reading.interned.labels().gather(entry)
    return pl.DataFrame({name: columns[name] for name in GOROUTINE_SCHEMA})
