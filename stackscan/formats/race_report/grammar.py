"""Lines of race reports read by their grammar (grammars/race_report.lark) into plain values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.formats.symbol import unescape_path

_GRAMMAR: Final = Grammar("race_report", "access created global heap frame place")
#: The number that the race detector gives the main goroutine, which it prints as a word.
MAIN: Final = 1
#: What lies at an address: a file, its line and the offset from the function's entry in bytes.
Place = tuple[str, int, int | None]


@dataclass(frozen=True, slots=True)
class Access:
    """``Previous write at 0x00c0000980f0 by goroutine 8:``; ``previous``: the earlier one of the two."""

    goroutine_id: int
    writes: bool
    atomic: bool
    previous: bool
    address: str


def _tokens(text: str, start: str) -> dict[str, str] | None:
    tree = _GRAMMAR.parse(text, start)
    return None if tree is None else tokens_of(tree)


@lru_cache(maxsize=4096)
def read_access(text: str) -> Access | None:
    """The access that a line heads; None for any other line."""
    tokens = _tokens(text, "access") if " by " in text else None
    if tokens is None:
        return None
    kind = tokens["KIND"].lower()
    number = int(tokens["ID"]) if "ID" in tokens else MAIN
    address = tokens.get("AT", "").removeprefix(" at ")
    return Access(number, kind.endswith("write"), kind.startswith("atomic"), "PREVIOUS" in tokens, address)


@lru_cache(maxsize=4096)
def read_created(text: str) -> tuple[int, str] | None:
    """``Goroutine 8 (running) created at:`` → (8, "running")."""
    tokens = _tokens(text, "created") if text.startswith("Goroutine ") else None
    return None if tokens is None else (int(tokens["ID"]), tokens["STATE"])


@lru_cache(maxsize=4096)
def read_global(text: str) -> str | None:
    """``Global var main.visits of size 8 at 0x7f0468 declared at x.go:1`` → ``main.visits``."""
    tokens = _tokens(text, "global") if text.startswith("Global var ") else None
    return None if tokens is None else tokens["NAME"]


@lru_cache(maxsize=4096)
def is_heap(text: str) -> bool:
    """Whether a line says where the memory was allocated."""
    return text.startswith("Heap block ") and _tokens(text, "heap") is not None


@lru_cache(maxsize=65536)
def read_function(text: str) -> str | None:
    """``main.(*Store).Set()`` → ``main.(*Store).Set``."""
    tokens = _tokens(text, "frame") if text.endswith("()") else None
    return None if tokens is None else unescape_path(tokens["FUNCTION"])


@lru_cache(maxsize=65536)
def read_place(text: str) -> Place | None:
    """``/src/main.go:12 +0x28`` → ("/src/main.go", 12, 40)."""
    tokens = _tokens(text, "place")
    if tokens is None:
        return None
    offset = tokens.get("OFFSET")
    return tokens["FILE"], int(tokens["LINE"][1:]), int(offset[4:], 16) if offset else None
