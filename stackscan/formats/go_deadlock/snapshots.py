"""From the reports of a text to its snapshot: the goroutines that they name, and a conclusion a report."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stackscan.formats import counted
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.problems import bounded
from stackscan.formats.symbol import origin
from stackscan.model.conclusion import Conclusion, Role
from stackscan.model.snapshot import Frame, Problem, Snapshot, Stack
from stackscan.model.table import ANCESTOR_COLUMNS, GOROUTINE_COLUMNS, Table

NAME: Final = "go-deadlock"
_OWN_PACKAGE: Final = "go-deadlock."


@dataclass(slots=True)
class Site:
    """A place where a lock was or is taken, in one part of a report, as its lines come in."""

    part: str
    line: int
    goroutine_id: int | None = None
    frames: list[Frame] = field(default_factory=list)
    source: str = ""
    partial: bool = False


@dataclass(slots=True)
class Report:
    """One report as its lines come in; ``waited``: for how long a goroutine has waited, as printed."""

    line: int
    sites: list[Site] = field(default_factory=list)
    goroutine_id: int | None = None
    waited: str = ""

    def of(self, part: str) -> Site | None:
        """The first place of a part that has frames."""
        return next((site for site in self.sites if site.part == part and site.frames), None)


def build(
    reports: Sequence[Report], quoted: Sequence[Snapshot], problems: Iterable[Problem], *, complete: bool
) -> Snapshot:
    """The snapshot of all reports of a text, with the goroutines that it quotes."""
    making = _Making(quoted, [report.line for report in reports])
    conclusions = [found for place, report in enumerate(reports) if (found := _concluded(report, place, making))]
    every = [*problems, *(problem for snapshot in quoted for problem in snapshot.problems)]
    rows, places = making.rows()
    if len(conclusions) < len(reports) or not len(rows):
        line = reports[0].line if reports else 1
        every.append(Problem(line, "a go-deadlock report is cut: the places of its locks are missing"))
        complete = False
    return Snapshot(
        format=NAME,
        table=rows,
        stacks=making.stacks(),
        problems=bounded(every),
        complete=complete and all(snapshot.complete for snapshot in quoted),
        header_lines=len(rows),
        dialect=next((snapshot.dialect for snapshot in quoted if snapshot.dialect), None),
        ancestor_table=making.ancestors,
        conclusions=tuple(_placed(conclusion, places) for conclusion in conclusions),
    )


def _placed(conclusion: Conclusion, places: Sequence[int]) -> Conclusion:
    return replace(conclusion, roles=tuple(replace(role, row=places[role.row]) for role in conclusion.roles))


class _Making:
    """The rows and stacks while reports are turned into them: the quoted goroutines first."""

    def __init__(self, quoted: Sequence[Snapshot], first_lines: Sequence[int]) -> None:
        self._quoted: list[Stack] = []
        self._known: dict[tuple[int, int | None], int] = {}
        columns: dict[str, list[Any]] = {name: [] for name in GOROUTINE_COLUMNS}
        ancestors: dict[str, list[Any]] = {name: [] for name in ANCESTOR_COLUMNS}
        for snapshot in quoted:
            shift = len(self._quoted)
            for row, key in enumerate(zip(snapshot.column("line"), snapshot.column("goroutine_id"), strict=True)):
                found = bisect_right(first_lines, key[0]) - 1, key[1]
                if found in self._known:  # a report quotes a goroutine once more
                    continue
                self._known[found] = len(self._known)
                for name, values in columns.items():
                    value = snapshot.column(name)[row]
                    values.append(value + shift if name == "stack_id" else value)
            for name, values in ancestors.items():
                values += [one + (shift if name == "stack_id" else 0) for one in snapshot.ancestor_table.column(name)]
            self._quoted += snapshot.stacks
        self.ancestors = Table.of_lists(ancestors, "ancestors")
        self._table = Table.of_lists(columns)
        self._stacks = Stacks()
        self._records: list[Record] = []

    def row(self, report: int, site: Site, goroutine_id: int | None) -> int:
        """The row of a goroutine: the quoted one, or one with the stack of this place."""
        key = report, goroutine_id
        if goroutine_id is not None and key in self._known:
            return self._known[key]
        row = len(self._table) + len(self._records)
        self._records.append(Record(1, self.stack(site), line=site.line, goroutine_id=goroutine_id))
        if goroutine_id is not None:
            self._known[key] = row
        return row

    def stack(self, site: Site) -> int:
        """The id of the stack of a place."""
        return len(self._quoted) + self._stacks.id_of(site.frames, partial=site.partial)

    def stacks(self) -> tuple[Stack, ...]:
        """All stacks by id."""
        return (*self._quoted, *self._stacks.all())

    def is_quoted(self, row: int) -> bool:
        """Whether the report has the whole text of a goroutine."""
        return row < len(self._table)

    def own_frame(self, row: int) -> int:
        """The frame to look at in a row's stack: the first that is neither the library's nor go-deadlock's."""
        stack_id = self._table.column("stack_id")[row] if self.is_quoted(row) else None
        frames = self._quoted[stack_id].frames if stack_id is not None else ()
        own = (
            at for at, frame in enumerate(frames) if origin(frame).kind != "std" and _OWN_PACKAGE not in frame.function
        )
        return next(own, 0)

    def rows(self) -> tuple[Table, list[int]]:
        """The rows in the order of the text, and by old place the place of each."""
        table, _ = counted.rows(self._records)
        lines = [*self._table.column("line"), *table.column("line")]
        order = sorted(range(len(lines)), key=lines.__getitem__)
        places = [0] * len(order)
        for place, was in enumerate(order):
            places[was] = place
        both = {name: [*self._table.column(name), *table.column(name)] for name in GOROUTINE_COLUMNS}
        return Table.of_lists({name: [values[was] for was in order] for name, values in both.items()}), places


def _concluded(report: Report, place: int, making: _Making) -> Conclusion | None:
    """What a report concludes; None where the places that it is about are missing."""
    found = _both_orders(report, place, making) or _twice(report, place, making) or _held(report, place, making)
    for site in report.sites:
        if site.frames and (site.part == "other" or (found is None and site.goroutine_id is not None)):
            row = making.row(place, site, site.goroutine_id)
            if found is not None:
                role = Role(row, "holds another lock, taken here", 0, making.stack(site))
                found = replace(found, roles=(*found.roles, role))
    return found


def _both_orders(report: Report, place: int, making: _Making) -> Conclusion | None:
    sites = [report.of(part) for part in ("first before", "first after", "second before", "second after")]
    whole = [site for site in sites if site is not None]
    if len(whole) < 4:
        return None
    earlier, then, before, after = whole
    same = [s for s in report.sites if s.part == "other" and s.frames == before.frames and s.goroutine_id is not None]
    now = making.row(place, after, same[0].goroutine_id if len(same) == 1 else None)
    once = making.row(place, then, None)
    if len(same) == 1:
        report.sites.remove(same[0])  # it is this goroutine, and the lock is the first of the two
    roles = (
        Role(now, "took lock A here", 0, making.stack(before)),
        Role(now, "wants lock B while it holds A", 0, making.stack(after)),
        Role(once, "took lock B here earlier", 0, making.stack(earlier)),
        Role(once, "took lock A while it held B", 0, making.stack(then)),
    )
    return Conclusion("lock-order-cycle", NAME, report.line, roles, "inconsistent locking")


def _twice(report: Report, place: int, making: _Making) -> Conclusion | None:
    again, taken = report.of("again"), report.of("taken")
    if again is None or taken is None:
        return None
    row = making.row(place, again, report.goroutine_id)
    roles = (
        Role(row, "waits for a lock that it holds", 0, making.stack(again)),
        Role(row, "took the lock here", 0, making.stack(taken)),
    )
    reads = all(".RLock(" in site.source for site in (again, taken))
    kind = "rwmutex-recursive-read" if reads else "self-deadlock"
    return Conclusion(kind, NAME, report.line, roles, "recursive locking")


def _held(report: Report, place: int, making: _Making) -> Conclusion | None:
    holder, waiter = report.of("holder"), report.of("waiter")
    if holder is None or waiter is None:
        return None
    row = making.row(place, holder, holder.goroutine_id)
    waits = making.row(place, waiter, waiter.goroutine_id)
    does = f"waits for it for more than {report.waited}"
    is_quoted = making.is_quoted(waits)
    behind = Role(waits, does, making.own_frame(waits) if is_quoted else 0, None if is_quoted else making.stack(waiter))
    took = Role(row, "took the lock here", 0, making.stack(holder))
    more = (
        Role(making.row(place, site, site.goroutine_id), "took the lock here, too", 0, making.stack(site))
        for site in report.sites
        if site.part == "holder" and site is not holder and site.frames
    )
    says = f"waited for more than {report.waited}"
    if row == waits:
        first = Role(waits, "waits for a lock that it holds", 0, making.stack(waiter))
        return Conclusion("self-deadlock", NAME, report.line, (first, took, *more), says)
    roles = (Role(row, "holds the lock and is here", making.own_frame(row)), took, behind, *more)
    return Conclusion("blocked-while-holding-lock", NAME, report.line, roles, says)
