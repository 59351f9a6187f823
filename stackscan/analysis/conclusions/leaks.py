"""Leaked goroutines, as a check at the end of a test lists them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stackscan.analysis.causes.model import Cause
from stackscan.analysis.conclusions.scene import Part, Told, deciding
from stackscan.analysis.crashes.died import place_of
from stackscan.analysis.finding import Step
from stackscan.model.snapshot import Frame

_IDS_SHOWN: Final = 20
#: Places that the first line names.
_NAMED: Final = 2


def find(told: Sequence[Told]) -> Iterator[Cause]:
    """A cause for each list."""
    yield from map(_cause, told)


def _cause(told: Told) -> Cause:
    groups: dict[tuple[Frame | None, str | None], list[Part]] = {}
    for part in told.parts:
        groups.setdefault((part.real_frame, part.wait_reason), []).append(part)
    ordered = sorted(groups.values(), key=len, reverse=True)  # stable: the order of the text among equals
    rows = tuple(dict.fromkeys(part.role.row for parts in ordered for part in parts))
    return Cause(
        name="leak",
        confidence="proved",
        title=_title(ordered, len(rows), told.shown.test),
        argument=f"{told.shown.tool} found {'it' if len(rows) == 1 else 'them'} alive when the test had ended",
        steps=tuple(map(_step, ordered)),
        rows=rows,
        waiting=0,
        stuck=True,
        deciding=deciding(told.parts),
        culprits=rows,
    )


def _title(groups: Sequence[Sequence[Part]], count: int, test: str) -> str:
    """``1 goroutine leaked after TestWatch: cart.watch (watch.go:12) waits in chan receive``."""
    after = f" after {test}" if test else ""
    head = f"{count:,} {'goroutine' if count == 1 else 'goroutines'} leaked{after}"
    if len(groups) == 1:
        verb = "" if count == 1 else f"all {count:,} " if count > 2 else "both "
        return f"{head}: {_place(groups[0])} {verb}{_waits(groups[0][0], count)}"
    named = [f"{len(parts):,} in {_place(parts)}{_state(parts[0])}" for parts in groups[:_NAMED]]
    left = count - sum(map(len, groups[:_NAMED]))
    return f"{head}: {', '.join(named)}{f' and {left:,} more' if left else ''}"


def _place(parts: Sequence[Part]) -> str:
    frame = parts[0].frame
    return "a place without frames" if frame is None else place_of(frame)


def _state(part: Part) -> str:
    return f" [{part.wait_reason}]" if part.wait_reason else ""


def _waits(part: Part, count: int) -> str:
    """``waits in select``; ``is running`` for one that does not wait."""
    if part.wait_reason in (None, "running", "runnable", "syscall"):
        state = "still alive" if part.wait_reason is None else part.wait_reason
        return f"{'is' if count == 1 else 'are'} {'in a syscall' if state == 'syscall' else state}"
    return f"{'waits' if count == 1 else 'wait'} in {part.wait_reason}"


def _step(parts: Sequence[Part]) -> Step:
    ids = [part.goroutine_id for part in parts if part.goroutine_id is not None]
    return Step(tuple(ids[:_IDS_SHOWN]), len(parts), _waits(parts[0], 1), parts[0].frame)
