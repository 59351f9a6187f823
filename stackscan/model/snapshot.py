"""The content of one goroutine dump, for all formats.

A dump of 200,000 goroutines holds a few hundred distinct stacks: :class:`Frame` and :class:`Stack` are frozen, interned
dataclasses, goroutines are rows of a polars table (:data:`GOROUTINE_SCHEMA`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.model.conclusion import Conclusion

#: Columns of :attr:`Snapshot.rows` and :attr:`Snapshot.goroutines`, in the order of the dump.
#: ``stack_id`` indexes :attr:`Snapshot.stacks`. Null means that the dump does not say.
GOROUTINE_SCHEMA: Final[dict[str, pl.DataType]] = {
    "goroutine_id": pl.UInt64(),  # ids were int64 up to Go 1.19, uint64 since
    "stack_id": pl.UInt32(),
    "wait_reason": pl.String(),  # the runtime's own text, without minutes and attributes: "chan receive"
    "wait_minutes": pl.UInt32(),  # a lower bound: the clock starts at the first garbage collection after parking
    "creator_id": pl.UInt64(),  # "in goroutine N", Go 1.21 and later
    "locked": pl.Boolean(),  # locked to its operating-system thread
    "leaked": pl.Boolean(),  # marked by the runtime's leak detector, Go 1.26 and later
    "attributes": pl.String(),  # what else the header says, as printed: "(durable), synctest bubble 1"
    "thread": pl.String(),  # "gp=0x… m=3 mp=0x…", crash dumps of Go 1.22 and later; Delve's "thread 4711"
    "labels": pl.String(),  # profiler labels as printed, "{job: 7}", Go 1.26 and later
    "line": pl.UInt32(),  # 1-based line of the header in the source
}

#: Columns of :attr:`Snapshot.ancestors`: one row a printed ancestor (GODEBUG=tracebackancestors=N, Go 1.11 and later).
ANCESTOR_SCHEMA: Final[dict[str, pl.DataType]] = {
    "goroutine_id": pl.UInt64(),
    "depth": pl.UInt32(),  # 1 is the parent
    "ancestor_id": pl.UInt64(),
    "stack_id": pl.UInt32(),
}

#: Columns of :meth:`Snapshot.arguments`: one row a word of an argument list that may be a pointer (0x1000 or more), by
#: goroutine, frame and position. Words are what stood in registers and on the stack, not values: a string is two.
ARGUMENT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "goroutine": pl.UInt32(),  # row of Snapshot.rows
    "frame": pl.UInt16(),  # index in the frames of its stack, 0 the innermost
    "position": pl.UInt16(),  # of the word in the list, braces undone, words left out here counted
    "word": pl.UInt64(),
    "reliable": pl.Boolean(),  # false behind a "?": the register may hold something else by now (Go 1.18 and later)
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One call site.

    ``function`` is the symbol as Go prints it, arguments off (``net/http.(*conn).serve``); ``line`` is 1-based, 0 or
    negative where the runtime did not know; ``pc_offset`` is the distance in bytes from the function's entry, None
    for inlined calls.
    """

    function: str
    file: str
    line: int
    pc_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """Where a goroutine is: frames innermost first, and the ``go`` statement that created it.

    ``elided`` is the number of frames that the runtime left out of the middle (0: none; None: some, it did not say
    how many). ``unavailable`` is true when the goroutine was running on another thread and has no frames.
    """

    frames: tuple[Frame, ...]
    created_by: Frame | None = None
    elided: int | None = 0
    unavailable: bool = False

    @property
    def functions(self) -> tuple[str, ...]:
        """The function symbols, innermost first."""
        return tuple(frame.function for frame in self.frames)


@dataclass(frozen=True, slots=True)
class Problem:
    """One damaged or doubtful place: its 1-based line in the source, why, and what stands there (one line)."""

    line: int
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One dump, as read.

    ``rows`` are its goroutines (:data:`GOROUTINE_SCHEMA`) in the order of the dump. In a counted format a row stands
    for as many equal goroutines as ``counts`` has at its place (None: each row is one); :attr:`goroutines` has a row
    for each.

    ``header_lines`` counts the lines that look like goroutine headers; ``complete`` is false when the dump was cut, a
    goroutine was lost, or some may be text of a panic's message; ``cause`` is the process's last message (``panic: …``,
    ``fatal error: …``, ``SIGQUIT: quit``), and ``message`` are all its lines (at most 64 of 200 characters; none where
    the cause does not stand in front of these goroutines, so that it is another event's); ``dialect`` names the Go
    versions that print like this; ``captured_at`` is the time in the dump itself, in UTC (protobuf profiles have one).
    ``read_arguments`` reads the argument lists, for which it keeps the text (None: the format has none).

    ``conclusions`` are those of the tool that printed the text (the race detector, goleak). ``leak_profile``: it is
    Go's goroutineleak profile, which lists leaked goroutines only. ``build_id`` is the program's and ``addresses`` are
    those of its code on the stacks, where the format prints them: both tell whether two captures are of one build.
    ``sums`` are functions, and on how many stacks each is, most first, where the format prints these in place of the
    stacks (``go tool pprof -top``).
    """

    format: str
    rows: pl.DataFrame
    stacks: tuple[Stack, ...]
    problems: tuple[Problem, ...] = ()
    complete: bool = True
    header_lines: int = 0
    cause: str | None = None
    message: tuple[str, ...] = ()
    dialect: str | None = None
    ancestors: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ANCESTOR_SCHEMA))
    captured_at: datetime | None = None
    read_arguments: Callable[[Collection[Frame] | None], pl.DataFrame] | None = None
    counts: pl.Series | None = None
    conclusions: tuple[Conclusion, ...] = ()
    leak_profile: bool = False
    build_id: str | None = None
    addresses: frozenset[int] = frozenset()
    sums: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        """How many goroutines there are."""
        return len(self.rows) if self.counts is None else int(self.counts.sum())

    @property
    def counted_rows(self) -> pl.DataFrame:
        """The rows with how many goroutines each stands for, in a column ``count`` (UInt32)."""
        one = pl.lit(1, pl.UInt32).alias("count")
        return self.rows.with_columns(one if self.counts is None else self.counts.alias("count"))

    @cached_property
    def goroutines(self) -> pl.DataFrame:
        """One row a goroutine, each with all columns: of a counted snapshot much more than it holds."""
        if self.counts is None:
            return self.rows
        places = np.repeat(np.arange(len(self.rows), dtype=np.uint32), self.counts.to_numpy())
        return self.rows[places]

    def counts_by(self, *columns: str) -> pl.DataFrame:
        """How many goroutines share the values of these columns (then ``count``), in the order of the dump."""
        return self.counted_rows.group_by(columns, maintain_order=True).agg(pl.col("count").sum())

    def count(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> int:
        """How many goroutines some rows (their places, or a mask of all) stand for."""
        if self.counts is None:
            return int(rows.sum()) if rows.dtype == np.bool_ else len(rows)
        return int(self.counts.to_numpy()[rows].sum(dtype=np.int64))

    def arguments(self, of: Collection[Frame] | None = None) -> pl.DataFrame | None:
        """The words of argument lists that may be pointers (:data:`ARGUMENT_SCHEMA`), of these frames or of all; None
        where the format prints none. Read from the text when asked; those of all frames are kept."""
        return None if self.read_arguments is None else self.read_arguments(of)

    def check_valid(self) -> None:
        """Raise ValueError unless the tables have their declared columns and every stack id points at a stack."""
        for name, table, schema in (
            ("rows", self.rows, GOROUTINE_SCHEMA),
            ("ancestors", self.ancestors, ANCESTOR_SCHEMA),
        ):
            if dict(table.schema) != schema:
                raise ValueError(f"{name}: columns {dict(table.schema)} are not the declared {schema}")
            highest = table.get_column("stack_id").max()
            if isinstance(highest, int) and highest >= len(self.stacks):
                raise ValueError(f"{name}: stack id {highest} of {len(self.stacks)} stacks")
        for role in (role for conclusion in self.conclusions for role in conclusion.roles):
            if not 0 <= role.row < len(self.rows):
                raise ValueError(f"conclusions: row {role.row} of {len(self.rows)} rows")
            if role.stack is not None and not 0 <= role.stack < len(self.stacks):
                raise ValueError(f"conclusions: stack {role.stack} of {len(self.stacks)} stacks")
        if self.rows.get_column("stack_id").null_count():
            raise ValueError("rows: a row without a stack id")
        if self.counts is not None and (len(self.counts) != len(self.rows) or not (self.counts > 0).all()):
            raise ValueError("counts: one for each row, and none is 0")
