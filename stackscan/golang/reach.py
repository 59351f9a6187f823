"""What goroutines may still do: from the lines in which they are, over all that may run after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stackscan.formats.symbol import is_std
from stackscan.golang.names import arguments_of
from stackscan.golang.program import Program
from stackscan.golang.tree import Node, line_of, text
from stackscan.golang.unit import Call, Site, Unit

_LEAF_PACKAGES: Final = frozenset({
    "bytes", "context", "errors", "hash", "math", "math/rand", "math/rand/v2", "net", "os", "path", "path/filepath",
    "reflect", "runtime", "runtime/debug", "runtime/pprof", "strconv", "strings", "sync", "sync/atomic", "syscall",
    "time", "unicode", "unicode/utf8", "unsafe",
})  # fmt: skip
#: Functions that print what they are given, on the standard output.
_LEAVES: Final = frozenset({
    *(("fmt", name) for name in ("Print", "Println", "Printf", "Sprint", "Sprintf", "Sprintln", "Errorf")),
})  # fmt: skip
#: Packages that call only some methods of what they are given.
_METHODS: Final = {
    "fmt": frozenset({"Write", "Read", "String", "Error", "Format", "GoString", "Scan"}),
    "log": frozenset({"Write", "String", "Error"}),
    "sort": frozenset({"Len", "Less", "Swap"}),
    "bufio": frozenset({"Read", "Write", "ReadFrom", "WriteTo"}),
    "io": frozenset({"Read", "Write", "ReadFrom", "WriteTo", "Seek", "ReadAt", "WriteAt", "ReadByte", "WriteString"}),
}
_STREAMS: Final = ("os.Stderr", "os.Stdout")
#: What calls functions and channels by reflection.
_REFLECTED: Final = frozenset({"Call", "CallSlice", "Send", "TrySend", "Recv", "TryRecv", "Close", "Select"})


@dataclass(eq=False)
class Ahead:
    """What may run: whole functions (``units``, by package), and single sites behind a line. ``unknown``: something is
    called whose source is not at hand, and which may call back into other packages."""

    units: dict[str, set[int]] = field(default_factory=dict)
    sites: list[tuple[str, Site]] = field(default_factory=list)
    unknown: bool = False

    def copy(self) -> Ahead:
        """The same, to add to."""
        return Ahead({name: set(units) for name, units in self.units.items()}, list(self.sites), self.unknown)

    def has(self, package: str, site: Site, *, from_start: bool = True) -> bool:
        """Whether a site of a package may run; ``from_start``: also in calls that have not begun."""
        if from_start and site.unit in self.units.get(package, ()):
            return True
        return any(where == package and one.node.id == site.node.id for where, one in self.sites)


class Reach:
    """Follows calls over the packages whose source was read."""

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._programs = programs

    def after(self, package: str, unit: Unit, nodes: Sequence[Node], into: Ahead, *, at_end: bool = False) -> None:
        """Add what may run in a function behind these nodes, and all that it calls there."""
        self._ranges(package, unit, unit.after(list(nodes), at_end=at_end), into)

    def after_defer(self, package: str, unit: Unit, call: Node, into: Ahead) -> None:
        """Add what may run in a function behind a deferred call."""
        self._ranges(package, unit, unit.after_defer(call), into)

    def _ranges(self, package: str, unit: Unit, ranges: Sequence[tuple[int, int]], into: Ahead) -> None:

        def is_ahead(node: Node) -> bool:
            return any(first <= node.start_byte < last for first, last in ranges)

        into.sites += [(package, site) for site in unit.sites if is_ahead(site.node)]
        for call in unit.calls:
            if is_ahead(call.node):
                self._call(package, call, into)
        for literal in unit.literals:
            if is_ahead(literal):
                self.whole(package, [literal.id], into)

    def line(self, package: str, unit: Unit, line: int, into: Ahead) -> None:
        """Add what a line of a function calls: a go statement that has just begun."""
        for call in unit.calls:
            if line_of(call.node) == line:
                self._call(package, call, into)

    def whole(self, package: str, numbers: Iterable[int], into: Ahead) -> None:
        """Add whole functions, and all that they call."""
        todo = [(package, number) for number in numbers]
        while todo:
            where, number = todo.pop()
            known = into.units.setdefault(where, set())
            program = self._programs.get(where)
            unit = None if program is None else program.units.get(number)
            if number in known or unit is None:
                continue
            known.add(number)
            todo += [(where, literal.id) for literal in unit.literals]
            for call in unit.calls:
                todo += self._targets(where, call, into)

    def _call(self, package: str, call: Call, into: Ahead) -> None:
        for where, number in self._targets(package, call, into):
            self.whole(where, [number], into)

    def _targets(self, package: str, call: Call, into: Ahead) -> list[tuple[str, int]]:
        """The functions that a call may run: those that it names, and where nothing tells whom it calls, all that were
        given away."""
        found = [(package, number) for number in (*call.targets, *call.maybe)]
        if call.path:
            return [*found, *self._elsewhere(call, into)]
        program = self._programs.get(package)
        escaped = call.key is not None and program is not None and program.escapes(call.key)
        if escaped or not call.targets:
            found += self._given_away()
        if call.unknown or call.by_name:
            into.unknown |= call.unknown and self._may_be_anything(package, call)
            found += self._by_name(call.name, besides=package)
        return found

    def _elsewhere(self, call: Call, into: Ahead) -> list[tuple[str, int]]:
        """What a call of another package's function may run."""
        if call.path in self._programs:
            return [(call.path, number) for number in self._programs[call.path].by_name.get(call.name, ())]
        if not is_std(call.path):
            into.unknown = True
            return []
        if call.path == "reflect":
            into.unknown |= call.name in _REFLECTED
        first = next(arguments_of(call.node), None)
        if is_leaf(call.path) or (call.path, call.name) in _LEAVES or text(first) in _STREAMS:
            return []
        if call.path in _METHODS:
            return [found for name in _METHODS[call.path] for found in self._by_name(name)]
        return self._given_away()

    def _given_away(self) -> list[tuple[str, int]]:
        return [(where, number) for where, program in self._programs.items() for number in program.given_away]

    def _by_name(self, name: str, besides: str = "") -> list[tuple[str, int]]:
        if not name[:1].isupper():
            return []
        every = ((where, program.by_name.get(name, ())) for where, program in self._programs.items())
        return [(where, number) for where, numbers in every if where != besides for number in numbers]

    def _may_be_anything(self, package: str, call: Call) -> bool:
        """Whether a method of a type that nothing tells may be one of a package whose source was not read, or one that
        calls by reflection."""
        imports = self._programs[package].package.imports.values()
        others = any(not is_std(path) and path not in self._programs for path in imports)
        return (others and not call.targets) or ("reflect" in imports and call.name in _REFLECTED)


def is_leaf(package: str) -> bool:
    """Whether a package of the library calls nothing that it is given, or only at once."""
    return package in _LEAF_PACKAGES or package.partition("/")[0] == "internal"
