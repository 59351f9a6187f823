"""Goroutines, findings and pools by the values of a key, for a terminal: a line for each value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from stackscan.render import words
from stackscan.render.breakdown_words import BETWEEN, Row, rows_of, title
from stackscan.render.text.page import cells, wrapped

if TYPE_CHECKING:
    from stackscan.analysis.breakdown import Breakdown
    from stackscan.render.text.page import Page
    from stackscan.report import SnapshotReport

_VALUE, _GOROUTINES, _SAYS = "value", "goroutines", "findings and pools"
#: Columns that stand before and between those of the table.
_MARGINS: Final = 6
#: A value has at most this part of the width: the rest is for what is said of it.
_SHARE: Final = 0.45


def write_breakdown(page: Page, snapshot: SnapshotReport, found: Breakdown) -> None:
    """The table, or that no goroutine has the label."""
    head, note = title(found)
    if found.labels is not None:
        page.heading(head)
        page.prose("", note, style="yellow")
        return
    if not found.shares:  # no goroutine was selected
        return
    page.heading(head, note)
    most = max(int(page.width * _SHARE), len(_VALUE))
    rows = [(_fit(row, most), row) for row in rows_of(snapshot)]
    width = max(len(_VALUE), *(cells(value) for value, _ in rows), 0)
    room = max(page.width - width - len(_GOROUTINES) - _MARGINS, 20)
    page.line((f"{_VALUE:<{width}}  {_GOROUTINES}  {_SAYS}", "dim"), indent=2)
    for value, row in rows:
        lead = f"{value}{' ' * (width - cells(value))}  {row.goroutines:>{len(_GOROUTINES)},}  "
        for line in _lines(row.says, room):
            page.line((lead, "bold"), (line, ""), indent=2)
            lead = " " * cells(lead)


def _lines(parts: Iterable[str], room: int) -> list[str]:
    """The parts in lines of so many columns; a line ends between two parts if it can."""
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]}{BETWEEN}{part}" if lines[-1] else part
        if cells(joined) <= room:
            lines[-1] = joined
        else:
            lines += wrapped(part, room)
    return lines if lines[0] else lines[1:] or [""]


def _fit(row: Row, room: int) -> str:
    """The value in so many columns: characters of two columns are counted as such."""
    value = row.value if cells(row.value) <= room else row.short
    while cells(value) > room:
        value = words.fit(value, max(len(value) - max((cells(value) - room) // 2, 1), 2))
    return value
