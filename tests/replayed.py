"""Processes for tests of what watches: recorded answers of kubo, served on loopback or judged at once."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from urllib.parse import parse_qs, urlsplit

from helpers import FIXTURES
from stackscan.knowledge.configuration import shipped
from stackscan.live.poll import Answer, judge
from stackscan.live.sample import Sample
from stackscan.live.target import Depth, Target
from stackscan.pipeline import Options

#: Recorded nodes by what they go through: the full text of each.
STAGES: Final = {
    "quiet": "v0.41.0-quiet/stack-01.txt.gz",
    "stalled": "v0.40.1-stalled-tcp/stack-02.txt.gz",
    "fixed": "v0.41.0-fixed-tcp/stack-01.txt.gz",
}


@cache
def recorded(stage: str, debug: str = "2") -> bytes:
    """The answer of a node: as text in full, or as counts in protobuf (``0``) or text (``1``)."""
    text = FIXTURES / "kubo" / STAGES[stage]
    if debug == "2":
        return gzip.decompress(text.read_bytes())
    number = text.name.partition(".")[0].rpartition("-")[2]
    if debug == "1":
        return gzip.decompress((text.parent / f"goroutine.debug1-{number}.txt.gz").read_bytes())
    return (text.parent / f"goroutine.debug0-{number}.pb.gz").read_bytes()


def sample(target: Target, data: bytes, seconds: float = 0.0, depth: Depth = "full") -> Sample:
    """What an answer shows that came so long after an hour of 2026."""
    at = datetime(2026, 4, 22, 10, tzinfo=UTC) + timedelta(seconds=seconds)
    found = judge(target, depth, Answer(data, at, 0.01, None), Options(shipped()))
    assert isinstance(found, Sample)
    return found


class Node:
    """A process on loopback: set ``stage`` to change what it answers; None: it hangs up. ``asked`` are the paths that
    it was asked for, by stage."""

    def __init__(self, server: http.server.ThreadingHTTPServer, stage: str | None) -> None:
        self.stage = stage
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.asked: defaultdict[str | None, list[str]] = defaultdict(list)
        self._changed = threading.Condition()

    def note(self, path: str) -> str | None:
        """Take note of a request; the stage in which it came."""
        with self._changed:
            stage = self.stage
            self.asked[stage].append(path)
            self._changed.notify_all()
        return stage

    def wait_for_requests(self, stage: str | None, count: int) -> None:
        """Wait until so many requests came in a stage."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked[stage]) >= count, timeout=60), dict(self.asked)


@contextmanager
def node(stage: str | None = "quiet") -> Iterator[Node]:
    """A process that runs on loopback, at first in this stage."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stage = running.note(self.path)
            if stage is None:
                return
            body = recorded(stage, parse_qs(urlsplit(self.path).query)["debug"][0])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        running = Node(server, stage)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
