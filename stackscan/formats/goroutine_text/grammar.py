"""Lines of the text format read by its grammar (grammars/goroutine.lark) into plain values.

Each function parses one line, or a block for the reference reader, and returns None when the grammar refuses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from stackscan.formats.grammars import Grammar, is_tree, subtrees_of, tokens_of
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

if TYPE_CHECKING:
    from lark import Token, Tree

_DIGITS: Final = re.compile(r"[0-9]{1,20}")
#: A wait in words: a number or a range of minutes or hours in some language, or a duration as Go prints it.
_WRITTEN_MINUTES: Final = re.compile(
    r"[~≈>≥]? ?(?:(?P<number>\d{1,8})\+?(?: ?(?:-|–|—|~|～|to|\.\.) ?\d{1,8})?\+? ?"
    r"(?P<unit>分钟|分鐘|分|分間|分钟以上|min(?:ut)?[a-zé]*\.?|мин[а-я]*\.?|хв[а-я]*\.?|phút|dakika|dk|분|m|小时|h(?:ou)?rs?|h)"
    r"|(?:(?P<hours>\d{1,6})h)?(?:(?P<minutes>\d{1,8})m)?(?:\d{1,8}(?:\.\d{1,9})?s)?(?<=[hms]))",
    re.IGNORECASE,
)
#: What one word of an argument list may be: a machine word, or an aggregate of them.
Argument = str | tuple["Argument", ...]
#: File, line (0 or negative: unknown) and offset from the function's entry in bytes (None: inlined).
Location = tuple[str, int, int | None]
#: The frame of a C function that no symbolizer could name (runtime/traceback.go printOneCgoTraceback).
NON_GO: Final = Frame("non-Go function", "", 0)


@dataclass(frozen=True, slots=True)
class Header:
    """A goroutine header without its id. ``wait_reason`` is None where the runtime printed none."""

    wait_reason: str | None
    wait_minutes: int | None = None
    locked: bool = False
    leaked: bool = False
    attributes: str | None = None
    thread: str | None = None
    labels: str | None = None


class _Batch:
    """The values of ``batch``'s rules; trees would cost as much again as reading the frames."""

    @staticmethod
    def batched_frame(parts: list[Token]) -> Frame:
        """One frame from the tokens of its two lines: ``main.f()``, ``/src/x.go`` behind a tab, and ``:12 +0x1a``."""
        function, file, place = parts
        line, _, behind = place[1:-1].partition(" ")
        offset = behind.partition(" ")[0]
        return Frame(
            unescape_path(function[:-3]),
            str(file[1:]),
            int(line),
            int(offset[3:], 16) if offset.startswith("+") else None,
        )

    @staticmethod
    def batch(frames: list[Frame]) -> list[Frame]:
        """All of them, in order."""
        return frames


_GRAMMAR: Final = Grammar(
    "goroutine",
    "goroutine frames batch header call location creator elided ancestor unavailable non_go arguments labels",
    propagate_positions=False,
    transformer=_Batch,
)
parse, terminal = _GRAMMAR.parse, _GRAMMAR.terminal


def parse_batch(text: str) -> list[Frame] | None:
    """The frames of many calls without arguments, each with its location; None when one is not of the usual form."""
    frames: object = parse(text, "batch")
    return frames if isinstance(frames, list) else None


@lru_cache(maxsize=4096)
def read_header(text: str) -> tuple[int, Header] | None:
    """``goroutine 7 [select, 3 minutes]:`` → (7, Header("select", 3))."""
    tree = parse(text, "header")
    return None if tree is None else header_of(tree)


def header_of(tree: Tree[Token]) -> tuple[int, Header]:
    """The id and the rest of a parsed header."""
    fields: dict[str, str] = {}
    status: list[tuple[str, str]] = []
    for part in subtrees_of(tree):
        if part.data == "status":
            parts = part.children
            status = [("LABELS", _labels_text(one)) if is_tree(one) else (one.type, str(one)) for one in parts]
        elif part.data == "thread":
            fields["thread"] = str(part.children[0]).strip()
        else:
            fields["labels"] = _labels_text(part)
    return int(tokens_of(tree)["ID"]), _with_status(status, fields)


def _with_status(status: list[tuple[str, str]], fields: dict[str, str]) -> Header:
    reason: str | None = None
    minutes: int | None = None
    flags: list[str] = []
    labels = fields.get("labels")
    for kind, text in status:
        if kind == "REASON":
            reason = text
        elif kind == "MINUTES":
            minutes = int(text.split()[1])
        elif kind == "LABELS":
            labels = text
        else:
            flags.append(text.removeprefix(",").strip())
    other = [flag for flag in flags if flag not in ("(leaked)", "locked to thread")]
    if minutes is None:
        written = {flag: written_minutes(flag) for flag in other}
        minutes = next((found for found in written.values() if found is not None), None)
        other = [flag for flag in other if written[flag] is None]
    return Header(
        wait_reason=reason,
        wait_minutes=minutes,
        locked="locked to thread" in flags,
        leaked="(leaked)" in flags or reason == "leaked",
        attributes=", ".join(other) or None,
        thread=fields.get("thread"),
        labels=labels,
    )


def written_minutes(text: str) -> int | None:
    """How long a goroutine waits, in whole minutes, as people and translated pages write it: ``37 分钟``, ``101-103
    min``, ``2h5m``. The least of a range; None for other text."""
    match = _WRITTEN_MINUTES.fullmatch(text)
    if match is None:
        return None
    if match["hours"] or match["minutes"]:
        return 60 * int(match["hours"] or 0) + int(match["minutes"] or 0)
    return int(match["number"]) * (60 if match["unit"][0] in "hH小" else 1) if match["number"] else 0


def _labels_text(tree: Tree[Token]) -> str:
    """The labels as Go 1.27 prints them, whichever version printed these."""
    pairs = []
    for pair in subtrees_of(tree):
        texts = {str(part.data): str(part.children[0]) for part in subtrees_of(pair)}
        pairs.append(f"{texts.get('label_key', '')}: {texts.get('label_value', '')}")
    return "{" + ", ".join(pairs) + "}"


def read_call(text: str) -> str | None:
    """``main.(*T).run(0xc000012345, ...)`` → ``main.(*T).run``, escapes of the import path undone.

    The arguments differ on every line and the names do not, so only the name goes through the grammar.
    """
    name = text[: text.rfind("(")] if text.endswith(")") and "(" in text else ""
    return _read_call(f"{name}()" if name else text)


def forget() -> None:
    """Empty the caches of this module."""
    for cached in (read_header, _read_call, _read_location, _read_creator):
        cached.cache_clear()


def frame_of(tree: Tree[Token]) -> Frame:
    """The frame of a parsed pair of lines, or of a C function without a symbol."""
    parts = subtrees_of(tree)
    return NON_GO if parts[0].data == "non_go" else Frame(call_of(parts[0]), *location_of(parts[1]))


@lru_cache(maxsize=65536)
def _read_call(text: str) -> str | None:
    if "(" not in text:  # nine lines of ten in a log: the terminal is the whole rule, and refusing is cheap
        return unescape_path(text) if terminal("BARE_FUNCTION").fullmatch(text) else None
    tree = parse(text, "call")
    return None if tree is None else call_of(tree)


def call_of(tree: Tree[Token]) -> str:
    """The function of a parsed call line."""
    tokens = tokens_of(tree)
    return unescape_path(tokens.get("FUNCTION") or tokens["BARE_FUNCTION"])


def read_location(text: str) -> Location | None:
    """``<tab>/src/x.go:12 +0x1a fp=… sp=…`` → ("/src/x.go", 12, 26). A pc without a file gives ("", 0, None)."""
    whole, marker, addresses = text.partition(" fp=")
    if marker and not terminal("FRAME_ADDRESSES").fullmatch(marker + addresses):
        return _read_location(text)  # a path with this in it: the grammar decides
    return _read_location(whole)


@lru_cache(maxsize=65536)
def _read_location(text: str) -> Location | None:
    if not (terminal("FILE").match(text) or terminal("PC_ONLY").match(text)):  # what every location begins with
        return None
    tree = parse(text, "location")
    return None if tree is None else location_of(tree)


def location_of(tree: Tree[Token]) -> Location:
    """The values of a parsed location line."""
    if tree.data == "pc_location":
        return "", 0, None
    tokens = tokens_of(tree)
    offset = tokens.get("OFFSET")
    return tokens["FILE"][1:], int(tokens["LINE"][1:]), int(offset[4:], 16) if offset else None


def read_creator(text: str) -> tuple[str, int | None] | None:
    """``created by main.main in goroutine 1`` → ("main.main", 1)."""
    name, _, parent = text.rpartition(" in goroutine ")
    if _DIGITS.fullmatch(parent):  # the number differs from goroutine to goroutine, the name does not
        found = _read_creator(name)
        if found is not None and found[1] is None:
            return found[0], int(parent)
    return _read_creator(text)


@lru_cache(maxsize=4096)
def _read_creator(text: str) -> tuple[str, int | None] | None:
    tree = parse(text, "creator")
    return None if tree is None else creator_of(tree)


def creator_of(tree: Tree[Token]) -> tuple[str, int | None]:
    """The function and the goroutine id of a parsed creator line."""
    tokens = tokens_of(tree)
    parent = tokens.get("IN_GOROUTINE")
    return unescape_path(tokens["CREATOR"]), int(parent.split()[-1]) if parent else None


def read_elided(text: str) -> tuple[bool, int | None]:
    """Whether the line is an elided-frames marker, and how many frames it stands for (None: not said)."""
    tree = parse(text, "elided") if text.startswith("...") else None
    if tree is None:
        return False, None
    return True, elided_of(tree)


def elided_of(tree: Tree[Token]) -> int | None:
    """How many frames a parsed marker stands for."""
    count = tokens_of(tree).get("ELIDED_COUNT")
    return int(count[3:].split()[0]) if count else None


def read_ancestor(text: str) -> int | None:
    """``[originating from goroutine 5]:`` → 5."""
    tree = parse(text, "ancestor") if text.startswith("[originating") else None
    return None if tree is None else int(tokens_of(tree)["ID"])


def is_unavailable(text: str) -> bool:
    """Whether the line says that the stack could not be printed."""
    return text.endswith("; stack unavailable") and parse("\t" + text.lstrip(), "unavailable") is not None


def is_non_go(text: str) -> bool:
    """Whether the line is a frame that no symbolizer could name: ``non-Go function at pc=0x…``."""
    return text.startswith("non-Go function at ") and parse(text, "non_go") is not None


def read_arguments(text: str) -> tuple[Argument, ...] | None:
    """``(0xc000, {0x1?, ...}, _)`` → ("0xc000", ("0x1?", "..."), "_")."""
    tree = parse(text, "arguments")
    return None if tree is None else tuple(_argument(child) for child in subtrees_of(tree))


def _argument(tree: Tree[Token]) -> Argument:
    if tree.data == "word":
        return str(tree.children[0])
    return tuple(_argument(child) for child in subtrees_of(tree))
