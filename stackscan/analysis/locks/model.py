"""Locks as data: who waits for which, who may hold it, who waits for whom in a circle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from stackscan.model.snapshot import Stack

#: Locks that are looked into. A server may have a hundred thousand goroutines that wait for one of its own each.
MOST_LOCKS: Final = 100_000
#: A type with more locks than this is no evidence for any of them.
MOST_OF_A_TYPE: Final = 2000
#: An object that holds a lock is smaller than this: a lock lies at most so far behind its object's beginning.
LARGEST_OBJECT: Final = 4096
#: ``semaphore`` is a runtime semaphore under none of the others.
Kind = Literal["sync.Mutex", "sync.RWMutex", "sync.WaitGroup", "sync.Cond", "sync.Once", "channel", "semaphore"]

# There may be a hundred thousand of each of these, and a frozen one takes four times as long to make: they
# never change all the same.

#: Why a goroutine may hold a lock, from strong to weak (scores: see candidates.py).
Evidence = Literal["receiver", "address", "once", "argument", "shared", "type"]


@dataclass(slots=True)  # not frozen: see above
class Candidate:
    """Goroutines in one place that may hold a lock, or that should release the waiters.

    ``score`` (1 to 100) ranks them, by ``evidence``.

    ``waits_for`` is the place in :attr:`Locks.locks` of the lock that they wait for themselves (None: for none that is
    known); ``goroutine_ids`` are the first 20 of ``count``; ``frame`` is the index of the frame that shows the pointer.
    """

    score: int
    evidence: Evidence
    reliable: bool
    stack: Stack
    frame: int
    wait_reason: str | None
    count: int
    goroutine_ids: tuple[int, ...]
    max_wait_minutes: int
    waits_for: int | None = None


@dataclass(slots=True)  # not frozen: see above
class Asker:
    """A function that asked for a lock, and how many goroutines wait there."""

    function: str
    count: int


@dataclass(slots=True)  # not frozen: see above
class Lock:
    """One lock or channel that goroutines wait for.

    ``address`` is the lock's own (None: no frame shows it), ``owner`` the address of the object it belongs to and
    ``owner_type`` that object's type, when the function that asks is one of its methods; ``offset`` says how far behind
    the object's beginning it lies (None: elsewhere, or not known). ``reliable`` is false when
    the instance is known from a doubtful word (``?``) only, or when goroutines were put together by type alone.
    ``writers`` counts the waiters of an RWMutex that want it for themselves; ``goroutine_ids`` are the first 20.
    ``aside``: all waiters are idle as expected, by a rule. ``rows`` are the waiters' rows in the snapshot.
    """

    kind: Kind
    address: int | None
    owner: int | None
    owner_type: str | None
    reliable: bool
    waiters: int
    writers: int
    askers: tuple[Asker, ...]
    goroutine_ids: tuple[int, ...] = ()
    max_wait_minutes: int = 0
    candidates: tuple[Candidate, ...] = ()
    aside: bool = False
    rows: tuple[int, ...] = field(default=(), repr=False, compare=False)

    @property
    def offset(self) -> int | None:
        """Bytes from the beginning of the object to the lock in it."""
        if self.address is None or self.owner is None or not 0 <= self.address - self.owner < LARGEST_OBJECT:
            return None
        return self.address - self.owner


class Step(NamedTuple):
    """A goroutine of a circle: it waits for ``lock``, which the next step's goroutine may hold.

    ``lock`` is a place in :attr:`Locks.locks`.
    """

    goroutine_id: int
    function: str
    lock: int
    score: int


class Cycle(NamedTuple):
    """A circle of goroutines, each a candidate for the lock that the one before it waits for: a possible deadlock."""

    steps: tuple[Step, ...]

    @property
    def score(self) -> int:
        """The score of its weakest step."""
        return min(step.score for step in self.steps)


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks that goroutines wait for, most waiters first, and the circles among them.

    ``distinct`` counts all locks, of which ``locks`` are the first MOST_LOCKS; ``waiters`` counts the goroutines that
    wait for any, ``unknown`` those of them whose lock no frame tells.
    """

    locks: tuple[Lock, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    waiters: int = 0
    unknown: int = 0
    distinct: int = 0
