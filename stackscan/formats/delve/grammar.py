"""Lines of Delve's terminal read by their grammar (grammars/delve.lark) into plain values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_pprof.symbols import shorten_type_arguments
from stackscan.formats.grammars import Grammar, subtrees_of, tokens_of
from stackscan.formats.labels import label_text, unquote
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

_GRAMMAR: Final = Grammar("delve", "goroutine place frame at labels")
_MOST_IN_CACHE: Final = 65536


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list: id, which of its places is printed (``User``, ``Runtime``, ``Go``, ``Start``), the place, and
    behind it thread, wait reason and time as printed."""

    goroutine_id: int
    kind: str
    place: Frame
    thread: str | None = None
    wait_reason: str | None = None
    since: str | None = None


@lru_cache(maxsize=_MOST_IN_CACHE)
def read_goroutine(text: str) -> Listed | None:
    """``Goroutine 37 - User: ./main.go:97 main.readPipe (0x4f46da) [sleep]``; None where the grammar refuses it."""
    tree = _GRAMMAR.parse(text, "goroutine")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    since = tokens.get("SINCE")
    thread = tokens.get("THREAD")
    return Listed(
        int(tokens["ID"]),
        tokens["KIND"],
        _place(tokens),
        thread.strip(" ()") if thread else None,
        tokens.get("REASON"),
        since.strip() if since else None,
    )


@lru_cache(maxsize=_MOST_IN_CACHE)
def read_place(text: str) -> tuple[str, Frame] | None:
    """``Go: ./main.go:12 main.main (0x4f5591)`` → ("Go", Frame("main.main", "./main.go", 12))."""
    tree = _GRAMMAR.parse(text, "place")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    return tokens["KIND"], _place(tokens)


@lru_cache(maxsize=_MOST_IN_CACHE)
def read_frame(text: str) -> tuple[int, str] | None:
    """``0  0x000000000047f68e in runtime.gopark`` → (0, "runtime.gopark")."""
    tree = _GRAMMAR.parse(text, "frame")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    return int(tokens["INDEX"]), symbol(tokens["NAME"])


@lru_cache(maxsize=_MOST_IN_CACHE)
def read_at(text: str) -> tuple[str, int] | None:
    """``at runtime/proc.go:463`` → ("runtime/proc.go", 463)."""
    tree = _GRAMMAR.parse(text, "at")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    return short(tokens["FILE"]), int(tokens["LINE"][1:])


@lru_cache(maxsize=4096)
def read_labels(text: str) -> str | None:
    """``Labels: "pool":"workers"`` → ``{pool: workers}``."""
    tree = _GRAMMAR.parse(text, "labels")
    if tree is None:
        return None
    return label_text((unquote(str(pair.children[0])), unquote(str(pair.children[1]))) for pair in subtrees_of(tree))


def symbol(name: str) -> str:
    """A function's name as Go's tracebacks print it: type arguments as ``[...]``, escapes undone."""
    return short(unescape_path(shorten_type_arguments(name)))


def short(name: str) -> str:
    """A name within the limit on names."""
    return bounds.shortened(name) if bounds.is_long(name) else name


def _place(tokens: dict[str, str]) -> Frame:
    return Frame(symbol(tokens["FUNCTION"]), short(tokens["FILE"]), int(tokens["LINE"][1:]))
