"""Fetches a dump from a live process: net/http/pprof, kubo's ``/debug/stack`` and RPC, any web server.

Everything is bounded (limits.py): silence, time in all, bytes, redirects. What came before a connection broke is kept
and marked as cut. Passwords and tokens of an address are sent to its own server only and shown nowhere. Proxies and
their environment variables are not used: a pprof endpoint should not be further away than that.
"""

from __future__ import annotations

import io
import queue
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from stackscan import __version__
from stackscan.errors import LimitError, SourceError, StackscanError
from stackscan.sources import compressed, limits, web_errors
from stackscan.sources.address import Address, Source
from stackscan.sources.connections import Connections

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

#: Told how many bytes of how many (0: not known) have come.
Progress = Callable[[int, int], None]

_PIECE: Final = 256 << 10
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Bytes of an error's page that are looked at.
_ERROR_PAGE: Final = 4 << 10


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server sent; ``cut`` says why its end is missing (None: it is not, as far as the server said)."""

    data: bytes
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class _Seconds:
    """How long to wait: to connect, in silence, in all."""

    connect: float
    silence: float
    total: float


@dataclass(slots=True)
class _Transfer:
    """A request on its way, as the thread that waits for the server tells it. ``address`` is the one asked now: it
    changes with a redirect, ``given`` does not. A Failure that arrives is why nothing more will."""

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


def fetch(source: str, *, progress: Progress | None = None) -> Fetched:
    """The body of an address, still compressed if the server compressed it.

    Raises SourceError with what to do, or LimitError for a body beyond MAX_DOWNLOAD_BYTES.
    """
    source = Source(source)
    address = Address.parse(source.with_secrets())
    transfer = _Transfer(address, address, _seconds(source.timeout_seconds))
    # A thread of its own: only so can nothing that a server does (or a resolver) hold us longer than we want.
    threading.Thread(target=_run, args=(transfer,), name="fetch", daemon=True).start()
    body = io.BytesIO()
    try:
        cut = _collect(transfer, body, progress)
    finally:
        transfer.connections.close()  # which ends the thread, too, whatever it waits for
    data = body.getvalue()
    if not data and cut is None:
        raise SourceError(f"{source} sent an empty answer", hint=web_errors.FULL_TEXT_HINT)
    return Fetched(data, cut)


def _seconds(asked: float | None) -> _Seconds:
    """A time that was asked for is the only one that ends a request."""
    if asked is None:
        return _Seconds(limits.CONNECT_SECONDS, limits.SILENCE_SECONDS, limits.TOTAL_SECONDS)
    return _Seconds(asked + 1, asked + 1, asked)


def _collect(transfer: _Transfer, body: io.BytesIO, progress: Progress | None) -> str | None:
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
        if body.tell() > limits.MAX_DOWNLOAD_BYTES:
            raise LimitError(
                f"{transfer.address} sends more than {limits.MAX_DOWNLOAD_BYTES >> 20:,} MiB",
                hint="If it is a dump, save it with curl -o FILE and read FILE.",
            )
        if progress is not None:
            progress(body.tell(), transfer.expected)


def _late(transfer: _Transfer) -> web_errors.Failure:
    """What to say when the time is over, by how far the request has come."""
    doing = "still sending" if transfer.answering else "no answer" if transfer.connections.any else "no connection"
    return web_errors.late(f"{doing} after {transfer.seconds.total:g} s")


def _broken(transfer: _Transfer, body: io.BytesIO, failure: web_errors.Failure) -> str:
    """The note on a body whose end never came; an error when nothing of it did."""
    if not body.tell():
        raise web_errors.unreachable(transfer.given, transfer.address, failure)
    return f"the download stopped after {body.tell():,} bytes: {failure.reason}"


# -- the thread ------------------------------------------------------------------------------------------------------


def _run(transfer: _Transfer) -> None:
    """Only words leave this thread: the frames of an exception of urllib3 hold the request with its secrets."""
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
            with closing(_open(pool, transfer.address)) as response:
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


def _open(pool: PoolManager, address: Address) -> BaseHTTPResponse:
    method, url, secret_headers = address.request_with_secrets()
    headers = {
        "User-Agent": f"stackscan/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, zstd",
        "Connection": "close",
        **secret_headers,
    }
    return pool.request(method, url, headers=headers, redirect=False, preload_content=False, decode_content=False)


def _check(response: BaseHTTPResponse, address: Address) -> None:
    """Raise unless the answer may be a dump."""
    if response.status != 200:
        page = response.read(_ERROR_PAGE)
        web_errors.refuse_status(response.status, compressed.head(page, _ERROR_PAGE) or page, address)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "zstd"):
        _refuse_encoding(encoding, address)
    if "html" in response.headers.get("Content-Type", "").lower():
        web_errors.refuse_page(address)


def _refuse_encoding(encoding: str, address: Address) -> NoReturn:
    safe = re.sub(r"[^\w-]", "?", address.hide(encoding))[:40]
    raise SourceError(
        f"{address} answers with Content-Encoding {safe}, which was not requested",
        hint="Save it with curl --compressed -o FILE and read FILE.",
    )
