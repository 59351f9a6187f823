"""Patterns over the distinct functions of a dump.

A symbol pattern is a Go symbol as people write it: ``(*Server).taskWorker``, ``go-multistream.(*once).Do``. It matches
from a ``/`` or ``.`` on to the end of a symbol, type arguments left aside; ``*`` stands for any run of characters
without a slash, ``**`` for any at all, and the star of a pointer receiver for itself. A receiver without a star means
both kinds.

How the patterns of a catalogue are matched all at once is told in :mod:`stackscan.knowledge.language.leaves`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from stackscan.knowledge.language.globs import ANY, SEGMENT, Glob

_BRACKETS: Final = re.compile(r"([\[\]])")
_TOKEN: Final = re.compile(r"\(\*|\*\*|\*|[^*(]+|\(")
_POINTER: Final = re.compile(r"\(\*([^()]*)\)")
_ENDS: Final = re.compile(r"[/.]")
#: A longer symbol is matched as a whole only: no compiler prints one, but a stranger's dump may, to be slow on.
LONGEST: Final = 2_000


@lru_cache(maxsize=1 << 18)
def plain(function: str) -> str:
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


@lru_cache(maxsize=1 << 18)
def spellings(function: str) -> tuple[str, ...]:
    """A function as patterns may name it: ``main.(*T).Run`` is also ``main.T.Run``."""
    bare = plain(function)
    return (bare, _POINTER.sub(r"\1", bare)) if "(*" in bare else (bare,)


@lru_cache(maxsize=4096)
def symbol_glob(pattern: str) -> Glob:
    """A pattern of a whole spelling."""
    return Glob(_parts(plain(pattern)), anywhere="/.")


@lru_cache(maxsize=4096)
def path_glob(pattern: str) -> Glob:
    """An import path, a module or a receiver: the whole of it, ``net/...`` as for the go tool."""
    return Glob(_parts(pattern.removesuffix("/...")), below=pattern.endswith("/..."))


def _parts(text: str) -> tuple[str, ...]:
    """The parts of a pattern: stars, and what stands between them as one text."""
    groups = groupby(_TOKEN.findall(text), key=lambda token: token in (ANY, SEGMENT))
    return tuple(part for stars, tokens in groups for part in (tokens if stars else ("".join(tokens),)))


def matches(pattern: str, function: str) -> bool:
    """Whether a pattern matches a symbol as Go prints it."""
    return any(symbol_glob(pattern).matches(spelling) for spelling in spellings(function))


@dataclass(frozen=True, slots=True)
class SymbolPattern:
    """One or more alternative symbol patterns."""

    texts: tuple[str, ...]

    def matches(self, function: str) -> bool:
        """Whether one of them matches a symbol as Go prints it."""
        return any(matches(text, function) for text in self.texts)


def ends(name: str) -> list[str]:
    """Every end of a spelling that begins at a ``/`` or ``.``, and the whole of it."""
    return [name, *(name[found.end() :] for found in _ENDS.finditer(name))] if len(name) <= LONGEST else [name]
