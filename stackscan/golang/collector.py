"""The walk through one function that notes what it does with objects, and whom it calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stackscan.golang.expressions import Expressions, callee_of, list_of
from stackscan.golang.names import arguments_of
from stackscan.golang.tree import Node, field, text, walk
from stackscan.golang.types import OTHER, Type, read_type
from stackscan.golang.unit import Call, Deed, Site
from stackscan.golang.values import FOREIGN, RESULTS, UNKNOWN, Key, Origin

_DEEDS: Final[dict[tuple[str, str], Deed]] = {
    ("sync.WaitGroup", "Done"): "done",
    ("sync.WaitGroup", "Add"): "done",
    ("sync.WaitGroup", "Go"): "done",
    ("sync.Cond", "Signal"): "signal",
    ("sync.Cond", "Broadcast"): "broadcast",
}
#: The same where the type is not known.
_BY_NAME: Final[dict[str, Deed]] = {"Done": "done", "Signal": "signal", "Broadcast": "broadcast"}
#: What stops and starts a timer; the name of its type is not always known.
_CLOCKS: Final[dict[str, Deed]] = {"Stop": "stop", "Reset": "reset"}
#: Packages whose types nobody else implements.
_NO_INTERFACES: Final = frozenset(
    {"sync", "sync/atomic", "time", "os", "bytes", "strings", "strconv", "bufio", "regexp"}
)
#: Results of a function that are followed.
_MOST_RESULTS: Final = 3
#: Types that are used as they are declared.
_BY_VALUE: Final = ("sync.WaitGroup", "sync.Cond")


class Collector(Expressions):
    """Notes in a unit what its function does, and joins what it assigns. What flows where nobody can follow it escapes:
    anybody may have it then. ``leaked`` are such values; ``endings`` are sites of other functions: what happens when
    they have ended."""

    leaked: list[Key]
    endings: list[Site]

    def collect(self) -> None:
        """Note the function's sites and calls, and join what it assigns."""
        self.leaked, self.endings = [], []
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
                "type_switch_statement": self._switch,
                "selector_expression": self._method_value,
            }.get(node.type)
            if note is not None:
                note(node)

    def _site(self, deed: Deed, operand: Node | None, node: Node) -> None:
        key = self.value(operand)
        if key != FOREIGN:
            self.unit.sites.append(Site(deed, key or UNKNOWN, self.unit.number, node))

    def _flow(self, to: Key | None, value: Node | None, target: Node | None = None) -> None:
        """A value gets another name; it escapes where nothing tells which."""
        key = self.value(value)
        if to is not None and to != FOREIGN:
            self.classes.join(to, key)
        elif key is not None and text(target) != "_":
            self.leaked.append(key)

    # -- statements --------------------------------------------------------------------------------------------------

    def _assign(self, node: Node) -> None:
        left = list_of(field(node, "left"))
        self._join(left, list_of(field(node, "right")))
        for name in left:  # what a map has for a key is in it, too
            if name.type == "index_expression":
                self._flow(self.value(name), field(name, "index"))

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
                self._flow(self.value(name), value, name)
        elif len(right) == 1:
            for name, key in zip(left, self._several(right[0]), strict=False):
                to = self.value(name)
                if to is not None and to != FOREIGN:
                    self.classes.join(to, key)
                elif key is not None and text(name) != "_":
                    self.leaked.append(key)

    def _several(self, node: Node) -> Iterator[Key | None]:
        """The values of an expression that has several: a call, ``<-ch``, ``m[k]``, ``x.(T)``."""
        derived = self.derived(node)
        if derived is not None:
            yield from derived
        elif node.type == "call_expression":
            yield self.value(node)
            yield from ((RESULTS, f"{node.id}#{place}") for place in range(1, _MOST_RESULTS))
        else:
            yield self.value(node)

    def _return(self, node: Node) -> None:
        values = [one for child in node.named_children for one in list_of(child)]
        if len(values) == 1 and values[0].type == "call_expression":
            for place, key in enumerate(self._several(values[0])):
                self.classes.join((RESULTS, f"{self.unit.number}#{place}"), key)
            return
        for place, value in enumerate(values):
            self.classes.join((RESULTS, f"{self.unit.number}#{place}"), self.value(value))

    def _send(self, node: Node) -> None:
        channel = field(node, "channel")
        self._site("send", channel, node)
        key = self.value(channel)
        self._flow(None if key is None else self.classes.element(key), field(node, "value"))

    def _switch(self, node: Node) -> None:
        """``switch x := y.(type)``: another name for y."""
        for name in list_of(field(node, "alias")):
            self._flow(self.value(name), field(node, "value"))

    def _receive(self, node: Node) -> None:
        if text(field(node, "operator")) == "<-":
            self._site("receive", field(node, "operand"), node)

    def _range(self, node: Node) -> None:
        right, left = field(node, "right"), list_of(field(node, "left"))
        kind = self.names.type_of(right).bare.kind
        if kind == "chan" or (kind == "other" and len(left) < 2):
            key = self.value(right)
            if kind == "chan" or key is not None:
                self.unit.sites.append(Site("receive", key or UNKNOWN, self.unit.number, node))
        key = self.value(right)
        if key is not None:
            for name in left:
                self.classes.join(self.value(name), self.classes.element(key))

    def _literal(self, node: Node) -> None:
        """A composite literal: its values are those of the struct's fields, or of a list or map."""
        kind = field(node, "type")
        owner = text(kind)
        result = (RESULTS, f"{node.id}#0")
        if owner in _BY_VALUE:
            self._made_here(result, node)
        self._elements(field(node, "body"), read_type(kind), self.classes.element(result))

    def _elements(self, body: Node | None, kind: Type, holder: Key) -> None:
        """The elements of a literal of a type: a struct's fields have names, a list holds its elements."""
        fields = self.package.fields.get(kind.bare.name)
        listed = kind.kind in ("list", "map")
        names = list(fields or ())
        for place, element in enumerate(() if body is None else body.named_children):
            parts = [child.named_children[0] for child in element.named_children if child.named_children]
            keyed = element.type == "keyed_element" and len(parts) == 2
            value = parts[1] if keyed else next(iter(element.named_children), None)
            named = text(parts[0]) if keyed else names[place] if place < len(names) else ""
            to = (kind.bare.name, named) if fields and named else holder if listed else None
            if value is not None and value.type == "literal_value":  # the type of what a list holds is not written
                self._elements(value, kind.elem or OTHER, holder)
            elif value is not None:
                self._flow(to, value)
            if keyed and listed and parts[0].type != "literal_value":
                self._flow(holder, parts[0])

    # -- calls -------------------------------------------------------------------------------------------------------

    def _call(self, node: Node) -> None:
        callee = callee_of(node)
        if callee is None:
            return
        if callee.type == "identifier" and text(callee) == "close":
            self._site("close", next(arguments_of(node), None), node)
            return
        if callee.type == "selector_expression":
            self._deed(callee, node)
        call = self._resolved(callee, node)
        if call is not None:
            self.unit.calls.append(call)
            if call.key is not None or call.unknown:
                self.unit.sites.append(Site("call", call.key or UNKNOWN, self.unit.number, node))

    def _deed(self, callee: Node, node: Node) -> None:
        """``wg.Done()``, ``cond.Signal()``, ``timer.Stop()``: also of what is embedded, or of a type that nothing
        tells."""
        operand, method = field(callee, "operand"), text(field(callee, "field"))
        owner = self.names.type_of(operand).bare.name
        deed = _DEEDS.get((owner, method))
        key = None
        if deed is None and owner in self.package.named and self.package.method(owner, method) is None:
            for inside, kind in self._embedded(owner):
                deed, key = _DEEDS.get((kind, method)), inside
                if deed is not None:
                    break
        if deed is None and owner not in self.package.fields and "." not in owner and is_statement(node):
            deed = _BY_NAME.get(method)
        if method == "Add" and not text(next(arguments_of(node), None)).startswith("-"):
            deed = None  # only a negative number takes something off
        deed = deed or _CLOCKS.get(method)
        if deed == "done" and method == "Go":
            self._ends(node, operand)
        elif deed is not None and key is not None:
            self.unit.sites.append(Site(deed, key, self.unit.number, node))
        elif deed is not None:
            self._site(deed, operand, node)

    def _embedded(self, owner: str) -> Iterator[tuple[Key, str]]:
        """The fields that a struct embeds, with their types."""
        for one in self.package.embeds(owner):
            for name in self.package.embedded.get(one, ()):
                yield (one, name), self.package.fields[one][name].bare.name

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
            self.endings.append(Site("done", key, given.id, body.children[-1]))

    def _method_value(self, node: Node) -> None:
        """``wg.Done`` as a value: nothing tells who calls it."""
        operand, above = field(node, "operand"), node.parent
        is_called = above is not None and above.type == "call_expression" and field(above, "function") == node
        if is_called:
            return
        key = self.value(node)
        if key is not None and key[0] == "method":
            self.leaked.append(key)  # the method of an interface: a call of it calls one of these
        if (self.names.type_of(operand).bare.name, text(field(node, "field"))) in _DEEDS:
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
        if operand is None:
            call.key = self.value(callee)
            is_builtin = callee.type == "identifier" and call.key is None
            return None if is_builtin else call
        return self._method_call(callee, operand, call)

    def _method_call(self, callee: Node, operand: Node, call: Call) -> Call:
        """A call of a method that is not the package's own for certain, of another package's function, or of a function
        in a field."""
        owner = self.names.type_of(operand).bare.name
        if "." not in owner and self._is_package(operand):
            owner = f"{text(operand)}."
        if "." not in owner and self.package.field_of(owner, call.name) is OTHER:
            owner = next((kind for _, kind in self._embedded(owner) if "." in kind), owner)
        if "." in owner:
            call.path = self.package.imports.get(owner.partition(".")[0], "")
            if call.path not in _NO_INTERFACES and not self._is_package(operand):
                call.maybe = tuple(self.methods.get(call.name, ()))
            return call
        key = self.value(callee)
        if key is not None and key[0] != "method":
            call.key = key
            return call
        call.targets.update(self.methods.get(call.name, ()))
        call.fields = [(one, call.name) for one, fields in self.package.fields.items() if call.name in fields]
        call.unknown = owner not in self.package.named or owner in self.package.fields
        call.by_name = not call.unknown
        return call


def is_statement(call: Node) -> bool:
    """Whether a call stands alone: its result, if it has one, is not looked at."""
    above = call.parent
    return above is not None and above.type in ("expression_statement", "defer_statement", "go_statement")
