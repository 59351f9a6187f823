"""Another process of this program, which works on one task at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import IO, Final

from stackscan.errors import WorkerError
from stackscan.workers.messages import GIVEN, PROGRESS, receive, send

#: What it runs, with our path.
_PROGRAM: Final = "import sys; sys.path[:] = {path!r}; from stackscan.workers.serve import serve; serve()"
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Process:
    """One process. ``given`` are messages that it gets first, ``threads`` how many polars may start in it.

    ``heard`` is the time (of ``time.monotonic``) at which it got a task or last gave a sign of life; None when it has
    nothing to do.
    """

    def __init__(self, given: Iterable[bytes], threads: int) -> None:
        if hasattr(signal, "pthread_sigmask"):  # what ends this process ends that one: by us, and in order
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-c", _PROGRAM.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"POLARS_MAX_THREADS": str(threads), **os.environ},
        )
        self.heard: float | None = None
        self._silent: float | None = None  # for so many seconds, after which it was killed
        with suppress(BrokenPipeError):  # it ended already; the first task finds out how
            for each in given:
                send(self._pipes[0], GIVEN, each)

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        return self._process.stdin, self._process.stdout

    def ask(self, task: bytes, tell: Callable[[bytes], object]) -> tuple[bytes, bytes]:
        """The kind and the content of its answer; ``tell`` is called with each message on progress.

        Raises EOFError or OSError when it ends before.
        """
        given, answers = self._pipes
        self.heard = time.monotonic()
        try:
            send(given, GIVEN, task)
            while True:
                kind, content = receive(answers)
                self.heard = time.monotonic()
                if kind != PROGRESS:
                    return kind, content
                tell(content)
        finally:
            self.heard = None

    def kill(self) -> None:
        """Let it end now."""
        self._process.kill()

    def kill_if_silent(self, seconds: float) -> None:
        """Let it end when it has worked for so long without a sign of life."""
        heard = self.heard
        if heard is not None and time.monotonic() - heard > seconds:
            self._silent = seconds
            self.kill()

    def end(self) -> None:
        """Let it end, and leave nothing of it."""
        self.kill()
        self._process.wait()
        for pipe in self._pipes:
            with suppress(OSError):  # what did not fit any more
                pipe.close()

    def loss(self, task: object) -> WorkerError:
        """Why there is no result of a task."""
        code = self._process.wait()
        if self._silent is not None:
            took = f"no sign of life for {self._silent:g} s"
            return WorkerError(f"{task}: the process that read it gave {took}", verb="hung", detail=took)
        if code < 0:
            how = f"signal {-code}"
            return WorkerError(f"{task}: the process that read it was killed by {how}", detail=how)
        return WorkerError(f"{task}: the process that read it ended with code {code}", detail=f"exit code {code}")
