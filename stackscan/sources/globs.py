"""Patterns of paths: ``*`` stands for any characters of one part, ``**`` as a whole part for any number of parts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: The stars of a pattern, as alternatives of an expression: ``deep`` and ``any``.
STARS: Final = r"(?P<deep>(?:(?<=/)|\A)\*\*(?=/|\Z)/?)|(?P<any>\*)"
_STARS: Final = re.compile(STARS)


def is_glob(path: str) -> bool:
    """Whether a path is a pattern."""
    return "*" in path


def literal_folder(pattern: str) -> str:
    """The folder above a pattern's first star, without a ``/`` at its end: ``a/b`` of ``a/b/c*/d``."""
    return pattern.partition("*")[0].rpartition("/")[0].strip("/")


def matches(pattern: str, path: str) -> bool:
    """Whether a whole path is as the pattern says."""
    return _compiled(pattern).fullmatch(path) is not None


def star_expression(found: re.Match[str]) -> str:
    """The regular expression of a star that STARS found."""
    if found["deep"]:
        return "(?:[^/]+/)*" if found["deep"].endswith("/") else ".*"
    return "[^/]*"


@lru_cache(maxsize=16)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for found in _STARS.finditer(pattern):
        parts += [re.escape(pattern[end : found.start()]), star_expression(found)]
        end = found.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]), re.DOTALL)
