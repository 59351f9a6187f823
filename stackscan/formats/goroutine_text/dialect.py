"""The Go versions that print a dump like this one, by what only they print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter

from stackscan.formats import counted
from stackscan.formats.goroutine_text.trees import Header
from stackscan.model.snapshot import Stack

#: First Go version of a wait reason (runtime2.go waitReasonStrings by release).
_REASON_SINCE = {
    "GC assist marking": "1.8",
    "sync.Cond.Wait": "1.11",
    "GC scavenge wait": "1.13",
    "preempted": "1.14",
    "sync.Mutex.Lock": "1.20",
    "sync.RWMutex.RLock": "1.20",
    "sync.RWMutex.Lock": "1.20",
    "coroutine": "1.22",
    "GC weak to strong wait": "1.23",
    "sync.WaitGroup.Wait": "1.24",
    "synctest.Run": "1.24",
    "GOMAXPROCS updater (idle)": "1.25",
    "cleanup wait": "1.25",
}


def of(headers: Iterable[Header], stacks: Sequence[Stack], *, creators: bool, labels: bool) -> str | None:
    """The oldest version that prints this: ``"Go 1.21 or later"``; None without evidence.

    ``headers`` are those of the goroutines, without labels; ``creators`` and ``labels`` say whether any has one.
    """
    seen = set(headers)
    if not seen:
        return None
    functions = "\n".join(chain.from_iterable(map(attrgetter("functions"), stacks)))
    if ".go.." in functions or "..init" in functions:
        return "gccgo"
    evidence = [_REASON_SINCE[found.wait_reason] for found in seen if found.wait_reason in _REASON_SINCE]
    evidence += ["1.21"] * creators
    evidence += ["1.22"] * any(found.thread is not None for found in seen)
    evidence += ["1.26"] * (labels or any(found.leaked for found in seen))
    evidence += ["1.18"] * ("[...]" in functions)
    return counted.dialect(evidence)
