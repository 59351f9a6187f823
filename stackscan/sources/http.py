"""Fetches a dump from a live process: net/http/pprof, kubo's ``/debug/stack`` and RPC, any web server.

limits.py bounds silence, total time, bytes and redirects. Bytes that came before a connection broke are kept and marked
as cut. Passwords and tokens of an address go to its own server only. Proxies and their environment variables are not
used: a pprof endpoint should be near.
"""

from __future__ import annotations

import io
import queue
import re
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stackscan import __version__
from stackscan.errors import LimitError, SourceError, StackscanError
from stackscan.sources import Progress, compressed, limits, network, web_errors
from stackscan.sources.address import Address, Source
from stackscan.sources.connections import Connections

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_PIECE: Final = 256 << 10
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Bytes of an error's page that are looked at.
_ERROR_PAGE: Final = 4 << 10


@dataclass(frozen=True, slots=True)
class Fetched:
    """The body of an answer; ``cut`` says why its end is missing (None: it is complete)."""

    data: bytes
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class _Seconds:
    """Time limits: to connect, of silence, in all."""

    connect: float
    silence: float
    total: float


@dataclass(slots=True)
class _Transfer:
    """The state of a request, shared with the thread that waits for the server. Redirects change ``address``, not
    ``given``. ``arrived`` ends with a Failure, an error, or None for the end of the body."""

    given: Address
    address: Address
    seconds: _Seconds
    arrived: queue.SimpleQueue[bytes | StackscanError | web_errors.Failure | None] = field(
        default_factory=queue.SimpleQueue
    )
    connections: Connections = field(default_factory=Connections)
    started: float = field(default_factory=time.monotonic)
    answering: bool = False
    expected: int = 0


def fetch(source: str, *, progress: Progress | None = None, most_bytes: int | None = None) -> Fetched:
    """The body of an address, still compressed if the server compressed it.

    Raises SourceError with what to do, or LimitError for a body of more than ``most_bytes`` (None:
    MAX_DOWNLOAD_BYTES).
    """
    source = Source(source)
    network.check(source)
    address = Address.parse(source.with_secrets())
    transfer = _Transfer(address, address, _seconds(source.timeout_seconds))
    # In a separate thread, so that neither a server nor a resolver can hold us longer than the limits.
    threading.Thread(target=_run, args=(transfer,), name="fetch", daemon=True).start()
    body = io.BytesIO()
    try:
        cut = _collect(transfer, body, progress, most_bytes or limits.MAX_DOWNLOAD_BYTES)
    finally:
        transfer.connections.close()  # ends the thread, too
    data = body.getvalue()
    if not data and cut is None:
        raise SourceError(f"{source} sent an empty answer", hint=web_errors.FULL_TEXT_HINT)
    return Fetched(data, cut)


def _seconds(timeout: float | None) -> _Seconds:
    """The default limits, or such that only the given total ends a request."""
    if timeout is None:
        return _Seconds(limits.CONNECT_SECONDS, limits.SILENCE_SECONDS, limits.TOTAL_SECONDS)
    return _Seconds(timeout + 1, timeout + 1, timeout)


def _collect(transfer: _Transfer, body: io.BytesIO, progress: Progress | None, most_bytes: int) -> str | None:
    """Take the pieces as they arrive; returns why the end is missing, if it is."""
    while True:
        left = transfer.started + transfer.seconds.total - time.monotonic()
        try:
            came = transfer.arrived.get(timeout=left) if left > 0 else _late(transfer)
        except queue.Empty:
            came = _late(transfer)
        if came is None:
            return None
        if isinstance(came, StackscanError):
            raise came
        if isinstance(came, web_errors.Failure):
            return _broken(transfer, body, came)
        body.write(came)
        if body.tell() > most_bytes:
            raise LimitError(
                f"{transfer.address} sends more than {most_bytes >> 20:,} MiB",
                hint="If it is a dump, save it with curl -o FILE and read FILE.",
            )
        if progress is not None:
            progress(body.tell(), transfer.expected)


def _late(transfer: _Transfer) -> web_errors.Failure:
    """The failure when the time is over, by how far the request has come."""
    doing = "still sending" if transfer.answering else "no answer" if transfer.connections.any else "no connection"
    return web_errors.late(f"{doing} after {transfer.seconds.total:g} s")


def _broken(transfer: _Transfer, body: io.BytesIO, failure: web_errors.Failure) -> str:
    """The note on a body without its end. Raises SourceError when nothing of it came."""
    if not body.tell():
        raise web_errors.unreachable(transfer.given, transfer.address, failure)
    return f"the download stopped after {body.tell():,} bytes: {failure.reason}"


def _run(transfer: _Transfer) -> None:
    """Send the request; only text leaves this thread, since tracebacks of urllib3 hold the request with its secrets."""
    try:
        _request(transfer)
    except StackscanError as error:
        transfer.arrived.put(error.with_traceback(None))
    except Exception as error:  # noqa: BLE001  # the thread that waits decides what it means
        transfer.arrived.put(web_errors.failure(error, transfer.address, silence_seconds=transfer.seconds.silence))
    else:
        transfer.arrived.put(None)


def _request(transfer: _Transfer) -> None:
    with transfer.connections.pool(connect=transfer.seconds.connect, read=transfer.seconds.silence) as pool:
        for _ in range(limits.MAX_REDIRECTS + 1):
            with closing(_open(pool, transfer)) as response:
                elsewhere = _take(response, transfer)
            if elsewhere is None:
                return
            transfer.address = elsewhere
    raise SourceError(
        f"{transfer.given} redirects more than {limits.MAX_REDIRECTS} times",
        hint="Give the final address of the dump.",
    )


def _take(response: BaseHTTPResponse, transfer: _Transfer) -> Address | None:
    """Hand on what a server sends; returns where it is instead, if it redirects."""
    if response.status in _REDIRECTS:
        return transfer.address.redirected(response.headers.get("Location", ""))
    _check(response, transfer.address)
    transfer.expected = response.length_remaining or 0
    transfer.answering = True
    while not transfer.connections.closed and (piece := response.read1(_PIECE)):
        transfer.arrived.put(piece)
    return None


def _open(pool: PoolManager, transfer: _Transfer) -> BaseHTTPResponse:
    """The head of an answer. Raises SourceError for a redirect that leads inward (connections.py)."""
    method, url, secret_headers = transfer.address.request_with_secrets()
    headers = {
        "User-Agent": f"stackscan/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, zstd",
        "Connection": "close",
        **secret_headers,
    }
    try:
        return pool.request(method, url, headers=headers, redirect=False, preload_content=False, decode_content=False)
    except SourceError as error:
        raise SourceError(f"{transfer.given} redirects to {transfer.address}, {error}", hint=error.hint) from None


def _check(response: BaseHTTPResponse, address: Address) -> None:
    """Raise unless the answer may be a dump."""
    if response.status != 200:
        page = response.read(_ERROR_PAGE)
        web_errors.refuse_status(response.status, compressed.head(page, _ERROR_PAGE) or page, address)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "zstd"):
        safe = re.sub(r"[^\w-]", "?", address.hide(encoding))[:40]
        raise SourceError(
            f"{address} answers with Content-Encoding {safe}, which was not requested",
            hint="Save it with curl --compressed -o FILE and read FILE.",
        )
    if "html" in response.headers.get("Content-Type", "").lower():
        web_errors.refuse_page(address)
