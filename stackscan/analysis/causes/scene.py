"""What a dump shows for the question why it stands still: what the goroutines of each stack wait for, and who else is
there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

import numpy as np
import polars as pl

from stackscan.analysis.locks import Locks
from stackscan.analysis.locks.sites import Site, site_of
from stackscan.formats.symbol import origin, read_symbol
from stackscan.knowledge.language import index_of
from stackscan.knowledge.language.index import Numbers
from stackscan.knowledge.language.reasons import names
from stackscan.model.snapshot import Frame, Snapshot, Stack

#: States of goroutines that wait for nobody: they run, or are about to.
MOVING: Final = frozenset({"running", "runnable", "syscall", "preempted", "copystack", "waiting", "idle", "dead"})
#: The frame in which the function of a sync.Once runs.
ONCE: Final = "sync.(*Once).doSlow"
#: Who writes the dump is running too, and holds nothing but its own.
_WRITERS: Final = (
    "runtime/pprof.writeGoroutineStacks", "runtime/pprof.(*Profile).WriteTo", "runtime/debug.Stack", "runtime.Stack",
    "runtime/pprof.runtime_goroutineProfileWithLabels", "runtime/pprof.writeRuntimeProfile", "runtime.Stack",
)  # fmt: skip
#: The endings of closures, and of the wrappers that the compiler makes for go statements.
_CLOSURE: Final = re.compile(r"(?:\.(?:func\d+|gowrap\d+|deferwrap\d+|\d+))+$")
#: Packages whose frames belong to the wait itself.
_BELOW: Final = frozenset({"runtime", "sync", "internal/sync", "sync/atomic"})
CHANNELS: Final = frozenset(
    {"chan send", "chan receive", "select", "chan send (nil chan)", "chan receive (nil chan)", "select (no cases)"}
)


@dataclass(frozen=True, eq=False)
class Waiting:
    """Goroutines in one stack that wait for the same reason (``rows`` in the snapshot, ``count`` of them).

    ``shown`` is the stack as it may be shown. ``reasons`` are all names of why they wait; ``own`` is the index of the
    first frame outside the runtime and package sync (None: there is none); ``leaked``: the runtime says of all of them
    that nobody alive can wake them.
    """

    stack_id: int
    stack: Stack
    shown: Stack = field(repr=False)
    reasons: frozenset[str]
    rows: Numbers = field(repr=False)
    count: int
    ids: tuple[int, ...]
    creators: frozenset[int]
    minutes: int
    leaked: bool
    site: Site | None
    own: int | None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames, innermost first."""
        return self.stack.frames

    @property
    def moving(self) -> bool:
        """Whether they run, or may at any moment."""
        return bool(self.reasons & MOVING)

    @cached_property
    def place(self) -> int | None:
        """The index of the frame to look at: the first of the program's own, else the first outside runtime and
        sync."""
        return next((at for at, frame in enumerate(self.frames) if origin(frame).kind != "std"), self.own)

    @property
    def where(self) -> Frame | None:
        """The frame to look at, as it may be shown."""
        return None if self.place is None else self.shown.frames[self.place]

    @property
    def is_writer(self) -> bool:
        """Whether this is the goroutine that writes the dump."""
        return any(frame.function in _WRITERS for frame in self.frames)

    @cached_property
    def types(self) -> dict[str, int]:
        """The types whose methods (or their closures) are on the stack, each with its innermost frame."""
        found: dict[str, int] = {}
        for at, frame in enumerate(self.frames):
            kind = type_of(frame.function)
            if kind is not None:
                found.setdefault(kind, at)
        return found

    @cached_property
    def packages(self) -> frozenset[str]:
        """The packages of the program's own frames."""
        return frozenset(read_symbol(f.function).package for f in self.frames if origin(f).kind != "std")


@lru_cache(maxsize=65536)
def type_of(function: str) -> str | None:
    """``pkg.(*T)`` of a method of T, by pointer or by value, or of a closure in one; None for everything else."""
    symbol = read_symbol(function)
    if symbol.receiver is None:
        return None
    return f"{symbol.package}.(*{symbol.receiver.lstrip('*').partition('[')[0]})"


@lru_cache(maxsize=65536)
def function_of(function: str) -> str:
    """The function that a closure was written in: ``main.run`` of ``main.run.func2.1``, ``main.run.gowrap1``."""
    return _CLOSURE.sub("", function)


class Scene:
    """All goroutines of a dump by what they wait for.

    ``idle`` are rows that wait as expected, by a rule; ``shown`` are the stacks as they may be shown (redacted), in the
    order of the snapshot's.
    """

    def __init__(self, snapshot: Snapshot, locks: Locks, idle: Iterable[int], shown: Sequence[Stack]) -> None:
        self.snapshot = snapshot
        self.locks = locks
        self.waits = tuple(_waits(snapshot, shown))
        self.idle_rows = frozenset(idle)
        self.shows_addresses = shown is snapshot.stacks

    @cached_property
    def of_row(self) -> dict[int, Waiting]:
        """The waiting of each row."""
        return {row: wait for wait in self.waits for row in wait.rows.tolist()}

    @cached_property
    def by_stack(self) -> dict[Stack, list[Waiting]]:
        """The waitings of each stack."""
        found: dict[Stack, list[Waiting]] = {}
        for wait in self.waits:
            found.setdefault(wait.stack, []).append(wait)
        return found

    @cached_property
    def by_type(self) -> dict[str, list[Waiting]]:
        """The waitings with a method of each type on their stack."""
        found: dict[str, list[Waiting]] = {}
        for wait in self.waits:
            for kind in wait.types:
                found.setdefault(kind, []).append(wait)
        return found

    @cached_property
    def by_function(self) -> dict[str, list[Waiting]]:
        """The waitings of each function on their stacks, outside the standard library."""
        found: dict[str, list[Waiting]] = {}
        for wait in self.waits:
            for function in {frame.function for frame in wait.frames if origin(frame).kind != "std"}:
                found.setdefault(function, []).append(wait)
        return found

    @cached_property
    def by_enclosing(self) -> dict[str, list[Waiting]]:
        """The waitings of each function on their stacks, closures counted to the function that they were written in."""
        found: dict[str, list[Waiting]] = {}
        for wait in self.waits:
            for function in {function_of(frame.function) for frame in wait.frames if origin(frame).kind != "std"}:
                found.setdefault(function, []).append(wait)
        return found

    def waits_of(self, rows: Iterable[int]) -> list[Waiting]:
        """The waitings of some rows, each once, most of those rows first."""
        counts = Counter(id(self.of_row[row]) for row in rows)
        by_id = {id(self.of_row[row]): self.of_row[row] for row in rows}
        return [by_id[key] for key, _ in counts.most_common()]

    def ids(self, rows: Iterable[int]) -> tuple[int, ...]:
        """The first 20 ids of some rows, as far as they have any."""
        column = self.snapshot.rows["goroutine_id"]
        return tuple(number for row in islice(rows, 20) if (number := column[row]) is not None)

    def with_ids(self, ids: Iterable[int]) -> Iterator[Waiting]:
        """The waitings of these goroutines, as far as they are alive."""
        yield from (self.of_row[self.row_of_id[number]] for number in ids if number in self.row_of_id)

    @cached_property
    def row_of_id(self) -> dict[int, int]:
        """The row of each goroutine's id."""
        ids = self.snapshot.rows["goroutine_id"].to_list()
        return {number: row for row, number in enumerate(ids) if number is not None}

    def count(self, rows: Iterable[int]) -> int:
        """How many goroutines some rows stand for."""
        return self.snapshot.count(np.fromiter(rows, dtype=np.int64))

    @cached_property
    def locks_of_type(self) -> Counter[str | None]:
        """How many locks that goroutines wait for lie in objects of each type."""
        return Counter(lock.owner_type for lock in self.locks.locks)

    @cached_property
    def creators(self) -> list[int | None]:
        """Who started the goroutine of each row."""
        return self.snapshot.rows["creator_id"].to_list()

    @cached_property
    def by_creator(self) -> dict[int, list[int]]:
        """The rows of the goroutines that each goroutine started."""
        found: dict[int, list[int]] = {}
        for row, creator in enumerate(self.creators):
            if creator is not None:
                found.setdefault(creator, []).append(row)
        return found

    @cached_property
    def is_whole(self) -> bool:
        """Whether all goroutines of the process are here, so that what is not here is nowhere."""
        return self.snapshot.complete and any(self.is_main(wait) for wait in self.waits)

    @staticmethod
    def is_main(wait: Waiting) -> bool:
        """Whether this is the main goroutine, of a program or of a test."""
        return any(frame.function in ("main.main", "testing.(*T).Run", "testing.(*M).Run") for frame in wait.frames)

    @cached_property
    def all_asleep(self) -> bool:
        """Whether the runtime itself says that nothing can move."""
        return "all goroutines are asleep" in (self.snapshot.cause or "")

    @cached_property
    def counted(self) -> bool:
        """Whether rows stand for many goroutines: such a format has no ids, so nobody can be followed."""
        return self.snapshot.counts is not None

    def receiver(self, row: int, frame: int) -> int | None:
        """The first word that a frame of a goroutine that waits for a lock shows, where it is certain: of a method, its
        object."""
        return self._receivers.get((row, frame))

    @cached_property
    def _receivers(self) -> dict[tuple[int, int], int]:
        asking = [wait for wait in self.waits if wait.site is not None and wait.own is not None]
        frames = {
            frame for wait in asking for frame in wait.frames if type_of(frame.function) or frame.function == ONCE
        }
        words = self.snapshot.arguments(frames) if frames else None
        if words is None:
            return {}
        first = words.filter((pl.col("position") == 0) & pl.col("reliable"))
        keys = zip(first["goroutine"].to_list(), first["frame"].to_list(), strict=True)
        return dict(zip(keys, first["word"].to_list(), strict=True))

    def others_in(self, package: str, waiters: Iterable[Waiting]) -> bool:
        """Whether anybody else has a frame of a package and is not idle."""
        mine = set(map(id, waiters))
        return any(id(wait) not in mine for wait in self.in_package.get(package, ()))

    @cached_property
    def in_package(self) -> dict[str, list[Waiting]]:
        """The waitings that are not idle by the packages of their own frames."""
        found: dict[str, list[Waiting]] = {}
        for wait in self.waits:
            for package in () if self.is_idle(wait) or wait.is_writer else wait.packages:
                found.setdefault(package, []).append(wait)
        return found

    @cached_property
    def by_starter(self) -> dict[str, list[Waiting]]:
        """The waitings by the function whose go statement began them."""
        found: dict[str, list[Waiting]] = {}
        for wait in self.waits:
            if wait.stack.created_by is not None:
                found.setdefault(function_of(wait.stack.created_by.function), []).append(wait)
        return found

    def is_busy(self, package: str) -> bool:
        """Whether goroutines run in a package: they may hold anything of it."""
        return self._unseen or package in self._busy

    @cached_property
    def _busy(self) -> frozenset[str]:
        return frozenset(p for w in self.waits if w.moving and not w.is_writer for p in w.packages)

    @cached_property
    def _unseen(self) -> bool:
        """Whether a goroutine runs that shows no frames."""
        return any(wait.moving and not wait.frames for wait in self.waits)

    def is_idle(self, wait: Waiting) -> bool:
        """Whether all of them wait as expected."""
        return bool(self.idle_rows) and all(row in self.idle_rows for row in wait.rows.tolist())


def _waits(snapshot: Snapshot, shown: Sequence[Stack]) -> Iterator[Waiting]:
    index = index_of(snapshot)
    ids, known = index.column("goroutine_id")
    creators, created = index.column("creator_id")
    minutes, _ = index.column("wait_minutes")
    leaked, _ = index.column("leaked")
    order = np.argsort(index.row_cell, kind="stable")
    bounds = np.searchsorted(index.row_cell[order], np.arange(len(index.cell_stack) + 1))
    for cell, stack_id in enumerate(index.cell_stack.tolist()):
        rows = order[bounds[cell] : bounds[cell + 1]]
        stack = snapshot.stacks[stack_id]
        reasons = names(index.cell_reason[cell], stack.functions) or frozenset()
        site = None if reasons & MOVING else site_of(stack)
        if site is None and reasons == {"semacquire"}:
            reasons = frozenset({"runnable"})  # it waits for the runtime: the world was stopped
        yield Waiting(
            stack_id=stack_id,
            stack=stack,
            shown=shown[stack_id],
            reasons=reasons,
            rows=rows,
            count=snapshot.count(rows),
            ids=tuple(ids[rows][known[rows]].tolist()[:20]),
            creators=frozenset(creators[rows][created[rows]].tolist()),
            minutes=int(minutes[rows].max()) if len(rows) else 0,
            leaked=bool(leaked[rows].all()),
            site=site,
            own=_own(stack) if site is None else site.asker,
        )


def _own(stack: Stack) -> int | None:
    for at, frame in enumerate(stack.frames):
        package = read_symbol(frame.function).package
        if package not in ("runtime", "sync", "internal/sync", "sync/atomic") and not package.startswith(
            "internal/runtime"
        ):
            return at
    return None
