"""Versions of Go modules and of programs: compared as semantic versions, constrained as ``>=0.36.0 <0.39.0``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from operator import eq, ge, gt, le, lt
from typing import Final

_DIGITS: Final = 18  # of one part at most: Python reads no number of 5,000 digits
_VERSION: Final = re.compile(
    rf"v?(\d{{1,{_DIGITS}}})\.(\d{{1,{_DIGITS}}})(?:\.(\d{{1,{_DIGITS}}}))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?\Z"
)
_OPERATORS: Final = {">=": ge, "<=": le, "<": lt, ">": gt, "=": eq}
_CONSTRAINT: Final = re.compile(r"(>=|<=|<|>|=)(\S+)")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """``0.41.0-rc2``: numbers, then what precedes the release (empty for the release itself)."""

    numbers: tuple[int, int, int]
    before: tuple[str, ...] = ()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        numeric = [part.isdecimal() and len(part) <= _DIGITS for part in self.before]
        parts = tuple((not n, int(part) if n else 0, part) for n, part in zip(numeric, self.before, strict=True))
        return self.numbers, not self.before, parts


def read_version(text: str) -> Version | None:
    """A version with or without ``v``; None for what is none (``(devel)``, a commit)."""
    match = _VERSION.match(text.strip())
    if match is None:
        return None
    major, minor, patch, before = match.groups()
    return Version((int(major), int(minor), int(patch or 0)), tuple(before.split(".")) if before else ())


def satisfies(version: Version, constraint: str) -> bool:
    """Whether a version meets every part of a constraint. Raises ValueError for a constraint that is none."""
    parts = _CONSTRAINT.findall(constraint)
    if not parts or "".join(a + b for a, b in parts) != constraint.replace(" ", ""):
        raise ValueError(constraint)
    return all(_compare(version, operator, bound) for operator, bound in parts)


def _compare(version: Version, sign: str, text: str) -> bool:
    bound = read_version(text)
    if bound is None:
        raise ValueError(text)
    return bool(_OPERATORS[sign](version, bound))
