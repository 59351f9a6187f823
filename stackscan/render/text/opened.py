"""Which page a stream gets: a styled one on a terminal, with links to source, and a plain one in a pipe."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final, TextIO

from stackscan.render.pieces import OffScreen, Screen
from stackscan.render.text.page import Page

_PIPE_WIDTH: Final = 100  # prose in a pipe; lines of data are as long as they are
#: Settings that ask rich for more than plain text in a pipe, or that only rich understands.
_STYLED: Final = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS", "DATABRICKS_RUNTIME_VERSION")
#: The variable that decides about links on a terminal: 0 for none, 1 for links on any.
_LINKS_VARIABLE: Final = "FORCE_HYPERLINK"
#: Terminals that may print the address of a link: consoles of Linux, Emacs, and those that can do nothing.
_WITHOUT_LINKS: Final = ("dumb", "linux", "eterm")


def page_on(out: TextIO, editor: str | None = None) -> Page:
    """A page on a stream: as wide as COLUMNS says or the terminal is; in a pipe with whole lines and wrapped prose.
    ``editor`` is the template of the addresses that open frames on a terminal (None: the web)."""
    screen = out.screen if isinstance(out, OffScreen) else Screen(out.isatty(), editor=editor, links=_may_link(out))
    columns = screen.columns
    given = os.environ.get("COLUMNS", "")
    if columns is None and not out.isatty():
        # rich reads the variable
        columns = int(given) if given.isdigit() else _PIPE_WIDTH
    # FORCE_COLOR (common in CI) asks for colours in a pipe, not for lines cut at a width that nobody has.
    if columns is not None and not out.isatty() and os.name == "posix" and not any(map(os.environ.get, _STYLED)):
        return Page(out, columns)
    from stackscan.render.text.styled import StyledPage

    return StyledPage(out, columns, links=screen.links, editor=screen.editor)


def _may_link(out: TextIO) -> bool:
    """Whether frames on a stream may be links: on a terminal that is not known to print their addresses."""
    wanted = os.environ.get(_LINKS_VARIABLE, "")
    if wanted:
        return out.isatty() and wanted not in {"0", "false"}
    return out.isatty() and not os.environ.get("TERM", "").startswith(_WITHOUT_LINKS)


def measured(screen: Screen) -> Screen:
    """The screen with the columns that this process finds, and whether it has links: another one may not see the
    terminal."""
    off = OffScreen(screen)
    return replace(screen, columns=page_on(off).columns, links=_may_link(off))
