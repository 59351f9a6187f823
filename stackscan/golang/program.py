"""A package as a whole: who sends, receives, closes, and calls, and which names may stand for one object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

from stackscan.golang.collector import Collector
from stackscan.golang.expressions import Expressions
from stackscan.golang.names import Names, arguments_of
from stackscan.golang.package import Function, Package, literal_in
from stackscan.golang.tree import Node, field, walk
from stackscan.golang.types import OTHER
from stackscan.golang.unit import Call, Site, Unit, declared_in
from stackscan.golang.values import RESULTS, Classes, Key

#: Calls whose arguments nobody keeps.
_HARMLESS: Final = frozenset(
    {"len", "cap", "close", "panic", "print", "println", "delete", "copy", "min", "max", "clear"}
)
_PRINTS: Final = frozenset({"fmt", "log", "errors", "strings", "strconv", "slog", "context"})
#: Functions that keep nothing but what they return.
_MAKERS: Final = frozenset({"sync.NewCond", "time.NewTimer", "time.NewTicker"})
#: Functions of the library that call what they are given from the runtime, at any time.
_BY_RUNTIME: Final = frozenset({"time.AfterFunc", "runtime.SetFinalizer", "runtime.AddCleanup", "context.AfterFunc"})
_MOST_PASSES: Final = 5


class Program:
    """The functions of a package with what they do, and the classes of its names. ``handed`` are functions that others
    may call: passed out of the package, or put where anybody may find them; ``by_runtime`` those that a timer or the
    garbage collector runs. ``started`` are the bodies of goroutines."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.classes = Classes()
        self.units: dict[int, Unit] = {}
        self.by_name: dict[str, list[int]] = defaultdict(list)
        self.handed: set[int] = set()
        self.by_runtime: set[int] = set()
        self.started: set[int] = set()
        self._is_main = package.name == "main"
        files = {root.id: file for root, file in package.files}
        for root, file in package.files:
            self._add_variables(root, file)
        for function in package.functions.values():
            parent = function.node.parent
            self._add(function, "" if parent is None else files.get(parent.id, ""))
        for unit in self.units.values():
            if unit.function.outer is None:
                self.by_name[unit.function.name].append(unit.number)
        methods = {name: [n for n in all_ if self.units[n].function.owner] for name, all_ in self.by_name.items()}
        for unit in self.units.values():
            Collector(unit, package, self.classes, methods).collect()
        for site in [site for unit in self.units.values() for site in unit.sites if site.unit != unit.number]:
            self._hand_over(site)
        self._bind()
        for unit in self.units.values():
            self._open(unit)

    def _add(self, function: Function, file: str, outer: Unit | None = None) -> None:
        unit = Unit(function.node.id, file, function, Names(function, self.package), outer)
        unit.given = frozenset(name for name, _ in function.parameters) | {function.receiver or ""}
        unit.owns = frozenset(declared_in(function.body))
        self.units[unit.number] = unit
        self._add_literals(unit)

    def _add_variables(self, root: Node, file: str) -> None:
        """The variables of the package, as a function without name that runs before all others."""
        clause = root.named_children[0] if root.named_children else root
        for node in root.named_children:
            if node.type == "var_declaration":
                function = Function("", None, None, (), OTHER, node, clause)
                unit = Unit(node.id, file, function, Names(function, self.package))
                unit.function = Function("", None, None, (), OTHER, node, node)
                self.units[unit.number] = unit
                self._add_literals(unit)

    def _add_literals(self, unit: Unit) -> None:
        for node in walk(unit.function.body, into_literals=False):
            if node.type == "func_literal" and node.id != unit.function.node.id:
                unit.literals.append(node)
                inner = literal_in(unit.function, node)
                if inner is not None:
                    self._add(inner, unit.file, unit)

    def _hand_over(self, site: Site) -> None:
        """Give a site to the function that it is of: it was found where that function was passed on."""
        for unit in self.units.values():
            if site in unit.sites and unit.number != site.unit:
                unit.sites.remove(site)
        if site.unit in self.units:
            self.units[site.unit].sites.append(site)

    def _open(self, unit: Unit) -> None:
        """What an exported function is given comes from others, and what it returns goes to them."""
        function = unit.function
        if self._is_main or function.outer is not None or not function.name[:1].isupper():
            return
        names = [name for name, _ in function.parameters]
        self.classes.escape((unit.scope, name) for name in names)
        self.classes.escape([(RESULTS, f"{unit.number}#{place}") for place in range(3)])

    # -- calls -------------------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        """Join what is passed with parameters, until nothing changes: a function value may turn out to be another."""
        for _ in range(_MOST_PASSES):
            before = self.classes.changes
            for unit in list(self.units.values()):
                for call in unit.calls:
                    self._bind_call(call, unit)
            if self.classes.changes == before:
                break
        for unit in self.units.values():
            for call in unit.calls:
                if not call.targets:
                    self._hand_out(call, unit)
        for number in self.handed | self.by_runtime:
            given = self.units.get(number)
            if given is not None:
                self.classes.escape((given.scope, name) for name, _ in given.function.parameters)

    def _bind_call(self, call: Call, unit: Unit) -> None:
        above = call.node.parent
        if above is not None and above.type == "go_statement":
            self.started |= call.targets
        if call.key is not None:
            call.targets |= self.classes.facts(call.key).functions
        read = self.values(unit)
        operand = field(field(call.node, "function"), "operand")
        for number in call.targets:
            target = self.units.get(number)
            if target is None:
                continue
            self._bind_arguments(target, list(arguments_of(call.node)), read)
            if target.function.receiver is not None and operand is not None:
                self.classes.join((target.scope, target.function.receiver), read(operand))
            for place in range(3):
                result = (RESULTS, f"{call.node.id}#{place}")
                self.classes.join(result, (RESULTS, f"{number}#{place}"))

    def _bind_arguments(self, target: Unit, given: list[Node], read: Callable[[Node], Key | None]) -> None:
        names = [(target.scope, name) for name, _ in target.function.parameters]
        last = len(names) - 1
        for place, argument in enumerate(given if names else ()):
            name = names[min(place, last)]
            if place >= last and target.function.is_variadic and argument.type != "variadic_argument":
                name = self.classes.element(name)
            self.classes.join(name, read(argument))

    def _hand_out(self, call: Call, unit: Unit) -> None:
        """Nothing tells what others do with what they are given."""
        full = f"{call.path}.{call.name}" if call.path else call.name
        if call.name in _HARMLESS or call.path in _PRINTS or full in _MAKERS:
            return
        read = self.values(unit)
        for argument in arguments_of(call.node):
            value = read(argument)
            if value is not None:
                functions = self.classes.facts(value).functions
                (self.by_runtime if full in _BY_RUNTIME else self.handed).update(functions)
                self.classes.escape([value])
        if call.path != "sync":
            self.classes.escape((RESULTS, f"{call.node.id}#{place}") for place in range(3))

    @cached_property
    def exported(self) -> list[int]:
        """The functions and methods that other packages may call by name."""
        return [number for name, units in self.by_name.items() if name[:1].isupper() for number in units]

    def is_of_goroutine(self, number: int) -> bool:
        """Whether a function is the body of a goroutine, or written in one."""
        return any(unit.number in self.started for unit in self.units[number].around)

    def escapes(self, key: Key) -> bool:
        """Whether code outside of the package may have an object of a class."""
        facts = self.classes.facts(key)
        if facts.escapes:
            return True
        return not self._is_main and any(
            name[:1].isupper() and (not scope or (scope in self.package.fields and scope[:1].isupper()))
            for scope, name in self.classes.members(key)
            if scope != RESULTS
        )

    def values(self, unit: Unit) -> Callable[[Node], Key | None]:
        """What expressions in a function stand for."""
        return Expressions(unit, self.package, self.classes).value

    def family(self, keys: Iterable[Key]) -> tuple[frozenset[str], frozenset[str]] | None:
        """The functions whose variables some objects are, and no others', and those of them that make them. None where
        they lie in a struct or in a variable of the package: whoever has the struct has them."""
        found: set[str] = set()
        makers: set[str] = set()
        for key in keys:
            for scope, name in self.classes.members(key):
                owner = self.units.get(int(name.partition("#")[0])) if scope == RESULTS else None
                if scope == RESULTS:
                    found |= set() if owner is None else {owner.scope}
                elif scope in self.package.fields or not scope:
                    return None
                elif scope != "func":
                    found.add(scope)
            made = (self.units.get(origin.unit) for origin in self.classes.facts(key).made)
            makers.update(unit.scope for unit in made if unit is not None)
        return frozenset(found), frozenset(makers)
