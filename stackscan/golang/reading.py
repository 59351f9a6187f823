"""What the source says of a frame: the locks that its function holds there, and what the line waits for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.formats.symbol import read_symbol
from stackscan.golang.excerpt import Excerpt, excerpt
from stackscan.golang.flow import Flow
from stackscan.golang.locknames import UNLOCKS
from stackscan.golang.moment import meant, passed_on, state_at
from stackscan.golang.names import Place
from stackscan.golang.package import Function, Package, build_package, function_at
from stackscan.golang.program import Program
from stackscan.golang.roots import MAX_FILES, SourceFile, Sources
from stackscan.golang.state import Event, Hold, State
from stackscan.golang.tree import Node, field, parse, text
from stackscan.model.snapshot import Frame

#: Source that is read for who may serve whom, for one input.
_MOST_BYTES: Final = 6 << 20


@dataclass(frozen=True)
class Reading:
    """The source of one frame: which function it is in, which locks that function holds at the line (see State), the
    points of the line, and the lines around it."""

    package: str
    function: Function
    state: State
    events: tuple[Event, ...]
    flow: Flow
    excerpt: Excerpt

    @property
    def receiver(self) -> str | None:
        """The name of the receiver of the declared function."""
        return self.function.declared.receiver

    @property
    def called_on(self) -> str:
        """What the line calls the next inner function on: ``a`` of ``a.Balance()``; empty where nothing tells, or where
        the line makes several calls."""
        found = {text(field(field(event.node, "function"), "operand")) for event in self.events}
        return next(iter(found)) if len(found) == 1 else ""

    def lock_wanted(self, caller: Reading | None = None) -> tuple[Place, bool] | None:
        """The lock that the line takes, and whether for writing; None where it takes none, or several. The caller tells
        which lock a parameter is."""
        found = {}
        for event in self.events:
            callee = field(event.node, "function") if event.node.type == "call_expression" else None
            if callee is not None and callee.type == "selector_expression":
                method = text(field(callee, "field"))
                used = self.flow.names.used(callee) if method in ("Lock", "RLock") else None
                place = None if used is None else self.known(used.place, caller)
                if used is not None and place is not None:
                    found[place] = method == "Lock" and not used.reading
        return next(iter(found.items())) if len(found) == 1 else None

    def known(self, place: Place, caller: Reading | None) -> Place | None:
        """A lock by its name in the package; of a parameter, that which the caller gave; None where nothing tells."""
        if place.is_known:
            return place
        if caller is None or caller.package != self.package:
            return None
        return passed_on(self.function, caller.events, caller.flow).get(place.name[1:])

    def is_handed_out(self, place: Place) -> bool:
        """Whether a function of the package always returns with a lock held: its callers hold it."""
        ends = (Flow(function, self.flow.package).end for function in self.flow.package.functions.values())
        return any(end is not None and place in end.kept for end in ends)

    def leaving_locked(self, place: Place) -> str:
        """A function of the package that may return with a lock still held, in words; empty where there is none."""
        for function in self.flow.package.every_function:
            flow = Flow(function, self.flow.package)
            end = flow.end
            if end is not None and place in end.may and place not in end.kept | end.loose:
                lines = " or ".join(map(str, end.may[place].lines))
                skips = flow.skipping(place)
                how = f"the return in line {skips} skips Unlock" if skips else "may return without Unlock"
                return f"{function.declared.key} locks it in line {lines} and {how}"
        return ""

    def guarded_to(self, place: Place) -> int:
        """The line in which the function gives a lock back that it holds at this line; its last line, where a deferred
        call does."""
        lines = [
            event.line
            for event in self.flow.events.values()
            if event.line > self.excerpt.line
            and (callee := field(event.node, "function")) is not None
            and text(field(callee, "field")) in UNLOCKS
            and self.flow.names.lock_of(callee) == place
        ]
        return min(lines, default=self.flow.last_line)

    @property
    def calls(self) -> str:
        """The call in this line, as the code writes it; empty where there are several."""
        calls = [event.node for event in self.events if event.node.type == "call_expression"]
        return " ".join(text(calls[0]).split())[:60] if len(calls) == 1 else ""

    def waits_for(self) -> str:
        """What the line waits for, as the code calls it: ``results <- i``, ``done.Wait()``; empty: nothing tells."""
        kinds = ("send_statement", "receive_statement", "unary_expression", "select_statement", "range_clause")
        waiting = [event.node for event in self.events if event.node.type in kinds]
        if len(waiting) != 1:
            calls = [e.node for e in self.events if text(field(field(e.node, "function"), "field")) in ("Wait", "Do")]
            waiting = calls if len(calls) == 1 else []
        return _one_line(waiting[0]) if waiting else ""


def _one_line(node: Node) -> str:
    """The first line of a node's source; of a select its cases."""
    if node.type == "select_statement":
        cases = [text(field(case, "communication")) for case in node.children if case.type == "communication_case"]
        return f"select {{ {'; '.join(' '.join(case.split()) for case in cases)} }}"
    return text(node).split("\n", 1)[0]


class FrameReader:
    """Reads frames with the source that a finder finds. ``mismatched`` are files that are of another version: the line
    of a frame lies in another function there. Nothing of them is used."""

    def __init__(self, finder: Sources) -> None:
        self._finder = finder
        self._packages: dict[tuple[str, bool], Package] = {}
        self._programs: dict[int, Program | None] = {}
        self._within: dict[int, bool] = {}
        self._too_deep: dict[str, None] = {}
        self._read_bytes = 0
        self._flows: dict[tuple[str, int], Flow] = {}
        self.mismatched: dict[str, str] = {}
        self.frame = lru_cache(maxsize=65536)(self._frame)

    def _frame(self, frame: Frame, callee: str = "", reason: str = "") -> Reading | None:
        """The source of a frame; ``callee`` is the function of the next inner frame, ``reason`` why the innermost one
        waits. None where no source is found, or where it is of another version."""
        try:
            return self._read(frame, callee, reason)
        except RecursionError:  # source that nests thousands of levels deep: no person writes it
            self._too_deep[frame.file] = None
            return None

    def _read(self, frame: Frame, callee: str, reason: str) -> Reading | None:
        found = self._found(frame)
        if found is None:
            return None
        file, function = found
        package = self._package(file)
        flow = self._flow(file.key, function, package)
        events = meant(flow.at(frame.line), callee, reason)
        return Reading(
            package=read_symbol(frame.function).package,
            function=function,
            state=state_at(events, flow, frame.line, callee),
            events=tuple(events),
            flow=flow,
            excerpt=excerpt(file.key, file.content, frame.line),
        )

    def _found(self, frame: Frame) -> tuple[SourceFile, Function] | None:
        """The first file in which the line of a frame lies in its function."""
        for file in self._finder.candidates(frame):
            function = function_at(_tree(file.content), frame.line)
            if function is not None and is_the_same(frame.function, function):
                return file, _outwards(frame.function, function)
            self.mismatched.setdefault(file.key, frame.function)
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """What nests too deep or is of another version, in words."""
        used = {key for key, _ in self._flows}
        others = (
            f"the source of {key} is of another version: its line numbers do not fit the dump"
            for key in self.mismatched
            if key not in used
        )
        deep = (f"the source of {name} nests too deep; it was not read" for name in self._too_deep)
        return (*others, *deep)

    def _package(self, file: SourceFile) -> Package:
        key = (file.package_key, file.key.endswith("_test.go"))
        if key not in self._packages:
            files = [file, *self._finder.siblings(file)]
            trees = (_tree(one.content) for one in files)
            self._packages[key] = build_package(trees, [one.key for one in files])
        return self._packages[key]

    def program(self, reading: Reading) -> Program | None:
        """The package of a reading as a whole: who does what with which objects; None where it nests too deep to be
        read, or where so much was read already."""
        package = reading.flow.package
        if not self._is_within(package):
            return None
        if id(package) not in self._programs:
            self._programs[id(package)] = self._new_program(package, reading.excerpt.file.rpartition("/")[0])
        return self._programs[id(package)]

    def begin_input(self) -> None:
        """Another input: what may be read for it does not depend on those before it."""
        self._within.clear()
        self._read_bytes = 0

    def _is_within(self, package: Package) -> bool:
        """Whether all packages that are read as a whole for an input stay below a size with this one: more takes longer
        than it tells."""
        if id(package) not in self._within:
            self._read_bytes += sum(root.end_byte for root, _ in package.files)
            self._within[id(package)] = self._read_bytes <= _MOST_BYTES
        return self._within[id(package)]

    def _new_program(self, package: Package, name: str) -> Program | None:
        """A package as a whole; None where it nests too deep."""
        try:
            return Program(package)
        except RecursionError:
            self._too_deep[name] = None
            return None

    def _flow(self, key: str, function: Function, package: Package) -> Flow:
        at = (key, function.node.start_byte)
        if at not in self._flows:
            self._flows[at] = Flow(function, package)
        return self._flows[at]


@lru_cache(maxsize=MAX_FILES)
def _tree(content: bytes) -> Node:
    return parse(content)


def is_the_same(symbol: str, function: Function) -> bool:
    """Whether a frame's function is the one that its line lies in: by its receiver and name; a closure lies in a
    literal of that function."""
    read = read_symbol(symbol)
    declared = function.declared
    parts = [part for part in read.name.partition("[")[0].split(".") if part]
    literal = any(part.startswith("func") and part[4:].isdigit() for part in parts) or "glob" in read.name
    if declared.node.type == "func_literal":
        return parts[:1] in (["init"], ["glob"], [""]) or not parts  # a literal in a variable of the package
    owner = None if read.receiver is None else read.receiver.lstrip("*").partition("[")[0]
    named = declared.name in parts if literal else parts[:1] == [declared.name] or declared.name in parts
    return named and (owner is None or owner == declared.owner or literal)


def _outwards(symbol: str, function: Function) -> Function:
    """The function of a frame on a line that a literal shares with the function around it: the name counts literals."""
    parts = re.sub(r"\[[^]]*\]", "", read_symbol(symbol).name).split(".")
    deep = sum(part.isdigit() or re.match(r"func\d+", part) is not None for part in parts[1:])
    around = [function]
    while around[-1].outer is not None:
        around.append(around[-1].outer)
    return around[max(0, len(around) - 1 - deep)] if around[-1].node.type != "func_literal" else function


def held(readings: Mapping[int, Reading]) -> dict[tuple[str, Place], list[tuple[int, Hold, bool]]]:
    """The locks that a goroutine holds, from the readings of its frames (by index, innermost 0): by package and place,
    each object of it: the frame, since when, and whether on every way there. What an inner frame released is not held;
    the one that was taken last comes first."""
    found: dict[tuple[str, Place], list[tuple[int, Hold, bool]]] = {}
    for at in sorted(readings, reverse=True):  # the outermost first
        reading = readings[at]
        state = reading.state
        released = [reading.known(place, readings.get(at + 1)) for place in state.released]
        for place in released:
            if place is not None:
                found.pop((reading.package, place), None)
        unsure = state.unsure or state.vague or None in released
        for (package, place), holds in found.items():
            if unsure or (package == reading.package and place in state.loose):
                holds[:] = [(frame, hold, False) for frame, hold, _ in holds]
        for object_, hold, must in state.objects():
            place = reading.known(object_, readings.get(at + 1))
            if place is not None:
                holds = found.pop((reading.package, place), [])  # the key tells through what the last one was taken
                found[reading.package, place] = sorted([(at, hold, must), *holds], key=lambda one: (one[0], not one[2]))
    return found
