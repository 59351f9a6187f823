"""Lines of quoted stacks read by their grammar (grammars/quoted_stacks.lark) into plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from stackscan.formats.grammars import Grammar, is_tree, subtrees_of
from stackscan.formats.symbol import unescape_path
from stackscan.sources import limits

if TYPE_CHECKING:
    from lark import Token, Tree

#: File, line and offset from the function's entry in bytes (None: not printed).
Place = tuple[str, int, int | None]
Kind = Literal["frames", "creator", "place", "elision", "remark"]

_GRAMMAR: Final = Grammar("quoted_stacks", "line header", propagate_positions=False)
_PLACE: Final = re.compile(r"(?P<file>.*?)(?::|#L)(?P<line>-?\d+)\Z", re.DOTALL)
_MARKDOWN: Final = re.compile(r"`|\A(?:\*{1,3}|_{2,3})(?=[\w(])|\*{1,3}\Z|(?<=[\w)])_{2,3}\Z|\\(?=[*_\[\]<>#`])")
#: How people say since when: ``chan send for 4m``.
_FOR: Final = re.compile(r",? (?:for|since)(?: (?:about|over|more than|at least))? [~>]?(?=\d)")
_DIGITS: Final = re.compile(r"\d+\Z")
#: Longer lines are no frames that somebody wrote: the patterns above need not look at them.
_LONGEST: Final = 4096
_MOST_ID: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Call:
    """One frame as written: its function, its place (None: not written), and whether arguments follow its name."""

    function: str
    place: Place | None = None
    has_arguments: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``calls`` innermost first (one for most), a ``place`` alone, or neither. ``creator_id``
    is the goroutine that ran the ``go`` statement, ``elided`` how many frames an elision stands for (None: unknown);
    ``noted``: a remark stands behind it."""

    kind: Kind
    calls: tuple[Call, ...] = ()
    place: Place | None = None
    creator_id: int | None = None
    elided: int | None = None
    noted: bool = False


@dataclass(frozen=True, slots=True)
class LooseHeader:
    """A header that somebody retyped: its id (None: withheld), its state as the runtime would print it, and the rest
    of the line."""

    goroutine_id: int | None
    state: str
    rest: str = ""


def without_markdown(line: str) -> str:
    """A line without its indentation, emphasis around it, and code marks anywhere in it; a fence stays."""
    text = line.strip()
    marked = "*" in text or "`" in text or "\\" in text or "__" in text  # most lines are not: much cheaper to tell
    return _MARKDOWN.sub("", text) if marked and not text.startswith("```") else text


@lru_cache(maxsize=16384)
def read_line(text: str) -> Line | None:
    """``main.f(...)  /src/x.go:12  <-- HERE`` → its frame; None for a line that is no part of a stack."""
    tree = _GRAMMAR.parse(text, "line") if len(text) <= _LONGEST else None
    if tree is None:
        return None
    what, *notes = subtrees_of(tree)
    noted = bool(notes)
    if what.data == "place":
        return Line("place", place=_place(what.children), noted=noted)
    if what.data in ("elision", "remark"):
        return Line("elision" if what.data == "elision" else "remark")
    if what.data == "creator":
        return Line("creator", (_call(what),), creator_id=_creator_id(what), noted=noted)
    calls = [_call(what)] if what.data == "frame" else [_call(each) for each in subtrees_of(what)]
    return Line("frames", tuple(reversed(calls) if what.data == "outward" else calls), noted=noted)


def _call(tree: Tree[Token]) -> Call:
    tokens = [child for child in tree.children if not is_tree(child)]
    function = next(str(token) for token in tokens if token.type == "FUNCTION")
    has_arguments = any(token.type == "ARGUMENTS" for token in tokens)
    return Call(unescape_path(function)[: limits.MAX_NAME], _place(tokens), has_arguments)


def _place(children: list[Token | Tree[Token]] | list[Token]) -> Place | None:
    """The place among the tokens of a frame."""
    texts = {child.type: str(child) for child in children if not is_tree(child)}
    text = texts.get("PLACE") or texts.get("PLACE_IN_PARENTHESES", "").strip(" \t()[]")
    found = _PLACE.match(text)
    if found is None:
        return None
    offset = texts.get("OFFSET")
    return found["file"], int(found["line"]), int(offset.split()[0][3:], 16) if offset else None


def _creator_id(tree: Tree[Token]) -> int | None:
    written = next((str(child) for child in tree.children if not is_tree(child) and child.type == "IN_GOROUTINE"), "")
    found = _DIGITS.search(written)
    return int(found[0]) if found and int(found[0]) < _MOST_ID else None


@lru_cache(maxsize=4096)
def read_header(text: str) -> LooseHeader | None:
    """``goroutine NNNNN [chan send, 37 minutes]:`` → no id, ``chan send, 37 minutes``; None for other lines."""
    if len(text) > _LONGEST or _GRAMMAR.terminal("_GOROUTINE").match(text) is None:  # most lines need no parser
        return None
    tree = _GRAMMAR.parse(text, "header")
    if tree is None:
        return None
    tokens = {child.type: str(child) for child in tree.children if not is_tree(child)}
    rest = next((str(part.children[0]) for part in subtrees_of(tree)), "")
    if rest.lstrip(" :").startswith("created at"):  # the race detector's: the frames below are its creator's
        return None
    digits = tokens.get("ID")
    number = int(digits) if digits and int(digits) < _MOST_ID else None
    state = tokens["STATE"].strip(" \t:-")
    state = _FOR.sub(", ", state[1:-1] if state[0] in "[(" else state)
    return LooseHeader(number, state, rest.strip().removeprefix(":").strip())
