"""Which names of a package may stand for one object: channels, WaitGroups, conditions, contexts, functions.

Whatever is assigned, passed, returned or stored joins two names in one class; nothing is taken apart again, so two
names in different classes never share an object, as far as the package's source tells. Source: B. Steensgaard,
"Points-to analysis in almost linear time", POPL 1996.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from stackscan.golang.tree import Node

#: A name: the scope (a struct, a function's key, "" for the package; "()" for results) and what it is called there.
Key = tuple[str, str]
#: The scope of what functions return.
RESULTS: Final = "()"
#: What belongs to code of others: it is no object of the package, unless that was given away.
FOREIGN: Final[Key] = ("!", "")
#: What nothing tells: it may be any object of the package.
UNKNOWN: Final[Key] = ("?", "")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object comes from: ``node`` makes it, in the file ``file`` and the function ``unit``. ``capacity`` is a
    channel's, as written ("": none)."""

    node: Node
    file: str
    unit: int
    capacity: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """A context that was made from another one: ``cancel`` is the function that cancels it (None: it was dropped),
    ``timed`` whether a clock ends it, too."""

    parent: Key | None
    cancel: Key | None
    timed: bool


@dataclass(eq=False)
class Facts:
    """What is known of a class: where its objects are made; whether others may have them (``escapes``); the functions
    that it stands for; the contexts; ``done_of`` are the contexts whose Done it is,
    ``members`` the names in the class, ``inside`` the containers that hold its objects,
    ``paths`` the packages whose functions return them."""

    made: list[Origin] = field(default_factory=list)
    escapes: bool = False
    functions: set[int] = field(default_factory=set)
    contexts: list[Derived] = field(default_factory=list)
    done_of: set[Key] = field(default_factory=set)
    members: set[Key] = field(default_factory=set)
    inside: set[Key] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)

    def take(self, other: Facts) -> None:
        """Add what is known of a class that is joined with this one."""
        self.made += other.made
        self.escapes |= other.escapes
        self.functions |= other.functions
        self.contexts += other.contexts
        self.done_of |= other.done_of
        self.members |= other.members
        self.inside |= other.inside
        self.paths |= other.paths


class Classes:
    """The classes of a package's names (union-find). What a container or channel holds is another class."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}
        self._facts: dict[Key, Facts] = {}
        self._element: dict[Key, Key] = {}
        self.changes = 0

    def find(self, key: Key) -> Key:
        """The name that stands for a class."""
        root = key
        while (above := self._parent.get(root, root)) != root:
            root = above
        while self._parent.get(key, key) != root:
            self._parent[key], key = root, self._parent[key]
        return root

    def facts(self, key: Key) -> Facts:
        """What is known of the class of a name."""
        root = self.find(key)
        if root not in self._facts:
            self._facts[root] = Facts(members={root})
            self._parent.setdefault(root, root)
        return self._facts[root]

    def element(self, key: Key) -> Key:
        """The class of what a container or channel holds."""
        root = self.find(key)
        if root not in self._element:
            self._element[root] = inner = (root[0], f"{root[1]}[]")
            self.facts(inner).inside.add(root)
        return self._element[root]

    def members(self, key: Key) -> Iterator[Key]:
        """The names of a class, and of all containers that hold its objects."""
        todo, seen = [key], set()
        while todo:
            root = self.find(todo.pop())
            if root not in seen:
                seen.add(root)
                facts = self.facts(root)
                yield from facts.members
                todo += facts.inside

    def join(self, one: Key | None, other: Key | None) -> None:
        """Both may stand for one object."""
        pairs = [(one, other)]
        while pairs:
            first, second = pairs.pop()
            if first is None or second is None:
                continue
            if FOREIGN in (first, second):
                self.escape([second if first == FOREIGN else first])
                continue
            first, second = self.find(first), self.find(second)
            if first == second:
                continue
            self.changes += 1
            facts = self.facts(first)
            facts.take(self.facts(second))
            del self._facts[second]
            self._parent[second] = first
            inner = self._element.pop(second, None)
            if inner is not None:
                mine = self._element.setdefault(first, inner)
                pairs.append((mine, inner))

    def escape(self, keys: Iterable[Key | None]) -> None:
        """Others may have these, and what they hold."""
        for key in keys:
            at, depth = (None if key in (FOREIGN, UNKNOWN) else key), 0
            while at is not None and depth < 4:
                self.facts(at).escapes = True
                at = self._element.get(self.find(at))
                depth += 1
