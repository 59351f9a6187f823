"""The walk through one function that notes what it does with objects, and whom it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stackscan.golang.expressions import Expressions, callee_of, list_of
from stackscan.golang.names import arguments_of
from stackscan.golang.package import Package
from stackscan.golang.tree import Node, field, text, walk
from stackscan.golang.unit import Call, Deed, Site, Unit
from stackscan.golang.values import RESULTS, Classes, Key, Origin

_DEEDS: Final[dict[tuple[str, str], Deed]] = {
    ("sync.WaitGroup", "Done"): "done",
    ("sync.WaitGroup", "Add"): "add",
    ("sync.WaitGroup", "Go"): "done",
    ("sync.Cond", "Signal"): "signal",
    ("sync.Cond", "Broadcast"): "broadcast",
}
#: What stops and starts a timer; the name of its type is not always known.
_CLOCKS: Final[dict[str, Deed]] = {"Stop": "stop", "Reset": "reset"}
#: Types that are used as they are declared.
_BY_VALUE: Final = ("sync.WaitGroup", "sync.Cond")


class Collector(Expressions):
    """Notes in a unit what its function does, and joins what it assigns; ``methods`` are the units of the package's
    methods by name."""

    def __init__(self, unit: Unit, package: Package, classes: Classes, methods: Mapping[str, Sequence[int]]) -> None:
        super().__init__(unit, package, classes)
        self._methods_by_name = methods

    def collect(self) -> None:
        """Note the function's sites and calls, and join what it assigns."""
        for node in walk(self.unit.function.body, into_literals=False):
            note = {
                "short_var_declaration": self._assign,
                "assignment_statement": self._assign,
                "receive_statement": self._assign,
                "var_spec": self._declare,
                "return_statement": self._return,
                "send_statement": self._send,
                "unary_expression": self._receive,
                "range_clause": self._range,
                "call_expression": self._call,
                "type_conversion_expression": self._call,
                "composite_literal": self._literal,
                "selector_expression": self._method_value,
            }.get(node.type)
            if note is not None:
                note(node)

    def _site(self, deed: Deed, operand: Node | None, node: Node) -> None:
        key = self.value(operand)
        if key is not None:
            self.unit.sites.append(Site(deed, key, self.unit.number, node))

    # -- statements --------------------------------------------------------------------------------------------------

    def _assign(self, node: Node) -> None:
        self._join(list_of(field(node, "left")), list_of(field(node, "right")))

    def _declare(self, node: Node) -> None:
        names = list(node.children_by_field_name("name"))
        self._join(names, list_of(field(node, "value")))
        if text(field(node, "type")) in _BY_VALUE:
            for name in names:
                self._made_here(self.value(name), node)

    def _made_here(self, key: Key | None, node: Node) -> None:
        if key is not None:
            self.classes.facts(key).made.append(Origin(node, self.unit.file, self.unit.number))

    def _join(self, left: list[Node], right: list[Node]) -> None:
        if len(left) == len(right):
            for name, value in zip(left, right, strict=True):
                self.classes.join(self.value(name), self.value(value))
        elif len(right) == 1:
            for name, key in zip(left, self._several(right[0]), strict=False):
                self.classes.join(self.value(name), key)

    def _several(self, node: Node) -> Iterator[Key | None]:
        """The values of an expression that has several: a call, ``<-ch``, ``m[k]``, ``x.(T)``."""
        derived = self.derived(node)
        if derived is not None:
            yield from derived
        elif node.type == "call_expression":
            self.value(node)
            yield from ((RESULTS, f"{node.id}#{place}") for place in range(3))
        else:
            yield self.value(node)

    def _return(self, node: Node) -> None:
        values = [one for child in node.named_children for one in list_of(child)]
        for place, value in enumerate(values):
            self.classes.join((RESULTS, f"{self.unit.number}#{place}"), self.value(value))

    def _send(self, node: Node) -> None:
        channel, value = field(node, "channel"), field(node, "value")
        self._site("send", channel, node)
        key, sent = (None if one is None else self.value(one) for one in (channel, value))
        if key is not None and sent is not None:
            self.classes.join(self.classes.element(key), sent)

    def _receive(self, node: Node) -> None:
        if text(field(node, "operator")) == "<-":
            self._site("receive", field(node, "operand"), node)

    def _range(self, node: Node) -> None:
        right = field(node, "right")
        key = None if right is None else self.value(right)
        if key is None:
            return
        self.unit.sites.append(Site("receive", key, self.unit.number, node))
        for name in list_of(field(node, "left")):
            self.classes.join(self.value(name), self.classes.element(key))

    def _literal(self, node: Node) -> None:
        """A composite literal: its values are those of the struct's fields, or of a list or map."""
        kind, body = field(node, "type"), field(node, "body")
        owner = text(kind)
        if owner in _BY_VALUE:
            self._made_here((RESULTS, f"{node.id}#0"), node)
        fields = list(self.package.fields.get(owner, ()))
        for place, element in enumerate(() if body is None else body.named_children):
            parts = [child.named_children[0] for child in element.named_children if child.named_children]
            if element.type == "keyed_element" and len(parts) == 2:
                key = (owner, text(parts[0])) if fields else self.classes.element((RESULTS, f"{node.id}#0"))
                self.classes.join(key, self.value(parts[1]))
            elif element.type == "literal_element" and element.named_children:
                named = (owner, fields[place]) if place < len(fields) else None
                key = named or self.classes.element((RESULTS, f"{node.id}#0"))
                self.classes.join(key, self.value(element.named_children[0]))

    # -- calls -------------------------------------------------------------------------------------------------------

    def _call(self, node: Node) -> None:
        callee = callee_of(node)
        if callee is None:
            return
        if callee.type == "identifier" and text(callee) == "close":
            self._site("close", next(arguments_of(node), None), node)
            return
        if callee.type == "selector_expression":
            operand, method = field(callee, "operand"), text(field(callee, "field"))
            deed = _DEEDS.get((self.names.type_of(operand).bare.name, method))
            if deed == "add" and text(next(arguments_of(node), None)).startswith("-"):
                deed = "done"
            if deed is None and method in _CLOCKS:
                deed = _CLOCKS[method]
            if method == "Go" and deed == "done":
                self._ends(node, operand)
            elif deed is not None:
                self._site(deed, operand, node)
        call = self._resolved(callee, node)
        if call is not None:
            self.unit.calls.append(call)
            if call.key is not None:
                self.unit.sites.append(Site("call", call.key, self.unit.number, node))

    def _ends(self, node: Node, group: Node | None) -> None:
        """``wg.Go(f)``: Done is called when f has ended: of a literal behind its last brace, of any other function at
        any time."""
        key, given = self.value(group), next(arguments_of(node), None)
        body = field(given, "body") if given is not None and given.type == "func_literal" else None
        if key is None or given is None:
            return
        if body is None:
            self.classes.escape([key])
        else:
            self.unit.sites.append(Site("done", key, given.id, body.children[-1]))

    def _method_value(self, node: Node) -> None:
        """``wg.Done`` as a value: nothing tells who calls it."""
        operand, above = field(node, "operand"), node.parent
        is_called = above is not None and above.type == "call_expression" and field(above, "function") == node
        if not is_called and (self.names.type_of(operand).bare.name, text(field(node, "field"))) in _DEEDS:
            self.classes.escape([self.value(operand)])

    def _resolved(self, callee: Node, node: Node) -> Call | None:
        """Whom a call calls; None for a conversion."""
        name = text(field(callee, "field")) or text(callee)
        call = Call(self.unit.number, node, name)
        if callee.type == "func_literal":
            call.targets.add(callee.id)
            return call
        if callee.type == "identifier" and (name in self.package.named or name in ("make", "new", "append")):
            return None
        function = self.names.callee(callee)
        if function is not None:
            call.targets.add(function.node.id)
            return call
        operand = field(callee, "operand")
        if "." in self.names.type_of(operand).bare.name:
            return call  # a method of another package's type
        if operand is not None and operand.type == "identifier" and not self.unit.has(text(operand)):
            call.path = self.package.imports.get(text(operand), "")
            if call.path:
                return call
        key = self.value(callee)
        if key is not None:
            call.key = key
        elif operand is not None:  # an interface, or a type that the package does not tell
            call.targets.update(self._methods_by_name.get(name, ()))
        return call
