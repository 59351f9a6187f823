"""A page with colours and links, cut at the width of a terminal: rich writes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Console
from rich.text import Text

from stackscan.model.snapshot import Frame
from stackscan.render import words
from stackscan.render.text.page import Page, paragraph, pieces

if TYPE_CHECKING:
    from stackscan.render.local_files import Find
    from stackscan.report import SnapshotReport
    from stackscan.report.goroutine import GoroutineReport
    from stackscan.report.links import Links

#: The random id that rich gives a link: two runs must write the same.
_LINK_ID: Final = re.compile(r"\x1b\]8;id=[^;\x1b]*;")


class _Console(Console):
    """Rich's console, but a reader that goes away is the caller's business."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles BrokenPipeError."""
        raise BrokenPipeError


class StyledPage(Page):
    """Writes lines of data whole, on a terminal cut, and prose wrapped, with colours where the stream takes them."""

    def __init__(self, out: TextIO, columns: int | None, *, links: bool = False, editor: str | None = None) -> None:
        """``columns``: None for as many as rich finds. ``links``: the terminal may have links, which open the
        ``editor`` (a template; None: the web)."""
        self._console = _Console(file=out, highlight=False, markup=False, emoji=False, width=columns, soft_wrap=False)
        super().__init__(out, self._console.width)
        self.cuts = out.isatty()
        self._may_link = links
        self._editor = editor
        self._links: Links | None = None

    def link_frames(self, report: SnapshotReport | GoroutineReport | None = None, *, find: Find | None = None) -> None:
        """Link the frames that follow to their source; ``report`` says more of it than their paths, and ``find``
        finds files on this machine."""
        if self._may_link:
            from stackscan.report.links import Links, links_of

            self._links = Links(editor=self._editor, find=find) if report is None else links_of(report, self._editor)

    def location(self, frame: Frame, lead: str = "  ") -> list[tuple[str, str]]:
        """A frame's file and line behind a lead, linked: texts and their styles, for a line."""
        target = None if self._links is None else self._links.target(frame)
        if target is None:
            return super().location(frame, lead)
        return [(lead, "dim"), (self.place(frame), f"dim link {target}")]

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """One line of data: texts, or a text and its style."""
        text = Text(" " * indent)
        for body, style in pieces(parts):
            text.append(words.shortened(body), style)
        text.rstrip()
        if self.cuts:
            text.truncate(self._console.width, overflow="ellipsis")
        self._print(text)

    def copied(self, text: str, *, style: str = "") -> None:
        """One line as it is, to be copied."""
        self._print(Text(text, style=style))

    def prose(self, label: str, body: str, *, indent: int = 2, style: str = "") -> None:
        """A labelled paragraph, wrapped."""
        text = Text.assemble((paragraph(body), style))
        lead = f"{label:<9} " if label else ""
        for place, wrapped in enumerate(text.wrap(self._console, max(self.width - indent - len(lead), 20))):
            wrapped.rstrip()
            head = " " * indent + (lead if place == 0 else " " * len(lead))
            self._print(Text.assemble((head, "dim"), wrapped))

    def step(self, lead: str, mark: str, body: str, *, continued: str, indent: int = 2) -> None:
        """A wrapped paragraph behind a lead and a mark; its further lines stand behind ``continued``."""
        text = Text(words.shortened(words.plain(body)))
        room = max(self.width - indent - len(lead) - len(mark), 20)
        for place, wrapped in enumerate(text.wrap(self._console, room)):
            wrapped.rstrip()
            head = " " * indent + (lead + mark if place == 0 else " " * len(lead) + continued)
            self._print(Text.assemble((head, "dim"), wrapped))

    def hanging(self, lead: tuple[str, str], *parts: tuple[str, str]) -> None:
        """One line of data behind a lead; on a terminal that is too narrow it goes on below its beginning."""
        body = Text.assemble(*((words.shortened(text), style) for text, style in parts))
        room = max(self.width - len(lead[0]), 20) if self.cuts else max(body.cell_len, 1)
        for place, wrapped in enumerate(body.wrap(self._console, room)):
            wrapped.rstrip()
            self._print(Text.assemble(lead if place == 0 else " " * len(lead[0]), wrapped))

    def marked(self, mark: str, body: str, style: str, *, styled: int | None = None) -> None:
        """A wrapped paragraph behind a mark; only so many characters of it have the mark's style (None: all)."""
        text = Text(words.shortened(words.plain(body)))
        text.stylize(style, 0, styled)
        for place, wrapped in enumerate(text.wrap(self._console, max(self.width - 2, 20))):
            wrapped.rstrip()
            self._print(Text.assemble((f"{mark} " if place == 0 else "  ", style), wrapped))

    def _print(self, text: Text) -> None:
        """Write one line."""
        if self._console.color_system is None and not self.cuts:
            # Without colours a line is its text: rich takes its time to find that out.
            self._out.write(f"{text.plain}\n")
        elif self._links is not None:
            with self._console.capture() as written:
                self._console.print(text, soft_wrap=True)
            self._out.write(_LINK_ID.sub("\x1b]8;;", written.get()))
        else:
            self._console.print(text, soft_wrap=True)
