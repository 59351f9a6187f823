"""Locks that something else than the statements of a function may give back: a function value, another goroutine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from stackscan.golang.locknames import LOCKS, TRIES, UNLOCKS, LockNames, lock_names
from stackscan.golang.names import Place, arguments_of
from stackscan.golang.package import Function, Package, literal_in
from stackscan.golang.tree import Node, field, text, walk

Found = set[Place | None]
_Away = list[tuple[Node, Found]]
_WORDS: Final = (b"Unlock", b"Wait(")
_TAKES: Final = frozenset({*LOCKS, *TRIES})


class Walked(Protocol):
    """What a walk through a function finds: see flow.py."""

    given_back: Found


class Loose:
    """By function, the locks that function values may give back (``None``: any lock). ``elsewhere`` are those that a
    goroutine gives back, or a function that got the function value, and that the function which made it does not take:
    then they were taken anywhere. ``returned`` are those that only what a function returns gives back."""

    def __init__(self, package: Package, walk_through: Callable[[Function, Package], Walked]) -> None:
        self._package = package
        self._flow = walk_through
        self._inner: dict[int, Found] = {}
        self.elsewhere: Found = set()
        self.returned: dict[int, Found] = {}

    def collect(self) -> None:
        """Read all functions of the package."""
        for function in list(self._package.functions.values()):
            if any(word in (function.node.text or b"") for word in _WORDS):
                self.inside(function)
        self._package.summaries.clear()  # they were made when not all of this was known

    def inside(self, function: Function) -> Found:
        """The locks that function values, made in a declared function, may give back."""
        key = function.node.id
        if key not in self._inner:
            found: Found = set()
            self._inner[key] = found  # what asks meanwhile gets what is known so far
            away: _Away = []
            takes: list[tuple[Node, Place]] = []
            self._read(function, found, away, takes)
            for node, places in away:
                if not places:
                    continue
                self.returned.get(key, set()).difference_update(places)
                own = {place for at, place in takes if not node.start_byte <= at.start_byte < node.end_byte}
                self.elsewhere |= {place for place in places if place is not None and place not in own}
        return self._inner[key]

    def _read(self, function: Function, found: Found, away: _Away, takes: list[tuple[Node, Place]]) -> None:
        names = lock_names(function, self._package)
        for node in walk(function.body, into_literals=False):
            if node.type == "func_literal" and node.id != function.node.id:
                inner = literal_in(function, node)
                if inner is not None:
                    self._read(inner, found, away, takes)
                places = set() if inner is None else self._given_by_literal(inner, names)
            elif node.type == "selector_expression":
                places = self._given_by_method_value(node, names)
                if text(field(node, "field")) in _TAKES and (used := names.used(node)) is not None:
                    takes.append((node, used.place))
            elif node.type == "go_statement":
                places = self._given_by_goroutine(node, names)
            else:
                continue
            found |= places
            if not _is_returned(node):
                away.append((node, places))
            elif function.outer is None:
                self.returned.setdefault(function.node.id, set()).update(places)

    def _given_by_literal(self, literal: Function, names: LockNames) -> Found:
        node = literal.node
        if not any(word in (node.text or b"") for word in _WORDS) or is_run_here(node, names):
            return set()
        return self._flow(literal, self._package).given_back

    def _given_by_method_value(self, node: Node, names: LockNames) -> Found:
        above = node.parent
        called = above is not None and above.type == "call_expression" and field(above, "function") == node
        if called or text(field(node, "field")) not in UNLOCKS or is_run_here(node, names):
            return set()
        used = names.used(node)
        return set() if used is None else {used.place if used.place.is_known else None}

    def _given_by_goroutine(self, node: Node, names: LockNames) -> Found:
        """``go x.mu.Unlock()``, ``go release(x)``, and the locks that a goroutine is given."""
        call = next((one for one in node.named_children if one.type == "call_expression"), None)
        callee = field(call, "function")
        if call is None or callee is None:
            return set()
        found: Found = {used.place for used in map(names.lock, arguments_of(call)) if used is not None}
        if callee.type == "selector_expression" and text(field(callee, "field")) in UNLOCKS:
            used = names.used(callee)
            found |= set() if used is None else {used.place}
        helper = names.callee(callee)
        return found if helper is None else found | self._flow(helper, self._package).given_back


def is_run_here(node: Node, names: LockNames) -> bool:
    """Whether a literal, or a method value, is only run where the function calls it: at once, deferred, or through a
    variable that is only called."""
    above = node.parent
    while above is not None and above.type == "parenthesized_expression":
        node, above = above, above.parent
    if above is not None and above.type == "call_expression" and field(above, "function") == node:
        outer = above.parent
        return outer is None or outer.type != "go_statement"
    name = _variable(node)
    if not name or names.value_of(name) != node:
        return False
    mentions = [one for one in walk(names.function.body) if one.type == "identifier" and text(one) == name]
    return all(_is_called(one, names.function) for one in mentions[1:])


def _variable(node: Node) -> str:
    """The variable that gets a value; empty where it is no variable."""
    above = node.parent
    if above is None or above.type != "expression_list":
        return ""
    statement = above.parent
    left = field(statement, "left") if statement is not None and statement.type == "short_var_declaration" else None
    if left is None or len(left.named_children) != len(above.named_children):
        return ""
    return text(left.named_children[above.named_children.index(node)])


def _is_called(name: Node, function: Function) -> bool:
    """Whether a mention of a variable is a call in this function, or in a literal that it runs itself."""
    at, above = name, name.parent
    while above is not None and above.id != function.body.id:
        if at is name or at.type == "func_literal":  # the literal around a call must be run here, too
            outer = above.parent
            if above.type != "call_expression" or field(above, "function") != at or outer is None:
                return False
            if outer.type == "go_statement":
                return False
        at, above = above, above.parent
    return True


def _is_returned(node: Node) -> bool:
    above = node.parent
    while above is not None and above.type == "expression_list":
        above = above.parent
    return above is not None and above.type == "return_statement"


def returned_by(function: Function, package: Package) -> frozenset[Place]:
    """The locks that a function value gives back which a function returns, and nothing else of that function."""
    known: Loose = package.loose
    return frozenset(_places(known.returned.get(function.node.id, set()) - known.elsewhere))


def _places(found: Found) -> Iterator[Place]:
    return (place for place in found if place is not None)


def loose_in(
    function: Function, package: Package, walk_through: Callable[[Function, Package], Walked]
) -> tuple[frozenset[Place], bool]:
    """The locks that something else may give back while a function runs, and whether any may be."""
    if package.loose is None:
        package.loose = Loose(package, walk_through)
        package.loose.collect()
    known: Loose = package.loose
    inside = known.inside(function.declared)
    return frozenset(_places(inside | known.elsewhere)), None in inside
