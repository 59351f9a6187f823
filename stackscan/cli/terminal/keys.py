"""Keys of a terminal, one by one, without Enter; the terminal is as before in the end, whatever happens."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: What terminals send for keys that are no character.
_NAMED: Final = {
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down", "\x1b[5~": "page up", "\x1b[6~": "page down",
    "\x1b[H": "home", "\x1b[F": "end", "\x1b": "escape", "\r": "enter", "\n": "enter", "k": "up", "j": "down",
    "\x7f": "escape",
}  # fmt: skip
_KEY: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b|[^\x1b]", re.DOTALL)


class Keys:
    """The keys that were pressed. ``descriptor`` is to be waited for."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self) -> list[str]:
        """The keys pressed since, each by its name (``up``, ``enter``) or as its character; ``eof`` where the terminal
        is gone."""
        try:
            data = os.read(self.descriptor, 1024)
        except OSError:
            data = b""
        if not data:
            return ["eof"]
        return [_NAMED.get(key, key) for key in _KEY.findall(data.decode("utf-8", "replace"))]


@contextmanager
def keys(at_last: Callable[[Callable[[], None]], None]) -> Iterator[Keys | None]:
    """Within it keys come one by one, and are not shown; None where standard input is no terminal.

    ``at_last`` is given what makes the terminal as before, for where the process ends without leaving this.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        yield None
        return
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def restore() -> None:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)

    at_last(restore)
    try:
        now = termios.tcgetattr(descriptor)
        now[3] &= ~(termios.ICANON | termios.ECHO)
        now[6] = list(now[6])
        now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
        now[6][termios.VSUSP] = b"\0"  # a table that is stopped would leave its screen behind
        termios.tcsetattr(descriptor, termios.TCSANOW, now)
        yield Keys(descriptor)
    finally:
        restore()
