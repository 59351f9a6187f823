"""The live table on a terminal: draws it, and does what keys ask for."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live

from stackscan.cli.terminal.keys import keys
from stackscan.live.rows import happenings_of, row_of
from stackscan.render.text.watch.detail import detail, help_page, lines_of
from stackscan.render.text.watch.model import Happening, Row, Scene
from stackscan.render.text.watch.table import rows_in_order, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from stackscan.cli.terminal.stopping import Stop
    from stackscan.live.history import History
    from stackscan.live.watch import News, Watch

#: Seconds between two drawings where nothing happens: the clock goes on. News are drawn at most so often.
_TICK_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.25
#: Things that happened that are kept.
_HAPPENINGS: Final = 500
_PAGE: Final = 10
#: Ends the alternate screen and shows the cursor again.
_LEAVE: Final = b"\x1b[?1049l\x1b[?25h\x1b[0m"


@dataclass
class Screen:
    """What is known of all processes, and where the user is. :meth:`take` is called by the threads that watch, the rest
    by the main thread."""

    watch: Watch
    stop: Stop
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    _rows: dict[int, tuple[Row, History]] = field(default_factory=dict)
    _happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=_HAPPENINGS))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _chosen: int | None = None
    _opened: bool = False
    _scrolled: int = 0
    _helping: bool = False
    _most: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        for watcher in self.watch.watchers:
            self._rows[id(watcher.history)] = row_of(watcher.history), watcher.history

    def take(self, news: News) -> None:
        """Take note of a request; the screen is drawn anew soon."""
        row, happened = row_of(news.history), list(happenings_of(news))
        with self._lock:
            self._rows[row.key] = row, news.history
            self._happenings.extend(happened)
        self.stop.ring()

    def note(self, text: str) -> None:
        """Show a trouble of the watcher itself."""
        self.notes.append(text)
        self.stop.ring()

    def scene(self, now: datetime) -> Scene:
        """All that is to be seen now."""
        with self._lock:
            rows = [replace(row, next_at=history.next_at) for row, history in self._rows.values()]
            happened = tuple(self._happenings)
        ordered = rows_in_order(rows)
        places: dict[int | None, int] = {row.key: place for place, row in enumerate(ordered)}
        return Scene(
            now=now,
            interval_seconds=self.watch.settings.interval_seconds,
            rows=ordered,
            happenings=happened,
            selected=places.get(self._chosen, 0),
            opened=self._opened,
            scrolled=self._scrolled,
            paused=self.watch.paused,
            helping=self._helping,
            notes=tuple(self.notes),
        )

    def press(self, key: str, scene: Scene, most: int) -> None:
        """Do what a key asks for; ``most`` is how far the opened process can be scrolled."""
        if key in ("q", "Q", "eof"):
            self.stop.request()
        elif self._helping:
            self._helping = False
        elif key == "?":
            self._helping = True
        elif key in ("p", "P"):
            self.watch.pause(not self.watch.paused)
        elif self._opened:
            self._in_detail(key, most)
        else:
            self._in_table(key, scene)

    def _in_detail(self, key: str, most: int) -> None:
        if key in ("escape", "enter", "b"):
            self._opened = False
        else:
            self._scrolled = _moved(key, self._scrolled, most)

    def _in_table(self, key: str, scene: Scene) -> None:
        if key == "enter":
            self._chosen = scene.rows[scene.selected].key
            self._opened, self._scrolled = True, 0
        elif key == "escape":
            self._chosen = None
        else:
            place = _moved(key, scene.selected, len(scene.rows) - 1)
            if place != scene.selected:
                self._chosen = scene.rows[place].key


def _moved(key: str, place: int, most: int) -> int:
    step = {"up": -1, "down": 1, "page up": -_PAGE, "page down": _PAGE, "home": -place, "end": most - place}.get(key, 0)
    return min(max(place + step, 0), max(most, 0))


def drawn(scene: Scene, width: int, height: int) -> Sequence[Text]:
    """The lines of the screen."""
    if scene.helping:
        return help_page(width, height)
    return detail(scene, width, height) if scene.opened else table(scene, width, height)


def show(screen: Screen) -> None:
    """Show the table until a stop is requested."""
    stop = screen.stop
    restoring: list[Callable[[], None]] = []
    stop.at_last = lambda: _leave(restoring)
    console = Console(highlight=False, markup=False, emoji=False)
    with keys(restoring.append) as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        hearing = [sys.stdout.fileno()]
        reading = [] if pressed is None else [pressed.descriptor]
        while not stop.requested:
            scene = screen.scene(datetime.now(UTC))
            width, height = console.size
            live.update(Group(*drawn(scene, width, height)), refresh=True)
            came = stop.wait(_TICK_SECONDS, reading, hearing)
            if hearing[0] in came - set(reading):
                return  # the terminal is gone
            if pressed is not None and pressed.descriptor in came:
                most = max(lines_of(scene, width) - height + 1, 0) if scene.opened else 0
                for key in pressed.read():
                    screen.press(key, screen.scene(datetime.now(UTC)), most)
            elif not stop.requested:
                stop.pause(_LEAST_SECONDS, reading)


def _leave(restoring: list[Callable[[], None]]) -> None:
    """Make the terminal usable where the process is about to end."""
    for restore in restoring:
        restore()
    os.set_blocking(sys.stdout.fileno(), False)
    os.write(sys.stdout.fileno(), _LEAVE)
