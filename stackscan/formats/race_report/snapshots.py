"""From the races of a text to its snapshot: a row an access, and a conclusion a race."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from stackscan.formats import counted
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.problems import bounded
from stackscan.formats.race_report.grammar import MAIN, Access
from stackscan.model.conclusion import Conclusion, Role
from stackscan.model.snapshot import Frame, Problem, Snapshot
from stackscan.sources import limits

NAME: Final = "race-report"
_TOOL: Final = "the race detector"


@dataclass(slots=True)
class Section:
    """A stack of a report as its lines come in; ``unknown``: the detector could not restore it."""

    line: int
    frames: list[Frame] = field(default_factory=list)
    unknown: bool = False
    partial: bool = False


@dataclass(slots=True)
class Race:
    """One report as its lines come in: accesses, and by goroutine its state and where it was created."""

    line: int
    accesses: list[tuple[Access, Section]] = field(default_factory=list)
    created: dict[int, tuple[str, Section]] = field(default_factory=dict)
    allocated: Section | None = None
    variable: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether a part is missing that each report has: an access, a stack, or where a goroutine was created."""
        sections = [section for _, section in self.accesses] + [section for _, section in self.created.values()]
        empty = any(not section.frames and not section.unknown for section in sections)
        named = {access.goroutine_id for access, _ in self.accesses} - {MAIN}
        return len(self.accesses) < 2 or empty or not named <= set(self.created)


def build(races: Sequence[Race], problems: Iterable[Problem], *, complete: bool) -> Snapshot:
    """The snapshot of all races of a text."""
    stacks = Stacks()
    records: list[Record] = []
    conclusions = []
    for race in races:
        roles = []
        for access, section in race.accesses:
            roles.append(Role(len(records), _does(access), 0 if section.frames else None))
            created = race.created.get(access.goroutine_id)
            created_by = created[1].frames[0] if created is not None and created[1].frames else None
            partial = section.partial or section.unknown or not section.frames
            stack_id = stacks.id_of(section.frames, partial=partial, created_by=created_by)
            records.append(Record(1, stack_id, line=section.line, goroutine_id=access.goroutine_id))
        if roles:
            others = (*_created(race, roles, stacks), *_allocated(race, roles, stacks))
            conclusions.append(
                Conclusion("data-race", _TOOL, race.line, (*roles, *others), _says(race), variable=race.variable)
            )
    found = list(problems)
    if not records and not found:
        found.append(Problem(1, "no access of a data race could be read"))
    if len(records) > limits.MAX_GOROUTINES:
        raise limits.too_many_goroutines()
    table, _ = counted.rows(records)
    return Snapshot(
        format=NAME,
        table=table,
        stacks=stacks.all(),
        problems=bounded(found),
        complete=complete and bool(records),
        header_lines=len(records),
        conclusions=tuple(conclusions),
    )


def _does(access: Access) -> str:
    verb = "writes" if access.writes else "reads"
    before = " before" if access.previous else ""
    return f"{verb}{' atomically' if access.atomic else ''}{before}"


def _created(race: Race, roles: Sequence[Role], stacks: Stacks) -> Iterable[Role]:
    """Where the goroutines were created, the first access's first: the whole stack of the go statement."""
    for role, (access, _) in zip(roles, race.accesses, strict=True):
        created = race.created.get(access.goroutine_id)
        if created is not None and created[1].frames:
            yield Role(role.row, "was created", 0, stacks.id_of(created[1].frames, partial=created[1].partial))


def _allocated(race: Race, roles: Sequence[Role], stacks: Stacks) -> Iterable[Role]:
    """Where the memory was allocated, if the report says it."""
    if race.allocated is not None and race.allocated.frames:
        yield Role(roles[0].row, "allocated it", 0, stacks.id_of(race.allocated.frames))


def _says(race: Race) -> str:
    """``write at 0x00c0000980f0 by goroutine 8, previous read by goroutine 7``."""
    parts: list[str] = []
    for access, _ in race.accesses[:2]:
        kind = f"{'atomic ' if access.atomic else ''}{'write' if access.writes else 'read'}"
        who = "the main goroutine" if access.goroutine_id == MAIN else f"goroutine {access.goroutine_id}"
        where = f" at {access.address}" if access.address and not parts else ""
        parts.append(f"{'previous ' if access.previous else ''}{kind}{where} by {who}")
    return ", ".join(parts)
