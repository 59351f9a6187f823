"""How the program ends: its standard streams, exit codes, and the report of an unexpected failure.

Exit codes 0 and 1 are answers, so no failure may end with one of them. This is the outermost place: what nothing else
caught becomes exit code 2 and a few words on stderr.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Callable
from typing import Final, TextIO

from stackscan.errors import visible

COULD_NOT: Final = 2
INTERRUPTED: Final = 130
#: The environment variable that asks for the traceback of an unforeseen failure.
TRACEBACK_VARIABLE: Final = "STACKSCAN_TRACEBACK"
_FAULT: Final = (
    "This is a bug in stackscan, not in its input.",
    f"With {TRACEBACK_VARIABLE}=1 in the environment, the command prints a traceback; report the bug with it.",
)


class UnforeseenError(Exception):
    """Carries an error (its cause) past typer, which would silently exit with 1 for some."""


def run_to_end(run: Callable[[], None]) -> int:
    """Run the program and return its exit code. Standard output is flushed; every failure is reported on stderr."""
    out = open_streams()
    code = _code_of(run, out)
    code = _code_of(sys.stdout.flush, out) or code
    if out.failure is not None:
        say(_unwritable(out.failure), "Free some space, or write to another place.")
        return COULD_NOT
    return code


def _code_of(run: Callable[[], None], out: _Output) -> int:
    try:
        run()
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        say(str(leaving.code))
        return COULD_NOT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - polars' panics derive from it
        cause = error.__cause__ if isinstance(error, UnforeseenError) else None
        return _report(cause or error, out)
    return 0


def _report(error: BaseException, out: _Output) -> int:
    """Say what failed, and return the exit code for it."""
    if os.environ.get(TRACEBACK_VARIABLE, "0") not in ("", "0"):
        import traceback

        sys.stderr.write(_masked("".join(traceback.format_exception(error))))
    if isinstance(error, OSError) and out.failure is not None:
        pass  # it is said at the very end
    elif isinstance(error, MemoryError):
        say("stackscan: out of memory", "Give it more memory, or less input at a time.")
    else:
        what = _masked(f"{type(error).__name__}: {error}".rstrip(": "))
        say(f"stackscan: unexpected failure: {what}", *_FAULT)
    return COULD_NOT


def _masked(text: str) -> str:
    from stackscan.model.masking import masked_text

    return masked_text(text)


def _unwritable(failure: OSError) -> str:
    if failure.errno == errno.EBADF:
        return "stackscan: standard output is closed"
    return f"stackscan: standard output cannot be written: {failure.strerror or failure}"


def say(line: str, *more: str) -> None:
    """Write a line to stderr, and details and hints indented below it; what cannot be printed is escaped."""
    print(visible(line), *(f"  {visible(text)}" for text in more if text), sep="\n", file=sys.stderr, flush=True)


class _Output(io.FileIO):
    """A standard stream. A reader that goes away (``| head``) is no failure: the rest is written to nobody, and the
    command ends with the code that it would have had."""

    def __init__(self, descriptor: int, *, failing: bool) -> None:
        """``failing``: other errors are raised and kept; else what cannot be written is lost."""
        super().__init__(descriptor, "w", closefd=False)
        self._failing = failing
        self.failure: OSError | None = None

    def write(self, data: object, /) -> int:
        """Write some bytes: how many were taken. Raises OSError."""
        view = memoryview(data)  # type: ignore[arg-type]  # whatever buffer io.BufferedWriter has
        try:
            written = super().write(view)
            while written is None:  # somebody made the pipe non-blocking, and it is full
                select.select([], [self], [])
                written = super().write(view)
        except OSError as error:
            self._discard()
            if self._failing and not isinstance(error, BrokenPipeError):
                self.failure = error
                raise
            return view.nbytes
        return written

    def _discard(self) -> None:
        """From here on all goes nowhere, also what Python itself writes at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def open_streams() -> _Output:
    """Make all three standard streams usable, and return the raw stream of standard output.

    A closed one is given a descriptor of its own, or the next file that is opened takes its number, and gets what was
    meant for the stream. Standard input stays None: what asks for it says that it is closed.
    """
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):  # writing to a closed output fails
        _occupy(descriptor, mode)
    out = _Output(1, failing=True)
    sys.stdout = _text(out, sys.stdout)
    sys.stderr = _text(_Output(2, failing=False), sys.stderr, line_buffering=True)
    return out


def _occupy(descriptor: int, mode: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, mode)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)


def _text(raw: _Output, like: TextIO | None, *, line_buffering: bool = False) -> TextIO:
    """A text stream like the one that Python opened; characters it cannot encode are escaped."""
    unbuffered = isinstance(like, io.TextIOWrapper) and like.write_through
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding if like is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=line_buffering or raw.isatty(),
        write_through=unbuffered,
    )
