"""Lines of pprof's text read by their grammar (grammars/pprof_text.lark) into plain values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.formats.grammars import Grammar, subtrees_of, tokens_of

_GRAMMAR: Final = Grammar("pprof_text", "sample labels location inlined mapping weight frame tag edge row")
_MOST_DIGITS: Final = 18  # of a number: 64 bits have 19, and nothing that a profile counts needs them


@dataclass(frozen=True, slots=True)
class Call:
    """One call in one place: ``line`` is 0 where it is not printed, ``start_line`` is its function's."""

    function: str
    file: str = ""
    line: int = 0
    start_line: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A location with its innermost call (None: no symbol). ``id`` is pprof's own number."""

    id: int
    address: int
    call: Call | None


def _number(digits: str) -> int:
    """A decimal number; one of more digits than a machine word holds stays large and is not computed."""
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _tokens(text: str, start: str) -> dict[str, str] | None:
    tree = _GRAMMAR.parse(text, start)
    return None if tree is None else tokens_of(tree)


def read_sample(text: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """``3: 1 2 3`` → ((3,), (1, 2, 3)), by terminals: a cache would not help, samples differ."""
    values, colon, ids = text.strip().partition(":")
    if not colon or not _GRAMMAR.terminal("VALUES").fullmatch(values):
        return None
    if ids and not _GRAMMAR.terminal("IDS").fullmatch(ids):
        return None
    return tuple(map(_number, values.split())), tuple(map(_number, ids.split()))


@lru_cache(maxsize=4096)
def read_labels(text: str) -> tuple[tuple[str, str], ...] | None:
    """``handler:[/users] id:[42]`` → (("handler", "/users"), ("id", "42"))."""
    tree = _GRAMMAR.parse(text.strip(" "), "labels")
    if tree is None:
        return None
    pairs = map(tokens_of, subtrees_of(tree))
    return tuple((pair.get("KEY", ""), pair.get("VALUE", "")) for pair in pairs)


def read_location(text: str) -> Place | None:
    """``4: 0x4e797b M=1 main.f /src/main.go:15:0 s=15``."""
    tokens = _tokens(text, "location")
    if tokens is None or len(tokens["ADDRESS"]) > len("0x") + 16:
        return None
    return Place(_number(tokens["ID"]), int(tokens["ADDRESS"], 16), _call(tokens))


def read_inlined(text: str) -> Call | None:
    """``main.g /src/main.go:41:0 s=41``: the function into which the call above was inlined."""
    tokens = _tokens(text, "inlined")
    return None if tokens is None else _call(tokens) or Call("")


def read_mapping(text: str) -> str | None:
    """What stands behind the addresses of a mapping: its file, its build id and flags. None: it is none."""
    tokens = _tokens(text, "mapping")
    return None if tokens is None else tokens.get("REST", "")


def read_weight(text: str) -> tuple[int, Call] | None:
    """``3   runtime.gopark`` → (3, the innermost call)."""
    tokens = _tokens(text, "weight")
    return None if tokens is None else (_number(tokens["COUNT"]), _node(tokens))


@lru_cache(maxsize=65536)
def read_frame(text: str) -> Call | None:
    """``main.f /src/main.go:15 (inline)``; without ``-lines`` there is no place."""
    tokens = _tokens(text, "frame")
    return None if tokens is None else _node(tokens)


@lru_cache(maxsize=4096)
def read_tag(text: str) -> tuple[str, str] | None:
    """``handler:  /users`` → ("handler", "/users")."""
    tokens = _tokens(text, "tag")
    return None if tokens is None else (tokens.get("TAG_KEY", ""), tokens.get("REST", ""))


def read_edge(text: str) -> tuple[int, Call] | None:
    """``6   100% |   main.serve.func1 (inline)`` → (6, the caller or callee)."""
    tokens = _tokens(text, "edge")
    return None if tokens is None else (_number(tokens["COUNT"]), _node(tokens))


def read_row(text: str) -> tuple[int, int, Call] | None:
    """``0     0%   100%          6 46.15%  main.serve.func1`` → (flat, cum, the function)."""
    tokens = _tokens(text, "row")
    return None if tokens is None else (_number(tokens["COUNT"]), _number(tokens["CUM"]), _node(tokens))


def _call(tokens: dict[str, str]) -> Call | None:
    """The call of a line of -raw; None where it has no symbol."""
    if "LINE" not in tokens:
        return None
    line = tokens["LINE"].split(":")[1]
    return Call(
        tokens.get("FUNCTION", ""), tokens.get("FILE", ""), _number(line.lstrip("-")), _number(tokens["NUMBER"])
    )


def _node(tokens: dict[str, str]) -> Call:
    """The call of a line of -traces. A name that is none (``<unknown>``, ``[libc.so]``) is kept as it is printed."""
    function, place = tokens["FUNCTION"], tokens.get("PLACE", "")
    parts = place.rsplit(":", 2)
    numbers = [part for part in parts[1:] if part.isascii() and part.isdecimal()]
    if len(parts) == 1 or not numbers or not parts[-1].isdecimal():
        return Call(function, place)
    file = place[: -sum(len(number) + 1 for number in numbers)]
    return Call(function, file, _number(numbers[0]))
