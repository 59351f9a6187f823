"""What goroutines may still do: from the lines in which they are, over all that may run after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stackscan.formats.symbol import is_std
from stackscan.golang.program import Program
from stackscan.golang.tree import Node, line_of
from stackscan.golang.unit import Call, Site, Unit


@dataclass(eq=False)
class Ahead:
    """What may run: whole functions (``units``, by package), and single sites behind a line. ``unknown``: something is
    called whose source is not at hand, and which may call back into other packages."""

    units: dict[str, set[int]] = field(default_factory=dict)
    sites: list[tuple[str, Site]] = field(default_factory=list)
    unknown: bool = False

    def has(self, package: str, site: Site) -> bool:
        """Whether a site of a package may run."""
        if site.unit in self.units.get(package, ()):
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
        """The functions that a call may run: the package's own, else those of that name elsewhere."""
        if call.targets:
            return [(package, number) for number in call.targets]
        if call.key is not None:  # a function value that nothing tells: any that was handed out
            return [(where, number) for where, program in self._programs.items() for number in program.handed]
        if call.path in self._programs:
            return [(call.path, number) for number in self._programs[call.path].by_name.get(call.name, ())]
        if call.path:
            into.unknown |= not is_std(call.path)
            return []
        return [
            (where, number)
            for where, program in self._programs.items()
            for number in program.by_name.get(call.name, ())
            if where != package and call.name[:1].isupper()
        ]
