"""Expressions in a function: calls that take and release locks, in the order in which Go runs them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

from stackscan.golang.effects import Effects
from stackscan.golang.locknames import TRIES, lock_names
from stackscan.golang.names import arguments_of, line_of_call, values_of
from stackscan.golang.package import Function, Package, literal_in
from stackscan.golang.scopes import assigned_names
from stackscan.golang.state import Event, Hold, Object, State, Taken, join
from stackscan.golang.tree import Node, field, line_of, text, walk


@dataclass(frozen=True, slots=True)
class Exit:
    """Where a function is left: the return statement (None: its end), and the state before the deferred calls."""

    node: Node | None
    state: State


class Calls(Effects):
    """The part of a walk through a function that is about expressions. ``events`` are all points with their states;
    ``exits`` are where it is left."""

    def __init__(self, function: Function, package: Package, depth: int) -> None:
        super().__init__(function, package, depth)
        self.events: dict[int, Event] = {}
        self.exits: list[Exit] = []
        self._inlined: set[int] = set()
        self._panics: list[State] = []

    @abstractmethod
    def _body(self, node: Node, state: State) -> None:
        """Walk through a function's body: it notes its exits."""

    # -- expressions -------------------------------------------------------------------------------------------------

    def _expression(self, node: Node, state: State) -> State:
        """The state behind an expression or a simple statement; calls in it in the order in which Go runs them."""
        if node.type == "func_literal":
            return state
        if node.type == "call_expression":
            return self._call(node, state)
        if node.type == "binary_expression" and text(field(node, "operator")) in ("&&", "||"):
            yes, no = self.condition(node, state)
            return join(yes, no) or state
        for child in node.children:
            if child.is_named:
                state = self._expression(child, state)
        receives = node.type == "unary_expression" and text(field(node, "operator")) == "<-"
        if receives or node.type in ("send_statement", "receive_statement"):
            self._note(node, line_of(node), state)
        return self._assigned(node, state)

    def _assigned(self, node: Node, state: State) -> State:
        """The state behind an assignment: names stand for other things, or say how a TryLock went."""
        for name in assigned_names(node):
            state = state.assigned(name)
        if node.type == "assignment_statement":
            for target in values_of(field(node, "left")):
                if target.type in ("selector_expression", "index_expression"):
                    state = state.assigned(self.names.path_of(target))
        if node.type in ("short_var_declaration", "assignment_statement"):
            left, right = values_of(field(node, "left")), values_of(field(node, "right"))
            tried = self._tried(right[0]) if len(left) == len(right) == 1 and left[0].type == "identifier" else None
            if tried is not None:
                return replace(state, tried={**state.tried, text(left[0]): tried})
        return state

    def condition(self, node: Node, state: State) -> tuple[State, State]:
        """The states where a condition is true, and where it is not: a TryLock got its lock, or not."""
        if node.type == "parenthesized_expression" and node.named_children:
            return self.condition(node.named_children[0], state)
        sign = text(field(node, "operator"))
        if node.type == "unary_expression" and sign == "!":
            operand = field(node, "operand")
            yes, no = (state, state) if operand is None else self.condition(operand, state)
            return no, yes
        if node.type == "binary_expression" and sign in ("&&", "||"):
            return self._both(node, sign, state)
        tried = state.tried.get(text(node)) if node.type == "identifier" else self._tried(node)
        after = self._expression(node, state)
        if tried is None:
            return after, after
        (place, path), one = tried
        return after.locked(place, path, one.hold), _never_tried(after, (place, path), one)

    def _both(self, node: Node, sign: str, state: State) -> tuple[State, State]:
        left, right = field(node, "left"), field(node, "right")
        if left is None or right is None:
            return state, state
        yes, no = self.condition(left, state)
        then, otherwise = self.condition(right, yes if sign == "&&" else no)
        return (then, join(no, otherwise) or no) if sign == "&&" else (join(yes, then) or yes, otherwise)

    def _tried(self, node: Node) -> tuple[Object, Taken] | None:
        """``mu.TryLock()``: the lock that it takes, or not."""
        callee = field(node, "function") if node.type == "call_expression" else None
        method = text(field(callee, "field"))
        used = self.names.used(callee) if method in TRIES else None
        if used is None:
            return None
        hold = Hold(line_of_call(node), TRIES[method] and not used.reading)
        return (used.place, used.path), Taken(used.place, hold, sure=False)

    # -- calls -------------------------------------------------------------------------------------------------------

    def _call(self, node: Node, state: State) -> State:
        callee = field(node, "function")
        for argument in arguments_of(node):
            state = self._expression(argument, state)
        if callee is not None and callee.type != "func_literal":
            state = self._expression(callee, state)
        self._note(node, line_of_call(node), state)
        return self._effect(node, state)

    def _inline(self, literal: Node, state: State) -> State:
        """The state behind a literal that runs here, with what it defers itself."""
        body = field(literal, "body")
        inner = literal_in(self.function, literal)
        if body is None or inner is None or literal.id in self._inlined:
            return state
        kept = self.names, self.exits, self._panics
        self.names, self.exits, self._panics = lock_names(inner, self.package), [], []
        self._inlined.add(literal.id)
        self._body(body, replace(state, deferred=()))
        after = self.ending(body)
        self._inlined.discard(literal.id)
        self.names, self.exits, self._panics = kept
        return state if after is None else replace(after, deferred=state.deferred)

    # -- the end of a function ---------------------------------------------------------------------------------------

    def ending(self, body: Node) -> State | None:
        """The state behind a function, once its deferred calls have run; None: it does not come back."""
        end: State | None = None
        recovers = _recovers(body)
        for state in [one.state for one in self.exits] + (self._panics if recovers else []):
            end = join(end, self.after_defers(state))
        if end is not None and recovers:  # a panic anywhere before ends it, too
            end = replace(end, taken={key: replace(one, sure=False) for key, one in end.taken.items()})
        return end

    def after_defers(self, state: State, until: Node | None = None) -> State:
        """The state once deferred calls have run, the last one first; only those behind one of them (``until``)."""
        for one in reversed(state.deferred):
            if until is not None and one.call.id == until.id:
                break
            before = state
            state = self._effect(one.call, replace(state, deferred=()))
            released = {key[0] for key in before.taken} - {key[0] for key in state.taken}
            gone = {key[0] for key in before.taken.keys() - state.taken.keys()} if _is_in_loop(one.call) else released
            kept = {key: each for key, each in state.taken.items() if key[0] not in gone}
            state = replace(state, taken=kept, deferred=before.deferred)
            if not one.sure and state.taken.keys() - before.taken.keys():
                state = join(before, state) or state
        return state

    def _note(self, node: Node, line: int, state: State) -> None:
        known = self.events.get(node.id)
        joined = join(None if known is None else known.state, state)
        self.events[node.id] = Event(node, line, joined or state)


def _never_tried(state: State, key: Object, one: Taken) -> State:
    """The state where a TryLock did not get its lock."""
    known = state.taken.get(key)
    if known is None or known.sure or known.hold != one.hold:
        return state
    return replace(state, taken={at: each for at, each in state.taken.items() if at != key})


def _recovers(body: Node) -> bool:
    """Whether a function has a deferred literal that ends a panic."""
    return any(
        node.type == "call_expression" and text(field(node, "function")) == "recover"
        for defer in walk(body, into_literals=False)
        if defer.type == "defer_statement"
        for node in walk(defer)
    )


def _is_in_loop(node: Node) -> bool:
    above = node.parent
    while above is not None and above.type not in ("func_literal", "function_declaration", "method_declaration"):
        if above.type == "for_statement":
            return True
        above = above.parent
    return False
