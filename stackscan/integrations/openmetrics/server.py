"""A small HTTP server for metrics: /metrics and nothing else, few requests at a time, each for a bounded time."""

from __future__ import annotations

import errno
import gzip
import os
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from stackscan.errors import UsageError

#: Requests at a time; more are hung up on.
_MOST_REQUESTS: Final = 8
#: How long a client may take to send its request and read the answer.
_MOST_SECONDS: Final = 10.0
#: Answers of fewer bytes are sent as they are.
_WORTH_PACKING: Final = 1024
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[\w.-]+)):(?P<port>[0-9]{1,5})\Z")

#: Makes the answer: given whether OpenMetrics is accepted, its type and its bytes.
Answer = Callable[[bool], tuple[str, bytes]]


class MetricsServer(ThreadingHTTPServer):
    """Serves metrics at one address."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        """Listen; the host is looked up. Raises OSError."""
        self.answer = answer
        self._room = threading.BoundedSemaphore(_MOST_REQUESTS)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self.address_family = found[0]
        super().__init__((str(found[4][0]), port), _Handler)

    def server_bind(self) -> None:
        """Bind. The class above also asks DNS for the name of the host, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # of IP they are these

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, where there is room for one."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be started
            self._room.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, in bounded time."""
        timer = threading.Timer(_MOST_SECONDS, _hang_up, (request,))
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


def _hang_up(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: MetricsServer
    server_version = "stackscan"
    sys_version = ""
    timeout = _MOST_SECONDS

    def do_GET(self) -> None:
        """Send the metrics."""
        if self.path.partition("?")[0] != "/metrics":
            self._send(404, "text/plain; charset=utf-8", b"The metrics are at /metrics.\n")
            return
        accepted = self.headers.get("Accept", "")
        kind, body = self.server.answer("application/openmetrics-text" in accepted)
        self._send(200, kind, body)

    do_HEAD = do_GET  # noqa: N815 - the name that the class above asks for

    def _send(self, status: int, kind: str, body: bytes) -> None:
        packs = len(body) >= _WORTH_PACKING and "gzip" in self.headers.get("Accept-Encoding", "")
        body = gzip.compress(body, compresslevel=1) if packs else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if packs:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the class above
        """Log nothing."""


def listen(address: str, answer: Answer) -> MetricsServer:
    """A server that serves at ``HOST:PORT`` (port 0: any that is free). Raises UsageError."""
    found = _ADDRESS.match(address)
    if found is None or int(found["port"]) > 65535:
        hint = "Give HOST:PORT, as in 127.0.0.1:9464 or [::1]:9464; 0.0.0.0:9464 listens on all interfaces."
        raise UsageError(f"{address!r} is no address to serve metrics at", hint=hint)
    try:
        server = MetricsServer(found["six"] or found["host"], int(found["port"]), answer)
    except socket.gaierror:
        raise UsageError(f"metrics cannot be served at {address}: the host is not known", hint=_OTHER_HOST) from None
    except OSError as error:
        raise UsageError(f"metrics cannot be served at {address}: {_why(error)}", hint=_hint(error)) from None
    threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True).start()
    return server


_OTHER_HOST: Final = "Give an address of this machine, as in 127.0.0.1:9464."


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use"
    return os.strerror(error.errno) if error.errno else str(error)


def _hint(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Another program listens there, perhaps another stackscan watch: stop it, or give another port."
    return "Ports below 1024 need privileges: give another one." if error.errno == errno.EACCES else _OTHER_HOST
