"""What calls do to locks: of a lock's methods, of Cond.Wait, of functions of the package that lock for their caller."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from stackscan.golang.locknames import LOCKS, TRIES, UNLOCKS, Use, lock_names
from stackscan.golang.loose import is_run_here, returned_by
from stackscan.golang.names import Place, arguments_of, line_of_call
from stackscan.golang.package import Function, Package
from stackscan.golang.state import Hold, State
from stackscan.golang.tree import Node, field, text

#: How deep functions that lock for their caller are followed.
_DEEPEST: Final = 3
_HEADS: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
#: Functions that get a lock and leave it as it is.
_HARMLESS: Final = frozenset(
    {"sync.NewCond", "append", "len", "new", "make", "fmt.Println", "fmt.Printf", "fmt.Sprintf"}
)


class Effects(ABC):
    """The part of a walk through a function that is about calls. ``given_back`` are locks that it releases and has not
    taken, ``None`` among them when nothing tells which."""

    def __init__(self, function: Function, package: Package, depth: int) -> None:
        self.function = function
        self.names = lock_names(function, package)
        self.package = package
        self.depth = depth
        self.given_back: set[Place | None] = set()

    @abstractmethod
    def _inline(self, literal: Node, state: State) -> State:
        """The state behind a literal that runs here."""

    @abstractmethod
    def _left_by(self, helper: Function) -> State | None:
        """What a function of the package leaves behind for its caller."""

    def _effect(self, node: Node, state: State) -> State:
        """The state behind a call: of a lock's method, of a literal, or of a function of the package that locks for its
        caller."""
        callee = self._meaning(field(node, "function"))
        if callee is None or callee.type in ("func_literal", "call_expression"):
            return state if callee is None else self._run(callee, state)
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

    def _run(self, callee: Node, state: State) -> State:
        """The state behind a call of a literal, or of what another call returned."""
        return self._inline(callee, state) if callee.type == "func_literal" else self._after_returned(callee, state)

    def _meaning(self, callee: Node | None) -> Node | None:
        """What is called: of a variable that only ever holds a literal or a method value, that."""
        while callee is not None and callee.type == "parenthesized_expression" and callee.named_children:
            callee = callee.named_children[0]
        if callee is not None and callee.type == "identifier" and self.names.is_local(text(callee)):
            value = self.names.value_of(text(callee))
            if value is not None and value.type in ("func_literal", "selector_expression", "call_expression"):
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
        given = returned_by(helper, self.package) if is_run_here(call, self.names) else frozenset()
        loose = (self._moved(place, "", moves)[0] for place in end.loose - given)
        state = replace(state, loose=state.loose | {place for place in loose if place is not None})
        return state.weakened() if end.unsure or end.vague else state

    def _after_returned(self, maker: Node, state: State) -> State:
        """Behind a call of what a function of the package returned: it may give back what that function took."""
        callee = field(maker, "function")
        helper = self.names.callee(callee)
        if helper is None or callee is None:
            return state
        moves = self._moves(helper, maker, callee)
        for place in returned_by(helper, self.package):
            here, path = self._moved(place, place.root, moves)
            state = state if here is None else self._released(here, path, state)
        return state

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
