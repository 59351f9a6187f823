"""Shows a page in the reader's browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stackscan.cli.terminal.endings import say
from stackscan.errors import UsageError


@contextmanager
def page_file(output: Path | None, output_format: str, *, show: bool) -> Iterator[Path | None]:
    """Where a command writes; with ``show`` (``--open``) what is there at the end is shown in a browser.

    Without ``--output`` such a page goes to a new file that only this user may read. It stays, for a browser reads it
    after this program ends; when the command fails it is removed. Raises UsageError when there is no page to show.
    """
    if not show:
        yield output
        return
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

    try:
        shown = webbrowser.open(page.as_uri())
    except (webbrowser.Error, OSError):
        shown = False
    if not shown:
        say(f"stackscan: no browser could be opened; the page is in {page}")
    elif is_new:
        say(f"stackscan: the page is in {page}")
