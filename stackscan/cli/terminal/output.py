"""Where a command writes: standard output, or a file that appears whole or not at all; pages are shown from there."""

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


@contextmanager
def page_file(output: Path | None, output_format: str, *, show: bool) -> Iterator[Path | None]:
    """Where a command writes; with ``show`` (``--open``) what is there at the end is shown in a browser.

    Without ``--output`` such a page goes to a new file that only this user may read. It stays, for a browser reads it
    after this program ends; when the command fails it is removed. Raises UsageError when there is no page to show.
    """
    if not show:
        yield output
        return
    from stackscan.errors import UsageError

    if output_format != "html":
        raise UsageError("--open shows a page", hint="Add --format html.")
    if str(output) == "-":
        raise UsageError("--open shows a file, and --output - is none", hint="Leave --output away, or name a file.")
    place = output or _private_file()
    try:
        yield place
    except BaseException:
        if output is None:
            place.unlink(missing_ok=True)
        raise
    _show(place.resolve(), is_new=output is None)


def _private_file() -> Path:
    """A new, empty file with a name that nobody can guess."""
    import os
    import tempfile

    handle, name = tempfile.mkstemp(prefix="stackscan-", suffix=".html")
    os.close(handle)
    return Path(name)


def _show(page: Path, *, is_new: bool) -> None:
    """Open a page, and say where it is unless the user said so."""
    import webbrowser

    from stackscan.cli.terminal.endings import say

    try:
        shown = webbrowser.open(page.as_uri())
    except (webbrowser.Error, OSError):
        shown = False
    if not shown:
        say(f"stackscan: no browser could be opened; the page is in {page}")
    elif is_new:
        say(f"stackscan: the page is in {page}")
