"""Lines of stacks without a header, read by their grammar (grammars/stack_events.lark) into frames."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

from stackscan.formats import bounds
from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

_GRAMMAR: Final = Grammar("stack_events", "function place address source")
_CACHED: Final = 8192
#: Characters of a text that is worth to be kept; longer ones are rare, and would fill the memory.
_SHORT: Final = 4096
_Read = TypeVar("_Read")
#: What a function's name looks like: it has a package. A file's name is none.
_QUALIFIED: Final = re.compile(r"[^.]*\..*[^.]\Z")
_FILE: Final = re.compile(r"\.(?:go|s|c|h|js|py|rs|java|rb)\Z")


def remembered(most: int, short: int = _SHORT) -> Callable[[Callable[[str], _Read]], Callable[[str], _Read]]:
    """A decorator: what was read of the last ``most`` texts that are short is kept."""

    def decorate(read: Callable[[str], _Read]) -> Callable[[str], _Read]:
        cached = lru_cache(maxsize=most)(read)

        @wraps(read)
        def wrapped(text: str) -> _Read:
            return cached(text) if len(text) <= short else read(text)

        return wrapped

    return decorate


@remembered(_CACHED)
def read_function(text: str) -> str | None:
    """``example.com/acme/cart.(*Store).Load``; None where the line is no function's name."""
    if not _QUALIFIED.match(text) or _FILE.search(text) or text[0] in "-*#.0123456789/":
        return None
    tokens = _tokens(text, "function")
    return None if tokens is None else unescape_path(tokens["FUNCTION"])


@remembered(_CACHED)
def read_place(text: str) -> tuple[str, int] | None:
    """``/src/cart/load.go:12`` → ("/src/cart/load.go", 12)."""
    tokens = _tokens(text, "place")
    return None if tokens is None else (tokens["FILE"], int(tokens["LINE"][1:]))


@remembered(_CACHED)
def read_address(text: str) -> tuple[str, int, str] | None:
    """``/src/cart/load.go:12 (0x4031bb)`` → ("/src/cart/load.go", 12, "0x4031bb")."""
    tokens = _tokens(text, "address")
    return None if tokens is None else (tokens["FILE"], int(tokens["LINE"][1:]), tokens["PC"])


@remembered(_CACHED)
def read_source(text: str) -> str | None:
    """``(*Store).Load: return s.carts[id]`` → ``(*Store).Load``."""
    tokens = _tokens(text, "source")
    return None if tokens is None else tokens["SHORT"].replace("·", ".")


@lru_cache(maxsize=_CACHED)
def frame(function: str, file: str, line: int) -> Frame:
    """The frame, one object for equal ones, its names bounded."""
    function, file = (bounds.shortened(name) if bounds.is_long(name) else name for name in (function, file))
    return Frame(function, file, line if -(1 << 31) <= line < 1 << 31 else 0)


def _tokens(text: str, start: str) -> dict[str, str] | None:
    tree = _GRAMMAR.parse(text, start)
    return None if tree is None else tokens_of(tree)
