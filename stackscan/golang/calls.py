"""Expressions in a function: calls that take and release locks, in the order in which Go runs them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from stackscan.golang.locknames import LOCKS, TRIES, UNLOCKS, LockNames, Use
from stackscan.golang.names import Place, arguments_of, line_of_call, values_of
from stackscan.golang.package import Function, Package, literal_in
from stackscan.golang.scopes import assigned_names
from stackscan.golang.state import Event, Hold, Object, State, Taken, join
from stackscan.golang.tree import Node, field, line_of, text, walk

#: How deep functions that lock for their caller are followed.
_DEEPEST: Final = 3
_HEADS: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
#: Functions that get a lock and leave it as it is.
_HARMLESS: Final = frozenset(
    {"sync.NewCond", "append", "len", "new", "make", "fmt.Println", "fmt.Printf", "fmt.Sprintf"}
)


@dataclass(frozen=True, slots=True)
class Exit:
    """Where a function is left: the return statement (None: its end), and the state before the deferred calls."""

    node: Node | None
    state: State


class Calls(ABC):
    """The part of a walk through a function that is about expressions. ``events`` are all points with their states;
    ``exits`` are where it is left; ``given_back`` are locks that it releases and has not taken, ``None`` among them
    when nothing tells which."""

    def __init__(self, function: Function, package: Package, depth: int) -> None:
        self.function = function
        self.names = LockNames(function, package)
        self.package = package
        self.depth = depth
        self.events: dict[int, Event] = {}
        self.exits: list[Exit] = []
        self.given_back: set[Place | None] = set()
        self._inlined: set[int] = set()
        self._panics: list[State] = []

    @abstractmethod
    def _body(self, node: Node, state: State) -> None:
        """Walk through a function's body: it notes its exits."""

    @abstractmethod
    def _left_by(self, helper: Function) -> State | None:
        """What a function of the package leaves behind for its caller."""

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

    def _effect(self, node: Node, state: State) -> State:
        """The state behind a call: of a lock's method, of a literal, or of a function of the package that locks for its
        caller."""
        callee = self._meaning(field(node, "function"))
        if callee is None:
            return state
        if callee.type == "func_literal":
            return self._inline(callee, state)
        method = text(field(callee, "field")) if callee.type == "selector_expression" else ""
        used = self.names.used(callee) if method in LOCKS or method in UNLOCKS or method in TRIES else None
        if used is not None:
            return self._use(method, used, line_of_call(node), state)
        if method == "Wait" and self.names.is_cond(field(callee, "operand")):
            return self._wait(field(callee, "operand"), state)
        helper = self.names.callee(callee) if self.depth < _DEEPEST else None
        if helper is not None:
            return self._after_helper(helper, node, callee, state)
        return self._handed_on(node, callee, state)

    def _meaning(self, callee: Node | None) -> Node | None:
        """What is called: of a variable that only ever holds a literal or a method value, that."""
        while callee is not None and callee.type == "parenthesized_expression" and callee.named_children:
            callee = callee.named_children[0]
        if callee is not None and callee.type == "identifier" and self.names.is_local(text(callee)):
            value = self.names.value_of(text(callee))
            if value is not None and value.type in ("func_literal", "selector_expression"):
                return value
        return callee

    def _use(self, method: str, used: Use, line: int, state: State) -> State:
        if method in LOCKS or method in TRIES:
            writing = (method in ("Lock", "TryLock")) and not used.reading
            return state.locked(used.place, used.path, Hold(line, writing), sure=method in LOCKS)
        return self._released(used.place, used.path, state)

    def _released(self, place: Place, path: str, state: State) -> State:
        if not state.holds(place):
            if place.is_known:
                self.given_back.add(place)
            elif not self._is_given(place):
                self.given_back.add(None)
                state = state.weakened()
        return state.unlocked(place, path)

    def _is_given(self, place: Place) -> bool:
        """Whether a lock without a name is a parameter: the caller knows which it is."""
        return place.name[1:] in dict(self.function.parameters)

    def _wait(self, cond: Node | None, state: State) -> State:
        """Cond.Wait gives its lock back and takes it again."""
        used = self.names.lock_of_cond(cond)
        if used is None:
            if not state.taken:
                self.given_back.add(None)
        elif not state.holds(used.place):
            self.given_back.add(used.place)
        return state

    def _handed_on(self, node: Node, callee: Node, state: State) -> State:
        """Behind a function that nothing is known of: it may keep a lock that it is given, and give it back."""
        name = text(callee)
        if name in _HARMLESS or name.rpartition(".")[2] in ("Lock", "Unlock") or self.names.lock(node) is not None:
            return state
        for argument in arguments_of(node):
            if argument.type == "unary_expression" or self.names.type_of(argument).kind == "pointer":
                used = self.names.lock(argument)
                if used is not None and self._is_plain(argument):
                    state = replace(state, loose=state.loose | {used.place})
        return state

    def _is_plain(self, node: Node) -> bool:
        """Whether an argument is a lock, and not a struct that embeds one."""
        return self.names.type_of(node).bare.name.startswith("sync.")

    def _inline(self, literal: Node, state: State) -> State:
        """The state behind a literal that runs here, with what it defers itself."""
        body = field(literal, "body")
        inner = literal_in(self.function, literal)
        if body is None or inner is None or literal.id in self._inlined:
            return state
        kept = self.names, self.exits, self._panics
        self.names, self.exits, self._panics = LockNames(inner, self.package), [], []
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

    # -- functions of the package ------------------------------------------------------------------------------------

    def _after_helper(self, helper: Function, call: Node, callee: Node, state: State) -> State:
        end = self._left_by(helper)
        if end is None:
            return state
        moves = self._moves(helper, call, callee)
        for place in end.released:
            here, path = self._moved(place, place.root, moves)
            state = state.weakened() if here is None else self._released(here, path, state)
        for (place, inner), one in end.taken.items():
            here, path = self._moved(place, inner, moves)
            if here is not None:
                taken = Hold(line_of_call(call), one.hold.writing, by_callee=True, either=one.hold.either)
                state = state.locked(here, path, taken, sure=one.sure)
        loose = (self._moved(place, "", moves)[0] for place in end.loose)
        state = replace(state, loose=state.loose | {place for place in loose if place is not None})
        return state.weakened() if end.unsure or end.vague else state

    def _moves(self, helper: Function, call: Node, callee: Node) -> dict[str, tuple[str, Use | None]]:
        """What a helper's receiver and parameters are here: an expression, and the lock that it is."""
        operand = field(callee, "operand")
        found: dict[str, tuple[str, Use | None]] = {}
        if helper.receiver is not None and operand is not None:
            found[helper.receiver] = self.names.path_of(operand), None
        for (name, _), argument in zip(helper.parameters, arguments_of(call), strict=False):
            found[name] = self.names.path_of(argument), self.names.lock(argument)
        return found

    def _moved(self, place: Place, path: str, moves: Mapping[str, tuple[str, Use | None]]) -> tuple[Place | None, str]:
        """A lock of a helper, as it is called here; None for one that has no name here."""
        given = place.name[1:] if not place.is_known else path if path == place.root else ""
        lock = moves[given][1] if given in moves else None
        if lock is not None and (not place.is_known or lock.place == place):
            return lock.place, lock.path
        if not place.is_known:
            return None, ""
        heads = _HEADS.findall(path)
        if not all(head in moves or head in self.package.variables for head in heads):
            path = ""
        here = _HEADS.sub(lambda head: moves[head[0]][0] if head[0] in moves else head[0], path)
        return replace(place, root=here if here.isidentifier() else ""), here

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
