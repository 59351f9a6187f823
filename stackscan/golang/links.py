"""What a package makes its conditions, Lockers and pointers to locks of: whichever lock they stand for everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from stackscan.golang.locknames import COND, LOCKER, Link, LockNames, lock_names
from stackscan.golang.names import Place, arguments_of, values_of
from stackscan.golang.package import MUTEX, RWMUTEX, Function, Package, literal_in
from stackscan.golang.tree import Node, field, text, walk
from stackscan.golang.types import OTHER, Type

_WORDS: Final = (b"sync.Cond", b"sync.NewCond", b"sync.Locker", b"*sync.Mutex", b"*sync.RWMutex")


#: A lock that nothing else points to.
_NEW: Final = Link(Place("", "*new"))
_EMPTY: Final = Link(Place("", "*none"))


class Links:
    """By place, all that the package assigns there."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._found: dict[Place, set[Link | None]] = defaultdict(set)
        self._given: dict[tuple[int, str], set[Link | None]] = defaultdict(set)
        self._conds: set[Place] = set()
        self._asking = {
            function.name: function for function in package.functions.values() if any(_lock_parameters(function))
        }

    def of(self, place: Place) -> Link | None:
        """The one lock that a condition, Locker or pointer stands for; None where there are several, or unknown ones.
        A condition may have a lock that nobody else uses."""
        if self.is_own(place) and place in self._conds:
            return Link(Place(place.scope, f"{place.name}.L"), same=True)
        return _only(self._found.get(place, set()))

    def is_own(self, place: Place) -> bool:
        """Whether the locks that lie there are new ones, which nothing else points to."""
        return self._found.get(place) == {_NEW}

    def parameter(self, function: Function, name: str) -> Link | None:
        """The one lock that a function is given wherever it is called."""
        if function.name[:1].isupper() and self._package.name != "main":
            return None
        return _only(self._given.get((function.node.id, name), set()))

    # -- reading -----------------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Read all functions and variables of the package."""
        if not any(word in (root.text or b"") for root, _ in self._package.files for word in _WORDS):
            return
        for root, _ in self._package.files:
            for node in root.named_children:
                if node.type == "var_declaration":
                    self._read(Function("", None, None, (), OTHER, node, node))
        for function in self._package.functions.values():
            self._read(function)

    def _read(self, function: Function) -> None:
        names = lock_names(function, self._package)
        for node in walk(function.body, into_literals=False):
            if node.type == "func_literal" and node.id != function.node.id:
                inner = literal_in(function, node)
                if inner is not None:
                    self._read(inner)
            elif node.type in ("short_var_declaration", "assignment_statement"):
                self._assign(values_of(field(node, "left")), values_of(field(node, "right")), names)
            elif node.type == "var_spec":
                self._assign(list(node.children_by_field_name("name")), values_of(field(node, "value")), names)
            elif node.type == "composite_literal":
                self._composite(node, names)
            elif node.type == "call_expression":
                self._call(node, names)
            elif node.type in ("identifier", "field_identifier") and text(node) in self._asking:
                self._mention(node)

    def _assign(self, left: list[Node], right: list[Node], names: LockNames) -> None:
        for at, target in enumerate(left):
            value = right[at] if len(left) == len(right) else right[0] if right else None
            if value is None:
                continue
            path = names.path_of(field(target, "operand"))
            if target.type == "selector_expression" and text(field(target, "field")) == "L":
                cond = names.cond(field(target, "operand"))
                if cond is not None:
                    self._found[cond[0]].add(self._lock(value, cond[1], names))
            elif target.type == "index_expression":
                container = names.place_of(field(target, "operand"))
                if container is not None and _is_pointer(names.type_of(target)):
                    place = Place(container.scope, f"{container.name}[]")
                    self._found[place].add(self._lock(value, "", names))
            else:
                self._record(names.place_of(target), names.type_of(target), value, path, names)

    def _record(self, place: Place | None, kind: Type, value: Node, path: str, names: LockNames) -> None:
        """Note what a place of some type gets."""
        if place is None or text(value) == "nil":
            return
        if kind.bare.name == COND:
            found = self._of_cond(value, path, names)
            self._conds.add(place)
            if found is not _EMPTY:
                self._found[place].add(found)
        elif _is_pointer(kind):
            self._found[place].add(self._lock(value, path, names))
        elif kind.bare.kind in ("list", "map") and kind.bare.elem is not None and _is_pointer(kind.bare.elem):
            elements = Place(place.scope, f"{place.name}[]")
            self._found[elements].update(self._lock(one, "", names) for one in _elements(value))

    def _of_cond(self, value: Node, path: str, names: LockNames) -> Link | None:
        """The lock of a new condition; _EMPTY for one that has none yet."""
        while value.type in ("unary_expression", "parenthesized_expression"):
            value = field(value, "operand") or value.named_children[0]
        if value.type == "call_expression" and text(field(value, "function")) == "sync.NewCond":
            lock = next(arguments_of(value), None)
            return None if lock is None else self._lock(lock, path, names)
        if value.type == "composite_literal" and text(field(value, "type")) == COND:
            keyed = [one for one in walk(value) if one.type == "keyed_element"]
            return self._lock(keyed[0].named_children[-1], path, names) if keyed else _EMPTY
        return _EMPTY if text(field(value, "function")) == "new" else None

    def _lock(self, value: Node, path: str, names: LockNames) -> Link | None:
        """The lock that a value is, for something that is reached through ``path``."""
        while value.type == "literal_element" and value.named_children:
            value = value.named_children[0]
        if _is_new(value, names):
            return self._beside(value, names) or _NEW
        found = names.lock(value)
        if found is None or not found.place.is_known:
            return None
        local = found.place.scope == names.function.declared.key
        beside = self._beside(value, names) if local else None
        if beside is not None:
            return beside
        if path or not local:
            same = bool(path) and found.path == path and not found.place.is_element
            return None if local and not same else Link(found.place, same, found.reading, found.path)
        return Link(found.place, same=False, reading=found.reading, path=found.path)

    def _beside(self, value: Node, names: LockNames) -> Link | None:
        """The field of a composite literal that gets the very lock of the condition beside it: ``T{mu: mu, cond:
        sync.NewCond(mu)}``."""
        above = value.parent
        while above is not None and above.type != "composite_literal":
            if above.type == "func_literal":
                return None
            above = above.parent
        inner = value.parent
        while inner is not None and inner.type not in ("call_expression", "composite_literal"):
            inner = inner.parent
        owner = None if above is None or inner is None or inner == above else text(field(above, "type"))
        for one in walk(above) if above is not None and owner in self._package.fields else ():
            if one.type == "keyed_element" and text(one.named_children[-1]).lstrip("&") == text(value).lstrip("&"):
                key = text(one.named_children[0])
                return Link(Place(names.declaring(owner or "", key), key), same=True)
        return None

    def _composite(self, node: Node, names: LockNames) -> None:
        owner = text(field(node, "type"))
        fields = self._package.fields.get(owner)
        body = field(node, "body")
        for at, one in enumerate(() if body is None else body.named_children):
            keyed = one.type == "keyed_element" and len(one.named_children) > 1
            value = one.named_children[-1] if keyed else one
            value = value.named_children[0] if value.type == "literal_element" and value.named_children else value
            if fields is None:
                if not owner and keyed:
                    self._forget(text(one.named_children[0]))
                continue
            key = text(one.named_children[0]) if keyed else next(iter([*fields][at : at + 1]), "")
            place = Place(names.declaring(owner, key), key)
            self._record(place, self._package.field_of(owner, key), value, "", names)

    def _forget(self, key: str) -> None:
        """A field of some struct gets a value, and nothing tells of which struct."""
        for owner, fields in self._package.fields.items():
            if key in fields and (_is_pointer(fields[key]) or fields[key].bare.name == COND):
                self._found[Place(owner, key)].add(None)

    def _call(self, node: Node, names: LockNames) -> None:
        callee = field(node, "function")
        function = names.callee(callee)
        if function is None or function.name not in self._asking:
            return
        given = list(arguments_of(node))
        for at, name in _lock_parameters(function):
            link = self._lock(given[at], "", names) if at < len(given) else None
            known = link is not None and link is not _NEW and link.place.scope != names.function.declared.key
            self._given[function.node.id, name].add(Link(link.place, reading=link.reading) if known and link else None)

    def _mention(self, node: Node) -> None:
        """A function that is used as a value may be called with anything."""
        function = self._asking[text(node)]
        above = node.parent
        whole = above if above is not None and above.type == "selector_expression" else node
        call = whole.parent
        if call is None or call.type != "call_expression" or field(call, "function") != whole:
            for _, name in _lock_parameters(function):
                self._given[function.node.id, name].add(None)


def _only(found: set[Link | None]) -> Link | None:
    """The one link of several that are alike."""
    known = {link for link in found if link is not None}
    if None in found or not known or _NEW in known:
        return None
    first = next(iter(known))
    if len(known) > 1 and len({(link.place, link.same, link.reading) for link in known}) > 1:
        return None
    return first


def _is_pointer(kind: Type) -> bool:
    """Whether a type is a Locker, or a pointer to a lock."""
    return kind.name == LOCKER or (kind.kind == "pointer" and kind.bare.name in (MUTEX, RWMUTEX))


def _lock_parameters(function: Function) -> Iterator[tuple[int, str]]:
    return ((at, name) for at, (name, kind) in enumerate(function.parameters) if _is_pointer(kind))


def _is_new(value: Node, names: LockNames) -> bool:
    """Whether a value is a lock that nothing else points to yet: ``new(sync.Mutex)``, ``&sync.Mutex{}``, ``{}``."""
    if value.type == "identifier":
        known = names.value_of(text(value)) if names.is_local(text(value)) else None
        return known is not None and known.type != "identifier" and _is_new(known, names)
    if value.type == "literal_value":
        return True
    inner = field(value, "operand") if value.type == "unary_expression" else value
    if inner is not None and inner.type == "composite_literal":
        return text(field(inner, "type")) in (MUTEX, RWMUTEX)
    return inner is not None and inner.type == "call_expression" and text(field(inner, "function")) == "new"


def _elements(value: Node) -> Iterator[Node]:
    """What a list or map gets as elements."""
    if value.type == "composite_literal":
        body = field(value, "body")
        for one in () if body is None else body.named_children:
            yield one.named_children[-1] if one.named_children else one
    elif value.type == "call_expression" and text(field(value, "function")) in ("make", "append"):
        yield from list(arguments_of(value))[1:] if text(field(value, "function")) == "append" else ()
    else:
        yield value


def read_links(package: Package) -> None:
    """Read what a package makes its conditions and Lockers of, once."""
    if package.links is None:
        package.links = Links(package)
        package.links.collect()
