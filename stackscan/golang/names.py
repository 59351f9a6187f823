"""What the names in a function stand for: their types, and one identity for one lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as data_field

from stackscan.golang.package import Function, Package
from stackscan.golang.tree import Node, field, last_line_of, line_of, text, walk
from stackscan.golang.types import OTHER, Type, read_type

#: How deep names of names are followed.
_DEEPEST = 8
#: What functions of the library return a pointer to.
_OF_LIBRARY = {"sync.NewCond": "sync.Cond", "time.NewTimer": "time.Timer", "time.NewTicker": "time.Ticker"}


@dataclass(frozen=True, slots=True)
class Place:
    """One lock, channel or other object, by where it lies: ``scope`` is a struct's name, a function's key for its local
    variables, or empty for the package's own; ``name`` is the field or variable. ``root`` is the variable through which
    this function reaches it, if that is all there is between (``a`` of ``a.mu``); it is no part of the identity.
    ``name`` ends with ``[]`` for an element of a list or map, and begins with ``*`` for what has no name outside of the
    function: something that it got a pointer to."""

    scope: str
    name: str
    root: str = data_field(default="", compare=False)

    def __str__(self) -> str:
        full = f"{self.scope}.{self.name}" if self.scope else self.name
        return f"one of {full[:-2]}" if self.is_element else full.replace("·", ".")

    @property
    def is_element(self) -> bool:
        """Whether it is one of several: two of them need not be the same."""
        return self.name.endswith("[]")

    @property
    def is_known(self) -> bool:
        """Whether the name says which lock it is."""
        return not self.name.startswith("*")


class Names:
    """The names in one function: receiver, parameters, local variables, those of the functions around it, and the
    package's."""

    def __init__(self, function: Function, package: Package, outer: Names | None = None) -> None:
        """``outer`` are the names of the function around a literal, where they were read already."""
        self.function = function
        self.package = package
        self._types: dict[str, Type] = {} if outer is None else dict(outer._types)  # noqa: SLF001  # of the same class
        self._values: dict[str, Node] = {} if outer is None else dict(outer._values)  # noqa: SLF001
        around = [function]
        while outer is None and around[-1].outer is not None:
            around.append(around[-1].outer)
        for each in reversed(around):
            self._declare(each)

    def _declare(self, function: Function) -> None:
        if function.receiver is not None and function.owner is not None:
            self._types[function.receiver] = Type("pointer", elem=Type("named", function.owner))
        self._types.update(function.parameters)
        for node in walk(function.body, into_literals=False):
            self._local(node)

    def _local(self, node: Node) -> None:
        """Note what a statement declares. A name that is declared twice keeps the first."""
        if node.type == "var_spec":
            for name in node.children_by_field_name("name"):
                self._types.setdefault(text(name), read_type(field(node, "type")))
            self._note(list(node.children_by_field_name("name")), values_of(field(node, "value")))
        elif node.type == "short_var_declaration":
            self._note(values_of(field(node, "left")), values_of(field(node, "right")))
        elif node.type == "range_clause":
            left, right = values_of(field(node, "left")), field(node, "right")
            if left and right is not None:
                kind = self.type_of(right).bare
                value = left[-1] if kind.kind in ("list", "map") and len(left) > 1 else None
                value = left[0] if kind.kind == "chan" else value
                if value is not None and kind.elem is not None:
                    self._types.setdefault(text(value), kind.elem)

    def _note(self, names: list[Node], values: list[Node]) -> None:
        for place, name in enumerate(names):
            if len(values) == len(names):
                self._values.setdefault(text(name), values[place])
            elif len(values) == 1 and place == 0:
                self._values.setdefault(text(name), values[0])

    def is_local(self, name: str) -> bool:
        """Whether a name is a variable of this function or of those around it."""
        return name in self._types or name in self._values

    def type_of(self, node: Node | None, depth: int = 0) -> Type:
        """The type of an expression, as far as the package tells."""
        if node is None or depth > _DEEPEST:
            return OTHER
        reads: Callable[[Node, int], Type] | None = {
            "identifier": self._type_of_identifier,
            "selector_expression": self._selected,
            "parenthesized_expression": lambda found, at: self.type_of(_inner(found), at + 1),
            "unary_expression": self._unary,
            "composite_literal": lambda found, _: read_type(field(found, "type")),
            "type_conversion_expression": lambda found, _: read_type(field(found, "type")),
            "type_assertion_expression": lambda found, _: read_type(field(found, "type")),
            "index_expression": lambda found, at: self.type_of(field(found, "operand"), at + 1).bare.elem or OTHER,
            "call_expression": self._called,
        }.get(node.type)
        return OTHER if reads is None else reads(node, depth)

    def _selected(self, node: Node, depth: int) -> Type:
        """A field of a struct."""
        owner = self.type_of(field(node, "operand"), depth + 1).bare
        return self.package.field_of(owner.name, text(field(node, "field"))) if owner.kind == "named" else OTHER

    def _type_of_identifier(self, node: Node, depth: int) -> Type:
        return self._type_of_name(text(node), depth)

    def _type_of_name(self, name: str, depth: int) -> Type:
        known = self._types.get(name, OTHER)
        if known is not OTHER and known.kind != "other":
            return known
        if name in self._values:
            value = self._values[name]
            return OTHER if text(value) == name else self.type_of(value, depth + 1)
        known = self.package.variables.get(name, OTHER)
        return known if known.kind != "other" else self.type_of(self.package.values.get(name), depth + 1)

    def _unary(self, node: Node, depth: int) -> Type:
        inner = self.type_of(field(node, "operand"), depth + 1)
        sign = text(field(node, "operator"))
        if sign == "&":
            return Type("pointer", elem=inner)
        if sign == "<-":
            return inner.bare.elem or OTHER
        return inner.elem or OTHER if sign == "*" else inner

    def _called(self, node: Node, depth: int) -> Type:
        """The first result of a call: of new, make, or a function of the package."""
        callee = field(node, "function")
        name = text(callee)
        if name in ("new", "make"):
            arguments = [c for c in values_of(field(node, "arguments")) if c.is_named]
            kind = read_type(arguments[0]) if arguments else OTHER
            return Type("pointer", elem=kind) if name == "new" else kind
        if name in _OF_LIBRARY:
            return Type("pointer", elem=Type("named", _OF_LIBRARY[name]))
        function = self.callee(callee, depth + 1)
        return function.result if function is not None else OTHER

    def callee(self, callee: Node | None, depth: int = 0) -> Function | None:
        """The package's own function or method that a call runs."""
        if callee is None:
            return None
        if callee.type == "identifier":
            name = text(callee)
            return None if self.is_local(name) else self.package.functions.get(name)
        if callee.type != "selector_expression":
            return None
        owner = self.type_of(field(callee, "operand"), depth + 1).bare
        return self.package.method(owner.name, text(field(callee, "field"))) if owner.kind == "named" else None

    # -- identity ----------------------------------------------------------------------------------------------------

    def place_of(self, node: Node | None, depth: int = 0) -> Place | None:
        """Where an object lies: the field of a struct, a variable of the package or of a function; None: not known."""
        if node is None or depth > _DEEPEST:
            return None
        if node.type in ("parenthesized_expression", "unary_expression"):
            operand = field(node, "operand") or next((c for c in node.children if c.is_named), None)
            return self.place_of(operand, depth + 1)
        if node.type == "identifier":
            return self._place_of_name(text(node), depth)
        if node.type == "selector_expression":
            return self._place_of_field(field(node, "operand"), text(field(node, "field")))
        return None

    def _place_of_name(self, name: str, depth: int) -> Place | None:
        value = self._values.get(name)
        if value is not None and name not in self._types and self._is_alias(value, name):
            return self.place_of(value, depth + 1)
        if self.is_local(name):
            return Place(self.function.declared.key, name, name)
        if name in self.package.variables or name in self.package.values:
            return Place("", name, name)
        return None

    def _is_alias(self, value: Node, name: str) -> bool:
        """Whether a variable is another name for something: ``mu := &s.mu``, ``results := p.results``."""
        if value.type == "unary_expression":
            return (
                text(field(value, "operator")) == "&" and field(value, "operand") is not None and "{" not in text(value)
            )
        reference = value.type in ("selector_expression", "identifier") and text(value) != name
        return reference and self.type_of(value).kind in ("chan", "pointer")

    def _place_of_field(self, operand: Node | None, name: str) -> Place | None:
        owner = self.type_of(operand).bare
        if owner.kind != "named" or not owner.name:
            return None
        root = text(operand) if operand is not None and operand.type == "identifier" else ""
        return Place(self.declaring(owner.name, name), name, root)

    def declaring(self, owner: str, name: str) -> str:
        """The struct that has a field itself, of a struct and those that it embeds."""
        return next((one for one in self.package.embeds(owner) if name in self.package.fields.get(one, {})), owner)


def _inner(node: Node) -> Node | None:
    return next((child for child in node.children if child.is_named), None)


def values_of(node: Node | None) -> list[Node]:
    """The expressions of a list, or the one that stands alone."""
    if node is None:
        return []
    if node.type in ("expression_list", "argument_list"):
        return [child for child in node.children if child.is_named]
    return [node]


def arguments_of(call: Node) -> Iterator[Node]:
    """The arguments of a call."""
    yield from values_of(field(call, "arguments"))


def line_of_call(call: Node) -> int:
    """The line that a traceback names for a call: of the name that is called, of the end of a literal."""
    callee = field(call, "function")
    if callee is not None and callee.type == "func_literal":
        return last_line_of(callee)
    if callee is not None and callee.type == "selector_expression":
        name = field(callee, "field")
        return line_of(name) if name is not None else line_of(call)
    return line_of(call)
