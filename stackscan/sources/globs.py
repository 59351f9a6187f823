"""Patterns of paths: ``*`` stands for any characters of one part, ``**`` as a whole part for any number of parts."""

from __future__ import annotations

import re
from functools import lru_cache
from glob import glob
from pathlib import Path
from typing import Final

from stackscan.errors import SourceError
from stackscan.sources.address import Source

#: The stars of a pattern, as alternatives of an expression: ``deep`` and ``any``; many in a row are one.
STARS: Final = r"(?P<deep>(?:(?<=/)|\A)\*\*(?=/|\Z)/?)|(?P<any>\*+)"
_STARS: Final = re.compile(STARS)


def is_glob(path: str) -> bool:
    """Whether a path is a pattern."""
    return "*" in path


def expanded(source: Source) -> list[Source]:
    """The files and folders that match a local pattern, by name, as a shell would give them; any other source as it is.

    A shell on Windows expands nothing, and a pattern in quotes is not expanded anywhere. A file that has this name is
    itself. Raises SourceError where nothing matches.
    """
    if not is_glob(source) or source.is_url or source.is_object or source.is_other_url:
        return [source]
    given = source.with_secrets()
    if Path(given).exists():
        return [source]
    found = sorted(glob(re.sub(r"[?[]", r"[\g<0>]", given), recursive=True))  # noqa: PTH207  # absolute patterns, too
    if not found:
        raise SourceError(
            f"nothing matches {source}",
            hint="* stands for any characters of one part of a path, ** as a whole part for any number of parts.",
        )
    return [Source(each, timeout_seconds=source.timeout_seconds) for each in found]


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
