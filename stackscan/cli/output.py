"""Where a command writes: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stackscan.atomic import whole_file
from stackscan.errors import OutputError


@contextmanager
def written(path: Path | None) -> Iterator[TextIO]:
    """A text stream to write to; None and ``-`` are standard output. Raises OutputError when it cannot be written; no
    file is left half-written.

    A reader of standard output that goes away (``| head``) is no failure: the program then ends quietly, with 0.
    """
    if path is None or str(path) == "-":
        with _standard_output() as out:
            yield out
    elif path.exists() and not path.is_file() and not path.is_dir():
        with _named(path), path.open("w", encoding="utf-8", errors="backslashreplace") as out:  # a pipe, a device
            yield out
    else:
        with whole_file(path) as out:
            yield out


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    if sys.stdout is None:
        raise OutputError("standard output is closed", hint="Give --output FILE, or do not close it.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not know all letters
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        raise SystemExit(0) from None
    except OSError as error:
        _silence()
        raise OutputError(f"standard output cannot be written: {error.strerror or error}") from error


def _silence() -> None:
    """Keep Python from failing once more when it flushes standard output at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn failures to write a path into OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


def say(line: str, *more: str) -> None:
    """A line on stderr, and below it what it is about and what to do; what cannot be printed is escaped."""
    if sys.stderr is not None:
        print(_printable(line), file=sys.stderr)
        for text in filter(None, more):
            print(f"  {_printable(text)}", file=sys.stderr)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
