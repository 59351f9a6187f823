"""How causes are put in words."""

from __future__ import annotations

from collections.abc import Sequence

from stackscan.analysis.causes.waiting import Waiting
from stackscan.formats.symbol import read_symbol
from stackscan.model.snapshot import Frame


def short(frame: Frame) -> str:
    """A function without the folders of its import path."""
    return frame.function.rpartition("/")[2]


def place_of(wait: Waiting) -> str:
    """The function to look at."""
    return short(wait.where) if wait.where is not None else "an unknown place"


def ids_of(*waits: Waiting) -> str:
    """``goroutine 7``, ``goroutines 7 and 9``, ``98 goroutines``."""
    if len(waits) == 1 and waits[0].count > 1:
        return f"{waits[0].count:,} goroutines"
    ids = [str(wait.ids[0]) if wait.ids else "?" for wait in waits]
    if "?" in ids:
        return "a goroutine" if len(ids) == 1 else "goroutines"
    return f"goroutine {ids[0]}" if len(ids) == 1 else f"goroutines {' and '.join(ids)}"


def named_ids(ids: Sequence[int]) -> str:
    """``goroutines 7, 9 and 12``."""
    if not ids:
        return "goroutines"
    return f"goroutines {', '.join(map(str, ids[:-1]))} and {ids[-1]}" if len(ids) > 1 else f"goroutine {ids[0]}"


def why_waits(wait: Waiting) -> str:
    """What they wait for, as Go prints it, and in which function of the library; empty where nothing tells."""
    reason = min(wait.reasons, default="")
    if not reason or wait.own is None or wait.own == wait.place:
        return reason
    frame = wait.shown.frames[wait.own]
    return reason if frame.function.startswith("internal/") else f"{reason} in {short(frame)}"


def waits(wait: Waiting) -> str:
    """``waits`` or ``wait``."""
    return "waits" if wait.count == 1 else "wait"


def several(count: int, noun: str) -> str:
    """What to add to a sentence about one of several alike."""
    return (
        ""
        if count == 1
        else f" (and so with {count - 1:,} more {noun}s)"
        if count > 2
        else f" (and so with 1 more {noun})"
    )


def package_of(wait: Waiting) -> str:
    """The package of the function that waits; empty where no frame tells."""
    return "" if wait.own is None else read_symbol(wait.frames[wait.own].function).package


def package_of_caller(wait: Waiting) -> str:
    """The package of the function that called the one that waits; of that one where nobody did."""
    at = (wait.own or 0) + 1
    return read_symbol(wait.frames[at].function).package if at < len(wait.frames) else package_of(wait)
