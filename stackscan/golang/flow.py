"""Which locks a function holds at a line: a flow analysis over its statements.

At each point some locks must be held (on every way there) and some may be (on some way). Branches that leave (return,
break, continue, panic) do not join what follows; loops are walked twice; deferred calls run at the end; functions of
the same package that lock or unlock for their caller count by what they leave behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as data_field
from typing import Final

from stackscan.golang.names import Names, Place, arguments_of, line_of_call
from stackscan.golang.package import Function, Package
from stackscan.golang.tree import Node, field, last_line_of, line_of, text

#: How deep functions that lock for their caller are followed.
_DEEPEST: Final = 3
_LOCKS: Final = {"Lock": True, "RLock": False}
_UNLOCKS: Final = frozenset({"Unlock", "RUnlock"})
_TRIES: Final = {"TryLock": True, "TryRLock": False}
#: Calls that do not come back.
_LEAVES: Final = frozenset({
    "panic", "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "runtime.Goexit",
    "t.Fatal", "t.Fatalf", "t.FailNow", "b.Fatal", "b.Fatalf", "t.Skip", "t.Skipf", "t.SkipNow",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that is held: since which line, and whether for writing."""

    line: int
    writing: bool


@dataclass(frozen=True, slots=True)
class State:
    """The locks at one point: those that must be held, those that may be (all of the former among them), those that the
    caller held and this function released, and those that deferred calls will release."""

    must: Mapping[Place, Hold] = data_field(default_factory=dict)
    may: Mapping[Place, Hold] = data_field(default_factory=dict)
    released: frozenset[Place] = frozenset()
    deferred: frozenset[Place] = frozenset()

    def locked(self, place: Place, hold: Hold) -> State:
        """The state after a lock was taken."""
        return replace(
            self, must={**self.must, place: hold}, may={**self.may, place: hold}, released=self.released - {place}
        )

    def maybe_locked(self, place: Place, hold: Hold) -> State:
        """The state after a lock was taken on some way."""
        return replace(self, may={**self.may, place: hold})

    def unlocked(self, place: Place) -> State:
        """The state after a lock was released."""
        released = self.released if place in self.may else self.released | {place}
        return replace(self, must=_without(self.must, place), may=_without(self.may, place), released=released)


def _without(holds: Mapping[Place, Hold], place: Place) -> dict[Place, Hold]:
    return {one: hold for one, hold in holds.items() if one != place}


def join(one: State | None, other: State | None) -> State | None:
    """Two ways that meet; None is a way that leaves."""
    if one is None or other is None:
        return one or other
    return State(
        must={place: hold for place, hold in one.must.items() if place in other.must},
        may={**other.may, **one.may},
        released=one.released | other.released,
        deferred=one.deferred | other.deferred,
    )


@dataclass(frozen=True, slots=True)
class Event:
    """What a traceback may point at, with the state before it: a call, a send, a receive, a select, a range."""

    node: Node
    line: int
    state: State


class Flow:
    """The walk through one function. ``events`` are all points with their states, ``end`` the state behind it (None: it
    does not come back)."""

    def __init__(self, function: Function, package: Package, depth: int = 0) -> None:
        self.names = Names(function, package)
        self.package = package
        self.depth = depth
        self.events: dict[int, Event] = {}
        self._breaks: list[list[State]] = []
        self._nexts: list[list[State]] = []
        self._labels: dict[str, int] = {}
        self._ends: list[State] = []
        last = self._block(function.body, State())
        if last is not None:
            self._ends.append(last)
        end: State | None = None
        for state in self._ends:
            end = join(end, _after_defers(state))
        self.end = end
        self.last_line = last_line_of(function.body)
        self.before_end = next(iter(self._ends[-1:]), None)

    def at(self, line: int) -> list[Event]:
        """The points of a line."""
        return [event for event in self.events.values() if event.line == line]

    # -- statements --------------------------------------------------------------------------------------------------

    def _block(self, node: Node, state: State | None) -> State | None:
        for child in node.children:
            if state is None:
                return None
            if child.is_named:
                state = self._statement(child, state)
        return state

    def _statement(self, node: Node, state: State) -> State | None:
        kind = node.type
        if kind in ("block", "statement_list"):
            return self._block(node, state)
        walk = {
            "if_statement": self._if,
            "for_statement": self._for,
            "expression_switch_statement": self._switch,
            "type_switch_statement": self._switch,
            "select_statement": self._select,
            "defer_statement": self._defer,
            "go_statement": self._go,
            "labeled_statement": self._labeled,
            "return_statement": self._return,
        }.get(kind)
        if walk is not None:
            return walk(node, state)
        if kind in ("break_statement", "continue_statement", "goto_statement"):
            self._jump(node, state)
            return None
        after = self._expression(node, state)
        return None if _leaves(node) else after

    def _return(self, node: Node, state: State) -> None:
        self._ends.append(self._expression(node, state))

    def _if(self, node: Node, state: State) -> State | None:
        condition, first = field(node, "condition"), field(node, "initializer")
        if first is not None:
            begun = self._statement(first, state)
            state = state if begun is None else begun
        tried = self._tried(condition) or self._tried_before(first, condition)
        if condition is not None:
            state = self._expression(condition, state)
        yes = no = state
        if tried is not None:
            place, hold, negated = tried
            yes, no = (state, state.locked(place, hold)) if negated else (state.locked(place, hold), state)
        consequence, alternative = field(node, "consequence"), field(node, "alternative")
        then = yes if consequence is None else self._block(consequence, yes)
        other = no if alternative is None else self._statement(alternative, no)
        return join(then, other)

    def _tried(self, condition: Node | None) -> tuple[Place, Hold, bool] | None:
        """``if mu.TryLock()`` and ``if !mu.TryLock()``: the lock, and whether the condition is negated."""
        if condition is None:
            return None
        negated = condition.type == "unary_expression" and text(field(condition, "operator")) == "!"
        call = field(condition, "operand") if negated else condition
        callee = field(call, "function") if call is not None and call.type == "call_expression" else None
        if callee is None or callee.type != "selector_expression" or text(field(callee, "field")) not in _TRIES:
            return None
        place = self.names.lock_of(callee)
        writing = _TRIES[text(field(callee, "field"))]
        return None if place is None else (place, Hold(line_of(condition), writing), negated)

    def _tried_before(self, first: Node | None, condition: Node | None) -> tuple[Place, Hold, bool] | None:
        """``if ok := mu.TryLock(); ok``."""
        if first is None or condition is None or first.type != "short_var_declaration":
            return None
        right = field(first, "right")
        value = None if right is None else next((c for c in right.children if c.is_named), None)
        found = self._tried(value)
        if found is None:
            return None
        negated = condition.type == "unary_expression" and text(field(condition, "operator")) == "!"
        return found[0], found[1], negated

    def _for(self, node: Node, state: State) -> State | None:
        clause = next((c for c in node.children if c.type in ("for_clause", "range_clause")), None)
        body = field(node, "body")
        condition: Node | None = None
        if clause is not None and clause.type == "for_clause":
            first, condition = field(clause, "initializer"), field(clause, "condition")
            begun = state if first is None else self._statement(first, state)
            state = state if begun is None else begun
        elif clause is not None:
            self._note(clause, line_of(node), state)
        else:
            condition = next((c for c in node.children if c.is_named and c != body), None)
        endless = (clause is None and condition is None) or (
            clause is not None and clause.type == "for_clause" and condition is None
        )
        head: State | None = state
        leaving: list[State] = []
        for _ in range(2):
            if head is None:
                break
            if condition is not None:
                head = self._expression(condition, head)
            self._breaks.append(leaving)
            self._nexts.append([])
            last = head if body is None else self._block(body, head)
            for again in self._nexts.pop():
                last = join(last, again)
            self._breaks.pop()
            head = join(head, last)
        found = None if endless else head
        for state_at_break in leaving:
            found = join(found, state_at_break)
        return found

    def _switch(self, node: Node, state: State) -> State | None:
        first = field(node, "initializer")
        begun = state if first is None else self._statement(first, state)
        state = state if begun is None else begun
        value = field(node, "value")
        if value is not None:
            state = self._expression(value, state)
        cases = [c for c in node.children if c.type in ("expression_case", "type_case", "default_case")]
        found = None if any(case.type == "default_case" for case in cases) else state
        leaving: list[State] = []
        self._breaks.append(leaving)
        falls: State | None = None
        for case in cases:
            entered = state if falls is None else join(state, falls)
            after = self._block(case, entered or state)
            falls = after if any(c.type == "fallthrough_statement" for c in _deep(case)) else None
            found = join(found, after)
        self._breaks.pop()
        for state_at_break in leaving:
            found = join(found, state_at_break)
        return found

    def _select(self, node: Node, state: State) -> State | None:
        self._note(node, line_of(node), state)
        found: State | None = None
        leaving: list[State] = []
        self._breaks.append(leaving)
        for case in node.children:
            if case.type in ("communication_case", "default_case"):
                found = join(found, self._block(case, state))
        self._breaks.pop()
        for state_at_break in leaving:
            found = join(found, state_at_break)
        return found

    def _labeled(self, node: Node, state: State) -> State | None:
        label = text(field(node, "label"))
        self._labels[label] = len(self._breaks)
        inner = next((c for c in node.children if c.is_named and c.type != "label_name"), None)
        return state if inner is None else self._statement(inner, state)

    def _jump(self, node: Node, state: State) -> None:
        label = next((text(c) for c in node.children if c.type == "label_name"), "")
        levels = self._nexts if node.type == "continue_statement" else self._breaks
        place = self._labels.get(label, len(levels) - 1) if label else len(levels) - 1
        if node.type != "goto_statement" and levels:
            levels[min(place, len(levels) - 1)].append(state)

    def _go(self, node: Node, state: State) -> State:
        call = next((c for c in node.children if c.is_named), None)
        for argument in () if call is None else arguments_of(call):
            state = self._expression(argument, state)
        return state

    def _defer(self, node: Node, state: State) -> State:
        call = next((c for c in node.children if c.is_named), None)
        if call is None:
            return state
        for argument in arguments_of(call):
            state = self._expression(argument, state)
        callee = field(call, "function")
        if callee is None:
            return state
        if callee.type == "func_literal":
            return replace(state, deferred=state.deferred | self._released_in(callee))
        if callee.type == "selector_expression" and text(field(callee, "field")) in _UNLOCKS:
            place = self.names.lock_of(callee)
            if place is not None:
                return replace(state, deferred=state.deferred | {place})
        helper = self._effect(call, state)
        released = set(state.may) - set(helper.may) | (helper.released - state.released)
        return replace(state, deferred=state.deferred | released)

    def _released_in(self, literal: Node) -> frozenset[Place]:
        """The locks that a deferred function literal releases."""
        calls = (node for node in _deep(literal) if node.type == "call_expression")
        callees = (field(call, "function") for call in calls)
        places = (
            self.names.lock_of(callee)
            for callee in callees
            if callee is not None and callee.type == "selector_expression" and text(field(callee, "field")) in _UNLOCKS
        )
        return frozenset(place for place in places if place is not None)

    # -- expressions -------------------------------------------------------------------------------------------------

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
        if method in _LOCKS or method in _UNLOCKS:
            place = self.names.lock_of(callee)
            if place is not None:
                hold = Hold(line_of_call(node), _LOCKS.get(method, False))
                return state.locked(place, hold) if method in _LOCKS else state.unlocked(place)
        helper = self.names.callee(callee) if self.depth < _DEEPEST else None
        return state if helper is None else self._after_helper(helper, node, state)

    def _after_helper(self, helper: Function, call: Node, state: State) -> State:
        end = summary(helper, self.package, self.depth + 1)
        if end is None:
            return state
        roots = self._roots(helper, call)
        for place, hold in end.may.items():
            here = _moved(place, roots)
            taken = replace(hold, line=line_of_call(call))
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


def _after_defers(state: State) -> State:
    for place in state.deferred:
        state = state.unlocked(place)
    return state


def _deep(node: Node) -> Iterable[Node]:
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(found.children)


def _leaves(node: Node) -> bool:
    """Whether a statement does not come back: panic, os.Exit, t.Fatal."""
    if node.type != "expression_statement":
        return False
    call = next((c for c in node.children if c.type == "call_expression"), None)
    return text(field(call, "function")) in _LEAVES


def summary(function: Function, package: Package, depth: int) -> State | None:
    """What a function leaves behind for its caller: locks that it took and not gave back, and the other way round."""
    if function.key in package.running:
        return None  # it calls itself
    key = (function.key, depth)
    if key not in package.summaries:
        package.running.add(function.key)
        package.summaries[key] = Flow(function, package, depth).end
        package.running.discard(function.key)
    found: State | None = package.summaries[key]
    return found
