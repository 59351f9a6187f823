"""Runs of stackscan that begin warm: forked from a process that has loaded what a small report loads, and nothing more.

Most of the processor time of a short run is Python's start and its imports, and the tests start stackscan more than a
thousand times. A forked run is a process like any other: it has its streams, folder, environment and exit code. What it
is forked from has loaded modules but has run none of them, so it does what a cold run does. numpy and polars are never
loaded before the fork: they start threads, and whether they are loaded decides how a text is read.

Two such processes take turns. They hash texts differently, as any two runs do: an order that depends on hashes is still
found when two runs are compared. Tests of the start itself use ``helpers.command``, and with
``STACKSCAN_COLD_TESTS=1`` every run starts cold.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import itertools
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

_DUMP: Final = str(Path(__file__).resolve().parent.parent / "fixtures" / "go" / "go1.25" / "hang_http-locked.txt")
#: What runs once so that it is known which modules are loaded.
_LEARNT: Final = (
    *(("report", "--format", output, _DUMP) for output in ("text", "json", "markdown", "html")),
    ("check", _DUMP),
    ("compare", _DUMP, _DUMP),
    ("rules",),
)
#: Variables that Python or the C library reads at its start, by how their names begin.
_AT_START: Final = ("PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "TZ")
#: Longer requests start cold: the kernel refuses to send a message that does not fit into its buffer.
_MOST_BYTES: Final = 100_000

#: The environment variable that makes every run start cold.
COLD_VARIABLE: Final = "STACKSCAN_COLD_TESTS"

_processes: Final[list[_Forking]] = []
_turns: Final = itertools.count()
#: So many runs start cold first: to make both processes takes as long as ten starts.
_COLD_FIRST = 10


# -- the side of the tests ---------------------------------------------------------------------------------------------


class _Forking:
    """A process that forks, one run at a time."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self.busy = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], env=settings, pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip

    def run(self, request: bytes, streams: Sequence[int]) -> int:
        """The exit code of a run with these streams; negative for a signal."""
        socket.send_fds(self._channel, [request], streams)
        for stream in streams:  # only the run has them now: the end of its output is seen
            os.close(stream)
        answer = self._channel.recv(16)
        if not answer:
            raise RuntimeError("the process that forks runs of stackscan is gone")
        return os.waitstatus_to_exitcode(int(answer))

    def close(self) -> None:
        """End it, and wait for the end."""
        self._channel.close()
        self._process.wait()


@atexit.register
def _close() -> None:
    while _processes:
        _processes.pop().close()


@contextlib.contextmanager
def forking(settings: Mapping[str, str], *, usual: Mapping[str, str]) -> Iterator[_Forking | None]:
    """The process whose turn it is; None where it cannot start a run with these settings, or has one already."""
    turn = next(_turns)
    # Elsewhere a fork is not safe, or there are no such sockets.
    if sys.platform != "linux" or turn < _COLD_FIRST or COLD_VARIABLE in os.environ:
        yield None
        return
    if not _processes:
        _processes.extend(_Forking(usual) for _ in range(2))
    process = _processes[turn % 2]
    if _at_start(settings) == _at_start(process.settings) and process.busy.acquire(blocking=False):
        try:
            yield process
        finally:
            process.busy.release()
    else:
        yield None


def _at_start(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name.startswith(_AT_START)}


def run(
    arguments: Sequence[str],
    *,
    stdin: bytes,
    folder: Path | None,
    settings: Mapping[str, str],
    usual: Mapping[str, str],
) -> tuple[int, bytes, bytes] | None:
    """The exit code of a run, and what it wrote to both outputs; None where it has to start cold."""
    asked = {"arguments": arguments, "folder": str(folder or Path.cwd()), "settings": settings}
    request = json.dumps(asked).encode()
    with forking(settings, usual=usual) as process:
        if process is None or len(request) > _MOST_BYTES:
            return None
        (given, feed), (out, out_end), (err, err_end) = os.pipe(), os.pipe(), os.pipe()
        outputs = [_Reader(out), _Reader(err)]
        feeder = threading.Thread(target=_feed, args=(feed, stdin), daemon=True)
        feeder.start()
        code = process.run(request, [given, out_end, err_end])
        feeder.join()
        return code, outputs[0].text(), outputs[1].text()


class _Reader(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(daemon=True)
        self._descriptor, self._read = descriptor, b""
        self.start()

    def run(self) -> None:
        """In the thread."""
        with os.fdopen(self._descriptor, "rb") as pipe:
            self._read = pipe.read()

    def text(self) -> bytes:
        """All of it, when the last that may write to it has ended."""
        self.join()
        return self._read


def _feed(descriptor: int, text: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(text)


# -- the side of stackscan ---------------------------------------------------------------------------------------------


def _load() -> None:
    """Load the modules that small runs load."""
    for words in _LEARNT:
        for name in _modules_of(words):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    if loaded := {"numpy", "polars"} & set(sys.modules):
        raise RuntimeError(f"{loaded} would be loaded before the fork")


def _modules_of(words: Sequence[str]) -> list[str]:
    """The modules that a run has loaded at its end, in their order; none if numpy or polars is among them."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            nowhere = os.open(os.devnull, os.O_RDWR)
            _become(_request(words), [nowhere, os.dup(nowhere), os.dup(nowhere)])
        finally:
            with os.fdopen(write, "w") as pipe:
                json.dump([name for name in sys.modules if not name.startswith("__m")], pipe)
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        names: list[str] = json.load(pipe)
    os.waitpid(pid, 0)
    return [] if {"numpy", "polars"} & set(names) else names


def _request(words: Sequence[str]) -> dict[str, Any]:
    return {"arguments": words, "folder": str(Path.cwd()), "settings": {**os.environ}}


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Be stackscan: never returns."""
    for number, (name, stream) in enumerate(zip(("stdin", "stdout", "stderr"), streams, strict=True)):
        os.dup2(stream, number)
        os.close(stream)
        opened = _opened(number, cast("io.TextIOWrapper", getattr(sys, name)))
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["settings"])
    sys.argv = ["-m", *request["arguments"]]
    sys.path[0] = request["folder"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runpy.run_module("stackscan", run_name="__main__", alter_sys=True)
    sys.exit()


def _opened(number: int, like: io.TextIOWrapper) -> io.TextIOWrapper:
    """A standard stream as Python opens it at its start."""
    mode = "r" if number == 0 else "w"
    binary = cast("io.BufferedWriter", open(number, f"{mode}b", closefd=False))  # noqa: SIM115 - open to the end
    at_once = number == 2 or binary.raw.isatty()
    return io.TextIOWrapper(binary, like.encoding, like.errors, newline="\n", line_buffering=at_once)


def _serve(channel: socket.socket) -> None:
    """Fork a run for each request, until nobody can ask any more."""
    sys.path[0] = str(Path.cwd())  # as `python -m` has it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which close the channel when they end
    _load()
    gc.collect()
    gc.freeze()
    while True:
        message, streams, _, _ = socket.recv_fds(channel, 2 * _MOST_BYTES, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            channel.close()
            _become(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        channel.send(str(os.waitpid(pid, 0)[1]).encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
