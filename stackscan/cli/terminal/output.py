"""Where a command writes: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from stackscan.render.pieces import Screen


def screen(path: Path | None, editor: str | None = None) -> Screen:
    """What is written to with this path: a terminal, or anything else. ``editor`` is the template of the addresses that
    open source (None: no editor)."""
    from stackscan.render.pieces import Screen

    if path is None or str(path) == "-":
        found = Screen(sys.stdout.isatty(), sys.stdout.encoding, editor=editor)
    else:
        try:
            with path.open("w") if path.is_char_device() else nullcontext() as out:
                found = Screen(out is not None and out.isatty(), editor=editor)
        except OSError:
            found = Screen(is_terminal=False, editor=editor)  # who writes there says what is wrong
    if not found.is_terminal:
        return found
    from stackscan.render.text.opened import measured

    return measured(found)


@contextmanager
def written(path: Path | None) -> Iterator[TextIO]:
    """A text stream to write to; None and ``-`` are standard output. Raises OutputError when it cannot be written; no
    file is left half-written.

    :mod:`stackscan.cli.terminal.endings` handles failures of standard output.
    """
    if path is None or str(path) == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    from stackscan.export.atomic import named, whole_file

    with named(path):
        is_special = path.exists() and not path.is_file() and not path.is_dir()
    if is_special:
        with named(path), path.open("w", encoding="utf-8", errors="backslashreplace") as out:  # a pipe, a device
            yield out
    else:
        with whole_file(path) as out:
            yield out
