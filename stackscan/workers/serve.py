"""The other process: works on tasks that come in over a pipe."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final

from stackscan.errors import StackscanError
from stackscan.workers.messages import FAILURE, PROGRESS, RESULT, receive, send
from stackscan.workers.work import Progress, Work

if TYPE_CHECKING:
    from queue import SimpleQueue

#: Seconds between two messages on progress.
_TELLING_SECONDS: Final = 0.1


def serve() -> None:
    """Work on the tasks that come in at standard input, as the process of a crew, until nobody is at the other end."""
    import gc
    import pickle
    from queue import SimpleQueue

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    given: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(given,), daemon=True, name="tasks").start()
    gc.set_threshold(100_000, 50, 100)
    work: Work[Any, Any] | None = None
    first = given.get()
    told = pickle.loads(given.get())  # noqa: S301 - of our own parent
    while True:
        task = pickle.loads(given.get())  # noqa: S301 - of our own parent
        try:
            work = work or pickle.loads(first)  # noqa: S301 - of our own parent
            kind, content = RESULT, pickle.dumps(work(task, _telling(answers) if told else None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent raises it
            kind, content = FAILURE, _sent(error)
        send(answers, kind, content)
        del task, content


def _listen(given: SimpleQueue[bytes]) -> None:
    """Pass on what comes in; the end of it is the end of the parent, or of its patience: what is at work stops, too."""
    with suppress(EOFError, OSError):
        while True:
            given.put(receive(sys.stdin.buffer)[1])
    os._exit(0)


def _telling(answers: IO[bytes]) -> Progress:
    """What passes progress on, some times a second."""
    from pickle import dumps

    last = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _TELLING_SECONDS:
            last = time.monotonic()
            send(answers, PROGRESS, dumps((what, done, total)))

    return tell


def _sent(error: BaseException) -> bytes:
    """An error as a pickle, with the way to it for who wants a traceback; of one that is none, what it says."""
    import pickle
    import traceback

    if not isinstance(error, StackscanError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(content := pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - a class that cannot be pickled, or not made again
        other = RuntimeError(f"{type(error).__name__}: {error}")
        other.__notes__ = list(getattr(error, "__notes__", ()))
        return pickle.dumps(other)
    return content
