"""Which locks a function holds at a line: a flow analysis over its statements.

At each point some locks must be held (on every way there) and some may be (on some way). Branches that leave (return,
break, continue, panic) do not join what follows; loops, and functions with goto, are walked until nothing changes;
deferred calls run at the end, the last one first; functions of the same package that lock or unlock for their caller
count by what they leave behind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stackscan.golang.calls import Calls, Exit
from stackscan.golang.jumps import Jumps, joined
from stackscan.golang.links import read_links
from stackscan.golang.loose import loose_in
from stackscan.golang.names import Place, arguments_of
from stackscan.golang.package import Function, Package
from stackscan.golang.state import Deferred, Event, State, join
from stackscan.golang.tree import Node, field, last_line_of, line_of, text, walk

#: Calls that do not come back.
_LEAVES: Final = frozenset({
    "panic", "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "runtime.Goexit",
    "t.Fatal", "t.Fatalf", "t.FailNow", "b.Fatal", "b.Fatalf", "t.Skip", "t.Skipf", "t.SkipNow",
})  # fmt: skip
#: How often a loop is walked; a state that still changes then has its locks weakened.
_MOST_ROUNDS: Final = 6
_CASES: Final = ("expression_case", "type_case", "default_case")


class Flow(Calls):
    """The walk through one function. ``events`` are all points with their states, ``statements`` plain ones by line,
    ``end`` the state behind it (None: it does not come back)."""

    def __init__(self, function: Function, package: Package, depth: int = 0) -> None:
        super().__init__(function, package, depth)
        self.statements: dict[int, tuple[Node, State]] = {}
        self._jumps = Jumps()
        read_links(package)
        loose, vague = loose_in(function, package, Flow)
        self._body(function.body, State(loose=loose, vague=vague))
        self.end = self.ending(function.body)
        self.last_line = last_line_of(function.body)

    def at(self, line: int) -> list[Event]:
        """The points of a line."""
        return [event for event in self.events.values() if event.line == line]

    def skipping(self, place: Place) -> int:
        """The line of the first return that leaves a lock held; 0: there is none, only the end of the function."""
        left = ((exit_.node, self.after_defers(exit_.state)) for exit_ in self.exits)
        lines = [line_of(node) for node, state in left if node is not None and place in state.may]
        return min(lines, default=0)

    def _left_by(self, helper: Function) -> State | None:
        return summary(helper, self.package, self.depth + 1)

    def _body(self, node: Node, state: State) -> None:
        jumps, self._jumps = self._jumps, Jumps()
        last: State | None = None
        for _ in range(_MOST_ROUNDS):
            before = dict(self._jumps.gotos)
            last = self._block(node, state)
            if before == self._jumps.gotos:
                break
        else:
            last = None if last is None else last.weakened()
        self._jumps = jumps
        if last is not None:
            self.exits.append(Exit(None, last))

    # -- statements --------------------------------------------------------------------------------------------------

    def _block(self, node: Node, state: State | None) -> State | None:
        for child in node.children:
            if not child.is_named:
                continue
            if child.type == "statement_list":
                state = self._block(child, state)
            elif child.type == "labeled_statement":
                state = self._labeled(child, state)
            elif state is not None:
                state = self._statement(child, state)
        return state

    def _statement(self, node: Node, state: State) -> State | None:
        kind = node.type
        if kind == "block":
            return self._block(node, state)
        walks = {
            "if_statement": self._if,
            "for_statement": self._for,
            "expression_switch_statement": self._switch,
            "type_switch_statement": self._switch,
            "select_statement": self._select,
            "labeled_statement": self._labeled,
        }.get(kind)
        if walks is not None:
            return walks(node, state)
        self._plain(node, state)
        if kind in ("break_statement", "continue_statement", "goto_statement"):
            label = next((text(c) for c in node.children if c.type == "label_name"), "")
            self._jumps.jump(kind, label, state)
            return None
        return self._simple(node, state)

    def _simple(self, node: Node, state: State) -> State | None:
        if node.type == "defer_statement":
            return self._defer(node, state)
        if node.type == "go_statement":
            return self._go(node, state)
        after = self._expression(node, state)
        if node.type == "return_statement":
            self.exits.append(Exit(node, after))
            return None
        if _leaves(node):
            self._panics.append(after)
            return None
        return after

    def _plain(self, node: Node, state: State) -> None:
        """Note the state before a statement: a goroutine that runs may be caught in it, without a call."""
        known = self.statements.get(node.id)
        state = join(None if known is None else known[1], state) or state
        self.statements[node.id] = node, state

    def _begin(self, node: Node, state: State) -> State:
        """The state behind the statement with which an if, for or switch begins."""
        first = field(node, "initializer")
        begun = None if first is None else self._statement(first, state)
        return state if begun is None else begun

    def _if(self, node: Node, state: State) -> State | None:
        condition = field(node, "condition")
        state = self._begin(node, state)
        yes, no = (state, state) if condition is None else self.condition(condition, state)
        consequence, alternative = field(node, "consequence"), field(node, "alternative")
        then = yes if consequence is None else self._block(consequence, yes)
        return join(then, no if alternative is None else self._statement(alternative, no))

    def _for(self, node: Node, state: State) -> State | None:
        clause = next((c for c in node.children if c.type in ("for_clause", "range_clause")), None)
        body = field(node, "body")
        counts = clause is not None and clause.type == "for_clause"
        condition = field(clause, "condition")
        if clause is None:
            condition = next((c for c in node.children if c.is_named and c != body and c.type != "comment"), None)
        elif counts:
            state = self._begin(clause, state)
        target = self._jumps.enter(repeats=True)
        head, after = state, state
        for _ in range(_MOST_ROUNDS):
            last, after = self._round(node, body, condition, clause if not counts else None, head)
            last = joined(last, target.again)
            update = field(clause, "update")
            last = self._statement(update, last) if counts and update is not None and last is not None else last
            wider = join(head, last) or head
            if wider == head:
                break
            head = wider
        else:
            after = after.weakened()
        self._jumps.leave()
        endless = condition is None and (clause is None or counts)
        return joined(None if endless else after, target.left)

    def _round(
        self, node: Node, body: Node | None, condition: Node | None, ranges: Node | None, head: State
    ) -> tuple[State | None, State]:
        """The states behind the body of a loop, and where its condition fails."""
        self._plain_head(node, head)
        yes = no = head
        if ranges is not None:
            right = field(ranges, "right")
            head = head if right is None else self._expression(right, head)
            self._note(ranges, line_of(node), head)
            yes = no = self._assigned(ranges, head)
        elif condition is not None:
            yes, no = self.condition(condition, head)
        return (yes if body is None else self._block(body, yes)), no

    def _plain_head(self, node: Node, state: State) -> None:
        first = next((c for c in node.children if c.type in ("for_clause", "range_clause")), None)
        if first is not None:
            self._plain(first, state)

    def _switch(self, node: Node, state: State) -> State | None:
        state = self._begin(node, state)
        value = field(node, "value")
        if value is not None:
            state = self._expression(value, state)
        cases = [c for c in node.children if c.type in _CASES]
        found = None if any(case.type == "default_case" for case in cases) else state
        target = self._jumps.enter(repeats=False)
        falls: State | None = None
        for case in cases:
            entered = state if falls is None else join(state, falls)
            after = self._block(case, entered or state)
            falls = after if any(c.type == "fallthrough_statement" for c in walk(case)) else None
            found = join(found, after)
        self._jumps.leave()
        return joined(found, target.left)

    def _select(self, node: Node, state: State) -> State | None:
        self._note(node, line_of(node), state)
        found: State | None = None
        target = self._jumps.enter(repeats=False)
        for case in node.children:
            if case.type in ("communication_case", "default_case"):
                found = join(found, self._block(case, state))
        self._jumps.leave()
        return joined(found, target.left)

    def _labeled(self, node: Node, state: State | None) -> State | None:
        label = text(field(node, "label"))
        state = join(state, self._jumps.gotos.get(label))
        if state is None:
            return None
        self._jumps.name(label)
        inner = next((c for c in node.children if c.is_named and c.type != "label_name"), None)
        return state if inner is None else self._statement(inner, state)

    def _go(self, node: Node, state: State) -> State:
        return self._arguments(next((c for c in node.children if c.is_named), None), state)

    def _arguments(self, call: Node | None, state: State) -> State:
        """What go and defer evaluate at once."""
        for argument in () if call is None else arguments_of(call):
            state = self._expression(argument, state)
        callee = field(call, "function")
        return state if callee is None or callee.type == "func_literal" else self._expression(callee, state)

    def _defer(self, node: Node, state: State) -> State:
        call = next((c for c in node.children if c.is_named), None)
        state = self._arguments(call, state)
        if call is None or call.type != "call_expression":
            return state
        others = tuple(one for one in state.deferred if one.call.id != call.id)
        return replace(state, deferred=tuple(sorted((*others, Deferred(call)), key=lambda one: one.order)))


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
