"""Deadlocks, as go-deadlock reports them: locks in both orders, locks taken twice, locks held for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final, Literal

from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.words import short
from stackscan.analysis.conclusions.scene import Part, Told, deciding
from stackscan.analysis.crashes.died import place_of

#: What those do who hold other locks than the one that a report is about: they are named with it, and no part of it.
_HOLDS: Final = "holds the lock and is here"
_OTHER: Final = "holds another lock, taken here"
_Name = Literal["lock-order-cycle", "self-deadlock", "rwmutex-recursive-read", "blocked-while-holding-lock"]


def both_orders(told: Sequence[Told]) -> Iterator[Cause]:
    """Two locks that are taken in both orders."""
    yield from _each(told, "lock-order-cycle", _both_orders)


def taken_twice(told: Sequence[Told]) -> Iterator[Cause]:
    """A lock that its holder asks for again."""
    yield from _each(told, "self-deadlock", lambda told: f"deadlock: {_again(told)} waits for a lock that it took in")


def read_twice(told: Sequence[Told]) -> Iterator[Cause]:
    """A lock that its reader reads again: a writer between the two blocks both."""
    yield from _each(
        told, "rwmutex-recursive-read", lambda told: f"potential deadlock: {_again(told)} reads again under"
    )


def held(told: Sequence[Told]) -> Iterator[Cause]:
    """A lock that somebody has waited for too long."""
    yield from _each(told, "blocked-while-holding-lock", _held)


def _each(told: Sequence[Told], name: _Name, title_of: Callable[[Told], str]) -> Iterator[Cause]:
    """One cause for each kind of report, however often it was printed."""
    same: dict[tuple[object, ...], list[Told]] = {}
    for one in told:
        same.setdefault(tuple(part.real_frame for part in one.parts[:4]), []).append(one)
    for reports in same.values():
        first = reports[0]
        times = f"; reported {len(reports):,} times" if len(reports) > 1 else ""
        rows = tuple(dict.fromkeys(p.role.row for one in reports for p in one.parts if p.role.does != _OTHER))
        yield Cause(
            name=name,
            confidence="proved",
            title=_with_second(title_of(first), first, name) + times,
            argument=first.argument,
            steps=tuple(part.step(_does(part)) for part in first.parts),
            rows=rows,
            waiting=1 if name == "blocked-while-holding-lock" else 0,
            stuck=True,
            deciding=deciding(first.parts),
            culprits=first.rows[:1],
        )


def _with_second(title: str, told: Told, name: _Name) -> str:
    if name not in ("self-deadlock", "rwmutex-recursive-read"):
        return title
    return f"{title} {_place(told.parts[1])}"


def _place(part: Part) -> str:
    return "an unknown place" if part.frame is None else place_of(part.frame)


def _again(told: Told) -> str:
    part = told.parts[0]
    return f"{_who(part)} in {_place(part)}"


def _who(part: Part) -> str:
    return "a goroutine" if part.goroutine_id is None else f"goroutine {part.goroutine_id}"


def _does(part: Part) -> str:
    """What it does; of a holder that waits, in what."""
    if part.role.does != _HOLDS:
        return part.role.does
    return f"holds the lock{_waits(part) or ' and runs'}"


def _waits(part: Part) -> str:
    """`` and waits in select``; nothing for a goroutine that runs, or whose state is not known."""
    above = part.stack.frames[: part.place or 0]
    if any("go-deadlock.(" in frame.function for frame in above):
        return " and waits for another lock"
    return f" and waits in {part.wait_reason}" if part.wait_reason not in (None, "running", "runnable") else ""


def _both_orders(told: Told) -> str:
    before, after, earlier, then = told.parts[:4]
    first, second = _order(before, after), _order(earlier, then)
    if first == second:
        return f"potential deadlock: {first} takes the same two locks in both orders"
    return f"potential deadlock: two locks are taken in both orders: {first}; elsewhere {second}"


def _order(before: Part, after: Part) -> str:
    """``main.transfer (main.go:24, then main.go:26)``."""
    if before.frame is None or after.frame is None:
        return "an unknown place"
    if before.frame.function != after.frame.function:
        return f"{place_of(before.frame)}, then {place_of(after.frame)}"
    first, second = (
        f"{PurePosixPath(frame.file.replace(chr(92), '/')).name}:{frame.line}" for frame in (before.frame, after.frame)
    )
    return f"{short(before.frame)} ({first}, then {second})"


def _held(told: Told) -> str:
    now, _, waiter = told.parts[:3]
    holder = f"{_who(now)} in {_place(now)}"
    return f"{holder} holds a lock{_waits(now)}; {_who(waiter)} in {_place(waiter)} {waiter.role.does}"
