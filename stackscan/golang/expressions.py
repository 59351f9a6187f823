"""What expressions of a function stand for: the names in the classes of a package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from stackscan.golang.names import arguments_of
from stackscan.golang.package import Package
from stackscan.golang.tree import Node, field, text
from stackscan.golang.types import OTHER
from stackscan.golang.unit import Unit
from stackscan.golang.values import FOREIGN, RESULTS, Classes, Derived, Key, Origin

#: Functions that make a context which its cancel ends, and whether a clock ends it, too.
CONTEXTS: Final = {
    "WithCancel": False, "WithCancelCause": False, "WithTimeout": True, "WithDeadline": True,
    "WithTimeoutCause": True, "WithDeadlineCause": True,
}  # fmt: skip


Methods = Mapping[str, Sequence[int]]


class Expressions:
    """Reads expressions in one function. ``methods`` are the package's by name, whatever their types."""

    def __init__(self, unit: Unit, package: Package, classes: Classes, methods: Methods) -> None:
        self.methods = methods
        self.unit = unit
        self.package = package
        self.classes = classes
        self.names = unit.names

    def value(self, node: Node | None) -> Key | None:
        """The name of what an expression stands for; None for what nobody shares, or what is not known."""
        if node is None:
            return None
        reads: Callable[[Node], Key | None] | None = {
            "identifier": lambda found: self._name(text(found)),
            "selector_expression": self._selected,
            "parenthesized_expression": self._inner,
            "variadic_argument": self._inner,
            "unary_expression": self._unary,
            "index_expression": self._indexed,
            "slice_expression": lambda found: self.value(field(found, "operand")),
            "type_assertion_expression": lambda found: self.value(field(found, "operand")),
            "func_literal": lambda found: self._function(found.id),
            "composite_literal": lambda found: (RESULTS, f"{found.id}#0"),
            "call_expression": self._result,
            "type_conversion_expression": self._converted,
        }.get(node.type)
        return None if reads is None else reads(node)

    def _inner(self, node: Node) -> Key | None:
        return self.value(node.named_children[0]) if node.named_children else None

    def _unary(self, node: Node) -> Key | None:
        key = self.value(field(node, "operand"))
        received = key is not None and text(field(node, "operator")) == "<-"
        return self.classes.element(key) if key is not None and received else key

    def _indexed(self, node: Node) -> Key | None:
        key = self.value(field(node, "operand"))
        return None if key is None else self.classes.element(key)

    def _name(self, name: str) -> Key | None:
        if name in ("nil", "_", "true", "false"):
            return None
        if self.unit.has(name):
            return (self.unit.scope_of(name), name)
        if name in self.package.variables or name in self.package.values:
            return ("", name)
        function = self.package.functions.get(name)
        return None if function is None else self._function(function.node.id)

    def _function(self, number: int) -> Key:
        key = ("func", str(number))
        self.classes.facts(key).functions.add(number)
        return key

    def _selected(self, node: Node) -> Key | None:
        operand = field(node, "operand")
        name = text(field(node, "field"))
        owner = self.names.type_of(operand).bare.name
        if "." in owner or self._is_package(operand):
            return FOREIGN
        if owner and name not in self.package.fields.get(owner, {}):
            method = self.package.method(owner, name)
            if method is not None:
                return self._function(method.node.id)
        if owner in self.package.named and self.package.field_of(owner, name) is OTHER:
            return self._methods_of(name)  # an interface, or another type than the name seems to have
        place = self.names.place_of(node)
        return self._methods_of(name) if place is None else (place.scope, place.name)

    def _is_package(self, operand: Node | None) -> bool:
        """Whether a name is that of an imported package."""
        name = text(operand)
        return (
            operand is not None
            and operand.type == "identifier"
            and not self.unit.has(name)
            and (name in self.package.imports)
        )

    def _methods_of(self, name: str) -> Key | None:
        """The methods of a name, of whatever type: a value that nothing else is known of."""
        found = self.methods.get(name, ())
        if not found:
            return None
        key = ("method", name)
        self.classes.facts(key).functions.update(found)
        return key

    def _converted(self, node: Node) -> Key | None:
        """``T(x)``: x; but of ``f[int](x)``, which the grammar takes for a conversion, the result of f."""
        callee = callee_of(node)
        if callee is not None and text(callee) in self.package.functions:
            return (RESULTS, f"{node.id}#0")
        return self.value(field(node, "operand"))

    def _result(self, node: Node) -> Key | None:
        """What a call returns first: what it makes, what a conversion converts, the result of a function."""
        callee = callee_of(node)
        name = text(callee)
        first = next(arguments_of(node), None)
        result = (RESULTS, f"{node.id}#0")
        if callee is None:
            return None
        if name in ("make", "new"):
            return self._made(node, result)
        if name == "append":
            return self._appended(node, result)
        if self._is_conversion(callee) or name == "context.WithValue":
            return self.value(first)
        return self._context(node, name, result)

    def _context(self, node: Node, name: str, result: Key) -> Key:
        """What a call returns that may be a context or the channel of one."""
        if name in ("context.Background", "context.TODO"):
            return self._root(result)
        if name in ("time.NewTimer", "time.NewTicker"):
            return self._made(node, result)
        if name.endswith(".Done"):
            return self._done(field(callee_of(node), "operand"), result)
        derived = self.derived(node)
        return result if derived is None else derived[0]

    def _is_conversion(self, callee: Node) -> bool:
        named = callee.type == "identifier" and text(callee) in self.package.named
        return named or callee.type == "parenthesized_expression"

    def _made(self, node: Node, result: Key) -> Key:
        made = self.classes.facts(result).made
        if not made:
            made.append(Origin(node, self.unit.file, self.unit.number, _capacity(node)))
        return result

    def _root(self, result: Key) -> Key:
        """A context that nothing ends."""
        contexts = self.classes.facts(result).contexts
        if not contexts:
            contexts.append(Derived(None, None, timed=False))
        return result

    def _done(self, operand: Node | None, result: Key) -> Key:
        """``ctx.Done()``: the channel of a context, if it is one."""
        context = None if operand is None else self.value(operand)
        if context is None or self.names.type_of(operand).bare.name not in ("context.Context", ""):
            return result
        channel = self.classes.element(context)
        self.classes.facts(channel).done_of.add(context)
        return channel

    def _appended(self, node: Node, result: Key) -> Key:
        """``append(list, more...)``: the list, which holds the rest."""
        for place, argument in enumerate(arguments_of(node)):
            whole = place == 0 or argument.type == "variadic_argument"
            self.classes.join(result if whole else self.classes.element(result), self.value(argument))
        return result

    def derived(self, node: Node) -> tuple[Key, Key] | None:
        """``context.WithCancel(parent)``: the keys of the context and of its cancel."""
        callee = field(node, "function") if node.type == "call_expression" else None
        package, _, name = text(callee).rpartition(".")
        if package != "context" or name not in CONTEXTS:
            return None
        context, cancel = (RESULTS, f"{node.id}#0"), (RESULTS, f"{node.id}#1")
        parent = self.value(next(arguments_of(node), None))
        contexts = self.classes.facts(context).contexts
        if not contexts:
            contexts.append(Derived(parent, cancel, CONTEXTS[name]))
            self.classes.facts(cancel).made.append(Origin(node, self.unit.file, self.unit.number))
        return context, cancel


def callee_of(node: Node) -> Node | None:
    """What is called; of ``f[int](x)``, which the grammar takes for a conversion, f."""
    if node.type != "type_conversion_expression":
        return field(node, "function")
    kind = field(node, "type")
    return field(kind, "type") if kind is not None and kind.type == "generic_type" else None


def list_of(node: Node | None) -> list[Node]:
    """The expressions of a list, or the one that stands alone."""
    if node is None:
        return []
    return list(node.named_children) if node.type == "expression_list" else [node]


def _capacity(node: Node) -> str:
    """The second argument of make, as it is written."""
    arguments = list(arguments_of(node))
    return text(arguments[1]) if len(arguments) > 1 else ""
