"""What conditions ask of single functions, as bits: found once for each function, whatever dump shows it.

A catalogue has a few hundred sets of patterns and a program a few thousand functions, most of which no pattern matches.
So every set of patterns (a *leaf*) gets a bit, and every function the bits of the leaves that match it: one number,
kept as long as the program runs. The ends of a function's spellings are looked up in one dictionary; only patterns with
stars, packages and receivers are tried one by one, on functions that hold their longest literal part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from stackscan.formats.symbol import read_symbol
from stackscan.knowledge.language.globs import ANY
from stackscan.knowledge.language.symbols import LONGEST, ends, path_glob, plain, spellings, symbol_glob
from stackscan.knowledge.language.syntax import Module, Owner, Texts

#: A set of symbol patterns, or a package, receiver or module.
Leaf = Texts | Owner | Module
#: Functions whose bits are kept: beyond, all are forgotten, since a program has fewer.
_MOST_FUNCTIONS: Final = 1 << 18
_STARS: Final = re.compile(r"\*+|\(\*")
_POINTER: Final = re.compile(r"\(\*([^()]*)\)")


class Leaves:
    """The leaves that were asked for so far, and what each function meets of them."""

    def __init__(self) -> None:
        self.epoch = -1  # counts how often all were forgotten
        self.forget()

    def forget(self) -> None:
        """Forget all leaves: what was compiled with them is void."""
        self.epoch += 1
        self._bits: dict[Leaf, int] = {}
        self._ends: dict[str, int] = {}
        self._tails: set[str] = set()  # what stands behind the last `/` or `.` of an end
        self._starred: list[tuple[str, Callable[[str], bool], int]] = []
        self._of_methods: list[tuple[str, Callable[[str], bool], int]] = []  # which only a method's name can match
        self._always = 0  # the leaves that every function meets
        self._owners: list[tuple[str, Callable[[str], bool], int]] = []
        self._of: dict[str, int] = {}

    def bit(self, leaf: Leaf) -> int:
        """The number with the one bit that stands for a leaf."""
        found = self._bits.get(leaf)
        if found is None:
            found = self._bits[leaf] = 1 << len(self._bits)
            self._of.clear()  # nothing is known about it
            if isinstance(leaf, tuple):
                for pattern in leaf:
                    self._add(pattern, found)
            else:
                self._owners.append((_literal_of(leaf), owned(leaf), found))
        return found

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._bits)

    def _add(self, pattern: str, bit: int) -> None:
        bare = plain(pattern)
        if bare == ANY:
            self._always |= bit
            return
        if "*" not in _POINTER.sub("", bare):
            self._ends[bare] = self._ends.get(bare, 0) | bit
            self._tails.add(_tail(bare))
            return
        literal = max(_STARS.split(bare), key=len)
        (self._of_methods if ")" in literal else self._starred).append((literal, symbol_glob(pattern).matches, bit))

    def of(self, function: str) -> int:
        """The bits of the leaves that a function meets."""
        found = self._of.get(function)
        if found is None:
            if len(self._of) >= _MOST_FUNCTIONS:
                self._of.clear()
            found = self._of[function] = self._met(function)
        return found

    def _met(self, function: str) -> int:
        found = self._always
        known = self._ends
        for name in spellings(function):
            if _tail(name) in self._tails:
                for end in ends(name):
                    found |= known.get(end, 0)
            if len(name) <= LONGEST:
                starred = (*self._starred, *self._of_methods) if ")" in name else self._starred
                for literal, matches, bit in starred:
                    if literal in name and not found & bit and matches(name):
                        found |= bit
        for literal, owns, bit in self._owners:
            if (literal in function or "[" in function) and owns(function):
                found |= bit
        return found


def _tail(name: str) -> str:
    return name[max(name.rfind("."), name.rfind("/")) + 1 :]


#: One for the whole run: equal conditions of several rules share a bit.
LEAVES: Final = Leaves()


def _literal_of(leaf: Owner | Module) -> str:
    """A text that every function of the package, module or receiver holds."""
    texts = (leaf.path,) if isinstance(leaf, Module) else leaf.packages or leaf.receivers
    if len(texts) != 1:
        return ""
    bare = plain(texts[0]).removesuffix("/...").removeprefix("*")
    literal = max(_STARS.split(bare), key=len)
    return "" if "%" in literal or any(ord(letter) > 126 for letter in literal) else literal.rpartition("/")[2]


def owned(condition: Owner | Module) -> Callable[[str], bool]:
    """Whether a function is of a package and receiver; of a module: whether its package may be the module's."""
    packages = (f"{condition.path}/...",) if isinstance(condition, Module) else condition.packages
    receivers = () if isinstance(condition, Module) else condition.receivers

    def owns(function: str) -> bool:
        symbol = read_symbol(function)
        if packages and not any(path_glob(text).matches(symbol.package) for text in packages):
            return False
        return not receivers or _has_receiver(symbol.receiver, receivers)

    return owns


def _has_receiver(receiver: str | None, texts: Sequence[str]) -> bool:
    """``*Server`` means pointer receivers, ``Server`` both."""
    if receiver is None:
        return False
    name, pointer = plain(receiver).removeprefix("*"), receiver.startswith("*")
    return any(
        (pointer or not text.startswith("*")) and path_glob(plain(text.removeprefix("*"))).matches(name)
        for text in texts
    )
