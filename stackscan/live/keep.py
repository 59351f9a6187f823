"""Captures of watched processes on disk: a folder for each process, each file whole, old ones removed.

Polling never waits for the disk: one thread writes, and what waits for it is bounded.
"""

from __future__ import annotations

import gzip
import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.export.atomic import named
from stackscan.live.files import label
from stackscan.live.kept import Bounds, Store
from stackscan.live.standing import alarming
from stackscan.sources.names import capture_name

if TYPE_CHECKING:
    from stackscan.live.standing import Key, Standing
    from stackscan.live.target import Depth
    from stackscan.live.watch import News

#: How files end that hold an answer of each kind; all are compressed.
_SUFFIXES: Final[dict[Depth, str]] = {"profile": ".pb.gz", "counts": ".txt.gz", "full": ".stacks.gz"}
_GZIP: Final = b"\x1f\x8b"
#: Level of compression: higher ones take seconds for a large dump, and save little.
_LEVEL: Final = 1
#: Bytes of answers that wait for the disk; beyond these, answers are not kept.
_MOST_WAITING: Final = 128 << 20
#: How often old files of processes that are watched no more are looked for.
_SWEEP_SECONDS: Final = 3_600.0
_LATE: Final = "the disk is too slow"


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An answer on its way to the disk; ``standing`` are the findings that stood when it came, by their ids."""

    folder: str
    depth: Depth
    at: datetime
    data: bytes
    standing: frozenset[str]


class Keep:
    """Keeps the answers of watched processes in a folder, within bounds for each process.

    ``tell`` hears of what goes wrong (what, and what to do), once until it goes well again.
    """

    def __init__(self, root: Path, tell: Callable[[str, str], None], bounds: Bounds | None = None) -> None:
        """Begin. Raises OutputError for a folder that cannot be written."""
        self._root = root
        self._tell = tell
        self._bounds = bounds or Bounds()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0
        self._failing: dict[str, str] = {}
        self._swept = float("-inf")
        with named(root):
            self._store = Store(root, self._bounds)
        self._thread = threading.Thread(target=self._run, name="keep", daemon=True)
        self._thread.start()

    def take(self, news: News) -> None:
        """Keep the answer of a request, if it brought one that could be read. Returns at once."""
        history, answer = news.history, news.answer
        if answer is None or history.failure is not None:
            return
        folder = label(history.target)
        with self._lock:
            late = self._bytes + len(answer.data) > _MOST_WAITING
            self._bytes += 0 if late else len(answer.data)
        if late:
            self._failed(folder, _LATE)
        else:
            self._queue.put(_Waiting(folder, news.depth, answer.at, answer.data, _ids(history.standing)))

    def close(self, seconds: float = 0.5) -> None:
        """Write what waits, for so many seconds at most; what is not whole by then is not there."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (one := self._queue.get()) is not None:
            try:
                self._write(one)
            except OSError as error:
                self._failed(one.folder, error.strerror or type(error).__name__)
            else:
                self._succeeded(one.folder)
            with self._lock:
                self._bytes -= len(one.data)
        self._store.close()

    def _write(self, one: _Waiting) -> None:
        store, is_full = self._opened(), one.depth == "full"
        data = one.data if one.data.startswith(_GZIP) else gzip.compress(one.data, _LEVEL, mtime=0)
        shows = tuple(sorted(one.standing)) if is_full else ()
        # Counts come every few seconds, and a disk may take as long: only full texts outlast a power failure for sure.
        store.add(one.folder, partial(_name, one.folder, _SUFFIXES[one.depth]), one.at, data, shows, synced=is_full)
        store.rotate(one.folder, one.at, one.standing)
        if time.monotonic() - self._swept > _SWEEP_SECONDS:
            self._swept = time.monotonic()
            store.sweep(one.at)

    def _opened(self) -> Store:
        """The store, made anew where somebody removed it."""
        if self._store.is_gone:
            before, self._store = self._store, Store(self._root, self._bounds)
            before.close()
        return self._store

    def _failed(self, folder: str, reason: str) -> None:
        with self._lock:
            is_news = reason not in self._failing.values()
            self._failing[folder] = reason
        if is_news:
            self._tell(f"captures are not kept in {self._root}: {reason}", "Watching goes on.")

    def _succeeded(self, folder: str) -> None:
        with self._lock:
            again = self._failing.pop(folder, None) is not None and not self._failing
        if again:
            self._tell(f"captures are kept in {self._root} again", "")


def _name(host: str, suffix: str, at: datetime) -> str:
    return capture_name(host, at, suffix)


def _ids(standing: Mapping[Key, Standing]) -> frozenset[str]:
    """Short ids of the findings that stand and alarm: what they are, and since when."""
    alarms = [(key, one.since.isoformat()) for key, one in standing.items() if alarming((one,))]
    return frozenset(hashlib.blake2b(repr(one).encode(), digest_size=4).hexdigest() for one in alarms)
