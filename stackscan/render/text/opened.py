"""Which page a stream gets: a styled one on a terminal, a plain one in a pipe."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final, TextIO

from stackscan.render.pieces import OffScreen, Screen
from stackscan.render.text.page import Page

_PIPE_WIDTH: Final = 100  # prose in a pipe; lines of data are as long as they are
#: Settings that ask rich for more than plain text in a pipe, or that only rich understands.
_STYLED: Final = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS", "DATABRICKS_RUNTIME_VERSION")


def page_on(out: TextIO) -> Page:
    """A page on a stream: as wide as COLUMNS says or the terminal is; in a pipe with whole lines and wrapped prose."""
    columns = out.screen.columns if isinstance(out, OffScreen) else None
    given = os.environ.get("COLUMNS", "")
    if columns is None and not out.isatty():
        # rich reads the variable
        columns = int(given) if given.isdigit() else _PIPE_WIDTH
    # FORCE_COLOR (common in CI) asks for colours in a pipe, not for lines cut at a width that nobody has.
    if columns is not None and not out.isatty() and os.name == "posix" and not any(map(os.environ.get, _STYLED)):
        return Page(out, columns)
    from stackscan.render.text.styled import StyledPage

    return StyledPage(out, columns)


def measured(screen: Screen) -> Screen:
    """The screen with the columns that this process finds: another one may not see the terminal."""
    return replace(screen, columns=page_on(OffScreen(screen)).columns)
