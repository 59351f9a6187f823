"""The locks that goroutines ask for in the source, and who holds each there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stackscan.analysis.causes.code import Code, Held, Key
from stackscan.analysis.causes.held import waits_for_lock
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.finding import Confidence
from stackscan.analysis.locks import Lock


@dataclass(eq=False)
class Wanted:
    """One lock that goroutines ask for: in the code (``key``) and, where words tell, which instance (``lock``).

    ``rows`` are the goroutines by their waiting; ``holders`` those that hold it, as the source says.
    """

    key: Key
    lock: Lock | None
    rows: dict[int, list[int]] = field(default_factory=dict)
    waiters: list[Waiting] = field(default_factory=list)
    writers: bool = False
    holders: list[Holder] = field(default_factory=list)

    @property
    def name(self) -> str:
        """``account.mu``."""
        return str(self.key[1])

    @property
    def all_rows(self) -> list[int]:
        """All that wait for it."""
        return [row for rows in self.rows.values() for row in rows]


@dataclass(frozen=True, eq=False)
class Holder:
    """Goroutines (``rows`` of a waiting) that hold a lock; ``sure``: it is this very instance; ``since``:
    where it was taken."""

    wait: Waiting
    rows: list[int]
    held: Held
    sure: bool
    since: str

    @property
    def confidence(self) -> Confidence:
        """How sure it is that they hold it."""
        return "proved" if self.held.must and self.sure else "likely" if self.held.must else "possible"


def wanted_locks(code: Code) -> list[Wanted]:
    """The locks that goroutines wait for, each instance that words tell apart by itself."""
    scene = code.scene
    found: dict[tuple[Key, int], Wanted] = {}
    for wait in scene.waits:
        if not waits_for_lock(wait) or scene.is_idle(wait):
            continue
        want = code.wanted(wait)
        for row in wait.rows if want is not None else ():
            assert want is not None  # noqa: S101  # the loop is empty otherwise
            instance = scene.lock_of(row)
            one = found.setdefault((want.key, id(instance)), Wanted(want.key, instance))
            one.writers |= want.writing
            if id(wait) not in one.rows:
                one.waiters.append(wait)
            one.rows.setdefault(id(wait), []).append(row)
    for lock in found.values():
        lock.holders = list(holders_of(lock, code))
    return list(found.values())


def holders_of(lock: Wanted, code: Code) -> Iterator[Holder]:
    """Everybody whose source says that they hold the lock, and whose words do not say that it is another one."""
    for wait in code.scene.waits:
        first = code.held(wait).get(lock.key)
        for held in () if first is None else (first, *first.more):
            if held.hold.by_callee and not held.must:
                continue  # who called a function that may have left it locked is not to blame
            rows, sure = [], True
            for row in wait.rows:
                same = code.is_object(code.word(row, held.frame, wait, held.key), lock.lock, held.key)
                if same is not False:
                    rows.append(row)
                    sure = sure and same is True
            if rows:
                # Of several locks in a list or map, it may be another one.
                must = held.must and not held.key[1].is_element
                yield Holder(wait, rows, replace(held, must=must), sure, code.place(wait, held))
                break
