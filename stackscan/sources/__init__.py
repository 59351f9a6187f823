"""Where dumps come from: a path, ``-`` for standard input, gzip around either.

A source yields members: named bytes, decompressed and bounded. Every limit on what is read lives in limits.py.
To add a kind of source, add a module here and a branch in :func:`open_source`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stackscan.errors import SourceError
from stackscan.sources import compressed, limits

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Member:
    """One file to read: the source it came from as the user named it, its name inside (None: the source itself), its
    bytes, and whether the compressed file that holds them is cut."""

    source: str
    name: str | None
    data: bytes
    cut: bool = False

    @property
    def where(self) -> str:
        """How errors name it."""
        source = "standard input" if self.source == STDIN else self.source
        return f"{source}, {self.name}" if self.name else source


def open_source(source: str) -> Iterator[Member]:
    """The members of a source, in order. Raises SourceError or LimitError."""
    raw = _read_stdin() if source == STDIN else _read_path(Path(source))
    where = "standard input" if source == STDIN else source
    data, cut = compressed.decompress(raw, where=where)
    yield Member(source, None, data, cut)


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise SourceError("standard input is closed", hint="Pipe a dump into it, or give the path of one.")
    if sys.stdin.isatty():
        raise SourceError("standard input is a terminal", hint="Pipe a dump into it: curl -s URL | stackscan report -")
    return limits.read_bounded(sys.stdin.buffer, where="standard input")


def _read_path(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(f"{path} is a directory", hint="Give the goroutine dump inside it.")
        with path.open("rb") as file:
            return limits.read_bounded(file, where=str(path))
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}", hint="") from error
    except ValueError as error:  # a NUL byte in the name
        raise SourceError(f"{str(path)!r} is no file name: {error}") from error
