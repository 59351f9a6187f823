"""What the goroutines of each stack wait for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

from stackscan.analysis.locks.sites import BEGINNINGS, shows_site, site_of
from stackscan.formats.symbol import origin, read_symbol
from stackscan.knowledge.language import index_of
from stackscan.knowledge.language.reasons import depends_on_frames, names
from stackscan.model.counting import WITH_RUNTIME_FRAMES
from stackscan.model.snapshot import Frame, Snapshot, Stack

#: States of goroutines that wait for nobody: they run, or are about to.
MOVING: Final = frozenset({"running", "runnable", "syscall", "preempted", "copystack", "waiting", "idle", "dead"})
#: System calls that end when somebody else does something.
_WAIT_CALLS: Final = frozenset({
    "os.(*Process).Wait", "os.(*Process).wait", "os.(*Process).pidfdWait", "os.(*Process).blockUntilWaitable",
    "syscall.Wait4", "syscall.wait4", "syscall.Flock", "golang.org/x/sys/unix.Flock", "golang.org/x/sys/unix.Wait4",
})  # fmt: skip
#: What begins the stack of a goroutine that is parked, in a profile that shows the runtime's frames.
_PARKED: Final = frozenset({"runtime.gopark", "runtime.goparkunlock", "runtime.notetsleepg", "runtime.mcall"})
#: The frame in which the function of a sync.Once runs.
ONCE: Final = "sync.(*Once).doSlow"
#: Who writes the dump is running too, and holds nothing but its own.
_WRITERS: Final = frozenset({
    "runtime/pprof.writeGoroutineStacks", "runtime/pprof.(*Profile).WriteTo", "runtime/debug.Stack", "runtime.Stack",
    "runtime/pprof.runtime_goroutineProfileWithLabels", "runtime/pprof.writeRuntimeProfile",
})  # fmt: skip
#: Where the main goroutine of a program or of a test is.
MAINS: Final = frozenset({"main.main", "testing.(*T).Run", "testing.(*M).Run"})
_IDS: Final = 20
#: The endings of closures, and of the wrappers that the compiler makes for go statements.
_CLOSURE: Final = re.compile(r"(?:\.(?:func\d+|gowrap\d+|deferwrap\d+|\d+))+$")
#: Packages whose frames belong to the wait itself.
_BELOW: Final = frozenset({"runtime", "sync", "internal/sync", "sync/atomic"})
#: Functions that take or give back a lock; the first word of each is the lock.
_LOCKING: Final = frozenset({
    *(f"{package}.(*Mutex).{name}" for package in ("sync", "internal/sync")
      for name in ("Lock", "lockSlow", "Unlock", "unlockSlow")),
    *(f"sync.(*RWMutex).{name}" for name in ("Lock", "Unlock", "RLock", "RUnlock", "rUnlockSlow")),
})  # fmt: skip
#: Locks of which goroutines may be holders, and the states of who waits for one: what a damaged stack still says.
LOCKS: Final = frozenset({"sync.Mutex", "sync.RWMutex", "sync.Once"})
LOCK_REASONS: Final = frozenset({"sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock"})
CHANNELS: Final = frozenset(
    {"chan send", "chan receive", "select", "chan send (nil chan)", "chan receive (nil chan)", "select (no cases)"}
)

#: What somebody else may serve, apart from locks.
WAITS: Final = CHANNELS | {"sync.WaitGroup.Wait", "sync.Cond.Wait"}


class Kind:
    """What depends on a stack and a wait reason alone: it is found once, however many dumps have it."""

    def __init__(self, stack: Stack, reason: str | None, *, shows_runtime: bool) -> None:
        reasons = names(reason, stack.functions) or frozenset()
        site = None if reasons & MOVING else site_of(stack)
        if shows_runtime and stack.frames and stack.frames[0].function not in _PARKED:
            reasons = reasons & MOVING or frozenset({"running"})  # its innermost frame is its own: it runs
        if site is None and reasons == {"semacquire"}:
            reasons = frozenset({"runnable"})  # it waits for the runtime: the world was stopped
        self.frames = stack.frames
        self.reasons = reasons
        self.site = site
        self.own = _own(stack) if site is None else site.asker

    @cached_property
    def moving(self) -> bool:
        """Whether they run, or may at any moment. Who waits for a child process or a file lock does not."""
        if self.reasons <= {"syscall"} and self.reasons and any(f.function in _WAIT_CALLS for f in self.frames):
            return False
        return bool(self.reasons & MOVING)

    @cached_property
    def wants_lock(self) -> bool:
        """Whether they wait for a lock."""
        return bool(self.reasons & LOCK_REASONS) or (self.site is not None and self.site.kind in LOCKS)

    @cached_property
    def may_be_read(self) -> bool:
        """Whether source may say who serves them: libraries select on contexts and timers, too, and reading them all
        costs more than it tells."""
        if self.own is None or self.moving or not self.reasons & WAITS:
            return False
        return "select" not in self.reasons or is_own(self.frames[self.own])

    @cached_property
    def in_lock(self) -> tuple[Frame, ...]:
        """The library's frames in which it takes or gives back a lock."""
        return tuple(frame for frame in self.frames[: self.own or 0] if frame.function in _LOCKING)

    @cached_property
    def place(self) -> int | None:
        """The index of the frame to look at: the first of the program's own, else the first outside runtime and
        sync."""
        return next((at for at, frame in enumerate(self.frames) if origin(frame).kind != "std"), self.own)

    @cached_property
    def is_writer(self) -> bool:
        """Whether this is the goroutine that writes the dump."""
        return any(frame.function in _WRITERS for frame in self.frames)

    @cached_property
    def is_main(self) -> bool:
        """Whether this is the main goroutine, of a program or of a test."""
        return any(frame.function in MAINS for frame in self.frames)

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

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions on the stack, outside the standard library."""
        return frozenset(frame.function for frame in self.frames if origin(frame).kind != "std")


@lru_cache(maxsize=16384)
def kind_of(stack: Stack, reason: str | None, shows_runtime: bool) -> Kind:
    """What a stack and its printed reason tell; ``shows_runtime``: the runtime's frames would be on the stack."""
    return Kind(stack, reason, shows_runtime=shows_runtime)


class Waiting:
    """Goroutines in one stack that wait for the same reason (``rows`` in the snapshot, ``count`` of them).

    ``shown`` is the stack as it may be shown. ``reasons`` are all names of why they wait; ``own`` is the index of the
    first frame outside the runtime and package sync (None: there is none).
    """

    def __init__(self, kind: Kind, stack_id: int, shown: Stack, cells: Cells, cell: int) -> None:
        self.kind = kind
        self.stack_id = stack_id
        self.shown = shown
        self.reasons = kind.reasons
        self.site = kind.site
        self.own = kind.own
        self.frames = kind.frames
        self._cells = cells
        self._cell = cell

    @property
    def stack(self) -> Stack:
        """The stack that they are in."""
        return self._cells.snapshot.stacks[self.stack_id]

    @cached_property
    def rows(self) -> list[int]:
        """Their rows in the snapshot, ascending."""
        return self._cells.rows[self._cell]

    @cached_property
    def count(self) -> int:
        """How many they are."""
        return self._cells.snapshot.count(self.rows)

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The first 20 of their ids."""
        ids = self._cells.snapshot.column("goroutine_id")
        return tuple(islice((number for row in self.rows if (number := ids[row]) is not None), _IDS))

    @cached_property
    def creators(self) -> frozenset[int]:
        """Who started them."""
        creators = self._cells.snapshot.column("creator_id")
        return frozenset(creators[row] for row in self.rows if creators[row] is not None)

    @cached_property
    def minutes(self) -> int:
        """How long the one that waits longest has waited, at least."""
        minutes = self._cells.snapshot.column("wait_minutes")
        return max(minutes[row] or 0 for row in self.rows)

    @cached_property
    def leaked(self) -> bool:
        """Whether the runtime says of all of them that nobody alive can wake them."""
        leaked = self._cells.snapshot.column("leaked")
        return all(leaked[row] for row in self.rows)

    @property
    def moving(self) -> bool:
        """Whether they run, or may at any moment. Who waits for a child process or a file lock does not."""
        return self.kind.moving

    @property
    def in_lock(self) -> tuple[Frame, ...]:
        """The library's frames in which it takes or gives back a lock."""
        return self.kind.in_lock

    @property
    def place(self) -> int | None:
        """The index of the frame to look at: the first of the program's own, else the first outside runtime and
        sync."""
        return self.kind.place

    @property
    def where(self) -> Frame | None:
        """The frame to look at, as it may be shown."""
        return None if self.place is None else self.shown.frames[self.place]

    @property
    def is_writer(self) -> bool:
        """Whether this is the goroutine that writes the dump."""
        return self.kind.is_writer

    @property
    def types(self) -> dict[str, int]:
        """The types whose methods (or their closures) are on the stack, each with its innermost frame."""
        return self.kind.types

    @property
    def packages(self) -> frozenset[str]:
        """The packages of the program's own frames."""
        return self.kind.packages


class Cells:
    """The goroutines of a snapshot by stack and wait reason."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._index = index_of(snapshot)

    @property
    def rows(self) -> Sequence[list[int]]:
        """The rows of each cell, ascending."""
        return self._index.cell_rows

    @cached_property
    def stacks(self) -> list[Stack]:
        """The distinct stacks of all goroutines."""
        return [self.snapshot.stacks[stack_id] for stack_id in dict.fromkeys(self._index.cell_stack)]

    @cached_property
    def printed_reasons(self) -> frozenset[str] | None:
        """All names of what they wait for where the printed reasons alone tell; None where frames have a say."""
        printed = set(self._index.cell_reason)
        if any(map(depends_on_frames, printed)) or any(map(shows_site, self.stacks)):
            return None
        return frozenset().union(*(names(reason, ()) or () for reason in printed))

    def waits(self, shown: Sequence[Stack]) -> Iterator[Waiting]:
        """What waits in each cell; ``shown`` are the snapshot's stacks as they may be shown."""
        shows_runtime = _shows_runtime(self.snapshot)
        for cell, (stack_id, reason) in enumerate(zip(self._index.cell_stack, self._index.cell_reason, strict=True)):
            kind = kind_of(self.snapshot.stacks[stack_id], reason, shows_runtime)
            yield Waiting(kind, stack_id, shown[stack_id], self, cell)


def is_own(frame: Frame) -> bool:
    """Whether a frame is of the main module: no version is in its path."""
    found = origin(frame)
    return found.kind != "std" and found.version is None


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


def _own(stack: Stack) -> int | None:
    for at, function in enumerate(stack.functions):
        if not function.startswith(BEGINNINGS):
            return at
        package = read_symbol(function).package
        if package not in _BELOW and not package.startswith("internal/runtime"):
            return at
    return None


def _shows_runtime(snapshot: Snapshot) -> bool:
    """Whether the runtime's frames are on the stacks; pprof's filters take them off."""
    return snapshot.format in WITH_RUNTIME_FRAMES and any(
        stack.frames[0].function.startswith(("runtime.", "runtime/")) for stack in snapshot.stacks if stack.frames
    )
