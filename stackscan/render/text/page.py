"""A page of text for a terminal or a pipe: lines of data whole, prose wrapped."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from io import StringIO
from typing import Final, TextIO, TypeVar, overload

from rich.cells import cell_len
from rich.console import Console
from rich.control import strip_control_codes
from rich.text import Text

from stackscan.model.snapshot import Frame
from stackscan.render import words
from stackscan.render.pieces import OffScreen, Screen

_PIPE_WIDTH: Final = 100  # prose in a pipe; lines of data are as long as they are
_WIDEST: Final = 140
#: The mark of a severity, and its style.
MARKS: Final = {
    "error": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "info": ("i", "cyan"),
    "ok": ("✓", "green"),
}


class _Console(Console):
    """Rich's console, but a reader that goes away is the caller's business."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles BrokenPipeError."""
        raise BrokenPipeError


class Page:
    """Writes lines of data whole and prose wrapped."""

    def __init__(self, console: Console, *, cuts: bool) -> None:
        self.console = console
        self.width = min(console.width, _WIDEST)
        self.cuts = cuts  # a pipe gets every line whole
        # Without colours a line is its text: rich takes its time to find that out, and a log may hold a thousand dumps.
        self._plain = console.color_system is None and not cuts

    def _print(self, text: Text) -> None:
        """Write one line."""
        if self._plain:
            self.console.file.write(f"{text.plain}\n")
        else:
            self.console.print(text, soft_wrap=True)

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """One line of data: texts, or a text and its style."""
        if len(parts) == 2 and all(isinstance(part, str) for part in parts):
            parts = ((str(parts[0]), str(parts[1])),)
        pieces = [part if isinstance(part, tuple) else (part, "") for part in parts]
        if self._plain:
            body = "".join(words.shortened(body) for body, _ in pieces)
            self.console.file.write(f"{' ' * indent}{strip_control_codes(body)}".rstrip() + "\n")
            return
        text = Text(" " * indent)
        for body, style in pieces:
            text.append(words.shortened(body), style)
        text.rstrip()
        if self.cuts:
            text.truncate(self.console.width, overflow="ellipsis")
        self._print(text)

    def _wrap(self, text: Text, room: int, first: tuple[str, str], rest: tuple[str, str]) -> None:
        """A text in lines of so many cells, behind a head (text, style) on the first and on the others."""
        if self._plain:
            for place, line in enumerate(_lines(text.plain, room)):
                self.console.file.write(f"{(rest if place else first)[0]}{line}\n")
            return
        for place, wrapped in enumerate(text.wrap(self.console, room)):
            wrapped.rstrip()
            self._print(Text.assemble(rest if place else first, wrapped))

    def prose(self, label: str, body: str, *, indent: int = 2, style: str = "") -> None:
        """A labelled paragraph, wrapped."""
        body = words.shortened(words.plain(" ".join(body.split())))
        lead = " " * indent + (f"{label:<9} " if label else "")
        room = max(self.width - len(lead), 20)
        self._wrap(Text.assemble((body, style)), room, (lead, "dim"), (" " * len(lead), "dim"))

    def step(self, lead: str, mark: str, body: str, *, continued: str, indent: int = 2) -> None:
        """A wrapped paragraph behind a lead and a mark; its further lines stand behind ``continued``."""
        room = max(self.width - indent - len(lead) - len(mark), 20)
        before = " " * indent
        rest = before + " " * len(lead) + continued
        text = Text(words.shortened(words.plain(body)))
        self._wrap(text, room, (before + lead + mark, "dim"), (rest, "dim"))

    def hanging(self, lead: tuple[str, str], *parts: tuple[str, str]) -> None:
        """One line of data behind a lead; on a terminal that is too narrow it goes on below its beginning."""
        body = Text.assemble(*((words.shortened(text), style) for text, style in parts))
        room = max(self.width - len(lead[0]), 20) if self.cuts else max(body.cell_len, 1)
        self._wrap(body, room, lead, (" " * len(lead[0]), ""))

    def heading(self, title: str, note: str = "") -> None:
        """What begins a part of the page, after an empty line."""
        self.line()
        self.line((title, "bold"), (f"  {note}" if note else "", "dim"))

    def whole(self, body: str, *, indent: int = 0, style: str = "") -> None:
        """One line of data, or a paragraph where the terminal is too narrow for it."""
        if self.cuts and cell_len(body) + indent > self.width:
            self.prose("", body, indent=indent, style=style)
        else:
            self.line((body, style), indent=indent)

    def located(self, lead: str, frame: Frame, *, indent: int = 0, style: str = "", lead_style: str = "dim") -> None:
        """A function and where it is. Where both do not fit on the terminal, the function loses its folders, then the
        location moves to a line of its own."""
        name, location = words.short_symbol(frame.function), words.short_location(frame)
        room = max(self.width - indent - len(lead), 16) if self.cuts else cell_len(name) + cell_len(location) + 2
        if cell_len(name) + cell_len(location) + 2 > room:
            name = words.base_symbol(frame.function)
        if cell_len(name) + cell_len(location) + 2 > room:
            self.line((lead, lead_style), (words.fit(name, room), style), indent=indent)
            self.line((location, "dim"), indent=indent + len(lead))
        else:
            self.line((lead, lead_style), (name, style), (f"  {location}", "dim"), indent=indent)

    def marked(self, mark: str, body: str, style: str, *, styled: int | None = None) -> None:
        """A wrapped paragraph behind a mark; only so many characters of it have the mark's style (None: all)."""
        text = Text(words.shortened(words.plain(body)))
        text.stylize(style, 0, styled)
        self._wrap(text, max(self.width - 2, 20), (f"{mark} ", style), ("  ", style))


@lru_cache(maxsize=1024)  # the dumps of one log say the same over and over
def _lines(body: str, room: int) -> tuple[str, ...]:
    """A text in lines of so many cells."""
    if len(body) <= room and body.isascii() and "\n" not in body and "\t" not in body:
        return (body.rstrip(),)
    lines = Text(body).wrap(Console(file=StringIO(), width=room), room)
    return tuple(line.plain.rstrip() for line in lines)


_Kind = TypeVar("_Kind", bound=Page)


@overload
def page_on(out: TextIO) -> Page: ...
@overload
def page_on(out: TextIO, kind: type[_Kind]) -> _Kind: ...
def page_on(out: TextIO, kind: type[Page] = Page) -> Page:
    """A page on a stream: as wide as COLUMNS says or the terminal is; in a pipe with whole lines and wrapped prose."""
    on_terminal = out.isatty()
    columns = out.screen.columns if isinstance(out, OffScreen) else None
    if columns is None and not on_terminal and not os.environ.get("COLUMNS", "").isdigit():  # rich reads it
        columns = _PIPE_WIDTH
    # FORCE_COLOR (common in CI) asks for colours in a pipe, not for lines cut at a width that nobody has.
    console = _Console(
        file=out,
        highlight=False,
        markup=False,
        emoji=False,
        width=columns,
        soft_wrap=False,
    )
    return kind(console, cuts=on_terminal)


def measured(screen: Screen) -> Screen:
    """The screen with the columns that this process finds: another one may not see the terminal."""
    return replace(screen, columns=page_on(OffScreen(screen)).console.width)
