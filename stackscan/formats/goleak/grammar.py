"""Lines that head leaked goroutines, read by their grammar (grammars/goleak.lark) into plain values."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from stackscan.formats.grammars import Grammar, tokens_of

_GRAMMAR: Final = Grammar("goleak", "listed checked test")


def _tokens(text: str, start: str) -> dict[str, str] | None:
    tree = _GRAMMAR.parse(text, start)
    return None if tree is None else tokens_of(tree)


@lru_cache(maxsize=4096)
def read_listed(text: str) -> str | None:
    """``[Goroutine 20 in state select, with main.f on top of the stack:`` → ``goroutine 20 [select]:``."""
    tokens = _tokens(text, "listed") if " on top of the stack:" in text else None
    if tokens is None:
        return None
    state = tokens["STATE"]  # Go 1.27 prints labels behind the bracket, of which goleak takes off only the first one
    return f"goroutine {tokens['ID']} [{state}{'' if '] {' in state else ']'}:"


@lru_cache(maxsize=4096)
def read_checked(text: str) -> str | None:
    """``end_test.go:13: Leaked goroutine: goroutine 91 [select]:`` → ``goroutine 91 [select]:``."""
    tokens = _tokens(text, "checked") if "eaked goroutine: goroutine " in text else None
    return None if tokens is None else tokens["HEADER"]


@lru_cache(maxsize=4096)
def read_test(text: str) -> str | None:
    """``--- FAIL: TestWatch (0.45s)`` → ``TestWatch``."""
    tokens = _tokens(text, "test") if text.startswith(("--- FAIL: ", "=== ")) else None
    return None if tokens is None else tokens["NAME"]
