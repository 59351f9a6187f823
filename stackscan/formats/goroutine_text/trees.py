"""Trees of the text format's grammar (grammars/goroutine.lark) as plain values.

The reference reader, unusual headers and unusual frames come here; Lark is loaded when the first one does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan.formats.grammars import Grammar, is_tree, subtrees_of, tokens_of
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

if TYPE_CHECKING:
    from lark import Token, Tree

#: A wait in words: a number or a range of minutes or hours in some language, or a duration as Go prints it.
_WRITTEN_MINUTES: Final = (
    r"[~≈>≥]? ?(?:(?P<number>\d{1,8})\+?(?: ?(?:-|–|—|~|～|to|\.\.) ?\d{1,8})?\+? ?"
    r"(?P<unit>分钟|分鐘|分|分間|分钟以上|min(?:ut)?[a-zé]*\.?|мин[а-я]*\.?|хв[а-я]*\.?|phút|dakika|dk|분|m|小时|h(?:ou)?rs?|h)"
    r"|(?:(?P<hours>\d{1,6})h)?(?:(?P<minutes>\d{1,8})m)?(?:\d{1,8}(?:\.\d{1,9})?s)?(?<=[hms]))"
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


_GRAMMAR: Final = Grammar(
    "goroutine",
    "goroutine frames header call location creator elided ancestor unavailable non_go arguments labels",
    propagate_positions=False,
)
parse, terminal = _GRAMMAR.parse, _GRAMMAR.terminal


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
    return int(tokens_of(tree)["ID"]), with_status(status, fields)


def with_status(status: list[tuple[str, str]], fields: dict[str, str]) -> Header:
    """The header of a status, which is a list of (terminal, text), and of the fields around it."""
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
    match = re.fullmatch(_WRITTEN_MINUTES, text, re.IGNORECASE)
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


def frame_of(tree: Tree[Token]) -> Frame:
    """The frame of a parsed pair of lines, or of a C function without a symbol."""
    parts = subtrees_of(tree)
    return NON_GO if parts[0].data == "non_go" else Frame(call_of(parts[0]), *location_of(parts[1]))


def call_of(tree: Tree[Token]) -> str:
    """The function of a parsed call line."""
    tokens = tokens_of(tree)
    return unescape_path(tokens.get("FUNCTION") or tokens["BARE_FUNCTION"])


def location_of(tree: Tree[Token]) -> Location:
    """The values of a parsed location line."""
    if tree.data == "pc_location":
        return "", 0, None
    tokens = tokens_of(tree)
    offset = tokens.get("OFFSET")
    return tokens["FILE"][1:], int(tokens["LINE"][1:]), int(offset[4:], 16) if offset else None


def creator_of(tree: Tree[Token]) -> tuple[str, int | None]:
    """The function and the goroutine id of a parsed creator line."""
    tokens = tokens_of(tree)
    parent = tokens.get("IN_GOROUTINE")
    return unescape_path(tokens["CREATOR"]), int(parent.split()[-1]) if parent else None


def elided_of(tree: Tree[Token]) -> int | None:
    """How many frames a parsed marker stands for."""
    count = tokens_of(tree).get("ELIDED_COUNT")
    return int(count[3:].split()[0]) if count else None


def read_arguments(text: str) -> tuple[Argument, ...] | None:
    """``(0xc000, {0x1?, ...}, _)`` → ("0xc000", ("0x1?", "..."), "_")."""
    tree = parse(text, "arguments")
    return None if tree is None else tuple(_argument(child) for child in subtrees_of(tree))


def _argument(tree: Tree[Token]) -> Argument:
    if tree.data == "word":
        return str(tree.children[0])
    return tuple(_argument(child) for child in subtrees_of(tree))
