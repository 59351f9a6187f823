"""Lines of stacks without a header, read by their grammar (grammars/stack_events.lark) into frames."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_text.grammar import unescape_path
from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.model.snapshot import Frame

_GRAMMAR: Final = Grammar("stack_events", "function place address source")
_CACHED: Final = 16384
#: What a function's name looks like: it has a package. A file's name is none.
_QUALIFIED: Final = re.compile(r"[^.]*\.?[^.\s]*\..*[^.]\Z")
_FILE: Final = re.compile(r"\.(?:go|s|c|h|js|py|rs|java|rb)\Z")


@lru_cache(maxsize=_CACHED)
def read_function(text: str) -> str | None:
    """``example.com/acme/cart.(*Store).Load``; None where the line is no function's name."""
    if not _QUALIFIED.match(text) or _FILE.search(text) or text[0] in "-*#.0123456789/":
        return None
    tokens = _tokens(text, "function")
    return None if tokens is None else unescape_path(tokens["FUNCTION"])


@lru_cache(maxsize=_CACHED)
def read_place(text: str) -> tuple[str, int] | None:
    """``/src/cart/load.go:12`` → ("/src/cart/load.go", 12)."""
    tokens = _tokens(text, "place")
    return None if tokens is None else (tokens["FILE"], int(tokens["LINE"][1:]))


@lru_cache(maxsize=_CACHED)
def read_address(text: str) -> tuple[str, int, str] | None:
    """``/src/cart/load.go:12 (0x4031bb)`` → ("/src/cart/load.go", 12, "0x4031bb")."""
    tokens = _tokens(text, "address")
    return None if tokens is None else (tokens["FILE"], int(tokens["LINE"][1:]), tokens["PC"])


@lru_cache(maxsize=_CACHED)
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
