"""Where stacks wait for locks: which kind, which frames show the lock's address, which function asked for it.

From the innermost frame outwards, a waiting stack runs through the runtime and package sync, then through the function
that asked. What sync's frames print depends on the Go version: up to 1.16 every frame prints its words; since 1.17
``lockSlow`` still shows the mutex, ``RWMutex.RLock`` is mostly inlined, and semaphores print stale registers (``?``).
Sources: sync/mutex.go, sync/rwmutex.go, sync/waitgroup.go, sync/cond.go, sync/once.go, Go 1.4 to 1.27.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from stackscan.analysis.locks.model import Kind
from stackscan.formats.symbol import read_symbol
from stackscan.model.snapshot import Stack

_PACKAGES: Final = frozenset({"runtime", "sync", "internal/sync", "sync/atomic"})
#: What a function of these begins with.
BEGINNINGS: Final = ("runtime.", "sync.", "sync/", "internal/")
#: States in which a goroutine waits for nobody, whatever its innermost frames are (just woken, or being printed).
NOT_WAITING: Final = frozenset({"running", "runnable", "syscall", "preempted", "dead", "idle", "copystack"})

#: A method of sync and what waits in it; the outermost one of a stack decides.
_KINDS: Final[dict[tuple[str | None, str], Kind]] = {
    ("*Mutex", "Lock"): "sync.Mutex",
    ("*Mutex", "lockSlow"): "sync.Mutex",
    ("*RWMutex", "RLock"): "sync.RWMutex",
    ("*rlocker", "Lock"): "sync.RWMutex",
    ("*RWMutex", "Lock"): "sync.RWMutex",
    ("*WaitGroup", "Wait"): "sync.WaitGroup",
    ("*Cond", "Wait"): "sync.Cond",
    ("*Once", "doSlow"): "sync.Once",
    ("*Once", "Do"): "sync.Once",
}
#: Which of these print the lock's own address first. A write lock waits for the mutex at its beginning.
_SHOWS: Final = frozenset({
    ("*Mutex", "Lock"), ("*Mutex", "lockSlow"), ("*RWMutex", "RLock"), ("*rlocker", "Lock"), ("*RWMutex", "Lock"),
    ("*WaitGroup", "Wait"),
})  # fmt: skip
#: How far the semaphore that a runtime call prints lies behind the beginning of the lock (the word's own methods).
_MUTEX_SEMA, _WRITER_SEMA, _READER_SEMA, _COND_LIST = 4, 8, 12, 16
_COND_WAIT: Final = frozenset({("*Cond", "Wait")})
_CHANNEL: Final = frozenset({"chanrecv", "chanrecv1", "chanrecv2", "chansend", "chansend1"})


class Source(NamedTuple):
    """A frame whose first word is the lock's address plus ``offset``; the lower ``rank``, the better."""

    frame: int
    offset: int
    rank: int


class Site(NamedTuple):
    """How a stack waits: ``asker`` is the index of the first frame outside the runtime and sync (None: there is none),
    ``owner_type`` the type (``pkg.(*T)``) whose method that is, when it has a pointer for its receiver; ``writer`` says
    that it wants an RWMutex for itself."""

    kind: Kind
    sources: tuple[Source, ...]
    asker: int | None
    owner_type: str | None
    writer: bool = False


@lru_cache(maxsize=65536)
def receiver_type(function: str) -> str | None:
    """``a/b.(*T).M.func1`` → ``a/b.(*T)``, for methods that print their receiver first; None for everything else."""
    symbol = read_symbol(function)
    if symbol.receiver is None or not symbol.receiver.startswith("*") or ".func" in symbol.name:
        return None
    return f"{symbol.package}.({symbol.receiver})"


def site_of(stack: Stack) -> Site | None:
    """How a stack waits for a lock or channel; None when it does not, or when its frames do not show it."""
    return _site(stack) if shows_site(stack) else None


def shows_site(stack: Stack) -> bool:
    """Whether a stack may wait for a lock or channel: its innermost frame is the library's."""
    return bool(stack.functions) and stack.functions[0].startswith(BEGINNINGS)


@lru_cache(maxsize=8192)
def _site(stack: Stack) -> Site | None:
    run = _run(stack)
    if not run:
        return None
    asker = len(run) if len(run) < len(stack.frames) else None
    owner = None if asker is None else receiver_type(stack.frames[asker].function)
    names = [(symbol.receiver, symbol.name) for symbol in map(read_symbol, run)]
    calls = [name for _, name in names]
    if any(name in _CHANNEL for name in calls):
        sources = tuple(Source(k, 0, 0) for k, name in enumerate(calls) if name in _CHANNEL)
        return Site("channel", sources, asker, owner)
    if "runtime_notifyListWait" in calls:
        at = calls.index("runtime_notifyListWait")
        return Site("sync.Cond", (*_methods(names, _COND_WAIT), Source(at, _COND_LIST, 2)), asker, owner)
    if not any(name.startswith(("runtime_Semacquire", "semacquire")) for name in calls):
        return None
    return _semaphore(names, asker, owner)


def _run(stack: Stack) -> list[str]:
    """The innermost frames that lie in the runtime and in sync."""
    run: list[str] = []
    for frame in stack.frames:
        package = read_symbol(frame.function).package
        if package not in _PACKAGES and not package.startswith("internal/runtime/"):
            break
        run.append(frame.function)
    return run


def _semaphore(names: list[tuple[str | None, str]], asker: int | None, owner: str | None) -> Site | None:
    kinds = [_KINDS[name] for name in names if name in _KINDS]
    # Cond.Wait takes its mutex again when it was woken: then that is what it waits for.
    kind = next((kind for kind in reversed(kinds) if kind != "sync.Cond"), "semaphore" if not kinds else "sync.Mutex")
    if kind == "semaphore" and not any(name.startswith("runtime_Semacquire") for _, name in names):
        return None  # the runtime's own semaphores: worldsema and others
    sources = list(_methods(names, _SHOWS))
    writer = ("*RWMutex", "Lock") in names
    in_mutex = any(receiver == "*Mutex" for receiver, _ in names)
    offset = _MUTEX_SEMA if in_mutex else _WRITER_SEMA if writer else _READER_SEMA if kind == "sync.RWMutex" else 0
    sources += [Source(k, offset, 2) for k, (_, name) in enumerate(names) if name.startswith("runtime_Semacquire")]
    return Site(kind, tuple(sources), asker, owner, writer=writer)


def _methods(names: list[tuple[str | None, str]], wanted: frozenset[tuple[str, str]]) -> tuple[Source, ...]:
    return tuple(Source(k, 0, 1) for k, name in enumerate(names) if name in wanted)
