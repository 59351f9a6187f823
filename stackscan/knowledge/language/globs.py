"""Patterns with stars, matched in time that grows with pattern length times text length at most.

A regular expression with several stars tries all the ways to share a text among them, and names come from strangers.
So all places that a part of the pattern can reach are followed at once, as the bits of one number (as in Hyperscan and
grep's bit-parallel matchers): a part of the pattern costs a few operations on numbers of as many bits as the text has
letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

#: A run of anything, and one without a slash.
ANY: Final = "**"
SEGMENT: Final = "*"


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern of literal parts, :data:`ANY` and :data:`SEGMENT`, for a whole text.

    ``anywhere``: characters after which it may begin, besides the beginning. ``below``: it may end before a slash.
    """

    parts: tuple[str, ...]
    anywhere: str = ""
    below: bool = False

    def matches(self, text: str) -> bool:
        """Whether the pattern matches the text."""
        if not self.anywhere and not self.below and text and self.parts:  # most texts differ in the first letters
            first = self.parts[0]
            if first not in (ANY, SEGMENT) and not text.startswith(first):
                return False
        slashes, starts = _separators(text, self.anywhere)
        reached = starts | 1
        known: dict[str, int] = {}
        for part in self.parts:
            if part == ANY:
                reached = -(reached & -reached) & ((2 << len(text)) - 1)  # all places from the first on
            elif part == SEGMENT:
                free = ((1 << len(text)) - 1) ^ slashes
                reached |= ((reached & free) + free) ^ free  # a carry runs through all letters that are no slash
                reached &= (2 << len(text)) - 1
            else:
                if part not in known:
                    known[part] = _places(text, part)
                reached = (reached & known[part]) << len(part)
            if not reached:
                return False
        ends = 1 << len(text)
        return bool(reached & (ends | slashes if self.below else ends))


@lru_cache(maxsize=8192)
def _separators(text: str, characters: str) -> tuple[int, int]:
    """The places of slashes, and those behind these characters."""
    found = 0
    for character in characters:
        found |= _places(text, character)
    return _places(text, "/"), found << 1


def _places(text: str, part: str) -> int:
    """The places where a part begins, as bits: the lowest is the first place."""
    at = text.find(part)
    if at < 0:
        return 0
    if text.find(part, at + 1) < 0:
        return 1 << at
    bits = bytearray(b"0") * len(text)
    while at >= 0:
        bits[-1 - at] = 0x31  # "1"; the highest bit stands first
        at = text.find(part, at + 1)
    return int(bits, 2)
