"""Which locks a function holds at a line: a flow analysis over its statements.

At each point some locks must be held (on every way there) and some may be (on some way). Branches that leave (return,
break, continue, panic) do not join what follows; loops are walked twice; deferred calls run at the end; functions of
the same package that lock or unlock for their caller count by what they leave behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from stackscan.golang.calls import UNLOCKS, Calls
from stackscan.golang.names import Place, arguments_of
from stackscan.golang.package import Function, Package
from stackscan.golang.state import Event, Hold, State, join
from stackscan.golang.tree import Node, field, last_line_of, line_of, text

_TRIES: Final = {"TryLock": True, "TryRLock": False}
#: Calls that do not come back.
_LEAVES: Final = frozenset({
    "panic", "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "runtime.Goexit",
    "t.Fatal", "t.Fatalf", "t.FailNow", "b.Fatal", "b.Fatalf", "t.Skip", "t.Skipf", "t.SkipNow",
})  # fmt: skip


class Flow(Calls):
    """The walk through one function. ``events`` are all points with their states, ``end`` the state behind it (None: it
    does not come back)."""

    def __init__(self, function: Function, package: Package, depth: int = 0) -> None:
        super().__init__(function, package, depth)
        self._breaks: list[list[State]] = []
        self._nexts: list[list[State]] = []
        self._labels: dict[str, int] = {}
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

    def _left_by(self, helper: Function) -> State | None:
        return summary(helper, self.package, self.depth + 1)

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
        if callee.type == "selector_expression" and text(field(callee, "field")) in UNLOCKS:
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
            if callee is not None and callee.type == "selector_expression" and text(field(callee, "field")) in UNLOCKS
        )
        return frozenset(place for place in places if place is not None)


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
