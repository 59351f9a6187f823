"""Variables of one name in one function: which declaration a use means, by where it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stackscan.golang.names import values_of
from stackscan.golang.package import Function
from stackscan.golang.tree import Node, field, text, walk
from stackscan.golang.types import OTHER, Type, read_type

_SCOPES: Final = frozenset({
    "block", "for_statement", "if_statement", "expression_switch_statement", "type_switch_statement", "func_literal",
    "expression_case", "type_case", "default_case", "communication_case", "function_declaration", "method_declaration",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declaration:
    """A variable from where it is declared to the end of its scope; its type is written (``kind``), that of a
    ``value``, or that of an element of what a loop goes over."""

    begin: int
    end: int
    kind: Type = OTHER
    value: Node | None = None
    ranges: Node | None = None


def assigned_names(node: Node) -> Iterator[str]:
    """The variables that a statement gives a value."""
    if node.type in ("short_var_declaration", "assignment_statement", "range_clause", "receive_statement"):
        yield from (text(one) for one in values_of(field(node, "left")) if one.type == "identifier")
    elif node.type in ("var_spec", "parameter_declaration", "variadic_parameter_declaration"):
        yield from map(text, node.children_by_field_name("name"))
    elif node.type in ("inc_statement", "dec_statement"):
        yield from (text(one) for one in node.named_children if one.type == "identifier")
    elif node.type == "type_switch_statement":
        yield from (text(one) for one in values_of(field(node, "alias")))


class Scopes:
    """The declarations in a declared function, with all literals in it, by name."""

    def __init__(self, function: Function) -> None:
        self._found: dict[str, list[Declaration]] = defaultdict(list)
        self._assigned: dict[str, int] = defaultdict(int)
        whole = function.node
        given = list(function.parameters)
        if function.receiver is not None and function.owner is not None:
            given.append((function.receiver, Type("pointer", elem=Type("named", function.owner))))
        for name, kind in given:
            self._found[name].append(Declaration(whole.start_byte, whole.end_byte, kind))
            self._assigned[name] += 1
        for node in walk(function.body):
            for name in assigned_names(node):
                self._assigned[name] += 1
            self._declare(node)

    def count(self, name: str) -> int:
        """How often a variable gets a value: a parameter once by the caller."""
        return self._assigned.get(name, 0)

    def of(self, use: Node) -> Declaration | None:
        """The declaration that a use of a name means; None where there is one for all uses."""
        known = self._found.get(text(use), [])
        fitting = [one for one in known if one.begin <= use.start_byte < one.end] if len(known) > 1 else []
        return max(fitting, key=lambda one: one.begin, default=None)

    def _declare(self, node: Node) -> None:
        if node.type in ("var_spec", "parameter_declaration"):
            names = list(node.children_by_field_name("name"))
            self._add(names, values_of(field(node, "value")), node, read_type(field(node, "type")))
        elif node.type == "short_var_declaration":
            self._add(values_of(field(node, "left")), values_of(field(node, "right")), node)
        elif node.type == "range_clause" and any(child.type == ":=" for child in node.children):
            for at, name in enumerate(values_of(field(node, "left"))):
                ranges = field(node, "right") if at else None
                self._found[text(name)].append(Declaration(node.end_byte, _end(node), ranges=ranges))

    def _add(self, names: list[Node], values: list[Node], node: Node, kind: Type = OTHER) -> None:
        for at, name in enumerate(names):
            value = values[at] if len(values) == len(names) else values[0] if values and not at else None
            self._found[text(name)].append(Declaration(node.end_byte, _end(node), kind, value))


def _end(node: Node) -> int:
    above = node.parent
    while above is not None and above.type not in _SCOPES:
        above = above.parent
    return node.end_byte if above is None else above.end_byte
