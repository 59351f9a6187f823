"""Which lock a call takes or gives back: fields, embedded ones, elements, pointers, Lockers, the L of a condition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol

from stackscan.golang.names import Names, Place, arguments_of
from stackscan.golang.package import MUTEX, RWMUTEX, Function, Package
from stackscan.golang.scopes import Scopes
from stackscan.golang.tree import Node, field, text, walk
from stackscan.golang.types import OTHER, Type

LOCKER: Final = "sync.Locker"
COND: Final = "sync.Cond"
LOCKS: Final = {"Lock": True, "RLock": False}
TRIES: Final = {"TryLock": True, "TryRLock": False}
UNLOCKS: Final = frozenset({"Unlock", "RUnlock"})
#: How deep names of names are followed.
_DEEPEST: Final = 8
_REFERENCES: Final = frozenset(
    {"identifier", "selector_expression", "index_expression", "unary_expression", "parenthesized_expression"}
)


@dataclass(frozen=True, slots=True)
class Use:
    """A lock that an expression stands for: where it lies, the expression that reaches it here (see Object), and
    whether it is the reading half of an RWMutex."""

    place: Place
    path: str
    reading: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """The lock that something stands for: where it lies; whether it is that of the ``same`` object; what it is reached
    through in the function that made a local one."""

    place: Place
    same: bool = False
    reading: bool = False
    path: str = ""


class Links(Protocol):
    """What is known of the whole package: see links.py."""

    def of(self, place: Place) -> Link | None:
        """The one lock that a condition, Locker or pointer stands for."""

    def is_own(self, place: Place) -> bool:
        """Whether the locks that lie there are new ones, which nothing else points to."""

    def parameter(self, function: Function, name: str) -> Link | None:
        """The one lock that a function is given wherever it is called."""


class LockNames(Names):
    """The names in one function, and the locks that its expressions stand for."""

    @cached_property
    def scopes(self) -> Scopes:
        """The declarations of the declared function that it is, or that it was written in."""
        outer = self.function.outer
        return Scopes(self.function) if outer is None else lock_names(outer, self.package).scopes

    def is_constant(self, name: str) -> bool:
        """Whether a variable always has its first value."""
        return self.scopes.count(name) <= 1

    def is_local(self, name: str) -> bool:
        """Whether a name is a variable of this function or of those around it."""
        return super().is_local(name) or self.scopes.count(name) > 0

    def value_of(self, name: str) -> Node | None:
        """The one value that a variable of the function ever has; None where there may be others."""
        return self._values.get(name) if self.is_constant(name) else None

    def is_reference(self, node: Node) -> bool:
        """Whether an expression is another name for something, and stays so: ``s.next``, ``&s.mus[k]``."""
        if node.type not in _REFERENCES or "{" in text(node) or "<-" in text(node):
            return False
        return all(self.is_constant(text(one)) for one in walk(node) if one.type == "identifier")

    def path_of(self, node: Node | None, depth: int = 0) -> str:
        """What an expression is called, where several names stand for one thing: the first of them."""
        if node is None or node.type == "identifier":
            return "" if node is None else self._path_of_name(text(node), depth)
        operand = field(node, "operand")
        if node.type in ("parenthesized_expression", "unary_expression"):
            return self.path_of(operand or next(iter(node.named_children), None), depth + 1)
        if node.type == "selector_expression":
            return f"{self.path_of(operand, depth + 1)}.{text(field(node, 'field'))}"
        if node.type == "index_expression":
            return f"{self.path_of(operand, depth + 1)}[{text(field(node, 'index'))}]"
        return text(node)

    def _path_of_name(self, name: str, depth: int) -> str:
        value = self.value_of(name) if depth < _DEEPEST else None
        if (
            value is None
            or not self.is_reference(value)
            or (value.type == "unary_expression" and not _is_address(value))
        ):
            return name
        return self.path_of(value, depth + 1)

    def _type_of_identifier(self, node: Node, depth: int) -> Type:
        """The type of a variable; of several of one name, of the one that is meant."""
        found = self.scopes.of(node)
        if found is None:
            return super()._type_of_identifier(node, depth)
        if found.kind is not OTHER:
            return found.kind
        if found.ranges is not None:
            kind = self.type_of(found.ranges, depth + 1).bare
            return kind.elem or OTHER if kind.kind in ("list", "map") else OTHER
        return OTHER if found.value is None else self.type_of(found.value, depth + 1)

    def _called(self, node: Node, depth: int) -> Type:
        callee = field(node, "function")
        if text(callee) == "sync.NewCond":
            return Type("pointer", elem=Type("named", COND))
        if callee is not None and text(field(callee, "field")) == "RLocker":
            return Type("named", LOCKER)
        return super()._called(node, depth)

    # -- calls of a lock's methods -----------------------------------------------------------------------------------

    def lock_of(self, callee: Node) -> Place | None:
        """The lock whose method a call runs (``s.mu.Lock``, ``s.Lock`` of an embedded one); None for no lock, or for
        one that has no name outside of the function."""
        used = self.used(callee)
        return used.place if used is not None and used.place.is_known else None

    def used(self, callee: Node | None) -> Use | None:
        """The lock whose method a call runs, also one that only this function knows; None for no lock."""
        if callee is None or callee.type != "selector_expression":
            return None
        operand = field(callee, "operand")
        kind = self.type_of(operand).bare
        if kind.kind == "named" and self.package.method(kind.name, text(field(callee, "field"))) is not None:
            return None
        return self.lock(operand)

    def lock(self, node: Node | None, depth: int = 0) -> Use | None:
        """The lock that an expression is, points to, or embeds; None for no lock."""
        if node is None or depth > _DEEPEST:
            return None
        if node.type in ("parenthesized_expression", "unary_expression"):
            return self.lock(field(node, "operand") or next(iter(node.named_children), None), depth + 1)
        if node.type in ("call_expression", "type_conversion_expression"):
            return self._called_lock(node, depth)
        of_cond = node.type == "selector_expression" and text(field(node, "field")) == "L"
        found = self.lock_of_cond(field(node, "operand")) if of_cond else None
        return found or self._named(node, depth)

    def _named(self, node: Node, depth: int) -> Use | None:
        kind = self.type_of(node)
        if kind.bare.name in (MUTEX, RWMUTEX, LOCKER):
            return self._plain(node, kind, depth)
        if node.type == "identifier" and kind.bare.kind == "other":
            value = self.value_of(text(node))  # the result of RLocker, of a conversion
            return None if value is None or value.type == "identifier" else self.lock(value, depth + 1)
        return self._embedded(node, kind.bare)

    def _called_lock(self, node: Node, depth: int) -> Use | None:
        """``x.mu.RLocker()``, ``sync.Locker(&x.mu)``, and what functions return: a lock that only this one knows."""
        callee = field(node, "function") or field(node, "type")
        if text(callee) == LOCKER:
            return self.lock(field(node, "operand") or next(arguments_of(node), None), depth + 1)
        if callee is not None and text(field(callee, "field")) == "RLocker":
            found = self.lock(field(callee, "operand"), depth + 1)
            return None if found is None else replace(found, reading=True)
        return self._unknown(node) if self.type_of(node).bare.name in (MUTEX, RWMUTEX, LOCKER) else None

    def _unknown(self, node: Node) -> Use:
        """A lock that something points to, and nothing tells which it is."""
        path = self.path_of(node)
        return Use(Place(self.function.declared.key, f"*{path}"), path)

    def _plain(self, node: Node, kind: Type, depth: int) -> Use | None:
        """A variable, field or element that is a lock, or that points to one."""
        shared = kind.kind == "pointer" or kind.name == LOCKER
        if node.type == "identifier":
            return self._variable(node, depth, shared=shared)
        if node.type == "index_expression":
            container = self.place_of(field(node, "operand"))
            element = None if container is None else Place(container.scope, f"{container.name}[]")
            own = element is not None and (not shared or self._links.is_own(element))
            return Use(element, self.path_of(node)) if own and element is not None else self._unknown(node)
        place = self.place_of(node) if node.type == "selector_expression" else None
        if place is None:
            return self._unknown(node)
        if not shared or self._links.is_own(place):
            return Use(place, self.path_of(field(node, "operand")))
        return self._linked(place, self.path_of(field(node, "operand"))) or self._unknown(node)

    def _variable(self, node: Node, depth: int, *, shared: bool) -> Use | None:
        name = text(node)
        if not self.is_local(name):
            known = name in self.package.variables or name in self.package.values
            place = Place("", name, name)
            if not known or not shared or self._links.is_own(place):
                return Use(place, name) if known else None
            return self._linked(place, "") or self._unknown(node)
        value = self.value_of(name)
        if value is None:
            if shared:
                return self._parameter(name) or self._unknown(node)
            return Use(Place(self.function.declared.key, name, name), name)
        if not shared or is_new(value):
            return Use(Place(self.function.declared.key, name, name), name)
        return self.lock(value, depth + 1) or self._unknown(node)

    def _parameter(self, name: str) -> Use | None:
        """A parameter that is one and the same lock wherever the function is called."""
        link = self._links.parameter(self.function.declared, name)
        return None if link is None or not self.is_constant(name) else Use(link.place, name, link.reading)

    def _embedded(self, node: Node, kind: Type) -> Use | None:
        locks = (
            (one, self.package.embedded_lock(one)) for one in self.package.embeds(kind.name) if kind.kind == "named"
        )
        found = next(((one, lock) for one, lock in locks if lock is not None), None)
        if found is None:
            return None
        root = text(node) if node.type == "identifier" else ""
        return Use(Place(found[0], found[1], root), self.path_of(node))

    # -- conditions --------------------------------------------------------------------------------------------------

    @property
    def _links(self) -> Links:
        found: Links = self.package.links
        return found

    def _linked(self, place: Place, path: str) -> Use | None:
        link = self._links.of(place)
        if link is None:
            return None
        root = path if link.same and path.isidentifier() else ""
        return Use(replace(link.place, root=root), path if link.same else "", link.reading)

    def cond(self, node: Node | None) -> tuple[Place, str] | None:
        """Where the condition that an expression is lies, and what it is reached through; None for none, or for one
        that nothing tells of."""
        kind = self.type_of(node).bare
        if node is None:
            return None
        if kind.name == COND:
            place = self.place_of(node)
            return None if place is None else (place, self.path_of(node).rpartition(".")[0])
        for owner in self.package.embeds(kind.name) if kind.kind == "named" else ():
            for name in self.package.embedded.get(owner, ()):
                if self.package.fields[owner][name].bare.name == COND:
                    return Place(owner, name), self.path_of(node)
        return None

    def is_cond(self, node: Node | None) -> bool:
        """Whether an expression is, or embeds, a condition."""
        return self.type_of(node).bare.name == COND or self.cond(node) is not None

    def lock_of_cond(self, node: Node | None) -> Use | None:
        """The lock of a condition, where the package says which NewCond got; None: not known."""
        found = self.cond(node)
        return None if found is None else self._linked(*found)


def _is_address(node: Node | None) -> bool:
    return node is not None and node.type == "unary_expression" and text(field(node, "operator")) == "&"


def is_new(value: Node) -> bool:
    """Whether a value is a lock that nothing else points to yet: ``new(sync.Mutex)``, ``&sync.Mutex{}``."""
    inner = field(value, "operand") if value.type == "unary_expression" else value
    if inner is not None and inner.type == "composite_literal":
        return text(field(inner, "type")) in (MUTEX, RWMUTEX)
    return inner is not None and inner.type == "call_expression" and text(field(inner, "function")) == "new"


def lock_names(function: Function, package: Package) -> LockNames:
    """The names in a function, read once."""
    known = package.names.get(function.node.id)
    if known is None:
        outer = None if function.outer is None else lock_names(function.outer, package)
        known = package.names[function.node.id] = LockNames(function, package, outer)
    found: LockNames = known
    return found
