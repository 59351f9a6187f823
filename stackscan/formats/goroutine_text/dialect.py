"""The Go versions that print a dump like this one, by what only they print."""

from __future__ import annotations

import polars as pl

from stackscan.formats import counted
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


def of(goroutines: pl.DataFrame, stacks: tuple[Stack, ...]) -> str | None:
    """The oldest version that prints this: ``"Go 1.21 or later"``; None without evidence."""
    if goroutines.is_empty():
        return None
    functions = [function for stack in stacks for function in stack.functions]
    if any(".go.." in function or "..init" in function for function in functions):
        return "gccgo"
    reasons = goroutines["wait_reason"].unique()
    evidence = [_REASON_SINCE[reason] for reason in reasons if reason in _REASON_SINCE]
    if goroutines["creator_id"].null_count() < len(goroutines):
        evidence.append("1.21")
    if goroutines["thread"].null_count() < len(goroutines):
        evidence.append("1.22")
    if goroutines["leaked"].any():
        evidence.append("1.26")
    if goroutines["labels"].null_count() < len(goroutines):
        evidence.append("1.26")
    if any("[...]" in function for function in functions):
        evidence.append("1.18")
    return counted.dialect(evidence)
