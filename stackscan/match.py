"""Patterns over stacks, as rule and pool descriptions write them.

A symbol pattern is a Go symbol as people write it: ``(*Server).taskWorker``, ``go-multistream.(*once).Do``. It matches
from a ``/`` or ``.`` on to the end of a symbol, type arguments left aside; ``*`` stands for any run of characters
without a slash, ``**`` for any at all, and the star of a pointer receiver for itself. Patterns are tried on distinct
stacks only, so their cost does not grow with the number of goroutines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.errors import CatalogueError
from stackscan.snapshot import Stack

_BRACKETS: Final = re.compile(r"([\[\]])")
_TOKEN: Final = re.compile(r"\(\*|\*\*|\*|[^*(]+|\(")
_KEYS: Final = ("frames", "top", "root", "created_by", "without", "deciding")


@lru_cache(maxsize=65536)
def _plain(function: str) -> str:
    """The symbol without type arguments, which Go prints or not by version and format."""
    if "[" not in function:
        return function
    kept: list[str] = []
    depth = 0
    for piece in _BRACKETS.split(function):
        if piece == "[":
            depth += 1
        elif piece == "]" and depth:
            depth -= 1
        elif not depth:
            kept.append(piece)
    return function if depth else "".join(kept)  # unbalanced: no type arguments, whatever it is


@dataclass(frozen=True, slots=True)
class SymbolPattern:
    """One or more alternative symbol patterns, compiled."""

    texts: tuple[str, ...]
    regex: re.Pattern[str]

    def matches(self, function: str) -> bool:
        """Whether a symbol, as Go prints it, is meant."""
        return self.regex.fullmatch(_plain(function)) is not None


def symbol_pattern(texts: str | Iterable[str]) -> SymbolPattern:
    """Compile one pattern or several alternatives."""
    alternatives = (texts,) if isinstance(texts, str) else tuple(texts)
    body = "|".join(_translate(_plain(text)) for text in alternatives)
    return SymbolPattern(alternatives, re.compile(rf"(?:.*[/.])?(?:{body})", re.DOTALL))


def _translate(text: str) -> str:
    meaning = {"(*": r"\(\*", "**": r".*", "*": r"[^/]*"}
    return "".join(meaning.get(token) or re.escape(token) for token in _TOKEN.findall(text))


@dataclass(frozen=True, slots=True)
class StackPattern:
    """What a stack must look like; every part that is given must hold.

    ``frames``: these in this order from the innermost outwards, others may stand between; the one at ``deciding``
    (1-based) is what a reader should look at. ``top``: the innermost frame outside the runtime. ``root``: the outermost
    frame outside the runtime and compiler-made wrappers. ``created_by``: the function of the ``go`` statement.
    ``without``: on no frame.
    """

    frames: tuple[SymbolPattern, ...] = ()
    top: SymbolPattern | None = None
    root: SymbolPattern | None = None
    created_by: SymbolPattern | None = None
    without: SymbolPattern | None = None
    deciding: int = 1

    def decide(self, stack: Stack) -> int | None:
        """The index of the frame that decides (0 when the creator does); None when the stack does not match."""
        functions = stack.functions
        creator = stack.created_by.function if stack.created_by is not None else None
        if not _is(self.created_by, creator):
            return None
        if self.without is not None and any(map(self.without.matches, functions)):
            return None
        top, root = _significant(functions)
        if not _is(self.top, None if top is None else functions[top]):
            return None
        if not _is(self.root, None if root is None else functions[root]):
            return None
        if self.frames:
            return self._in_order(functions)
        return (top if self.top is not None else root) or 0

    def _in_order(self, functions: Sequence[str]) -> int | None:
        """Where the deciding one of ``frames`` was found, or None when one is missing."""
        at, decided = 0, 0
        for place, pattern in enumerate(self.frames):
            while at < len(functions) and not pattern.matches(functions[at]):
                at += 1
            if at == len(functions):
                return None
            if place == self.deciding - 1:
                decided = at
            at += 1
        return decided


def _is(pattern: SymbolPattern | None, function: str | None) -> bool:
    """Whether a function is what a pattern asks for; no pattern asks for nothing."""
    return pattern is None or (function is not None and pattern.matches(function))


def _significant(functions: Sequence[str]) -> tuple[int | None, int | None]:
    """Indices of the innermost frame outside the runtime, and of the outermost that is no wrapper either."""
    own = [
        index for index, function in enumerate(functions) if not function.startswith(("runtime.", "internal/runtime/"))
    ]
    if not own:
        return None, None
    roots = [index for index in own if ".gowrap" not in functions[index]]
    return own[0], (roots or own)[-1]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Alternatives: a stack matches when one of the patterns does."""

    patterns: tuple[StackPattern, ...]

    def decide(self, stack: Stack) -> int | None:
        """The deciding frame of the first pattern that matches."""
        for pattern in self.patterns:
            found = pattern.decide(stack)
            if found is not None:
                return found
        return None


def read_when(tables: object, *, where: str) -> AnyOf:
    """``when = [{ frames = ["a", ["b", "c"]], top = "d" }, …]`` → AnyOf. Raises CatalogueError naming the key."""
    if not isinstance(tables, list) or not tables:
        raise CatalogueError(f"{where}: 'when' must be a list of at least one pattern table")
    return AnyOf(tuple(_read_pattern(table, where=where) for table in tables))


def _read_pattern(table: object, *, where: str) -> StackPattern:
    if not isinstance(table, Mapping) or not table:
        raise CatalogueError(f"{where}: each entry of 'when' must be a table with one of {', '.join(_KEYS)}")
    unknown = set(table) - set(_KEYS)
    if unknown:
        raise CatalogueError(f"{where}: unknown key {min(unknown)!r} in 'when'; known are {', '.join(_KEYS)}")
    frames = table.get("frames", [])
    if not isinstance(frames, list) or ("frames" in table and not frames):
        raise CatalogueError(f"{where}: 'frames' must be a list of at least one symbol pattern")
    if not set(table) - {"deciding"}:
        raise CatalogueError(f"{where}: a pattern of 'when' that asks for nothing would match everything")
    deciding = table.get("deciding", 1)
    if not isinstance(deciding, int) or not 1 <= deciding <= max(len(frames), 1):
        raise CatalogueError(f"{where}: 'deciding' must be the place of one of 'frames', from 1 on")
    single = {key: _read_symbol(table[key], key, where=where) for key in _KEYS[1:-1] if key in table}
    symbols = tuple(_read_symbol(frame, "frames", where=where) for frame in frames)
    return StackPattern(frames=symbols, deciding=deciding, **single)


def _read_symbol(value: object, key: str, *, where: str) -> SymbolPattern:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise CatalogueError(f"{where}: {key!r} must be a symbol pattern or a list of them")
    return symbol_pattern(texts)
