"""Turns what was gathered of a session with Delve into snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stackscan.formats import counted
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.delve import waits
from stackscan.formats.delve.find import NAME
from stackscan.formats.delve.gathered import Goroutine, Moment
from stackscan.formats.delve.reasons import name_reasons
from stackscan.formats.delve.visible import in_system_call, visible
from stackscan.formats.problems import bounded
from stackscan.model.snapshot import Frame, Problem, Snapshot

#: From here on, `goroutines -t` leaves no stack of a usual program cut.
_DEPTH: Final = 200


def build_all(moments: Iterable[Moment], problems: Iterable[Problem]) -> list[Snapshot]:
    """A snapshot a moment; ``problems`` of the whole text are the first one's."""
    above = list(problems)
    built = []
    left = counted.MOST_GOROUTINES
    for moment in moments:
        moment.problems[:0] = above
        above = []
        built.append(_build(moment, left))
        left -= built[-1].total
    return built


def _build(moment: Moment, most: int) -> Snapshot:
    name_reasons(moment)
    builder = _Builder(moment)
    total = 0
    kept = []
    for goroutine in moment.goroutines:
        if total + goroutine.count > most:
            moment.problem(goroutine.line, "more goroutines than a process can have; not read")
            break
        total += goroutine.count
        kept.append(goroutine)
    times = waits.minutes([each.since for each in kept])
    records = [builder.record(goroutine, minutes) for goroutine, minutes in zip(kept, times, strict=True)]
    builder.note_missing(kept)
    rows, counts = counted.rows(records)
    return Snapshot(
        format=NAME,
        table=rows,
        counts=counts,
        stacks=builder.stacks.all(),
        problems=bounded(moment.problems),
        complete=not moment.lost,
        header_lines=total,
    )


class _Builder:
    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.stacks = Stacks()
        self.interned: dict[Frame, Frame] = {}

    def record(self, goroutine: Goroutine, minutes: int | None) -> Record:
        """The row of a goroutine."""
        trace = goroutine.trace
        frames = visible(trace.frames) if trace is not None else _only_place(goroutine)
        creator = goroutine.places.get("Go") if goroutine.goroutine_id != 1 else None
        stack_id = self.stacks.id_of(
            [self._intern(frame) for frame in frames],
            partial=trace is None or not trace.whole,
            created_by=self._intern(creator) if creator is not None else None,
        )
        return Record(
            goroutine.count,
            stack_id,
            goroutine.labels,
            goroutine.line,
            goroutine_id=goroutine.goroutine_id,
            wait_reason=_wait_reason(goroutine),
            wait_minutes=minutes,
            thread=goroutine.thread,
        )

    def note_missing(self, goroutines: list[Goroutine]) -> None:
        """Say once which command shows what is missing."""
        single = [each for each in goroutines if each.trace is None and each.count == 1]
        if single:
            have = "goroutine has" if len(single) == 1 else "goroutines have"
            how = f"{len(single):,} {have} one place and no stack: `goroutines -t {_DEPTH}` prints stacks"
            self.moment.problem(single[0].line, how, lost=False)
        cut = [each for each in goroutines if each.trace is not None and each.trace.cut]
        if cut:
            end = "stack ends" if len(cut) == 1 else "stacks end"
            how = f"{len(cut):,} {end} at the depth that was asked for: `goroutines -t {_DEPTH}` prints the rest"
            self.moment.problem(cut[0].line, how, lost=False)

    def _intern(self, frame: Frame) -> Frame:
        return self.interned.setdefault(frame, frame)


def _only_place(goroutine: Goroutine) -> list[Frame]:
    """The one frame that a list shows of a goroutine: where it is, or else where it began."""
    places = goroutine.places
    found = places.get("User") or places.get("Runtime") or places.get("Start")
    return [found] if found is not None else []


def _wait_reason(goroutine: Goroutine) -> str | None:
    """The reason, unless it is an old one.

    Delve prints the last reason also of a goroutine that is in a system call. On a thread and in no system call, in
    code that is not the runtime's, it runs.
    """
    frames = goroutine.trace.frames if goroutine.trace is not None else _only_place(goroutine)
    if in_system_call(frames) and (goroutine.thread is not None or goroutine.trace is not None):
        return "syscall"
    on_thread = goroutine.thread is not None and goroutine.wait_reason is None and goroutine.trace is not None
    if on_thread and frames and "." in frames[0].function and not frames[0].function.startswith("runtime."):
        return "running"
    return goroutine.wait_reason
