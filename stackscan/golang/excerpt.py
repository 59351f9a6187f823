"""Excerpt: the lines of source around the one that matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Lines that are shown before and behind the one that matters.
_AROUND: Final = 2
_LONGEST_LINE: Final = 200


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a source file, each with its number; ``line`` is the one that matters."""

    file: str
    line: int
    lines: tuple[tuple[int, str], ...]


def excerpt(file: str, content: bytes, line: int) -> Excerpt:
    """A line of a file with the two before and behind it."""
    lines = content.split(b"\n")
    numbers = range(max(line - _AROUND, 1), min(line + _AROUND, len(lines)) + 1)
    shown = ((n, lines[n - 1].decode("utf-8", "replace").rstrip()[:_LONGEST_LINE]) for n in numbers)
    return Excerpt(file, line, tuple(shown))
