"""Lines of go-deadlock's reports read by their grammar (grammars/go_deadlock.lark) into plain values."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.model.snapshot import Frame

_GRAMMAR: Final = Grammar("go_deadlock", "holder waited site")
#: A frame, the text of its source line ("" where it was not at hand), and whether it is the innermost of its stack.
SiteLine = tuple[Frame, str, bool]


def _tokens(text: str, start: str) -> dict[str, str] | None:
    tree = _GRAMMAR.parse(text, start)
    return None if tree is None else tokens_of(tree)


@lru_cache(maxsize=4096)
def read_holder(text: str) -> int | None:
    """``goroutine 19 lock 0xc000012080`` → 19."""
    tokens = _tokens(text, "holder") if "goroutine " in text[:20] and " lock" in text else None
    return None if tokens is None else int(tokens["ID"])


@lru_cache(maxsize=4096)
def read_waited(text: str) -> str | None:
    """``Have been trying to lock it again for more than 30s`` → ``30s``."""
    tokens = _tokens(text, "waited") if text.startswith("Have been ") else None
    return None if tokens is None else tokens["DURATION"]


@lru_cache(maxsize=65536)
def read_site(text: str) -> SiteLine | None:
    """``x.go:24 main.f { mu.Lock() } <<<<<`` → (Frame("main.f", "x.go", 24), "mu.Lock()", True)."""
    tokens = _tokens(text, "site") if "{" in text or "???" in text else None
    if tokens is None:
        return None
    name, file = (bounds.shortened(t) if bounds.is_long(t) else t for t in (tokens["FUNCTION"], tokens["FILE"]))
    source = "" if tokens["SOURCE"] == "???" else tokens["SOURCE"][1:-1].strip()
    return Frame(name, file, int(tokens["LINE"][1:])), source, "TOP" in tokens
