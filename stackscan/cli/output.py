"""Where a command writes: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stackscan.errors import OutputError


@contextmanager
def written(path: Path | None) -> Iterator[TextIO]:
    """A text stream to write to; None and ``-`` are standard output. Raises OutputError when it cannot be written; no
    file is left half-written.

    What becomes of standard output when it cannot be written is told in :mod:`stackscan.endings`.
    """
    if path is None or str(path) == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    target, special = _place(path)
    if special:
        with _named(path), path.open("w", encoding="utf-8", errors="backslashreplace") as out:
            yield out
    else:
        with _whole_file(target) as out:
            yield out


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn failures to write a path into OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


def _place(path: Path) -> tuple[Path, bool]:
    """The file behind links (they stay links: what they point to is replaced), and whether it is a pipe or device."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path.resolve(), False
    except OSError as error:  # also links that lead in a circle
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    return path.resolve(), not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def _whole_file(path: Path) -> Iterator[TextIO]:
    if path.is_dir():
        raise OutputError(f"{path} is a directory", hint="Give the name of a file.")
    with _named(path):
        handle, name = tempfile.mkstemp(prefix=".stackscan-", dir=path.parent)
    temporary = Path(name)
    try:
        with _named(path):
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as out:
                yield out
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def say(line: str, *more: str) -> None:
    """A line on stderr, and below it what it is about and what to do; what cannot be printed is escaped."""
    if sys.stderr is not None:
        print(_printable(line), file=sys.stderr)
        for text in filter(None, more):
            print(f"  {_printable(text)}", file=sys.stderr)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
