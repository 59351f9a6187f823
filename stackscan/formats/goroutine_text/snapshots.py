"""From the rows of one text to its snapshots: where one dump ends and the next begins, what is listed twice, what is
no goroutine at all, and whether anything is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text import dialect, rows
from stackscan.formats.goroutine_text.rows import Rows
from stackscan.snapshot import ANCESTOR_SCHEMA, GOROUTINE_SCHEMA, Problem, Snapshot, Stack

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.reader import Reading

NAME: Final = "goroutine-text"
#: net/http/pprof stops a debug=2 dump at exactly this many bytes (runtime/pprof.writeGoroutineStacks).
PPROF_LIMIT: Final = 64 << 20
_MAIN_FRAMES: Final = frozenset({"main.main", "runtime.main", "runtime.goexit", "runtime.mstart", "testing.tRunner"})
_MOST_OF_A_KIND: Final = 100


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one snapshot, its lines (first, end) and what was found about it on the way."""

    rows: Rows
    first_line: int
    end_line: float
    problems: tuple[Problem, ...] = ()


def build(reading: Reading, *, size: int, unterminated: bool) -> list[Snapshot]:
    """The snapshots of a text of ``size`` bytes."""
    parts = _split(rows.merge(reading.parts) if reading.parts else rows.from_careful([], reading.interned), reading)
    cut_by_pprof = size == PPROF_LIMIT and unterminated
    built = []
    for place, found in enumerate(parts):
        cut = place == len(parts) - 1 and (reading.cut or cut_by_pprof)
        part = _without_fake(_without_repeats(found, reading), reading)
        if cut:
            last = int(part.rows.line[-1]) if len(part.rows) else part.first_line
            part = _note(part, last, _cut_reason(by_pprof=cut_by_pprof))
        built.append(_snapshot(part, reading, cut=cut))
    return built


def _cut_reason(*, by_pprof: bool) -> str:
    if by_pprof:
        return (
            "cut at exactly 64 MiB, the limit of net/http/pprof's debug=2: more goroutines exist than are listed; "
            "take debug=0 or debug=1 for true totals"
        )
    return "the text ends in the middle of this goroutine: the dump was cut"


def _note(part: _Part, line: int, reason: str, excerpt: str = "") -> _Part:
    return replace(part, problems=(*part.problems, Problem(line, reason, excerpt)))


# -- one file, several dumps -----------------------------------------------------------------------------------------


def _split(all_rows: Rows, reading: Reading) -> list[_Part]:
    """A repeated id starts a new snapshot, unless the runtime lists threads one by one (GOTRACEBACK=crash)."""
    if not _repeats(all_rows):
        return [_Part(all_rows, 1, float("inf"))]
    starts = _starts(all_rows, reading)
    ends = [*starts[1:], len(all_rows)]
    parts = []
    for place, (low, high) in enumerate(zip(starts, ends, strict=True)):
        first = 1 if place == 0 else _first_line(all_rows, low, reading)
        end: float = float("inf") if high == len(all_rows) else _first_line(all_rows, high, reading)
        parts.append(_Part(all_rows.take(np.arange(low, high)), first, end))
    return parts


def _repeats(found: Rows) -> bool:
    """Whether an id occurs twice."""
    return pl.Series(found.goroutine_id).n_unique() < len(found)


def _first_line(all_rows: Rows, start: int, reading: Reading) -> int:
    """Where a snapshot's text begins: at the cause above its first goroutine, or at that goroutine."""
    above = int(all_rows.line[start - 1])
    first = int(all_rows.line[start])
    causes = [mark.line for mark in reading.marks if above < mark.line < first and mark.kind == "cause"]
    return min(causes, default=first)


def _starts(all_rows: Rows, reading: Reading) -> list[int]:
    ids = all_rows.goroutine_id.tolist()
    lines = all_rows.line
    threads = np.array([mark.line for mark in reading.marks if mark.kind == "thread"], dtype=np.int64)
    causes = np.array([mark.line for mark in reading.marks if mark.kind == "cause"], dtype=np.int64)
    begins = _begins_dump(all_rows, causes)
    starts = [0]
    seen: set[int] = set()
    for place, goroutine_id in enumerate(ids):
        if goroutine_id in seen and not _between(threads, lines[starts[-1]], lines[place]):
            start = next((k for k in range(place, starts[-1], -1) if begins[k]), place)
            starts.append(start)
            seen = set(ids[start:place])
        seen.add(goroutine_id)
    return starts


def _between(marks: npt.NDArray[np.int64], low: np.int64, high: np.int64) -> bool:
    return bool(np.any((marks > low) & (marks < high)))


def _begins_dump(all_rows: Rows, causes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Where a dump may begin: under a panic or signal line, or where the blank line before a goroutine is missing."""
    begins = np.zeros(len(all_rows), dtype=np.bool_)
    below = np.searchsorted(all_rows.line, causes)
    begins[below[below < len(all_rows)]] = True
    no_blank = ~all_rows.after_blank
    if float(no_blank.mean()) < 0.5:  # else blank lines were dropped throughout and say nothing
        begins |= no_blank
    return begins


# -- what is no goroutine of its own ---------------------------------------------------------------------------------


def _without_repeats(part: _Part, reading: Reading) -> _Part:
    """GOTRACEBACK=crash lists running goroutines again with their thread: keep the listing that has a stack."""
    if not _repeats(part.rows):
        return part
    ids = part.rows.goroutine_id
    best: dict[int, int] = {}
    dropped: list[int] = []
    for place, goroutine_id in enumerate(ids.tolist()):
        first = best.get(goroutine_id)
        if first is None or goroutine_id == 0:  # each thread has a goroutine 0 of its own
            best[goroutine_id] = place
            continue
        has_frames = bool(reading.interned.stacks[part.rows.stack[first]].frames)
        dropped.append(place if has_frames else first)
        best[goroutine_id] = first if has_frames else place
    for place in dropped:
        reason = "goroutine listed twice (GOTRACEBACK=crash); counted once"
        part = _note(part, int(part.rows.line[place]), reason, f"goroutine {ids[place]}")
    return replace(part, rows=part.rows.take(np.setdiff1d(np.arange(len(ids)), dropped)))


def _without_fake(part: _Part, reading: Reading) -> _Part:
    """A panic message of several lines may hold text that looks like a goroutine (printed raw up to Go 1.22).

    The real one is the goroutine that panicked: it comes right after the message, is running, and no other running one
    with a stack can follow. A message's goroutine stands before it and has neither creator nor main frame.
    """
    dropped = 0
    while dropped + 1 < len(part.rows) and _is_fake(part.rows, dropped, part.first_line, reading):
        line = int(part.rows.line[dropped])
        part = _note(part, line, "looks like a goroutine header, but stands inside the panic message; not counted")
        dropped += 1
    return replace(part, rows=part.rows.take(np.arange(dropped, len(part.rows)))) if dropped else part


def _is_fake(found: Rows, place: int, first_line: int, reading: Reading) -> bool:
    line = int(found.line[place])
    panics = [m for m in reading.marks if first_line <= m.line < line and m.text.startswith("panic: ")]
    if not panics or not (_runs(found, place, reading) and _runs(found, place + 1, reading)):
        return False
    stack, following = (reading.interned.stacks[found.stack[k]] for k in (place, place + 1))
    is_whole = stack.created_by is not None or (bool(stack.frames) and stack.frames[-1].function in _MAIN_FRAMES)
    return not is_whole and bool(following.frames)


def _runs(found: Rows, place: int, reading: Reading) -> bool:
    header = reading.interned.headers[int(found.header[place])]
    return header.wait_reason == "running"


# -- tables ----------------------------------------------------------------------------------------------------------


def _snapshot(part: _Part, reading: Reading, *, cut: bool) -> Snapshot:
    inside = [p for p in reading.problems if part.first_line <= p.line < part.end_line]
    lost = sum(part.first_line <= line < part.end_line for line in reading.lost_lines)
    stacks, stack_ids = _used_stacks(part, reading)
    goroutines = _goroutines(part.rows, reading, stack_ids)
    causes = [m.text for m in reading.marks if m.kind == "cause" and part.first_line <= m.line < part.end_line]
    problems = sorted((*inside, *part.problems), key=lambda problem: problem.line)
    return Snapshot(
        format=NAME,
        goroutines=goroutines,
        stacks=stacks,
        problems=_bounded(problems),
        complete=not cut and not lost,
        header_lines=len(part.rows)
        + sum("counted once" in p.reason or "not counted" in p.reason for p in part.problems),
        cause=causes[0] if causes else None,
        dialect=dialect.of(goroutines, stacks),
        ancestors=_ancestors(part, reading, stack_ids),
    )


def _used_stacks(part: _Part, reading: Reading) -> tuple[tuple[Stack, ...], npt.NDArray[np.int64]]:
    """The stacks of this snapshot, in the order of its goroutines, and the new id of each old one."""
    used = part.rows.stack.tolist()
    used += [stack for line, _, _, _, stack in reading.ancestors if part.first_line <= line < part.end_line]
    order = list(dict.fromkeys(used))
    new_ids = np.zeros(len(reading.interned.stacks), dtype=np.int64)
    new_ids[order] = np.arange(len(order))
    return tuple(reading.interned.stacks[old] for old in order), new_ids


def _goroutines(found: Rows, reading: Reading, stack_ids: npt.NDArray[np.int64]) -> pl.DataFrame:
    headers = reading.interned.headers
    used, index = np.unique(found.header, return_inverse=True)
    distinct = [headers[k] for k in used.tolist()]
    by_header = pl.DataFrame(
        {
            name: [getattr(header, name) for header in distinct]
            for name in ("wait_reason", "wait_minutes", "locked", "leaked", "attributes", "thread", "labels")
        },
        schema_overrides={name: GOROUTINE_SCHEMA[name] for name in GOROUTINE_SCHEMA},
    )
    table = by_header[index.astype(np.uint32)] if len(index) else by_header
    creator = pl.Series("creator_id", found.creator_id, dtype=pl.UInt64)
    has_creator = pl.Series(found.has_creator_id, dtype=pl.Boolean)
    return table.with_columns(
        pl.Series("goroutine_id", found.goroutine_id, dtype=pl.UInt64),
        pl.Series("stack_id", stack_ids[found.stack], dtype=pl.UInt32),
        creator.zip_with(has_creator, pl.Series([None], dtype=pl.UInt64)),
        pl.Series("line", found.line, dtype=pl.UInt32),
    ).select(pl.col(name).cast(kind) for name, kind in GOROUTINE_SCHEMA.items())


def _ancestors(part: _Part, reading: Reading, stack_ids: npt.NDArray[np.int64]) -> pl.DataFrame:
    found = [
        (goroutine_id, depth, ancestor, int(stack_ids[stack]))
        for line, goroutine_id, depth, ancestor, stack in reading.ancestors
        if part.first_line <= line < part.end_line
    ]
    return pl.DataFrame(found, schema=ANCESTOR_SCHEMA, orient="row")


def _bounded(problems: list[Problem]) -> tuple[Problem, ...]:
    """At most _MOST_OF_A_KIND problems for one reason, then one that counts the others."""
    kept: list[Problem] = []
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.reason] = counts.get(problem.reason, 0) + 1
        if counts[problem.reason] <= _MOST_OF_A_KIND:
            kept.append(problem)
    for reason, count in counts.items():
        if count > _MOST_OF_A_KIND:
            kept.append(Problem(problems[-1].line, f"{count - _MOST_OF_A_KIND} more: {reason}"))
    return tuple(kept)
