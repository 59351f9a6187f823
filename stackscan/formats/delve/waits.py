"""What Delve says of waiting: reasons, which its JSON has as numbers, and since when.

Numbers of reasons differ by Go version (runtime/runtime2.go waitReasonStrings), and the JSON does not say the version.
So a number is read only where all versions that agree with the goroutines whose reason is known give it one meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_START: Final = ("GC assist marking", "IO wait")
_NIL: Final = ("chan receive (nil chan)", "chan send (nil chan)")
_HEAP: Final = ("dumping heap", "garbage collection", "garbage collection scan", "panicwait")
_SELECT: Final = ("select", "select (no cases)")
_COLLECTOR: Final = ("GC assist wait", "GC sweep wait", "GC scavenge wait")
_CHANNEL: Final = ("chan receive", "chan send")
_SYSTEM: Final = ("finalizer wait", "force gc (idle)")
_SLEEP: Final = ("semacquire", "sleep")
_COND: Final = ("sync.Cond.Wait",)
_LOCKS: Final = ("sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock")
_GROUP: Final = ("sync.WaitGroup.Wait",)
_WORKER: Final = ("trace reader (blocked)", "wait for GC cycle", "GC worker (idle)")
_ACTIVE: Final = ("GC worker (active)",)
_DEBUG: Final = ("preempted", "debug call")
_WORLD: Final = ("GC mark termination", "stopping the world")
_TRACE: Final = (
    "flushing proc caches", "trace goroutine status", "trace proc status", "page trace flush", "coroutine"
)  # fmt: skip
_SYNCTEST: Final = ("GC weak to strong wait", "synctest.Run", "synctest.Wait")
_DURABLE: Final = (
    "chan receive (durable)", "chan send (durable)", "select (durable)", "sync.WaitGroup.Wait (durable)"
)  # fmt: skip
_UPDATER: Final = ("GOMAXPROCS updater (idle)",)
_CLEANUP: Final = ("cleanup wait",)

_UP_TO_SLEEP: Final = (*_START, *_NIL, *_HEAP, *_SELECT, *_COLLECTOR, *_CHANNEL, *_SYSTEM, *_SLEEP, *_COND)
_UP_TO_1_20: Final = (*_UP_TO_SLEEP, *_LOCKS, *_WORKER, *_ACTIVE, *_DEBUG, *_WORLD)
_FROM_WORKER: Final = (*_GROUP, *_WORKER, *_ACTIVE, *_DEBUG, *_WORLD, *_TRACE, *_SYNCTEST)
#: By the oldest Go version: the reasons from number 1 on.
_TABLES: Final = {
    "1.18": (*_UP_TO_SLEEP, "timer goroutine (idle)", *_WORKER, *_DEBUG),
    "1.20": _UP_TO_1_20,
    "1.22": (*_UP_TO_1_20, *_TRACE),
    "1.24": (*_UP_TO_SLEEP, *_LOCKS, *_FROM_WORKER, "chan receive (synctest)", "chan send (synctest)"),
    "1.25": (
        *_START, *_NIL, *_HEAP, *_SELECT, *_COLLECTOR, *_CHANNEL, *_SYSTEM, *_UPDATER, *_SLEEP, *_COND, *_LOCKS,
        *_FROM_WORKER, *_DURABLE, *_CLEANUP,
    ),
    "1.26": (
        *_START, *_HEAP, *_COLLECTOR, *_SYSTEM, *_UPDATER, *_SLEEP, *_NIL, "select (no cases)", "select", *_CHANNEL,
        *_COND, *_LOCKS, *_FROM_WORKER, *_DURABLE, *_CLEANUP,
    ),
}  # fmt: skip
#: What goroutines wait for whose innermost frame of these is this one, over the versions of Go.
_OF_FUNCTIONS: Final = {
    "runtime.forcegchelper": {"force gc (idle)"},
    "runtime.bgsweep": {"GC sweep wait"},
    "runtime.gcenable.gowrap1": {"GC sweep wait"},
    "runtime.bgscavenge": {"GC scavenge wait"},
    "runtime.gcenable.gowrap2": {"GC scavenge wait"},
    "runtime.gcBgMarkWorker": {"GC worker (idle)"},
    "runtime.updateMaxProcsGoroutine": {"GOMAXPROCS updater (idle)"},
    "time.Sleep": {"sleep"},
    "internal/poll.runtime_pollWait": {"IO wait"},
    "sync.runtime_notifyListWait": {"sync.Cond.Wait"},
    "sync.runtime_SemacquireMutex": {"sync.Mutex.Lock", "semacquire"},
    "internal/sync.runtime_SemacquireMutex": {"sync.Mutex.Lock"},
    "sync.runtime_SemacquireRWMutexR": {"sync.RWMutex.RLock"},
    "sync.runtime_SemacquireRWMutex": {"sync.RWMutex.Lock"},
    "sync.runtime_SemacquireWaitGroup": {"sync.WaitGroup.Wait"},
}
_UNKNOWN: Final = "unknown wait reason "

_DURATION: Final = re.compile(r"(-?)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)(?:\.\d+)?s)?\Z")
_MOST_DIGITS: Final = 19
#: Delve up to at least 1.9 takes the program's clock, which counts from boot, for the time since 1970.
_PLAUSIBLE_SECONDS: Final = 10 * 366 * 86_400


def allowed(functions: Iterable[str]) -> set[str] | None:
    """The reasons that a goroutine in these functions, innermost first, can have; None where they do not tell."""
    return next((_OF_FUNCTIONS[function] for function in functions if function in _OF_FUNCTIONS), None)


def reason_tables(known: Iterable[tuple[int, set[str]]]) -> list[tuple[str, ...]]:
    """The tables in which numbers have one of these meanings; at least one goroutine must be known."""
    facts = list(known)
    if not facts:
        return []
    return [table for table in _TABLES.values() if all(_meaning(table, number) in texts for number, texts in facts)]


def reason(number: int, tables: list[tuple[str, ...]]) -> str | None:
    """What a number means in all the tables; None where they differ or have no such number."""
    meanings = {_meaning(table, number) for table in tables}
    return meanings.pop() if len(meanings) == 1 else None


def printed_number(text: str) -> int | None:
    """The number behind a reason from Delve's table of Go 1.18, the only one that Delve up to at least 1.23 has."""
    if text.startswith(_UNKNOWN) and text[len(_UNKNOWN) :].isdecimal() and len(text) < len(_UNKNOWN) + 6:
        return int(text[len(_UNKNOWN) :])
    oldest = _TABLES["1.18"]
    return oldest.index(text) + 1 if text in oldest else None


def _meaning(table: tuple[str, ...], number: int) -> str | None:
    return table[number - 1] if 0 < number <= len(table) else None


def seconds(since: str | None) -> tuple[str, int] | None:
    """What stands behind a reason: ("waited", 1873) for ``31m13.6s``, ("clock", …) for a clock that grows later.

    Delve 1.27 prints the program's clock at the collection that saw the goroutine wait first, in nanoseconds. Older
    ones print the time since then, computed with the wrong zero: the year is off, differences are right.
    """
    if since is None or len(since) > _MOST_DIGITS + 6:
        return None
    if since.isdecimal():
        return ("clock", int(since) // 1_000_000_000) if len(since) <= _MOST_DIGITS else None
    found = _DURATION.match(since)
    if found is None or found[1]:
        return ("waited", 0) if since.endswith(("ms", "µs")) else None
    hours, minutes, rest = (int(part or 0) for part in found.group(2, 3, 4))
    total = hours * 3600 + minutes * 60 + rest
    return ("waited", total) if total < _PLAUSIBLE_SECONDS else ("clock", -total)


def minutes(since: list[str | None]) -> list[int | None]:
    """The whole minutes that goroutines have waited at least, None where that is not known or under one.

    Of clocks: the youngest was read before the debugger stopped the program, so the others waited since before that.
    """
    found = [seconds(text) for text in since]
    latest = max((value for each in found if each for kind, value in (each,) if kind == "clock"), default=0)
    waited = [None if each is None else (latest - each[1] if each[0] == "clock" else each[1]) for each in found]
    return [value // 60 or None if value is not None else None for value in waited]
