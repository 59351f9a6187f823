"""What the goroutines of a dump may still do, as their source says: whom each may wake."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Literal

from stackscan.analysis.causes.code import Code
from stackscan.analysis.causes.waiting import Waiting, is_own
from stackscan.formats.symbol import origin, read_symbol
from stackscan.golang.needs import Need, in_endless_loop, need_of
from stackscan.golang.program import Program
from stackscan.golang.reach import Ahead, Reach, is_leaf
from stackscan.golang.reading import Reading
from stackscan.golang.tree import Node
from stackscan.golang.unit import Site, Unit, deferred_call
from stackscan.model.snapshot import Frame


class Work:
    """What each goroutine waits for and may still do, by its source. Source is read where somebody waits for a channel,
    a WaitGroup or a condition, and is not idle."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._ahead: dict[tuple[int, str], Ahead] = {}
        self._within: dict[tuple[int, frozenset[str], str], Ahead] = {}
        self._needs: dict[int, Need | None] = {}
        self._programs: dict[str, Program] = {}
        self._others: dict[tuple[str, str], Ahead] = {}
        self._reaches: dict[str, Reach] = {}

    # -- what they wait for ------------------------------------------------------------------------------------------

    def need(self, wait: Waiting) -> Need | None:
        """What goroutines wait for; None where nothing tells, or where it comes from outside."""
        key = id(wait)
        if key not in self._needs:
            self._needs[key] = self._need(wait)
        return self._needs[key]

    def _need(self, wait: Waiting) -> Need | None:
        if wait.own is None or not wait.kind.may_be_read or self.code.scene.is_idle(wait):
            return None
        reading = self.code.reading(wait, wait.own)
        if reading is None:
            return None
        program = self.program(reading)
        need = None if program is None else need_of(reading, program, wait.reasons)
        if need is None or (need.stops and not any(self._has_run(site, need.package) for site in need.stops)):
            return None
        outer = (event.node for at, one in self.code.readings(wait).items() if at != wait.own for event in one.events)
        return replace(need, in_loop=True) if not need.in_loop and any(map(in_endless_loop, outer)) else need

    def is_judged(self, wait: Waiting) -> bool:
        """Whether the source says who may serve goroutines: then nothing is guessed."""
        reading = None if wait.own is None else self.code.reading(wait, wait.own)
        return reading is not None and self.code.scene.is_whole and self.program(reading) is not None

    def _has_run(self, site: Site, package: str) -> bool:
        """Whether a goroutine is past a site, at the top of a function that it is in."""
        block = site.node.parent.parent if site.node.parent is not None else None
        for wait in self.code.scene.waits:
            for at in _frames_in(wait, package):
                reading = self.code.reading(wait, at)
                unit = None if reading is None else self.unit(reading)
                if unit is not None and unit.number == site.unit and wait.frames[at].line > site.line:
                    return _is_body(block, unit)
        return False

    # -- what they may do --------------------------------------------------------------------------------------------

    def program(self, reading: Reading) -> Program | None:
        """The package of a reading as a whole; None where it cannot be read."""
        if reading.package not in self._programs:
            found = self.code.reader.program(reading)
            if found is None:
                return None
            self._programs[reading.package] = found
        return self._programs[reading.package]

    def unit(self, reading: Reading) -> Unit | None:
        """The function of a reading in its program; None where the package is not looked at, or has it not."""
        program = self._programs.get(reading.package)
        return None if program is None else program.units.get(reading.function.node.id)

    @cached_property
    def _own(self) -> dict[str, Program]:
        """The packages of the program's own module that goroutines are in, those whose source was read."""
        for wait in self.code.scene.waits:
            for at, frame in enumerate(wait.frames):
                reading = self.code.reading(wait, at) if is_own(frame) else None
                if reading is not None:
                    self.program(reading)
        return {name: program for name, program in self._programs.items() if name in self._own_names}

    @cached_property
    def _own_names(self) -> frozenset[str]:
        frames = (frame for wait in self.code.scene.waits for frame in wait.frames)
        return frozenset(read_symbol(frame.function).package for frame in frames if is_own(frame))

    def _reach(self, package: str) -> Reach:
        """Follows calls among the packages from which one may be called: the program's own, if it is one of these."""
        if package not in self._reaches:
            self._reaches[package] = Reach(self._own_if(package) | {package: self._programs[package]})
        return self._reaches[package]

    def by_runtime(self, package: str) -> Ahead:
        """What timers and finalizers may run in a package at any time: no goroutine shows it."""
        found = Ahead()
        program = self._programs[package]
        names = {name for other in self._own_if(package).values() for name in other.runtime_names}
        named = [number for name in names for number in program.by_name.get(name, ())]
        self._reach(package).whole(package, [*program.by_runtime, *named], found)
        return found

    def ahead(self, wait: Waiting, package: str) -> Ahead:
        """What goroutines of a stack may still do in a package."""
        key = id(wait), package
        if key not in self._ahead:
            frames = [(at, frame) for at, frame in enumerate(wait.frames) if self._is_near(frame, package)]
            others = self._of_others(package, self._who_calls_back(wait, package))
            self._ahead[key] = found = others if not frames else others.copy()
            for at, _ in frames:
                reading = self.code.reading(wait, at)
                if reading is None:
                    found.unknown = True
                else:
                    self._add(reading, wait, at, self._reach(package), found)
        return self._ahead[key]

    def _is_near(self, frame: Frame, package: str) -> bool:
        """Whether a frame is of a package, or of one of the program's own beside it."""
        if read_symbol(frame.function).package == package:
            return True
        return package in self._own_names and is_own(frame)

    def _who_calls_back(self, wait: Waiting, package: str) -> Literal["", "library", "others"]:
        """Whose code is on a stack that may call into a package: the standard library calls what it was given, others
        what is exported, too."""
        far = [frame for frame in wait.frames if not self._is_near(frame, package)]
        if any(origin(frame).kind != "std" for frame in far):
            return "others"
        return "library" if any(not is_leaf(read_symbol(frame.function).package) for frame in far) else ""

    def _of_others(self, package: str, who: Literal["", "library", "others"]) -> Ahead:
        """What code of others may run in a package."""
        key = package, who
        if key not in self._others:
            found = self._others[key] = Ahead()
            if who:
                self._handed_out(package, self._reach(package), found)
            if who == "others":
                self._reach(package).whole(package, self._programs[package].exported, found)
        return self._others[key]

    def within(self, wait: Waiting, need: Need) -> Ahead:
        """What they may still do in frames that have the variables of a need, and where these are passed on; code of
        others may call function literals that see them. (The function around these makes new variables in each call.)
        """
        family = need.family or frozenset()
        key = (id(wait), family, need.package)
        if key not in self._within:
            found = self._within[key] = Ahead()
            reach = Reach({need.package: need.program})
            if self._who_calls_back(wait, need.package):
                units = (need.program.units.get(number) for number in need.program.given_away)
                reach.whole(need.package, [unit.number for unit in units if unit and sees(unit.outer, need)], found)
            for at in _frames_in(wait, need.package):
                reading = self.code.reading(wait, at)
                if reading is None:
                    found.unknown = True
                elif sees(self.unit(reading), need):
                    self._add(reading, wait, at, reach, found)
        return self._within[key]

    def _add(self, reading: Reading, wait: Waiting, at: int, reach: Reach, into: Ahead) -> None:
        unit = self.unit(reading)
        if unit is None:
            into.unknown = True
            return
        if is_wrapper(wait.frames[at]):
            reach.line(reading.package, unit, wait.frames[at].line, into)
            return
        nodes = [event.node for event in reading.events]
        inner = read_symbol(wait.frames[at - 1].function).name if at else ""
        deferred = deferred_call(unit, inner.partition("[")[0], nodes) if inner else None
        if deferred is not None:
            reach.after_defer(reading.package, unit, deferred, into)
            return
        at_end = not reading.events and reading.excerpt.line >= reading.flow.last_line
        reach.after(reading.package, unit, nodes, into, at_end=at_end)

    def _handed_out(self, package: str, reach: Reach, into: Ahead) -> None:
        own = self._own_if(package) | {package: self._programs[package]}
        names = {name for program in own.values() for name in program.handed_names}
        for name, program in own.items():
            named = [number for each in names for number in program.by_name.get(each, ())]
            reach.whole(name, [*program.given_away, *named], into)

    def _own_if(self, package: str) -> dict[str, Program]:
        return self._own if package in self._own_names else {}


def sees(unit: Unit | None, need: Need) -> bool:
    """Whether a function sees the variables of a need: its own, or those of functions around it."""
    family = need.family or frozenset()
    return unit is not None and any(each.scope in family for each in unit.around)


def is_wrapper(frame: Frame) -> bool:
    """Whether a frame is of the wrapper that the compiler makes for a go or defer statement."""
    return frame.function.rpartition(".")[2].startswith(("gowrap", "deferwrap"))


def _frames_in(wait: Waiting, package: str) -> list[int]:
    return [at for at, frame in enumerate(wait.frames) if read_symbol(frame.function).package == package]


def _is_body(block: Node | None, unit: Unit) -> bool:
    """Whether statements of a block run on every way through a function."""
    body = unit.function.body
    return block is not None and (block.id == body.id or (block.parent is not None and block.parent.id == body.id))
