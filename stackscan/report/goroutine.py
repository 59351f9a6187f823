"""One goroutine: where it is, who started it, whom it started, what it waits for, and who waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from stackscan.analysis.affected import modules
from stackscan.analysis.analyse import Analysis
from stackscan.analysis.finding import Finding
from stackscan.analysis.locks import Lock
from stackscan.formats.symbol import deciding_frame, origin
from stackscan.model.capture import Place
from stackscan.model.snapshot import Frame, Snapshot, Stack
from stackscan.model.table import GOROUTINE_COLUMNS
from stackscan.report.later import Later

#: Creators that are followed: a chain longer than this is damage.
_LONGEST_CHAIN: Final = 64
#: Ids of a group that are named.
_MOST_IDS: Final = 20


@dataclass(frozen=True, slots=True)
class Goroutine:
    """A goroutine in one line: its state (None: the dump does not say), minutes of waiting, and the frame to look at.
    ``alive`` is false for one that is not in the dump any more."""

    number: int
    wait_reason: str | None
    wait_minutes: int
    frame: Frame | None
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Goroutines in the same place for the same reason: how many, the first 20 ids, and one of them."""

    count: int
    ids: tuple[int, ...]
    example: Goroutine


@dataclass(frozen=True, slots=True)
class GoroutineReport:
    """All that a dump says of one goroutine.

    ``creators`` are who started it, the nearest first; ``children`` whom it started. ``waits_for`` is the lock or
    channel that it waits for (None: none that is known), ``may_hold`` are those that others wait for. ``attributes``
    is what else its header says. ``findings`` are those that it is part of. ``modules``, ``go_version`` and
    ``find_source`` are those of a :class:`~stackscan.report.model.SnapshotReport`.
    """

    place: Place
    goroutine: Goroutine
    stack: Stack
    line: int | None
    attributes: tuple[str, ...]
    creators: tuple[Goroutine, ...]
    children: tuple[Group, ...]
    waits_for: Lock | None
    may_hold: tuple[tuple[Lock, int], ...]
    findings: tuple[Finding, ...]
    modules: Sequence[tuple[str, str]] = ()
    go_version: str | None = None
    find_source: Callable[[Frame], Path | None] | None = field(default=None, repr=False, compare=False)

    @property
    def deciding(self) -> int:
        """The index of the frame to look at first."""
        return deciding_frame(self.stack) if self.stack.frames else 0


def build_goroutine(analysis: Analysis, number: int) -> GoroutineReport | None:
    """The report of the goroutine with this id; None where the dump has none."""
    snapshot = analysis.capture.snapshot
    at = next((place for place, found in enumerate(snapshot.column("goroutine_id")) if found == number), None)
    if at is None:
        return None
    row = _row(at, snapshot)
    locks = analysis.locks(idle_too=True).locks
    return GoroutineReport(
        place=analysis.capture.place,
        goroutine=_goroutine(row, snapshot),
        stack=snapshot.stacks[row["stack_id"]],
        line=row["line"],
        attributes=tuple(_attributes(row)),
        creators=_creators(row["creator_id"], snapshot),
        children=_children(number, snapshot),
        waits_for=next((lock for lock in locks if at in lock.rows), None),
        may_hold=tuple(
            (lock, candidate.score)
            for lock in locks
            for candidate in lock.candidates
            if number in candidate.goroutine_ids
        ),
        findings=tuple(finding for finding in analysis.findings if at in finding.rows),
        modules=Later(partial(modules, snapshot)),
        go_version=analysis.capture.go_version,
    )


def _row(at: int, snapshot: Snapshot) -> dict[str, Any]:
    """What the dump says of the goroutine at a place."""
    return {name: snapshot.column(name)[at] for name in GOROUTINE_COLUMNS}


def _goroutine(row: dict[str, Any], snapshot: Snapshot) -> Goroutine:
    stack = snapshot.stacks[row["stack_id"]]
    frame = stack.frames[deciding_frame(stack)] if stack.frames else None
    return Goroutine(row["goroutine_id"], row["wait_reason"], row["wait_minutes"] or 0, frame)


def _attributes(row: dict[str, Any]) -> Iterable[str]:
    """What the header says besides the state: ``locked to thread``, ``leaked``, labels."""
    if row["locked"]:
        yield "locked to its thread"
    if row["leaked"]:
        yield "leaked: the runtime found that nobody alive can wake it"
    for name in ("attributes", "labels", "thread"):
        if row[name]:
            yield str(row[name])


def _creators(number: int | None, snapshot: Snapshot) -> tuple[Goroutine, ...]:
    """Who started it, who started that one, as far as the dump knows."""
    chain: list[Goroutine] = []
    by_id = {} if number is None else {found: at for at, found in enumerate(snapshot.column("goroutine_id"))}
    while number is not None and len(chain) < _LONGEST_CHAIN and all(one.number != number for one in chain):
        at = by_id.get(number)
        if at is None:
            chain.append(Goroutine(number, None, 0, None, alive=False))
            break
        chain.append(_goroutine(_row(at, snapshot), snapshot))
        number = snapshot.column("creator_id")[at]
    return tuple(chain)


def _children(number: int, snapshot: Snapshot) -> tuple[Group, ...]:
    """Whom it started, by place and state, most first."""
    stacks, reasons, minutes, ids = map(snapshot.column, ("stack_id", "wait_reason", "wait_minutes", "goroutine_id"))
    together: dict[tuple[int, str | None], list[int]] = {}
    for at, creator in enumerate(snapshot.column("creator_id")):
        if creator == number:
            together.setdefault((stacks[at], reasons[at]), []).append(at)
    groups = []
    for same in together.values():
        longest = max(same, key=lambda at: minutes[at] or 0)
        known = islice((ids[at] for at in same if ids[at] is not None), _MOST_IDS)
        groups.append(Group(len(same), tuple(known), _goroutine(_row(longest, snapshot), snapshot)))
    return tuple(sorted(groups, key=lambda group: -group.count))


def is_own(frame: Frame) -> bool:
    """Whether a frame lies outside the standard library."""
    return origin(frame).kind != "std"


def goroutine_json(report: GoroutineReport) -> dict[str, object]:
    """The report as JSON values."""
    return {
        "source": report.place.source,
        "member": report.place.member,
        "position": report.place.position,
        "line": report.line,
        **_one(report.goroutine),
        "attributes": list(report.attributes),
        "created_by": None if report.stack.created_by is None else _frame(report.stack.created_by),
        "frames": [_frame(frame) for frame in report.stack.frames],
        "deciding_frame": report.deciding if report.stack.frames else None,
        "elided_frames": report.stack.elided,
        "creators": [_one(creator) for creator in report.creators],
        "children": [
            {"count": group.count, "goroutine_ids": list(group.ids), **_state(group.example)}
            for group in report.children
        ],
        "waits_for": None if report.waits_for is None else _lock(report.waits_for),
        "may_hold": [{"score": score, **_lock(lock)} for lock, score in report.may_hold],
        "findings": [
            {
                "rule": finding.rule.name,
                "severity": finding.severity,
                "title": finding.title,
                "cause": finding.cause,
                "confidence": finding.confidence,
            }
            for finding in report.findings
        ],
    }


def _one(goroutine: Goroutine) -> dict[str, object]:
    return {"goroutine_id": goroutine.number, "alive": goroutine.alive, **_state(goroutine)}


def _state(goroutine: Goroutine) -> dict[str, object]:
    return {
        "wait_reason": goroutine.wait_reason,
        "wait_minutes": goroutine.wait_minutes,
        "frame": None if goroutine.frame is None else _frame(goroutine.frame),
    }


def _lock(lock: Lock) -> dict[str, object]:
    return {
        "kind": lock.kind,
        "address": None if lock.address is None else f"{lock.address:#x}",
        "owner": None if lock.owner is None else f"{lock.owner:#x}",
        "owner_type": lock.owner_type,
        "waiters": lock.waiters,
        "goroutine_ids": list(lock.goroutine_ids),
        "candidates": [
            {"goroutine_ids": list(one.goroutine_ids), "score": one.score, "evidence": one.evidence}
            for one in lock.candidates
        ],
    }


def _frame(frame: Frame) -> dict[str, object]:
    return {"function": frame.function, "file": frame.file, "line": frame.line}
