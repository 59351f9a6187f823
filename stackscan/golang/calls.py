"""Expressions in a function: calls that take and release locks, in the order in which Go runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from stackscan.golang.names import Names, Place, arguments_of, line_of_call
from stackscan.golang.package import Function, Package
from stackscan.golang.state import Event, Hold, State, join
from stackscan.golang.tree import Node, field, line_of, text

#: How deep functions that lock for their caller are followed.
_DEEPEST: Final = 3
_LOCKS: Final = {"Lock": True, "RLock": False}
UNLOCKS: Final = frozenset({"Unlock", "RUnlock"})


class Calls(ABC):
    """The part of a walk through a function that is about expressions. ``events`` are all points with their states."""

    def __init__(self, function: Function, package: Package, depth: int) -> None:
        self.names = Names(function, package)
        self.package = package
        self.depth = depth
        self.events: dict[int, Event] = {}
        self._ends: list[State] = []

    @abstractmethod
    def _block(self, node: Node, state: State | None) -> State | None:
        """The state behind a block."""

    @abstractmethod
    def _left_by(self, helper: Function) -> State | None:
        """What a function of the package leaves behind for its caller."""

    def _expression(self, node: Node, state: State) -> State:
        """The state behind an expression or a simple statement; calls in it in the order in which Go runs them."""
        if node.type == "func_literal":
            return state
        if node.type == "call_expression":
            return self._call(node, state)
        for child in node.children:
            if child.is_named:
                state = self._expression(child, state)
        receives = node.type == "unary_expression" and text(field(node, "operator")) == "<-"
        if receives or node.type in ("send_statement", "receive_statement"):
            self._note(node, line_of(node), state)
        return state

    def _call(self, node: Node, state: State) -> State:
        callee = field(node, "function")
        for argument in arguments_of(node):
            state = self._expression(argument, state)
        if callee is not None and callee.type == "func_literal":
            body = field(callee, "body")
            self._note(node, line_of_call(node), state)
            ends, self._ends = self._ends, []
            after = None if body is None else self._block(body, state)
            for end in self._ends:
                after = join(after, end)
            self._ends = ends
            return after or state
        if callee is not None:
            state = self._expression(callee, state)
        self._note(node, line_of_call(node), state)
        return self._effect(node, state)

    def _effect(self, node: Node, state: State) -> State:
        """The state behind a call: of a lock's method, or of a function of the package that locks for its caller."""
        callee = field(node, "function")
        if callee is None:
            return state
        method = text(field(callee, "field")) if callee.type == "selector_expression" else ""
        if method in _LOCKS or method in UNLOCKS:
            place = self.names.lock_of(callee)
            if place is not None:
                hold = Hold(line_of_call(node), _LOCKS.get(method, False))
                return state.locked(place, hold) if method in _LOCKS else state.unlocked(place)
        helper = self.names.callee(callee) if self.depth < _DEEPEST else None
        return state if helper is None else self._after_helper(helper, node, state)

    def _after_helper(self, helper: Function, call: Node, state: State) -> State:
        end = self._left_by(helper)
        if end is None:
            return state
        roots = self._roots(helper, call)
        for place, hold in end.may.items():
            here = _moved(place, roots)
            taken = replace(hold, line=line_of_call(call), by_callee=True)
            state = state.locked(here, taken) if place in end.must else state.maybe_locked(here, taken)
        for place in end.released:
            state = state.unlocked(_moved(place, roots))
        return state

    def _roots(self, helper: Function, call: Node) -> dict[str, str]:
        """What a helper's receiver and parameters are called here."""
        callee = field(call, "function")
        operand = field(callee, "operand")
        roots = {} if helper.receiver is None or operand is None else {helper.receiver: text(operand)}
        given = [text(argument) for argument in arguments_of(call)]
        roots.update(zip((name for name, _ in helper.parameters), given, strict=False))
        return roots

    def _note(self, node: Node, line: int, state: State) -> None:
        known = self.events.get(node.id)
        joined = join(None if known is None else known.state, state)
        self.events[node.id] = Event(node, line, joined or state)


def _moved(place: Place, roots: Mapping[str, str]) -> Place:
    root = roots.get(place.root, "")
    return replace(place, root=root if root.isidentifier() else "")
