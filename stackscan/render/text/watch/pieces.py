"""What lines of the live table are made of: cells, bars, curves, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from stackscan.render import words
from stackscan.render.text.page import MARKS
from stackscan.render.text.watch.model import Level

#: The mark of a level, and its style.
SIGNS: Final = {**MARKS, "lost": ("?", "bold magenta"), "unknown": ("·", "dim")}
_CURVE: Final = "▁▂▃▄▅▆▇█"


def sign(level: Level) -> tuple[str, str]:
    """The mark of a level, and its style."""
    return SIGNS[level]


def cell(text: str, width: int, *, right: bool = False, keep: str = "head") -> str:
    """A text in exactly so many columns, cut where it is longer: at its end, or in its middle (``keep="ends"``)."""
    text = words.plain(text)
    if cell_len(text) > width:
        cut = words.fit(text, width) if keep == "ends" else text
        text = cut if cell_len(cut) <= width else f"{set_cell_size(text, max(width - 1, 0)).rstrip()}…"
    room = " " * max(width - cell_len(text), 0)
    return room + text if right else text + room


def curve(values: Sequence[float], width: int, *, low: float | None = None, high: float | None = None) -> str:
    """The last values as a curve of so many columns, between their least and their largest, or those given."""
    shown = values[-width:]
    if not shown:
        return " " * width
    low = min(shown) if low is None else low
    high = max(shown) if high is None else high
    span = high - low
    drawn = "".join(
        _CURVE[0 if span <= 0 else min(len(_CURVE) - 1, max(0, int((value - low) / span * len(_CURVE))))]
        for value in shown
    )
    return drawn.rjust(width)


def count_curve(counts: Sequence[int], width: int) -> str:
    """A curve of counts: changes of some percent are low steps, not cliffs."""
    shown = counts[-width:]
    return curve(shown, width, low=min(*shown, 0.8 * max(shown)), high=max(shown)) if shown else " " * width


def bar(share: float, width: int) -> str:
    """A bar that is filled by this share."""
    filled = min(width, max(0, round(share * width)))
    return "█" * filled + "░" * (width - filled)


def ago(since: datetime | None, now: datetime) -> str:
    """``12 s``, ``3 min``, ``2.5 h``, ``4 days`` from a time until now; nothing for none."""
    return "" if since is None else span((now - since).total_seconds())


def span(seconds: float) -> str:
    """``12 s``, ``3 min``, ``2.5 h``, ``4 days``: whole numbers, so that what is read does not tremble."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36 * 3600 else f"{seconds / 86400:.0f} days"


def clock(at: datetime) -> str:
    """``14:03:22`` in local time."""
    return at.astimezone().strftime("%H:%M:%S")


def line(*parts: tuple[str, str] | str) -> Text:
    """A line of texts, or of texts with their styles."""
    return Text.assemble(*parts, no_wrap=True, overflow="crop")
