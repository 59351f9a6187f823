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
from stackscan.golang.tree import Node, field, text, walk
from stackscan.golang.types import OTHER
from stackscan.golang.unit import Call, Site, Unit, declared_in
from stackscan.golang.values import FOREIGN, RESULTS, UNKNOWN, Classes, Key

#: Packages that keep nothing of what they are given.
_KEEP_NOTHING: Final = frozenset({"fmt", "log", "errors", "strings", "strconv", "log/slog", "context"})
#: Functions that keep nothing but what they return.
_MAKERS: Final = frozenset({"sync.NewCond", "time.NewTimer", "time.NewTicker"})
#: Functions of the library that call what they are given from the runtime, at any time.
_BY_RUNTIME: Final = frozenset({"time.AfterFunc", "runtime.SetFinalizer", "runtime.AddCleanup", "context.AfterFunc"})
_MOST_PASSES: Final = 5
#: How many calls in a row on what another package returned are followed: ``a.B().C().D()``.
_LONGEST_CHAIN: Final = 3


class Program:
    """The functions of a package with what they do, and the classes of its names. ``handed`` are functions that others
    may call: passed out of the package, or put where anybody may find them; ``by_runtime`` those that a timer or the
    garbage collector runs. ``started`` are the bodies of goroutines;
    ``handed_names`` and ``runtime_names`` are methods of other packages that are given away so."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.classes = Classes()
        self.units: dict[int, Unit] = {}
        self.by_name: dict[str, list[int]] = defaultdict(list)
        self.handed: set[int] = set()
        self.by_runtime: set[int] = set()
        self.started: set[int] = set()
        self.handed_names: set[str] = set()
        self.runtime_names: set[str] = set()
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
        leaked: list[Key] = []
        self.methods = {name: [n for n in all_ if self.units[n].function.owner] for name, all_ in self.by_name.items()}
        for unit in self.units.values():
            collector = Collector(unit, package, self.classes, self.methods)
            collector.collect()
            leaked += collector.leaked
            for site in collector.endings:
                self.units[site.unit].sites.append(site)
        self._bind(leaked)
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

    def _open(self, unit: Unit) -> None:
        """What an exported function is given comes from others, and what it returns goes to them."""
        function = unit.function
        if self._is_main or function.outer is not None or not function.name[:1].isupper():
            return
        names = [name for name, _ in function.parameters]
        self.classes.escape((unit.scope, name) for name in names)
        self.classes.escape([(RESULTS, f"{unit.number}#{place}") for place in range(3)])

    # -- calls -------------------------------------------------------------------------------------------------------

    def _bind(self, leaked: Iterable[Key]) -> None:
        """Join what is passed with parameters, until nothing changes: a function value may turn out to be another."""
        calls = [(call, unit) for unit in self.units.values() for call in unit.calls]
        for _ in range(_MOST_PASSES):
            before = self.classes.changes
            for call, unit in calls:
                self._bind_call(call, unit)
            if self.classes.changes == before:
                break
        for key in leaked:
            self._leak(key)
        for _ in range(_LONGEST_CHAIN):
            for call, unit in calls:
                self._place(call, unit)
        for call, unit in calls:
            if not call.targets or call.unknown or (call.key is not None and self.escapes(call.key)):
                self._hand_out(call, unit)
        for number in list(self.handed | self.by_runtime):
            self._give_away(number)

    def _place(self, call: Call, unit: Unit) -> None:
        """A method of what another package returned is that package's, and so is what it returns."""
        if (call.unknown or call.by_name) and not call.path:
            operand = field(field(call.node, "function"), "operand")
            key = None if operand is None else self.values(unit)(operand)
            facts = None if key is None or key in (FOREIGN, UNKNOWN) else self.classes.facts(key)
            if facts is not None and len(facts.paths) == 1 and not facts.made:
                call.path, call.unknown, call.by_name, call.targets = next(iter(facts.paths)), False, False, set()
        if call.path:
            for place in range(3):
                self.classes.facts((RESULTS, f"{call.node.id}#{place}")).paths.add(call.path)

    def _give_away(self, number: int) -> None:
        """Others call a function: they give it what they like, and have what it returns."""
        unit = self.units.get(number)
        if unit is not None:
            self.classes.escape((unit.scope, name) for name, _ in unit.function.parameters)
        for place in range(3):
            self._leak((RESULTS, f"{number}#{place}"))

    def _bind_call(self, call: Call, unit: Unit) -> None:
        above = call.node.parent
        if above is not None and above.type == "go_statement":
            self.started |= call.targets
        for key in (*call.fields, *([call.key] if call.key is not None and call.key != FOREIGN else [])):
            call.targets |= self.classes.facts(key).functions
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
        if call.path in _KEEP_NOTHING or full in _MAKERS:
            return
        read = self.values(unit)
        for argument in arguments_of(call.node):
            value = read(argument)
            if value in (None, FOREIGN) and argument.type == "selector_expression":
                name = text(field(argument, "field"))  # a method of another package's type
                (self.runtime_names if full in _BY_RUNTIME else self.handed_names).add(name)
            elif value is not None:
                functions = self.classes.facts(value).functions
                self._leak(value, self.by_runtime if full in _BY_RUNTIME else self.handed)
                if full not in _BY_RUNTIME:
                    call.targets |= functions  # it may be called at once
        if call.path != "sync":
            self.classes.escape((RESULTS, f"{call.node.id}#{place}") for place in range(3))

    def _leak(self, key: Key, to: set[int] | None = None) -> None:
        """Nothing tells who has an object from here on; functions may be called by anybody."""
        (self.handed if to is None else to).update(self.classes.facts(key).functions)
        self.classes.escape([key])

    @cached_property
    def exported(self) -> list[int]:
        """The functions and methods that other packages may call by name."""
        return [number for name, units in self.by_name.items() if name[:1].isupper() for number in units]

    @cached_property
    def given_away(self) -> list[int]:
        """What code of others may call at any time."""
        return [*self.handed, *self.methods_for_others]

    @cached_property
    def methods_for_others(self) -> list[int]:
        """The exported methods: code of others may call them through an interface."""
        return [number for name, units in self.methods.items() if name[:1].isupper() for number in units]

    def is_value(self, site: Site) -> bool:
        """Whether a site is in a function literal that is passed on or stored: who calls it need not be where it is."""
        for unit in self.units[site.unit].around:
            above = unit.function.node.parent
            if unit.outer is not None and (above is None or above.type != "call_expression"):
                return True
        return False

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

    def is_wild(self, site: Site) -> bool:
        """Whether nothing tells what a site is about: it may be any object of the package that it fits."""
        if site.key == UNKNOWN:
            return True
        facts = self.classes.facts(site.key)
        if facts.escapes or facts.made or facts.done_of:
            return False
        return site.deed in ("send", "receive", "close") or (site.deed == "call" and not facts.functions)

    def values(self, unit: Unit) -> Callable[[Node], Key | None]:
        """What expressions in a function stand for."""
        return Expressions(unit, self.package, self.classes, self.methods).value

    def family(self, keys: Iterable[Key]) -> tuple[frozenset[str], frozenset[str]] | None:
        """The functions whose variables some objects are, and no others', and those of them that make them. None where
        they lie in a struct or in a variable of the package: anybody who has the struct has them."""
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
