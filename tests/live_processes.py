"""Processes to watch: a loopback server that replays recorded answers of kubo, and one that breaks in many ways."""

from __future__ import annotations

import gzip
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

from helpers import FIXTURES

#: States of a recorded kubo, and the folders of their fixtures.
RECORDED: Final = {"quiet": "v0.41.0-quiet", "stalled": "v0.40.1-stalled-tcp", "fixed": "v0.41.0-fixed-tcp"}


@cache
def recorded(state: str, debug: str) -> bytes:
    """The first answer to ``/debug/pprof/goroutine?debug=…`` in a state."""
    (path,) = (FIXTURES / "kubo" / RECORDED[state]).glob(f"goroutine.debug{debug}-01.*")
    return path.read_bytes() if debug == "0" else gzip.decompress(path.read_bytes())


@dataclass
class Kubo:
    """A kubo of which the state can be set; ``asked`` are the paths that it was asked for, by state."""

    state: str = "quiet"
    port: int = 0
    asked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def become(self, state: str) -> None:
        """Answer as in this state from the next request on; ``silent`` breaks each connection."""
        with self.changed:
            self.state = state

    def wait_for_requests(self, state: str, count: int) -> None:
        """Wait until so many requests came in a state."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked[state]) >= count, timeout=60), dict(self.asked)


@contextmanager
def kubo(state: str = "quiet") -> Iterator[Kubo]:
    """Such a process until the block ends."""
    process = Kubo(state)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            with process.changed:
                state = process.state
                process.asked[state].append(self.path)
                process.changed.notify_all()
            if state == "silent":
                return
            if not address.path.endswith("/goroutine"):
                self.send_error(404)
                return
            body = recorded(state, parse_qs(address.query)["debug"][0])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        process.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield process
        finally:
            server.shutdown()
            thread.join()
