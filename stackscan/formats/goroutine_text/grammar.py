"""Lines of the text format read into plain values, each with one expression made of the grammar's terminals.

``grammars/goroutine.lark`` says what each terminal is, and the expressions put them together as its rules do: where a
rule leaves a choice, its terminals are tried in the order in which the grammar's lexer tries them. The tests hold every
function here against the grammar's own trees. Each returns None when the line is not of its kind.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from stackscan.formats.goroutine_text import trees
from stackscan.formats.goroutine_text.trees import NON_GO, Argument, Header, Location, parse, read_arguments, terminal
from stackscan.formats.symbol import unescape_path

__all__ = ["NON_GO", "Argument", "Header", "Location", "parse", "read_arguments", "terminal"]

_MOST_DIGITS: Final = 20


def _of(name: str) -> str:
    """A terminal as a part of an expression: once it has matched it stays as it is, as in the lexer."""
    return f"(?>{terminal(name).pattern})"


# -- headers -----------------------------------------------------------------------------------------------------------


@cache
def _header() -> re.Pattern[str]:
    """The usual header: neither labels, nor a thread, nor what no version of Go prints."""
    status = f"({_of('REASON')})?((?:{_of('FLAG')})*)({_of('MINUTES')})?({_of('LOCKED')})?({_of('BUBBLE')})?"
    return re.compile(rf"goroutine ({_of('ID')}) \[{status}\]:")


@lru_cache(maxsize=4096)
def read_header(text: str) -> tuple[int, Header] | None:
    """``goroutine 7 [select, 3 minutes]:`` → (7, Header("select", 3))."""
    found = _header().fullmatch(text)
    if found is None:
        tree = parse(text, "header")
        return None if tree is None else trees.header_of(tree)
    goroutine_id, reason, flags, minutes, *others = found.groups()
    status = [("REASON", reason)] if reason else []
    status += [("FLAG", f"({flag}") for flag in flags.split("(")[1:]]
    status += [("MINUTES", minutes)] if minutes else []
    status += [("FLAG", other) for other in others if other]
    return int(goroutine_id), trees.with_status(status, {})


# -- calls and their locations -----------------------------------------------------------------------------------------


def read_call(text: str) -> str | None:
    """``main.(*T).run(0xc000012345, ...)`` → ``main.(*T).run``, escapes of the import path undone.

    The arguments differ on every line and the names do not, so only the name is matched, once.
    """
    name = text[: text.rfind("(")] if text.endswith(")") and "(" in text else ""
    return _read_call(f"{name}()" if name else text)


@lru_cache(maxsize=65536)
def _read_call(text: str) -> str | None:
    found = _call().fullmatch(text)
    return unescape_path(found[1] or found[2]) if found else None


@cache
def _call() -> re.Pattern[str]:
    return re.compile(f"({_of('FUNCTION')}){_of('ARGUMENTS')}|({_of('BARE_FUNCTION')})")


def read_location(text: str) -> Location | None:
    """``<tab>/src/x.go:12 +0x1a fp=… sp=…`` → ("/src/x.go", 12, 26). A pc without a file gives ("", 0, None)."""
    whole, marker, addresses = text.partition(" fp=")
    if marker and not terminal("FRAME_ADDRESSES").fullmatch(marker + addresses):
        return _read_location(text)  # a path with this in it
    return _read_location(whole)


@lru_cache(maxsize=65536)
def _read_location(text: str) -> Location | None:
    found = _location().fullmatch(text)
    if found is None:
        return None
    file, line, offset = found.groups()
    return (file[1:], int(line[1:]), int(offset[4:], 16) if offset else None) if file else ("", 0, None)


@cache
def _location() -> re.Pattern[str]:
    behind = f"(?:({_of('OFFSET')})?{_of('FRAME_ADDRESSES')}?|{_of('C_PC')})"
    file = f"(?!{_of('PC_ONLY')})({_of('FILE')})({_of('LINE')}){behind}"
    return re.compile(f"{file}|{_of('PC_ONLY')}")


# -- creators and markers ----------------------------------------------------------------------------------------------


def read_creator(text: str) -> tuple[str, int | None] | None:
    """``created by main.main in goroutine 1`` → ("main.main", 1)."""
    name, _, parent = text.rpartition(" in goroutine ")
    if parent.isdecimal() and parent.isascii() and len(parent) <= _MOST_DIGITS:
        found = _read_creator(name)  # the number differs from goroutine to goroutine, the name does not
        if found is not None and found[1] is None:
            return found[0], int(parent)
    return _read_creator(text)


@lru_cache(maxsize=4096)
def _read_creator(text: str) -> tuple[str, int | None] | None:
    found = _creator().fullmatch(text)
    if found is None:
        return None
    return unescape_path(found[1]), int(found[2].split()[-1]) if found[2] else None


@cache
def _creator() -> re.Pattern[str]:
    return re.compile(f"created by ({_of('CREATOR')})({_of('IN_GOROUTINE')})?")


def read_elided(text: str) -> tuple[bool, int | None]:
    """Whether the line is an elided-frames marker, and how many frames it stands for (None: not said)."""
    if not text.startswith("..."):
        return False, None
    if terminal("ELIDED_COUNT").fullmatch(text):
        return True, int(text[3:].split(maxsplit=1)[0])
    return terminal("ELIDED_SOME").fullmatch(text) is not None, None


@cache
def _ancestor() -> re.Pattern[str]:
    return re.compile(rf"\[originating from goroutine ({_of('ID')})\]:")


def read_ancestor(text: str) -> int | None:
    """``[originating from goroutine 5]:`` → 5."""
    found = _ancestor().fullmatch(text) if text.startswith("[originating") else None
    return int(found[1]) if found else None


def is_unavailable(text: str) -> bool:
    """Whether the line says that the stack could not be printed."""
    return text.endswith("; stack unavailable") and terminal("UNAVAILABLE").fullmatch("\t" + text.lstrip()) is not None


def is_non_go(text: str) -> bool:
    """Whether the line is a frame that no symbolizer could name: ``non-Go function at pc=0x…``."""
    return text.startswith("non-Go function at ") and terminal("NON_GO_AT_PC").fullmatch(text) is not None


def begins_non_go(text: str) -> bool:
    """Whether the text begins with such a frame, so that the grammar takes it for one whatever follows."""
    return text.startswith("non-Go function at ") and terminal("NON_GO_AT_PC").match(text) is not None


def forget() -> None:
    """Empty the caches of this module."""
    for cached in (read_header, _read_call, _read_location, _read_creator):
        cached.cache_clear()
