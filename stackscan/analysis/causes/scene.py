"""What a dump shows for the question why it stands still: who waits for what, and who else is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter
from typing import Final

from stackscan.analysis.causes.waiting import MAINS, ONCE, Cells, Waiting, function_of, type_of
from stackscan.analysis.locks import Lock, Locks
from stackscan.model.counting import QUOTED, is_counted
from stackscan.model.snapshot import Frame, Snapshot, Stack

#: Goroutines of one stack that are looked at one by one.
_FEW: Final = 20


class Scene:
    """All goroutines of a dump by what they wait for.

    ``idle`` are rows that wait as expected, by a rule; ``shown`` are the stacks as they may be shown (redacted), in the
    order of the snapshot's.
    """

    def __init__(self, snapshot: Snapshot, locks: Locks, idle: Iterable[int], shown: Sequence[Stack]) -> None:
        self.snapshot = snapshot
        self.locks = locks
        self.cells = Cells(snapshot)
        self._shown = shown
        self.idle_rows = frozenset(idle)
        self.shows_addresses = shown is snapshot.stacks

    @cached_property
    def waits(self) -> tuple[Waiting, ...]:
        """The goroutines by what they wait for."""
        return tuple(self.cells.waits(self._shown))

    @cached_property
    def of_row(self) -> dict[int, Waiting]:
        """The waiting of each row."""
        return {row: wait for wait in self.waits for row in wait.rows}

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
            for function in wait.kind.functions:
                found.setdefault(function, []).append(wait)
        return found

    @cached_property
    def by_enclosing(self) -> dict[str, list[Waiting]]:
        """The waitings of each function on their stacks, closures counted to the function that they were written in."""
        found: dict[str, list[Waiting]] = {}
        for wait in self.waits:
            for function in set(map(function_of, wait.kind.functions)):
                found.setdefault(function, []).append(wait)
        return found

    def waits_of(self, rows: Iterable[int]) -> list[Waiting]:
        """The waitings of some rows, each once, most of those rows first."""
        counts = Counter(id(self.of_row[row]) for row in rows)
        by_id = {id(self.of_row[row]): self.of_row[row] for row in rows}
        return [by_id[key] for key, _ in counts.most_common()]

    def ids(self, rows: Iterable[int]) -> tuple[int, ...]:
        """The first 20 ids of some rows, as far as they have any."""
        column = self.snapshot.column("goroutine_id")
        return tuple(number for row in islice(rows, 20) if (number := column[row]) is not None)

    def with_ids(self, ids: Iterable[int]) -> Iterator[Waiting]:
        """The waitings of these goroutines, as far as they are alive."""
        yield from (self.of_row[self.row_of_id[number]] for number in ids if number in self.row_of_id)

    @cached_property
    def row_of_id(self) -> dict[int, int]:
        """The row of each goroutine's id."""
        ids = self.snapshot.column("goroutine_id")
        return {number: row for row, number in enumerate(ids) if number is not None}

    def count(self, rows: Iterable[int]) -> int:
        """How many goroutines some rows stand for."""
        return self.snapshot.count(rows)

    def that_know(self, wait: Waiting) -> list[Waiting]:
        """The goroutines that have the address of what some wait for, or of its object, among their words."""
        known = [lock for row in wait.rows[:_FEW] if (lock := self._lock_of.get(row)) is not None]
        ids = {number for lock in known for candidate in lock.candidates for number in candidate.goroutine_ids}
        return list(self.with_ids(ids))

    def lock_of(self, row: int) -> Lock | None:
        """The lock that a goroutine waits for, where a frame tells which."""
        return self._lock_of.get(row)

    @cached_property
    def _lock_of(self) -> dict[int, Lock]:
        return {row: lock for lock in self.locks.locks for row in lock.rows}

    @cached_property
    def locks_of_type(self) -> Counter[str | None]:
        """How many locks that goroutines wait for lie in objects of each type."""
        return Counter(lock.owner_type for lock in self.locks.locks)

    @cached_property
    def creators(self) -> list[int | None]:
        """Who started the goroutine of each row."""
        return self.snapshot.column("creator_id")

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
        """Whether all goroutines of the process are here, so that what is not here is nowhere. A person quotes some."""
        whole = self.snapshot.complete and self.snapshot.format != QUOTED
        return whole and not MAINS.isdisjoint(chain.from_iterable(map(attrgetter("functions"), self.cells.stacks)))

    @staticmethod
    def is_main(wait: Waiting) -> bool:
        """Whether this is the main goroutine, of a program or of a test."""
        return wait.kind.is_main

    @cached_property
    def all_asleep(self) -> bool:
        """Whether the runtime itself says that nothing can move."""
        return "all goroutines are asleep" in (self.snapshot.cause or "")

    @cached_property
    def some_leaked(self) -> bool:
        """Whether the runtime says of any goroutine that nobody alive can wake it."""
        return True in self.snapshot.column("leaked")

    @cached_property
    def counted(self) -> bool:
        """Whether rows stand for many goroutines: such a format has no ids, so nobody can be followed."""
        return is_counted(self.snapshot.format)

    def receiver(self, row: int, frame: int) -> int | None:
        """The first word that a frame of a goroutine that waits for a lock shows, where it is certain: of a method, its
        object."""
        return self._receivers.get((row, frame))

    @cached_property
    def _receivers(self) -> dict[tuple[int, int], int]:
        asking = [wait for wait in self.waits if wait.site is not None and wait.own is not None]
        methods = {
            frame for wait in asking for frame in wait.frames if type_of(frame.function) or frame.function == ONCE
        }
        generic = {frame for frame in methods if "[" in frame.function}  # their first word is the dictionary of types
        return self.words(methods - generic) | self.words(generic, 1)

    @cached_property
    def moving_in_locks(self) -> tuple[Waiting, ...]:
        """The goroutines that run, or may, in a function of the library that takes or gives back a lock."""
        return tuple(wait for wait in self.waits if wait.moving and wait.in_lock)

    @cached_property
    def words_in_locks(self) -> dict[tuple[int, int], int]:
        """The locks that these goroutines show, by row and frame."""
        return self.words({frame for wait in self.moving_in_locks for frame in wait.in_lock})

    def words(self, frames: set[Frame], position: int = 0) -> dict[tuple[int, int], int]:
        """The words in a position of some frames, where they are certain, by row and frame."""
        words = self.snapshot.words(frames, first=position == 0) if frames else None
        every = words or ()
        return {(row, at): word for row, at, place, word, reliable in every if reliable and place == position}

    def has_others(self, wait: Waiting) -> bool:
        """Whether anybody else, idle or not, has a frame in the packages of these; main and the dump's writer aside."""
        return any(
            other is not wait and not other.is_writer and not self.is_main(other) and other.packages & wait.packages
            for other in self.waits
        )

    def others_in(self, package: str, waiters: Iterable[Waiting]) -> bool:
        """Whether anybody else has a frame of a package and is not idle."""
        mine = set(map(id, waiters))
        return any(id(wait) not in mine and not self.is_main(wait) for wait in self.in_package.get(package, ()))

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
        return id(wait) in self._idle

    @cached_property
    def _idle(self) -> frozenset[int]:
        """The waitings that are idle, by their ``id``: asked once a lock, and there may be a hundred thousand."""
        idle = self.idle_rows
        return frozenset(id(wait) for wait in self.waits if idle and idle.issuperset(wait.rows))
