"""What one function does with channels, WaitGroups and conditions, and whom it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from stackscan.golang.names import Names
from stackscan.golang.package import Function
from stackscan.golang.tree import Node, line_of, text, walk
from stackscan.golang.tree import field as child
from stackscan.golang.values import Key

#: What is done with an object. ``call``: a function value is called, such as the cancel of a context.
Deed = Literal["send", "receive", "close", "done", "signal", "broadcast", "call", "stop", "reset"]
#: Nodes behind which no other way of the same statement is taken.
_WAYS: Final = frozenset({"communication_case", "default_case", "expression_case", "type_case"})


@dataclass(frozen=True, slots=True)
class Site:
    """A place that does something with the objects of a class."""

    deed: Deed
    key: Key
    unit: int
    node: Node

    @property
    def line(self) -> int:
        """Its line."""
        return line_of(self.node)


@dataclass(eq=False, slots=True)
class Call:
    """A call: of functions of the package (``targets``), of function values (``key``, or in ``fields``), or of others
    (``name``; with the path of the package that has it). ``unknown``: what it calls may be anything besides;
    ``by_name``: a method of that name of another package; ``maybe`` are own methods that an interface of another
    package may stand for. ``unit`` is the function that calls, ``node`` the call."""

    unit: int
    node: Node
    name: str
    targets: set[int] = field(default_factory=set)
    key: Key | None = None
    path: str = ""
    unknown: bool = False
    by_name: bool = False
    maybe: tuple[int, ...] = ()
    fields: list[Key] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Unit:
    """A function or function literal: its sites, its calls, the literals that are written in it, and the variables that
    it declares itself (``owns``; ``given`` are its parameters). ``outer`` is the one that it is written in."""

    number: int
    file: str
    function: Function
    names: Names
    outer: Unit | None = None
    given: frozenset[str] = frozenset()
    owns: frozenset[str] = frozenset()
    sites: list[Site] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    literals: list[Node] = field(default_factory=list)

    @property
    def scope(self) -> str:
        """The scope of its variables."""
        key = self.function.declared.key
        return key if self.function.outer is None else f"{key}·{self.number}"

    def scope_of(self, name: str) -> str:
        """The scope that a variable is of: the innermost one around that declares it."""
        declaring = (unit for unit in self.around if name in unit.owns or name in unit.given)
        return next(declaring, self).scope

    def has(self, name: str) -> bool:
        """Whether a name is a variable of the function, or of one around it."""
        return any(name in unit.owns or name in unit.given for unit in self.around)

    @property
    def around(self) -> Iterator[Unit]:
        """It, and those that it is written in: it sees their variables."""
        unit: Unit | None = self
        while unit is not None:
            yield unit
            unit = unit.outer

    def after_defer(self, call: Node) -> list[tuple[int, int]]:
        """The byte ranges that may run once a deferred call is done: what was deferred before it."""
        end = self.function.body.end_byte
        before = [(n.start_byte, n.end_byte) for n in self._defers if n.end_byte <= call.start_byte]
        return [*before, (end - 1, end)]

    @property
    def _defers(self) -> list[Node]:
        body = self.function.body
        return [node for node in walk(body, into_literals=False) if node.type == "defer_statement"]

    def after(self, nodes: list[Node], *, at_end: bool = False) -> list[tuple[int, int]]:
        """The byte ranges that may run once these nodes are done: what follows, the loops around them, and what is
        deferred (all that there is ``at_end``). All of it where none is given, or where the function jumps."""
        body = self.function.body
        end = (body.end_byte - 1, body.end_byte)  # what runs when all is done: Done of WaitGroup.Go
        if at_end:
            return [*((node.start_byte, node.end_byte) for node in self._defers), end]
        whole = [(body.start_byte, body.end_byte)]
        if not nodes or any(node.type == "goto_statement" for node in walk(body, into_literals=False)):
            return whole
        found = [*((node.start_byte, node.end_byte) for node in self._defers), end]
        for node in nodes:
            found += _behind(node, body)
        return found


def _behind(node: Node, body: Node) -> Iterator[tuple[int, int]]:
    """What may run after a node, level by level."""
    for case in node.named_children if node.type == "select_statement" else ():
        if case.type in _WAYS:
            chosen = child(case, "communication")
            yield (case.start_byte if chosen is None else chosen.end_byte), case.end_byte
    at, above = node, node.parent
    while above is not None and at.id != body.id:
        if above.type == "for_statement":
            yield above.start_byte, above.end_byte
        elif at.type not in _WAYS and not _is_chosen(at, above):
            yield at.end_byte, above.end_byte
        at, above = above, above.parent


def _is_chosen(node: Node, above: Node) -> bool:
    """Whether a node is one way of an if statement: the other one is not taken behind it."""
    consequence = child(above, "consequence") if above.type == "if_statement" else None
    return consequence is not None and node.end_byte > consequence.start_byte


def declared_in(body: Node) -> Iterator[str]:
    """The variables that a function declares itself, without those of literals in it."""
    for node in walk(body, into_literals=False):
        if node.type == "var_spec":
            yield from (text(name) for name in node.children_by_field_name("name"))
        elif node.type in ("short_var_declaration", "range_clause") or (
            node.type == "receive_statement" and any(part.type == ":=" for part in node.children)
        ):
            left = child(node, "left")
            yield from (text(name) for name in (left.named_children if left is not None else ()))
        elif node.type == "type_switch_statement":
            alias = child(node, "alias")
            yield from (text(name) for name in (alias.named_children if alias is not None else ()))


def deferred_call(unit: Unit, name: str, called: Iterable[Node]) -> Node | None:
    """The deferred call that runs a function of this name, where its line calls none itself; None: there is none, or
    several."""
    if any(_name_of(call) == name for call in called):
        return None
    body = unit.function.body
    calls = [
        node.named_children[0]
        for node in walk(body, into_literals=False)
        if node.type == "defer_statement" and node.named_children
    ]
    found = [call for call in calls if _name_of(call) == name]
    return found[0] if len(found) == 1 else None


def _name_of(call: Node) -> str:
    callee = child(call, "function")
    return text(child(callee, "field")) or text(callee)
