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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from stackscan import __version__
from stackscan.errors import LimitError, SourceError
from stackscan.sources import limits, web_errors
from stackscan.sources.address import Address, shown

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


@dataclass(slots=True)
class _Transfer:
    """A request on its way, as the thread that waits for the server tells it."""

    address: Address
    started: float
    arrived: queue.SimpleQueue[bytes | Exception | None]
    expected: int = 0
    abandoned: bool = False


def fetch(url: str, *, progress: Progress | None = None) -> Fetched:
    """The body of an address, still compressed if the server compressed it.

    Raises SourceError with what to do, or LimitError for a body beyond MAX_DOWNLOAD_BYTES.
    """
    transfer = _Transfer(Address.parse(url), time.monotonic(), queue.SimpleQueue())
    # A thread of its own: only so can nothing that a server does (or a resolver) hold us longer than we want.
    threading.Thread(target=_run, args=(transfer,), name="fetch", daemon=True).start()
    body = io.BytesIO()
    try:
        cut = _collect(transfer, body, progress)
    finally:
        transfer.abandoned = True
    data = body.getvalue()
    if not data and cut is None:
        raise SourceError(f"{shown(url)} answered with nothing", hint=web_errors.FULL_TEXT_HINT)
    return Fetched(data, cut)


def _collect(transfer: _Transfer, body: io.BytesIO, progress: Progress | None) -> str | None:
    """Take the pieces as they arrive; returns why the end is missing, if it is."""
    while True:
        left = transfer.started + limits.TOTAL_SECONDS - time.monotonic()
        try:
            came = transfer.arrived.get(timeout=max(left, 0))
        except queue.Empty:
            return _broken(transfer, body, f"still sending after {limits.TOTAL_SECONDS:g} s")
        if came is None:
            return None
        if isinstance(came, (SourceError, LimitError)):
            raise came
        if isinstance(came, Exception):
            return _broken(transfer, body, web_errors.reason(came), came)
        body.write(came)
        if body.tell() > limits.MAX_DOWNLOAD_BYTES:
            raise LimitError(
                f"{transfer.address.shown} sends more than {limits.MAX_DOWNLOAD_BYTES >> 20:,} MiB",
                hint="If it is a dump, save it with curl -o FILE and give FILE.",
            )
        if progress is not None:
            progress(body.tell(), transfer.expected)


def _broken(transfer: _Transfer, body: io.BytesIO, reason: str, error: Exception | None = None) -> str:
    """The note on a body whose end never came; an error when nothing of it did."""
    if not body.tell():
        raise web_errors.unreachable(transfer.address, reason, error) from error
    return f"the download broke off after {body.tell():,} bytes: {reason}"


# -- the thread ------------------------------------------------------------------------------------------------------


def _run(transfer: _Transfer) -> None:
    try:
        _request(transfer)
    except Exception as error:  # noqa: BLE001  # the thread that waits decides what it means
        transfer.arrived.put(error)
    else:
        transfer.arrived.put(None)


def _request(transfer: _Transfer) -> None:
    import urllib3

    timeout = urllib3.Timeout(connect=limits.CONNECT_SECONDS, read=limits.SILENCE_SECONDS)
    address = transfer.address
    with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
        for _ in range(limits.MAX_REDIRECTS + 1):
            with closing(_open(pool, address)) as response:
                elsewhere = _take(response, address, transfer)
            if elsewhere is None:
                return
            address = elsewhere
    raise SourceError(
        f"{transfer.address.shown} redirects more than {limits.MAX_REDIRECTS} times",
        hint="Give the address where the dump is.",
    )


def _take(response: BaseHTTPResponse, address: Address, transfer: _Transfer) -> Address | None:
    """Hand on what a server sends; returns where it is instead, if it redirects."""
    if response.status in _REDIRECTS:
        return address.redirected(response.headers.get("Location", ""))
    _check(response, address)
    transfer.expected = response.length_remaining or 0
    while not transfer.abandoned and (piece := response.read1(_PIECE)):
        transfer.arrived.put(piece)
    return None


def _open(pool: PoolManager, address: Address) -> BaseHTTPResponse:
    headers = {
        "User-Agent": f"stackscan/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, zstd",
        "Connection": "close",
        **address.authorization,
    }
    return pool.request(
        address.method, address.url, headers=headers, redirect=False, preload_content=False, decode_content=False
    )


def _check(response: BaseHTTPResponse, address: Address) -> None:
    """Raise unless the answer may be a dump."""
    if response.status != 200:
        web_errors.refuse_status(response.status, response.read(_ERROR_PAGE), address)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "zstd"):
        _refuse_encoding(encoding, address)
    if "html" in response.headers.get("Content-Type", "").lower():
        web_errors.refuse_page(address)


def _refuse_encoding(encoding: str, address: Address) -> NoReturn:
    safe = re.sub(r"[^\w-]", "?", encoding)[:40]
    raise SourceError(
        f"{address.shown} answers with Content-Encoding {safe}, which it was not asked for",
        hint="Save it with curl --compressed -o FILE and give FILE.",
    )
