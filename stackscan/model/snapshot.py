"""The content of one goroutine dump, for all formats.

A dump of 200,000 goroutines holds a few hundred distinct stacks: :class:`Frame` and :class:`Stack` are frozen, interned
dataclasses, goroutines are rows of a table (:mod:`stackscan.model.table`, :mod:`stackscan.model.schemas`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from itertools import chain, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from stackscan.model.conclusion import Conclusion
from stackscan.model.table import Table

if TYPE_CHECKING:
    from typing import Protocol

    import polars as pl

    from stackscan.model.arguments import Words


@dataclass(frozen=True, slots=True, init=False)
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
    _hash: int = field(init=False, repr=False, compare=False)

    def __init__(self, function: str, file: str, line: int, pc_offset: int | None = None) -> None:
        # A text may have 100,000 frames: to set the slots themselves takes half as long as dataclass's __init__ does.
        _set_function(self, function)
        _set_file(self, file)
        _set_line(self, line)
        _set_pc_offset(self, pc_offset)
        _set_hash_of_frame(self, hash((function, file, line, pc_offset)))

    def __hash__(self) -> int:
        return self._hash  # looked up far more often than made

    def __reduce__(self) -> tuple[object, ...]:
        return Frame, (self.function, self.file, self.line, self.pc_offset)  # texts hash otherwise in another process


def _setters(made: type) -> tuple[Callable[[object, object], None], ...]:
    """What sets each field of an object of this frozen class while it is made."""
    return tuple(getattr(made, one.name).__set__ for one in fields(made))


_set_function, _set_file, _set_line, _set_pc_offset, _set_hash_of_frame = _setters(Frame)


@dataclass(frozen=True, slots=True, init=False)
class Stack:
    """Where a goroutine is: frames innermost first, and the ``go`` statement that created it.

    ``elided`` is the number of frames that the runtime left out of the middle (0: none; None: some, it did not say
    how many). ``unavailable`` is true when the goroutine was running on another thread and has no frames.
    """

    frames: tuple[Frame, ...]
    created_by: Frame | None = None
    elided: int | None = 0
    unavailable: bool = False
    #: The function symbols, innermost first.
    functions: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        frames: tuple[Frame, ...],
        created_by: Frame | None = None,
        elided: int | None = 0,
        unavailable: bool = False,
    ) -> None:
        _set_frames(self, frames)
        _set_created_by(self, created_by)
        _set_elided(self, elided)
        _set_unavailable(self, unavailable)
        _set_functions(self, tuple([frame.function for frame in frames]))
        _set_hash_of_stack(self, hash((frames, created_by, elided, unavailable)))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return Stack, (self.frames, self.created_by, self.elided, self.unavailable)


_set_frames, _set_created_by, _set_elided, _set_unavailable, _set_functions, _set_hash_of_stack = _setters(Stack)


@dataclass(frozen=True, slots=True)
class Problem:
    """One damaged or doubtful place: its 1-based line in the source, why, and what stands there (one line)."""

    line: int
    reason: str
    excerpt: str = ""


if TYPE_CHECKING:

    class ReadWords(Protocol):
        """What reads words: of these frames (None: of all); of these only those that are ``among`` some (None: any),
        and only the first of each list if ``first``."""

        def __call__(
            self, of: Collection[Frame] | None, among: Collection[int] | None = None, *, first: bool = False
        ) -> Words:
            """The words, by goroutine, frame and position."""
            ...


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One dump, as read.

    ``table`` holds its goroutines in the order of the dump; :attr:`rows` is the same as polars has it
    (:data:`~stackscan.model.schemas.GOROUTINE_SCHEMA`). In a counted format a row stands for as many equal goroutines
    as ``counts`` has at its place (None: each row is one); :attr:`goroutines` has a row for each.

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
    table: Table
    stacks: tuple[Stack, ...]
    problems: tuple[Problem, ...] = ()
    complete: bool = True
    header_lines: int = 0
    cause: str | None = None
    message: tuple[str, ...] = ()
    dialect: str | None = None
    ancestor_table: Table = field(default_factory=lambda: Table.empty("ancestors"))
    captured_at: datetime | None = None
    read_arguments: ReadWords | None = None
    counts: Sequence[int] | None = None
    conclusions: tuple[Conclusion, ...] = ()
    leak_profile: bool = False
    build_id: str | None = None
    addresses: frozenset[int] = frozenset()
    sums: tuple[tuple[str, int], ...] = ()

    @property
    def rows(self) -> pl.DataFrame:
        """The goroutines as polars has them."""
        return self.table.frame

    @property
    def ancestors(self) -> pl.DataFrame:
        """The printed ancestors (:data:`~stackscan.model.schemas.ANCESTOR_SCHEMA`)."""
        return self.ancestor_table.frame

    def column(self, name: str) -> list[Any]:
        """A column of the rows as a list, which nobody may change."""
        return self.table.column(name)

    @cached_property
    def cells(self) -> dict[tuple[int, str | None], list[int]]:
        """The rows of each stack with each wait reason, in the order of the dump."""
        found: dict[tuple[int, str | None], list[int]] = {}
        for row, key in enumerate(zip(self.column("stack_id"), self.column("wait_reason"), strict=True)):
            rows = found.get(key)
            if rows is None:
                found[key] = [row]
            else:
                rows.append(row)
        return found

    @cached_property
    def files(self) -> str:
        """The distinct files of all frames, a line each: to find out at once what none of them holds."""
        frames = chain.from_iterable(map(attrgetter("frames"), self.stacks))
        return "\n".join(dict.fromkeys(map(attrgetter("file"), frames)))

    @cached_property
    def total(self) -> int:
        """How many goroutines there are."""
        return len(self.table) if self.counts is None else sum(self.counts)

    @property
    def counted_rows(self) -> pl.DataFrame:
        """The rows with how many goroutines each stands for, in a column ``count`` (UInt32)."""
        import polars as pl

        one = pl.lit(1, pl.UInt32).alias("count")
        return self.rows.with_columns(one if self.counts is None else pl.Series("count", self.counts, pl.UInt32))

    @cached_property
    def goroutines(self) -> pl.DataFrame:
        """One row a goroutine, each with all columns: of a counted snapshot much more than it holds."""
        if self.counts is None:
            return self.rows
        import polars as pl

        places = chain.from_iterable(map(repeat, range(len(self.table)), self.counts))
        return self.rows[pl.Series(places, dtype=pl.UInt32)]

    def counts_by(self, *columns: str) -> dict[tuple[Any, ...], int]:
        """How many goroutines share the values of these columns, in the order of the dump."""
        keys = zip(*map(self.column, columns), strict=True)
        if self.counts is None:
            return Counter(keys)
        found: dict[tuple[Any, ...], int] = {}
        for key, count in zip(keys, self.counts, strict=True):
            found[key] = found.get(key, 0) + count
        return found

    def count(self, rows: Iterable[int]) -> int:
        """How many goroutines some rows (their places) stand for."""
        if self.counts is None:
            return len(rows) if type(rows) is list or isinstance(rows, Collection) else sum(1 for _ in rows)
        return sum(self.counts[row] for row in rows)

    def words(
        self, of: Collection[Frame] | None = None, *, among: Collection[int] | None = None, first: bool = False
    ) -> Words | None:
        """The words of argument lists that may be pointers: of these frames or of all, of these only those that are
        ``among`` some, and the first of each list only if ``first``; None where the format prints none. They are read
        from the text whenever asked."""
        return None if self.read_arguments is None else self.read_arguments(of, among, first=first)

    @cached_property
    def _arguments(self) -> pl.DataFrame | None:
        words = self.words()
        return None if words is None else words.table

    def arguments(self, of: Collection[Frame] | None = None) -> pl.DataFrame | None:
        """The words of argument lists as polars has them (:data:`~stackscan.model.schemas.ARGUMENT_SCHEMA`), of these
        frames or of all (which are kept); None where the format prints none."""
        if of is None:
            return self._arguments
        words = self.words(of)
        return None if words is None else words.table

    def check_valid(self) -> None:
        """Raise ValueError unless the tables have their declared columns and every stack id points at a stack."""
        for table in (self.table, self.ancestor_table):
            table.check_valid()
            highest = max((stack for stack in table.column("stack_id") if stack is not None), default=-1)
            if highest >= len(self.stacks):
                raise ValueError(f"{table.kind}: stack id {highest} of {len(self.stacks)} stacks")
        for role in (role for conclusion in self.conclusions for role in conclusion.roles):
            if not 0 <= role.row < len(self.table):
                raise ValueError(f"conclusions: row {role.row} of {len(self.table)} rows")
            if role.stack is not None and not 0 <= role.stack < len(self.stacks):
                raise ValueError(f"conclusions: stack {role.stack} of {len(self.stacks)} stacks")
        if None in self.column("stack_id"):
            raise ValueError("rows: a row without a stack id")
        if self.counts is not None and (len(self.counts) != len(self.table) or min(self.counts, default=1) <= 0):
            raise ValueError("counts: one for each row, and none is 0")
