"""A hook that is a command: it gets what changed on its standard input, and a limited time."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import IO, Any, Final

from stackscan.errors import UsageError
from stackscan.live.hooks.courier import Parcel, UndeliveredError
from stackscan.live.lines import text_of

#: Seconds that a command may take; then it is ended, with all that it started.
SECONDS: Final = 30.0
#: Seconds between the request to end and the end.
_GRACE_SECONDS: Final = 1.0
ATTEMPTS: Final = 3
#: Characters of an environment variable, and bytes of what a command writes to standard error that are kept.
_LONGEST: Final = 4096
_TAIL: Final = 400


def argv_of(text: str) -> list[str]:
    """The words of a command, as a shell has them; no shell runs it. Raises UsageError for what cannot be run."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"the command of a hook cannot be read: {error}", hint="Quote it as a shell wants it."
        ) from None
    if not words:
        raise UsageError("the command of a hook is empty", hint="Give a program and its arguments.")
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"the command of a hook cannot be run: {words[0]} is no program",
            hint="Give the path of a program; for a pipe or a variable write sh -c '…'.",
        )
    return words


class Command:
    """Runs a command for each change. ``end`` ends what runs, from any thread."""

    def __init__(self, words: Sequence[str], *, seconds: float = SECONDS) -> None:
        self._words = list(words)
        self._seconds = seconds
        self._running: subprocess.Popen[bytes] | None = None

    def __call__(self, parcel: Parcel) -> None:
        """Run it. Raises UndeliveredError where it fails or takes too long."""
        values = parcel.body
        try:
            with _input(text_of(values)) as given:
                process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                    self._words,
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **environment(values)},
                    start_new_session=True,
                )
        except OSError as error:
            raise UndeliveredError(f"cannot be started: {error.strerror or error}") from None
        self._running = process
        try:
            self._wait(process)
        finally:
            self._running = None

    def end(self) -> None:
        """End what runs, with all that it started."""
        process = self._running
        if process is not None:
            _signal(process, signal.SIGKILL)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        tail = bytearray()
        reader = threading.Thread(target=_keep_tail, args=(process.stderr, tail), daemon=True, name="hook's errors")
        reader.start()
        try:
            code = process.wait(self._seconds)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGTERM)
            time.sleep(_GRACE_SECONDS)
            _signal(process, signal.SIGKILL)
            process.wait()
            raise UndeliveredError(f"ended: it took more than {self._seconds:g} s") from None
        if code:
            reader.join(0.2)
            said = tail.decode("utf-8", "replace").strip().splitlines()
            raise UndeliveredError(f"exit code {code}" + (f": {said[-1]}" if said else ""))


def environment(values: dict[str, Any]) -> dict[str, str]:
    """What a command finds in its environment."""
    found = {name: values.get(name) for name in ("event", "target", "level", "verdict")}
    return {f"STACKSCAN_{name.upper()}": _variable(str(value)) for name, value in found.items()}


def _variable(text: str) -> str:
    """A text as a variable may hold it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST]


def _input(line: str) -> IO[bytes]:
    """A file that holds the line: unlike a pipe, it never waits for a command that does not read."""
    make = getattr(os, "memfd_create", None)  # Linux only; it needs no space on a disk
    file: IO[bytes] = os.fdopen(make("stackscan-hook"), "w+b") if make else tempfile.TemporaryFile()  # noqa: SIM115
    file.write(line.encode("ascii") + b"\n")
    file.flush()
    file.seek(0)
    return file


def _keep_tail(errors: IO[bytes], tail: bytearray) -> None:
    with contextlib.suppress(OSError, ValueError), errors:
        while piece := os.read(errors.fileno(), 4096):
            tail += piece
            del tail[:-_TAIL]


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and all that it started."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, number)
