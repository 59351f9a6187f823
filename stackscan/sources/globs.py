"""Patterns of paths: ``*`` stands for any characters of one part, ``**`` as a whole part for any number of parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from glob import glob
from pathlib import Path
from typing import Final

from stackscan.errors import SourceError
from stackscan.sources.address import Source

#: The stars of a pattern, as alternatives of an expression: ``deep`` and ``any``; many in a row are one.
STARS: Final = r"(?P<deep>(?:(?<=/)|\A)\*\*(?=/|\Z)/?)|(?P<any>\*+)"
_STARS: Final = re.compile(STARS)


class Star(Enum):
    """What a star of a pattern stands for."""

    CHARACTERS = "any characters of one part"
    PARTS = "any number of whole parts, each with the slash after it"
    REST = "anything"


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


def star(found: re.Match[str]) -> Star:
    """The star that STARS found."""
    if found["deep"]:
        return Star.PARTS if found["deep"].endswith("/") else Star.REST
    return Star.CHARACTERS


def expression(tokens: Sequence[str | Star]) -> str:
    """The regular expression of a pattern's literals and stars, which never tries all ways to divide a text.

    A star that is not the last is settled at the first place where what follows it fits: that leaves most for the
    rest, so it need not be tried again (an atomic group). Only the last star of each kind has a choice.
    """
    last = {token: at for at, token in enumerate(tokens) if isinstance(token, Star)}
    return "".join(_expressions(tokens, last))


def _expressions(tokens: Sequence[str | Star], last: dict[Star, int]) -> Iterator[str]:
    is_inside = False  # of the group of a star for parts, which ends at the next such star
    closing = ""
    for at, token in enumerate(tokens):
        is_settled = isinstance(token, Star) and at < last[token]
        if token is Star.PARTS:
            yield (")" if is_inside else "") + ("(?>(?:[^/]*/)*?" if is_settled else "(?:[^/]*/)*")
            is_inside = is_settled
        elif token is Star.CHARACTERS:
            yield "(?>[^/]*?" if is_settled else "[^/]*"
            closing = ")" if is_settled else ""
        elif token is Star.REST:
            yield ".*"
        else:
            yield re.escape(token) + closing
            closing = ""


@lru_cache(maxsize=16)
def _compiled(pattern: str) -> re.Pattern[str]:
    tokens: list[str | Star] = []
    end = 0
    for found in _STARS.finditer(pattern):
        tokens += [pattern[end : found.start()], star(found)]
        end = found.end()
    return re.compile(expression([*tokens, pattern[end:]]), re.DOTALL)
