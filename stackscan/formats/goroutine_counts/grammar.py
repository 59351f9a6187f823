"""Lines of counted text read by their grammar (grammars/counts.lark) into plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from stackscan.formats import bounds
from stackscan.formats.grammars import Grammar, subtrees_of, tokens_of
from stackscan.formats.labels import label_text, pairs_in
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

if TYPE_CHECKING:
    from lark import Token, Tree

_GRAMMAR: Final = Grammar("counts", "profile header head labels frame frames")
parse = _GRAMMAR.parse
_BATCH: Final = 512  # frame lines a parse: many share its fixed cost, but one refused line costs them all a second one
_MOST_KNOWN: Final = 1 << 15
#: Frame lines that were read before, as the grammar has them: at most so many.
_KNOWN: Final[dict[str, FrameLine | None]] = {}
#: How a label line begins.
LABELS_START: Final = "# labels: {"


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One ``#`` line: the address as printed, and the frame (named by its address where there is no symbol)."""

    address: int
    frame: Frame
    named: bool


def nameless(address: int) -> Frame:
    """The frame of an address without a symbol: the address is its name, so that different places stay apart."""
    return Frame(f"{address:#x}", "", 0)


def read_header(text: str) -> tuple[str, int] | None:
    """``goroutine profile: total 29`` → ("goroutine", 29)."""
    tree = parse(text, "header")
    if tree is None:
        return None
    tokens = tokens_of(tree)
    return tokens["PROFILE"], _number(tokens["TOTAL"])


def _number(digits: str) -> int:
    """A decimal number; one of more digits than a machine word holds stays large and is not computed."""
    return int(digits) if len(digits) <= 20 else 10**20


def read_head(text: str) -> tuple[int, tuple[int, ...]] | None:
    """``3 @ 0x47db8a 0x4151ee`` → (3, (0x47db8a, 0x4151ee)), by terminals: a cache would not help, heads differ."""
    count, at, addresses = text.partition(" @")
    if not at or not _GRAMMAR.terminal("COUNT").fullmatch(count):
        return None
    if not addresses:
        return _number(count), ()
    if not _GRAMMAR.terminal("ADDRESSES").fullmatch(addresses):
        return None
    return _number(count), tuple(int(word, 16) for word in addresses.split())


@lru_cache(maxsize=4096)
def read_labels(text: str) -> str | None:
    """``# labels: {"user_id":"42"}`` → ``{user_id: 42}``; ``""`` for an empty set; None when it is no such line."""
    if not text.startswith(LABELS_START) or not text.endswith("}"):
        return None
    pairs = pairs_in(text[len(LABELS_START) : -1], _pair())
    return None if pairs is None else label_text(pairs) or ""


@cache
def _pair() -> re.Pattern[str]:
    quoted = _GRAMMAR.terminal("QUOTED").pattern
    return re.compile(f'({quoted}):({quoted})(?:, (?=")|\\Z)')


def read_frames(lines: Iterable[str]) -> dict[str, FrameLine | None]:
    """Each line with its frame; None where the grammar refuses it. Equal frames are one object."""
    distinct = {line: shortened(line) for line in lines}
    usual = dict.fromkeys(distinct.values())
    new = [short for short in usual if short not in _KNOWN]
    by_usual = {short: _KNOWN[short] for short in usual if short in _KNOWN}
    for start in range(0, len(new), _BATCH):
        _learn(new[start : start + _BATCH], by_usual)
    _remember(new, by_usual)
    found = {line: by_usual[short] for line, short in distinct.items()}
    interned: dict[Frame, Frame] = {}  # two instances of a generic function print equal frames at other addresses
    for line, read in found.items():
        if read is not None and (frame := interned.setdefault(read.frame, read.frame)) is not read.frame:
            found[line] = FrameLine(read.address, frame, read.named)
    return found


def _remember(new: Sequence[str], found: dict[str, FrameLine | None]) -> None:
    """Keep what was read for the next text: captures of one program have the same lines."""
    if len(_KNOWN) + len(new) > _MOST_KNOWN:
        _KNOWN.clear()
    if len(new) <= _MOST_KNOWN:
        _KNOWN.update((line, found[line]) for line in new)


def shortened(line: str) -> str:
    """A frame line without what its names have too much of."""
    if not bounds.is_long(line):
        return line
    front, tab, place = line.rpartition("\t")
    file, colon, number = place.rpartition(":")
    address, gap, symbol = front.rpartition("\t")
    name, plus, offset = symbol.rpartition("+")
    name, file = (bounds.shortened(part) if bounds.is_long(part) else part for part in (name, file))
    return f"{address}{gap}{name}{plus}{offset}{tab}{file}{colon}{number}"


def _learn(lines: list[str], found: dict[str, FrameLine | None]) -> None:
    """Read lines together; when one is refused, each half alone, so that only the refused one is lost."""
    tree = parse("".join(f"{line}\n" for line in lines), "frames") if lines else None
    if tree is not None:
        found.update(zip(lines, map(_frame_of, subtrees_of(tree)), strict=True))
    elif len(lines) == 1:
        found[lines[0]] = None
    elif lines:
        middle = len(lines) // 2
        _learn(lines[:middle], found)
        _learn(lines[middle:], found)


def _frame_of(tree: Tree[Token]) -> FrameLine:
    tokens = tokens_of(tree)
    address = int(tokens["ADDRESS"], 16)
    if "FUNCTION" not in tokens:
        return FrameLine(address, nameless(address), named=False)
    line = int(tokens["LINE"][1:]) if len(tokens["LINE"]) <= 11 else 0
    function = unescape_path(tokens["FUNCTION"])
    return FrameLine(address, Frame(function, tokens["FILE"], line, int(tokens["OFFSET"][1:], 16)), named=True)
