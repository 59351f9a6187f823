"""A page of text for a terminal or a pipe: lines of data whole, prose wrapped."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TextIO

from stackscan.model.snapshot import Frame
from stackscan.render import words

if TYPE_CHECKING:
    from stackscan.render.local_files import Find
    from stackscan.report import SnapshotReport
    from stackscan.report.goroutine import GoroutineReport

WIDEST: Final = 140
#: The mark of a severity, and its style.
MARKS: Final = {
    "error": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "info": ("i", "cyan"),
    "ok": ("✓", "green"),
}
#: Characters that rich takes for commands to a terminal.
_CONTROL: Final = {7: None, 8: None, 11: None, 12: None, 13: None}
#: Texts of which each character takes one column.
_NARROW: Final = re.compile("[ -~…×·→–—✗✓≥≤µ─’\ufffd]*")
_WORD: Final = re.compile(r"\s*\S+\s*")


class Page:
    """Writes lines of data whole and prose wrapped: in a pipe, without colours. A line's styles are for a
    :class:`stackscan.render.text.styled.StyledPage`, which takes as long to load as a small dump to read."""

    #: Whether lines are cut at the width of a terminal; a pipe gets every line whole.
    cuts = False

    def __init__(self, out: TextIO, columns: int) -> None:
        self._out = out
        self.columns = columns
        self.width = min(columns, WIDEST)
        self._path_of: Callable[[Frame], str | None] | None = None

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """One line of data: texts, or a text and its style."""
        body = "".join(words.shortened(text) for text, _ in pieces(parts))
        self._write(f"{' ' * indent}{body}".rstrip())

    def copied(self, text: str, *, style: str = "") -> None:
        """One line as it is, to be copied."""
        del style
        self._write(text)

    def prose(self, label: str, body: str, *, indent: int = 2, style: str = "") -> None:
        """A labelled paragraph, wrapped."""
        del style
        lead = f"{label:<9} " if label else ""
        lines = wrapped(paragraph(body), max(self.width - indent - len(lead), 20))
        self._behind(lines, " " * indent + lead, " " * (indent + len(lead)))

    def step(self, lead: str, mark: str, body: str, *, continued: str, indent: int = 2) -> None:
        """A wrapped paragraph behind a lead and a mark; its further lines stand behind ``continued``."""
        room = max(self.width - indent - len(lead) - len(mark), 20)
        lines = wrapped(words.shortened(words.plain(body)), room)
        self._behind(lines, " " * indent + lead + mark, " " * (indent + len(lead)) + continued)

    def hanging(self, lead: tuple[str, str], *parts: tuple[str, str]) -> None:
        """One line of data behind a lead; on a terminal that is too narrow it goes on below its beginning."""
        body = "".join(words.shortened(text) for text, _ in parts)
        self._behind(wrapped(body, max(cells(body), 1)), lead[0], " " * len(lead[0]))

    def heading(self, title: str, note: str = "") -> None:
        """What begins a part of the page, after an empty line."""
        self.line()
        self.line((title, "bold"), (f"  {note}" if note else "", "dim"))

    def whole(self, body: str, *, indent: int = 0, style: str = "") -> None:
        """One line of data, or a paragraph where the terminal is too narrow for it."""
        if self.cuts and cells(body) + indent > self.width:
            self.prose("", body, indent=indent, style=style)
        else:
            self.line((body, style), indent=indent)

    def link_frames(self, report: SnapshotReport | GoroutineReport | None = None, *, find: Find | None = None) -> None:
        """Link the frames that follow to their source; ``report`` says more of it than their paths, and ``find``
        finds files on this machine. Only a terminal has links."""

    def name_paths(self, path_of: Callable[[Frame], str | None]) -> None:
        """Name the files of the frames that follow by these paths, where there is one: editors open what they know."""
        self._path_of = path_of

    def place(self, frame: Frame) -> str:
        """``store/cache.go:42`` where the file's path is known here, else ``cache.go:42``."""
        path = None if self._path_of is None or frame.line < 1 else self._path_of(frame)
        return words.short_location(frame) if path is None else words.plain(f"{path}:{frame.line}")

    def location(self, frame: Frame, lead: str = "  ") -> list[tuple[str, str]]:
        """A frame's file and line behind a lead: texts and their styles, for a line."""
        return [(lead + self.place(frame), "dim")]

    def located(self, lead: str, frame: Frame, *, indent: int = 0, style: str = "", lead_style: str = "dim") -> None:
        """A function and where it is. Where both do not fit on the terminal, the function loses its folders, then the
        location moves to a line of its own."""
        name, location = words.short_symbol(frame.function), self.place(frame)
        room = max(self.width - indent - len(lead), 16) if self.cuts else cells(name) + cells(location) + 2
        if cells(name) + cells(location) + 2 > room:
            name = words.base_symbol(frame.function)
        if cells(name) + cells(location) + 2 > room:
            self.line((lead, lead_style), (words.fit(name, room), style), indent=indent)
            self.line(*self.location(frame, ""), indent=indent + len(lead))
        else:
            self.line((lead, lead_style), (name, style), *self.location(frame), indent=indent)

    def marked(self, mark: str, body: str, style: str, *, styled: int | None = None) -> None:
        """A wrapped paragraph behind a mark; only so many characters of it have the mark's style (None: all)."""
        del style, styled
        self._behind(wrapped(words.shortened(words.plain(body)), max(self.width - 2, 20)), f"{mark} ", "  ")

    def _behind(self, lines: list[str], first: str, further: str) -> None:
        """The lines, the first one behind another text than the rest."""
        for place, line in enumerate(lines):
            self._write((first if place == 0 else further) + line)

    def _write(self, line: str) -> None:
        self._out.write((line if line.isprintable() else line.translate(_CONTROL)) + "\n")


def pieces(parts: tuple[str | tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Texts with their styles: each part is a text, or a text and its style; so are two texts alone."""
    if len(parts) == 2 and all(isinstance(part, str) for part in parts):
        return [(str(parts[0]), str(parts[1]))]
    return [part if isinstance(part, tuple) else (part, "") for part in parts]


def paragraph(body: str) -> str:
    """A text in one line, as a page shows it."""
    return words.shortened(words.plain(" ".join(body.split())))


def cells(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if _NARROW.fullmatch(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a paragraph that is this many columns wide, without blanks at their ends; as rich wraps it, which
    is asked where a text holds other characters than Latin letters."""
    if not _NARROW.fullmatch(text):
        from stackscan.render.text.wrapping import wrapped_by_rich

        return wrapped_by_rich(text, width)
    return list(_wrapped(text, width))


@lru_cache(maxsize=256)  # the dumps of one log say the same of many goroutines
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    breaks, used = [0], 0
    for found in _WORD.finditer(text):
        word, at = found[0], found.start()
        length = len(word.rstrip())
        if length <= width - used:
            used += len(word)
        elif length > width:  # longer than a line: it is cut, with the blanks behind it
            breaks += [at + cut for cut in range(0, len(word), width) if at + cut]
            used = (len(word) - 1) % width + 1
        elif used and at:
            breaks.append(at)
            used = len(word)
    return tuple(text[begin:end].rstrip() for begin, end in pairwise([*breaks, len(text)]))
