"""A text file of metrics for node_exporter, written anew at intervals: whole each time, and never by a thread that
asks processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stackscan.errors import StackscanError
from stackscan.export.atomic import whole_file

#: How long the end of the program waits for a slow disk.
_PATIENCE_SECONDS: Final = 0.4


def textfile_note(path: Path) -> str | None:
    """What is wrong with the name of a text file, None: nothing."""
    if path.suffix == ".prom":
        return None
    return f"{path}: node_exporter reads files with names that end in .prom, and no others"


class TextFile:
    """Writes a text file until it is closed. ``failure`` says why the last attempt failed (None: it did not)."""

    def __init__(self, path: Path, make: Callable[[], str], *, every_seconds: float) -> None:
        """Write it for the first time. Raises OutputError."""
        self.failure: str | None = None
        self._path, self._make, self._every = path, make, every_seconds
        self._closed = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._run, name="textfile", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write it for the last time, unless the disk keeps the last attempt waiting."""
        if not self._closed.is_set():
            self._closed.set()
            self._thread.join(_PATIENCE_SECONDS)
            if not self._thread.is_alive():
                self._try()

    def _run(self) -> None:
        while not self._closed.wait(self._every):
            self._try()

    def _try(self) -> None:
        """Write it; a full disk is no reason to stop watching."""
        try:
            self._write()
            self.failure = None
        except StackscanError as error:
            self.failure = str(error)

    def _write(self) -> None:
        text = self._make()
        with whole_file(self._path) as out:
            out.write(text)
