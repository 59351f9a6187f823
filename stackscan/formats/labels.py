"""Profiler labels of all formats, spelled as Go 1.27 prints them in a goroutine's header.

A byte that is no valid UTF-8 becomes its surrogate escape (U+DC80 to U+DCFF).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: What Go 1.27 prints without quotes (runtime/traceback.go printLabel…, runtime/print.go printquoted).
_BARE: Final = re.compile(r"[A-Za-z0-9./_]*")
_NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", '"': r"\""}
_SPECIAL: Final = re.compile(r"[^ !#-\[\]-~]")

_PAIR: Final = re.compile(
    r'("(?:[^"\\]|\\.)*"|[A-Za-z0-9./_]*): ("(?:[^"\\]|\\.)*"|[A-Za-z0-9./_]*)(?:, |\Z)', re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNNAMED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def label_text(pairs: Iterable[tuple[str, str]]) -> str | None:
    """``[("user_id", "42"), ("a b", "-")]`` → ``{"a b": "-", user_id: 42}``, sorted by key; None for no pair."""
    ordered = sorted(pairs, key=lambda pair: tuple(part.encode("utf-8", "surrogateescape") for part in pair))
    return "{" + ", ".join(f"{quote(key)}: {quote(value)}" for key, value in ordered) + "}" if ordered else None


def quote(text: str) -> str:
    """A key or a value as Go 1.27 prints it: bare if it is plain (or empty), else quoted, in ASCII."""
    return text if _BARE.fullmatch(text) else f'"{_SPECIAL.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    point = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if 0xDC80 <= point <= 0xDCFF:  # a byte that was no valid UTF-8
        return f"\\x{point - 0xDC00:02x}"
    if point < 0x7F:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def unquote(quoted: str) -> str:
    """The text of a string that fmt's %q wrote, its quotes and escapes undone."""
    inner = quoted[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


def _unescape(match: re.Match[str]) -> str:
    byte, short, long, named = match.groups()
    if byte:  # %q writes control characters like this, and bytes that are no UTF-8
        value = int(byte, 16)
        return chr(value if value < 0x80 else 0xDC00 + value)
    if short or long:
        point = int(short or long, 16)
        return chr(point) if point <= 0x10FFFF and not 0xD800 <= point < 0xE000 else "�"
    return _UNNAMED.get(named, named)


def read_labels(text: str) -> list[tuple[str, str]]:
    """``{"a b": "-", id: 42}`` → ``[("a b", "-"), ("id", "42")]``; a text that is no labels is one of its own."""
    inner = text.removeprefix("{").removesuffix("}")
    pairs = pairs_in(inner, _PAIR)
    return [("labels", text)] if pairs is None or (pairs and not text.startswith("{")) else pairs


def without_surrogates(text: str) -> str:
    r"""The text with ``\xff`` for a byte that is no UTF-8, as Go prints it: no output and no table can hold it."""
    return _SURROGATE.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    point = ord(found[0])
    return f"\\x{point - 0xDC00:02x}" if 0xDC80 <= point < 0xDD00 else f"\\u{point:04x}"


def pairs_in(text: str, pair: re.Pattern[str]) -> list[tuple[str, str]] | None:
    """The keys and values of a text made of pairs alone, their quotes undone; None for any other text."""
    pairs: list[tuple[str, str]] = []
    end = 0
    while end < len(text):
        match = pair.match(text, end)
        if match is None:
            return None
        key, value = (unquote(token) if token.startswith('"') else token for token in match.groups())
        pairs.append((key, value))
        end = match.end()
    return pairs
