"""Lines of grouped lists read by their grammar (grammars/grouped.lark) into plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

_GRAMMAR: Final = Grammar("grouped", "listed counted suffixed bucket call")
_MOST_IN_CACHE: Final = 65536
_IMPORT_ROOTS: Final = ("/pkg/mod/", "/vendor/", "/src/")


@dataclass(frozen=True, slots=True)
class Group:
    """The header of a group: how many, the bracket as Go prints it, the ids that are listed, and the first one's."""

    count: int
    bracket: str
    ids: tuple[int, ...] = ()
    shown: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A header of panicparse; ``count`` is an id where ``is_id``. ``minutes`` is the least of its range."""

    count: int
    state: str
    minutes: int | None = None
    locked: bool = False
    created_by: Frame | None = None
    is_id: bool = False


def read_group(text: str) -> Group | None:
    """``goroutine 461 [select]: 2 times: [[461, 462]`` → Group(2, "[select]", (461, 462), 461)."""
    for start in ("listed", "counted", "suffixed"):
        tree = _GRAMMAR.parse(text, start)
        if tree is None:
            continue
        tokens = tokens_of(tree)
        shown = int(tokens["ID"]) if "ID" in tokens else None
        numbers = [int(str(token)) for token in tree.children if getattr(token, "type", "") == "ID"]
        if numbers and shown is not None:
            shown = numbers[0]
        return Group(int(tokens["COUNT"]), tokens["BRACKET"].strip(), tuple(dict.fromkeys(numbers[1:])), shown)
    return None


@lru_cache(maxsize=4096)
def read_bucket(text: str) -> Bucket | None:
    """``48: semacquire [4~14 minutes] [Created by main.main @ main.go:12]`` → Bucket(48, "semacquire", 4, …)."""
    tree = _GRAMMAR.parse(text, "bucket")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    minutes = re.match(r" \[(\d+)", tokens.get("MINUTES", ""))
    creator = _creator(tokens["CREATED"][len(" [Created by ") : -1]) if "CREATED" in tokens else None
    return Bucket(
        int(tokens["COUNT"]),
        tokens["STATE"],
        int(minutes[1]) or None if minutes else None,
        "LOCKED" in tokens,
        creator,
        "RACE" in tokens,
    )


@lru_cache(maxsize=_MOST_IN_CACHE)
def read_call(text: str) -> Frame | None:
    """``http     server.go:3086 (*Server).Serve(#1, #2)`` → Frame("http.(*Server).Serve", "server.go", 3086)."""
    tree = _GRAMMAR.parse(text, "call")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    return _frame(tokens["PACKAGE"].strip(), tokens["NAME"], tokens["FILE"], int(tokens["LINE"][1:]))


def _creator(text: str) -> Frame | None:
    symbol, _, place = text.rpartition(" @ ")
    file, _, line = place.rpartition(":")
    package, dot, name = symbol.partition(".")
    if package.endswith("gopkg") or not dot:
        return None
    return _frame(package, name, file, int(line))


def _frame(package: str, name: str, file: str, line: int) -> Frame:
    path = _import_path(package, file)
    function = unescape_path(f"{path}.{name}") if path else unescape_path(name)
    return Frame(_short(function), _short(file), line)


def _import_path(package: str, file: str) -> str:
    """The whole import path where the file's name says it: panicparse prints its last element only."""
    folder, slash, _ = file.replace("\\", "/").rpartition("/")
    if not slash or package == "main":
        return package
    for root in _IMPORT_ROOTS:
        _, found, rest = ("/" + folder).rpartition(root)
        if found:
            folder = rest
            break
    path = re.sub(r"@v[^/]+", "", folder)
    path = re.sub(r"!([a-z])", lambda match: match[1].upper(), path)
    is_relative = not path.startswith("/") and ":" not in path
    return path if is_relative and path.rpartition("/")[2] == package else package


def _short(name: str) -> str:
    return bounds.shortened(name) if bounds.is_long(name) else name
