"""What a mutex or block profile of the same process says of the locks of a cause: who unlocked, who waited before.

A mutex profile holds the stacks of those who *unlocked* contended locks, a block profile of those who waited
(runtime/mprof.go). Both speak of the past: they tell whether the place was contended before it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from stackscan.analysis.causes.waiting import function_of, type_of
from stackscan.analysis.finding import Evidence, Finding
from stackscan.formats.contended import ContentionProfile, ContentionRecord
from stackscan.formats.symbol import origin
from stackscan.model.snapshot import Frame

#: Causes that are about a lock.
_LOCKS: Final = frozenset({
    "self-deadlock", "missing-unlock", "lock-order-cycle", "rwmutex-recursive-read", "blocked-while-holding-lock",
})  # fmt: skip


def with_contention(findings: Iterable[Finding], profiles: Sequence[ContentionProfile]) -> tuple[Finding, ...]:
    """The findings, those about locks with what the profiles saw in methods of the same type or in the same
    function."""
    return tuple(_with(finding, profiles) for finding in findings)


def _with(finding: Finding, profiles: Sequence[ContentionProfile]) -> Finding:
    if finding.cause not in _LOCKS:
        return finding
    places = {_place(step.frame) for step in finding.steps if step.frame is not None}
    seen: Evidence = {
        f"{profile.kind} profile": text
        for profile in profiles
        if (text := _seen(profile, [r for r in profile.records if places & {_place(own) for own in _own(r)}]))
    }
    return replace(finding, evidence=finding.evidence | seen) if seen else finding


def _place(frame: Frame) -> str:
    """The type whose method a frame is in, or else the function (of a closure the one it was written in)."""
    return type_of(frame.function) or function_of(frame.function)


def _own(record: ContentionRecord) -> list[Frame]:
    """The innermost frame outside the standard library, as a list of one; empty where there is none."""
    return [frame for frame in record.frames if origin(frame).kind != "std"][:1]


def _seen(profile: ContentionProfile, records: Sequence[ContentionRecord]) -> str:
    """``12 waits of 3.4 s in all ended by an Unlock in (*Cache).Refresh``; empty where nothing was seen."""
    if not records:
        return ""
    waits = sum(record.count for record in records)
    delays = [delay for record in records if (delay := profile.delay_seconds(record)) is not None]
    total = f" of {sum(delays):,.1f} s in all" if delays else ""
    (frame,) = _own(max(records, key=lambda record: record.cycles))
    how = "ended by an Unlock in" if profile.kind == "mutex" else "began in"
    return f"{waits:,} {'wait' if waits == 1 else 'waits'}{total}, most {how} {frame.function.rpartition('/')[2]}"
