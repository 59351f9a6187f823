"""What conditions ask of single functions, as bits: found once for each function, whatever dump shows it.

A catalogue has a few hundred sets of patterns and a program a few thousand functions, most of which no pattern matches.
So every set of patterns (a *leaf*) gets a bit, and every function the bits of the leaves that match it: one number,
kept as long as the program runs. The ends of a function's spellings are looked up in one dictionary; only patterns with
stars, packages and receivers are tried one by one, on functions that hold their longest literal part. Functions are
learnt many at a time: what none of them holds is not looked for in each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
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
#: A leaf's pattern: a text that is in all functions that it matches, what matches, and the leaf's bit.
_Test = tuple[str, Callable[[str], bool], int]


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
        self._starred: list[_Test] = []
        self._of_methods: list[_Test] = []  # which only a method's name can match
        self._always = 0  # the leaves that every function meets
        self._owners: list[_Test] = []
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

    @property
    def always(self) -> int:
        """The bits of a function that no pattern speaks of."""
        return self._always

    def of(self, function: str) -> int:
        """The bits of the leaves that a function meets."""
        found = self._of.get(function)
        return self.learn((function,))[function] if found is None else found

    def learn(self, functions: Collection[str]) -> Mapping[str, int]:
        """The bits of these functions, and of others."""
        known = self._of
        new = [function for function in dict.fromkeys(functions) if function not in known]
        if new and len(known) + len(new) > _MOST_FUNCTIONS:
            known.clear()
            new = list(dict.fromkeys(functions))
        known.update(dict.fromkeys(new, self._always))
        tests = self._tests_for(new)
        for function in self._candidates(new, tests):
            known[function] = self._met(function, tests)
        return known

    def _tests_for(self, functions: Sequence[str]) -> tuple[list[_Test], list[_Test], list[_Test]]:
        """The patterns with stars, those that only methods match, and the owners, whose text some function holds."""
        text = "\n".join(functions)
        if "(" in text or "[" in text:
            spelt = [name for name in functions if "(" in name or "[" in name]
            text = "\n".join([text, *chain.from_iterable(map(spellings, spelt))])
        asked = self._starred, self._of_methods if ")" in text else (), self._owners
        starred, of_methods, owners = ([test for test in tests if test[0] in text] for tests in asked)
        return starred, of_methods, self._owners if "[" in text else owners

    def _candidates(self, functions: Sequence[str], tests: tuple[Iterable[_Test], ...]) -> set[str]:
        """The functions that may meet a leaf beside those that all meet."""
        tails = self._tails
        found = {
            function
            for function in functions
            if (tail := function.rpartition(".")[2]) in tails or "/" in tail or "(*" in function or "[" in function
        }
        for literal in {literal for some in tests for literal, _, _ in some}:
            found.update([function for function in functions if literal in function])
        return found

    def _met(self, function: str, tests: tuple[Sequence[_Test], Sequence[_Test], Sequence[_Test]]) -> int:
        found = self._always
        known = self._ends
        for_all, of_methods, owners = tests
        for name in spellings(function):
            if _tail(name) in self._tails:
                for end in ends(name):
                    found |= known.get(end, 0)
            if len(name) <= LONGEST:
                starred = (*for_all, *of_methods) if ")" in name else for_all
                for literal, matches, bit in starred:
                    if literal in name and not found & bit and matches(name):
                        found |= bit
        for literal, owns, bit in owners:
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
