"""What the goroutines of a dump may still do, as their source says: whom each may wake."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Final

from stackscan.analysis.causes.code import Code
from stackscan.analysis.causes.waiting import Waiting
from stackscan.formats.symbol import origin, read_symbol
from stackscan.golang.needs import Need, in_endless_loop, need_of
from stackscan.golang.program import Program
from stackscan.golang.reach import Ahead, Reach
from stackscan.golang.reading import Reading
from stackscan.golang.tree import Node
from stackscan.golang.unit import Site, Unit, deferred_call
from stackscan.model.snapshot import Frame

#: Packages of the library that call functions of the program, from loops of their own.
_CALL_BACK: Final = ("net/http", "net/rpc", "database/sql", "testing", "expvar", "net/http/httputil")
#: How far back it is followed who started whom.
_LONGEST_CHAIN: Final = 8
#: Functions that start what they are given: the goroutine is their caller's.
_STARTERS: Final = frozenset({"sync.(*WaitGroup).Go", "golang.org/x/sync/errgroup.(*Group).Go"})


class Work:
    """What each goroutine waits for and may still do, by its source. Built for dumps where somebody waits for a
    channel, a WaitGroup or a condition."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._ahead: dict[int, Ahead] = {}
        self._within: dict[tuple[int, frozenset[str], str], Ahead] = {}
        self._needs: dict[int, Need | None] = {}

    @cached_property
    def programs(self) -> dict[str, Program]:
        """The packages that goroutines of the dump are in, as far as their source was read."""
        found: dict[str, Program] = {}
        for wait in self.code.scene.waits:
            for reading in self.code.readings(wait).values():
                if reading.package not in found:
                    found[reading.package] = self.code.reader.program(reading)
        return found

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self.programs)

    @cached_property
    def by_runtime(self) -> Ahead:
        """What timers and finalizers may run at any time: no goroutine shows it."""
        found = Ahead()
        for package, program in self.programs.items():
            self._reach.whole(package, program.by_runtime, found)
        return found

    def need(self, wait: Waiting) -> Need | None:
        """What goroutines wait for; None where nothing tells, or where it comes from outside."""
        key = id(wait)
        if key not in self._needs:
            self._needs[key] = self._need(wait)
        return self._needs[key]

    def _need(self, wait: Waiting) -> Need | None:
        if wait.own is None or wait.moving:
            return None
        reading = self.code.readings(wait).get(wait.own)
        program = None if reading is None else self.programs.get(reading.package)
        if reading is None or program is None:
            return None
        need = need_of(reading, program, wait.reasons)
        outer = (event.node for at, one in self.code.readings(wait).items() if at != wait.own for event in one.events)
        if need is not None and not need.in_loop and any(map(in_endless_loop, outer)):
            need = replace(need, in_loop=True)
        return None if need is not None and need.stops and not any(map(self._has_run, need.stops)) else need

    def _has_run(self, site: Site) -> bool:
        """Whether a goroutine is past a site, at the top of a function that it is in."""
        block = site.node.parent.parent if site.node.parent is not None else None
        return any(
            unit is not None and unit.number == site.unit and reading.excerpt.line > site.line and _is_body(block, unit)
            for wait in self.code.scene.waits
            for reading in self.code.readings(wait).values()
            for unit in (self.unit(reading),)
        )

    def ahead(self, wait: Waiting) -> Ahead:
        """All that goroutines of a stack may still do."""
        key = id(wait)
        if key not in self._ahead:
            found = self._ahead[key] = Ahead()
            readings = self.code.readings(wait)
            for at, frame in enumerate(wait.frames):
                if at in readings:
                    self._add(readings[at], wait, at, found)
                elif origin(frame).kind != "std":
                    found.unknown = True
                elif read_symbol(frame.function).package in _CALL_BACK:
                    self._handed_out(found)
        return self._ahead[key]

    def within(self, wait: Waiting, need: Need) -> Ahead:
        """What they may still do in frames that have the variables of a need, and where these are passed on."""
        family = need.family or frozenset()
        key = (id(wait), family, need.package)
        if key not in self._within:
            found = self._within[key] = Ahead()
            for at, reading in self.code.readings(wait).items():
                if reading.package == need.package and self._sees(reading, need):
                    self._add(reading, wait, at, found)
        return self._within[key]

    def _sees(self, reading: Reading, need: Need) -> bool:
        """Whether a function sees the variables of a need: its own, or those of functions around it."""
        unit, family = self.unit(reading), need.family or frozenset()
        return unit is not None and any(each.scope in family for each in unit.around)

    def unit(self, reading: Reading) -> Unit | None:
        """The function of a reading in its program."""
        program = self.programs.get(reading.package)
        return None if program is None else program.units.get(reading.function.node.id)

    def _add(self, reading: Reading, wait: Waiting, at: int, into: Ahead) -> None:
        unit = self.unit(reading)
        if unit is None:
            into.unknown = True
            return
        if _is_wrapper(wait.frames[at]):
            self._reach.line(reading.package, unit, wait.frames[at].line, into)
            return
        nodes = [event.node for event in reading.events]
        inner = read_symbol(wait.frames[at - 1].function).name if at else ""
        deferred = deferred_call(unit, inner.partition("[")[0], nodes) if inner else None
        if deferred is not None:
            self._reach.after_defer(reading.package, unit, deferred, into)
            return
        at_end = not reading.events and reading.excerpt.line >= reading.flow.last_line
        self._reach.after(reading.package, unit, nodes, into, at_end=at_end)

    def _handed_out(self, into: Ahead) -> None:
        for package, program in self.programs.items():
            self._reach.whole(package, [*program.handed, *program.by_name.get("ServeHTTP", ())], into)

    # -- which call of a function ------------------------------------------------------------------------------------

    def roots(self, row: int, need: Need) -> frozenset[int] | None:
        """The goroutines in which the call may have begun whose variables a goroutine sees: itself, the one that
        started it from there, and so on. None: not known."""
        scene = self.code.scene
        found: set[int] = set()
        at: int | None = row
        for _ in range(_LONGEST_CHAIN):
            number = None if at is None else scene.snapshot.rows["goroutine_id"][at]
            if at is None or number is None:
                return None  # it has ended, and who started it nobody knows
            here = scene.of_row[at]
            readings = [
                one
                for place, one in self.code.readings(here).items()
                if one.package == need.package and not _is_wrapper(here.frames[place])
            ]
            if any(self._sees(one, need) for one in readings):
                found.add(number)
            creator = scene.creators[at]
            if any(self._makes(one, need) for one in readings):
                return frozenset(found)
            if creator is None or self._is_foreign(here, need):
                return None  # it got the variables in a function value, or nothing tells how
            found.add(creator)
            starter = self._starter(here, need)
            if starter is not None and self._makes(starter, need):
                return frozenset(found)
            at = scene.row_of_id.get(creator)
        return None

    def _is_foreign(self, wait: Waiting, need: Need) -> bool:
        """Whether a function that does not see the variables started a goroutine."""
        if self._is_handed_on(wait):
            return False
        starter = self._starter(wait, need)
        return starter is None or not self._sees(starter, need)

    @staticmethod
    def _is_handed_on(wait: Waiting) -> bool:
        """Whether a function of a library started the goroutine for its caller."""
        frame = wait.stack.created_by
        return frame is not None and frame.function in _STARTERS

    def _starter(self, wait: Waiting, need: Need) -> Reading | None:
        """The function whose go statement started a goroutine, where it is of a package."""
        frame = wait.stack.created_by
        reading = None if frame is None else self.code.reader.frame(frame)
        return reading if reading is not None and reading.package == need.package else None

    def _makes(self, reading: Reading, need: Need) -> bool:
        """Whether a function declares the variables of a need itself, other than as parameters."""
        unit = self.unit(reading)
        return unit is not None and unit.scope in need.makers


def _is_wrapper(frame: Frame) -> bool:
    """Whether a frame is of the wrapper that the compiler makes for a go or defer statement."""
    return frame.function.rpartition(".")[2].startswith(("gowrap", "deferwrap"))


def _is_body(block: Node | None, unit: Unit) -> bool:
    """Whether statements of a block run on every way through a function."""
    body = unit.function.body
    return block is not None and (block.id == body.id or (block.parent is not None and block.parent.id == body.id))
