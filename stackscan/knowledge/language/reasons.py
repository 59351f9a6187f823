"""Wait reasons by meaning: one name for what Go versions print differently, from frames where nothing is printed.

Sources: runtime/runtime2.go (waitReasonStrings, gStatusStrings) of Go 1.4 to 1.27. The sync reasons are of Go 1.20,
``sync.WaitGroup.Wait`` of 1.24, ``sync.Cond.Wait`` of 1.11; before, all of them are ``semacquire`` and only the frames
tell them apart. Counted formats print no reason at all: there the innermost frames tell what they can.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Final

#: What a header may say, Go 1.4 to 1.27: wait reasons, then statuses.
KNOWN: Final = (
    "GC assist marking", "IO wait", "dumping heap", "garbage collection", "garbage collection scan", "panicwait",
    "GC assist wait", "GC sweep wait", "GC scavenge wait", "finalizer wait", "force gc (idle)",
    "GOMAXPROCS updater (idle)", "semacquire", "sleep", "chan receive (nil chan)", "chan send (nil chan)",
    "select (no cases)", "select", "chan receive", "chan send", "sync.Cond.Wait", "sync.Mutex.Lock",
    "sync.RWMutex.RLock", "sync.RWMutex.Lock", "sync.WaitGroup.Wait", "trace reader (blocked)", "wait for GC cycle",
    "GC worker (idle)", "GC worker (active)", "preempted", "debug call", "GC mark termination", "stopping the world",
    "flushing proc caches", "trace goroutine status", "trace proc status", "page trace flush", "coroutine",
    "GC weak to strong wait", "synctest.Run", "synctest.Wait", "cleanup wait", "stack growth", "semarelease",
    "timer goroutine (idle)", "Concurrent GC wait", "mark wait (idle)", "mark worker (idle)",
    "idle", "runnable", "running", "syscall", "waiting", "dead", "copystack", "enqueue", "leaked",
    "waiting for cgo callback",
)  # fmt: skip
_SUFFIX: Final = re.compile(r" \((?:durable|synctest)\)\Z")
#: Blocking functions of the library, innermost first, and the reason that Go prints today for those inside them.
_LOCKS: Final = (
    (re.compile(r"sync\.\(\*RWMutex\)\.(?:Lock|TryLock)\Z"), "sync.RWMutex.Lock"),
    (re.compile(r"sync\.\(\*RWMutex\)\.RLock\Z"), "sync.RWMutex.RLock"),
    (re.compile(r"(?:internal/)?sync\.\(\*Mutex\)\.(?:Lock|lockSlow)\Z"), "sync.Mutex.Lock"),
    (re.compile(r"sync\.\(\*WaitGroup\)\.Wait\Z"), "sync.WaitGroup.Wait"),
    (re.compile(r"sync\.\(\*Cond\)\.Wait\Z"), "sync.Cond.Wait"),
)
_LINKED: Final = re.compile(r"(?:internal/)?sync\.runtime_(\w+)\Z")
#: Frames of the runtime below `gopark` (protobuf profiles), and what Go prints for them.
_PARKED: Final = {
    "runtime.chanrecv": "chan receive", "runtime.chanrecv1": "chan receive", "runtime.chanrecv2": "chan receive",
    "runtime.chansend": "chan send", "runtime.chansend1": "chan send", "runtime.selectgo": "select",
    "runtime.block": "select (no cases)", "runtime.netpollblock": "IO wait", "net.runtime_pollWait": "IO wait",
    "internal/poll.runtime_pollWait": "IO wait", "time.Sleep": "sleep", "runtime.timeSleep": "sleep",
    "runtime.coroswitch_m": "coroutine", "os/signal.signal_recv": "syscall",
    "internal/runtime/syscall.Syscall6": "syscall", "runtime/internal/syscall.Syscall6": "syscall",
}  # fmt: skip
_SYSCALL: Final = re.compile(r"(?:internal/runtime/|runtime/internal/)?syscall\.(?:Raw)?[Ss]yscalln?\d*\Z")
_RUNTIME: Final = ("runtime.", "internal/runtime/", "runtime/internal/")
#: Printed reasons of goroutines that wait for different things, which frames tell apart.
_MORE_THAN_ONE: Final = frozenset({"semacquire", "sync.Mutex.Lock", "sync.RWMutex.Lock"})
#: How far into the library the frame may lie that tells which lock is waited for.
_DEEPEST: Final = 6


def unknown(text: str) -> str | None:
    """Why a text is no wait reason, None if a Go version prints it."""
    if any(c in text for c in "*?") and any(re.match(translate(text), known) for known in KNOWN):
        return None
    if text in KNOWN or without_remark(text) in KNOWN:
        return None
    from stackscan.knowledge.descriptions import did_you_mean

    return f"{text!r} is not a wait reason of any Go version{did_you_mean(text, KNOWN, cutoff=0.5)}"


def depends_on_frames(reason: str | None) -> bool:
    """Whether frames say more than a printed reason does; without them :func:`names` needs the reason alone."""
    return reason is None or reason in _MORE_THAN_ONE


def without_remark(reason: str) -> str:
    """``chan receive`` of ``chan receive (durable)``."""
    return _SUFFIX.sub("", reason)


def names(reason: str | None, functions: tuple[str, ...]) -> frozenset[str] | None:
    """All reasons that a goroutine with this printed reason and these frames waits for; None: nothing tells."""
    return _names(reason, functions if depends_on_frames(reason) else ())


@lru_cache(maxsize=4096)
def _names(reason: str | None, functions: tuple[str, ...]) -> frozenset[str] | None:
    if reason is None:
        inferred = _inferred(functions)
        return None if inferred is None else frozenset((inferred,))
    found = {reason, without_remark(reason)}
    if reason in _MORE_THAN_ONE:
        lock = _lock(functions)
        found |= {lock} if lock is not None else set()
        if lock == "sync.RWMutex.Lock" and any(_LOCKS[2][0].match(f) for f in functions[:_DEEPEST]):
            found.add("sync.Mutex.Lock")  # a second writer waits for the mutex among writers
    if reason == "mark worker (idle)":
        found.add("GC worker (idle)")
    return frozenset(found)


def _lock(functions: Sequence[str]) -> str | None:
    """Which lock the innermost frames wait for: the outermost of the library's own that stand there together."""
    found = None
    for function in functions[:_DEEPEST]:
        if function.startswith(_RUNTIME):
            continue
        lock = next((name for pattern, name in _LOCKS if pattern.match(function)), None)
        if lock is not None:
            found = lock
        elif not _LINKED.match(function):
            break
    return found


def _inferred(functions: Sequence[str]) -> str | None:
    """What the innermost frames tell where no reason is printed."""
    for function in functions[:_DEEPEST]:
        if function in _PARKED:
            return _PARKED[function]
        if _SYSCALL.match(function):
            return "syscall"
        if _LINKED.match(function):
            return _lock(functions) or ("sync.Cond.Wait" if "notifyList" in function else "semacquire")
        if not function.startswith(_RUNTIME):
            return None
    return None
