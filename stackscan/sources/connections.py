"""Connections to web servers that another thread can end while they wait for the server."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from typing import TYPE_CHECKING, Final

from stackscan.errors import SourceError
from stackscan.model.masking import masked_text
from stackscan.sources.zones import Zone, refused, zone_of_peer, zones_of_host

if TYPE_CHECKING:
    from urllib3 import PoolManager

#: The loggers of urllib3 that quote addresses; a filter sees only the records of its own logger.
_LOGGERS: Final = ("urllib3.connection", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry")

#: A whole query is hidden: in a path without its host, secrets cannot be recognised.
_QUERY: Final = re.compile(r"\?[^\s\"')>]*")


class _Masking(logging.Filter):
    """Lets every record pass, without the secrets of addresses in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the addresses of a record."""
        record.msg, record.args = _QUERY.sub("?***", masked_text(record.getMessage())), ()
        record.exc_info = record.exc_text = None  # a traceback holds the request
        return True


_MASKING: Final = _Masking()


class Connections:
    """The connections of one request. :meth:`close` may be called by any thread, at any time.

    A connection further inward than one before it (zones.py) is refused with SourceError: a redirect led there.
    """

    def __init__(self) -> None:
        self._opened: list[socket.socket] = []
        self._zones: list[Zone] = []
        self.closed = False

    @property
    def any(self) -> bool:
        """Whether a server was reached."""
        return bool(self._opened)

    def pool(self, *, connect: float, read: float) -> PoolManager:
        """What opens them: seconds to connect, and of silence. It follows no redirect and tries once."""
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
        from urllib3.connection import HTTPConnection, HTTPSConnection

        for name in _LOGGERS:  # what they log may reach stderr, or a log of the program that uses us
            logging.getLogger(name).addFilter(_MASKING)
        checked, noted = self._check_host, self._noted

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                checked(self.host, self.port)
                return noted(super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                checked(self.host, self.port)
                return noted(super()._new_conn())

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        pool = PoolManager(timeout=Timeout(connect=connect, read=read), retries=False)
        pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
        return pool

    def _noted(self, opened: socket.socket) -> socket.socket:
        self._opened.append(opened.dup())  # TLS takes the socket itself away; a duplicate ends the same connection
        if self.closed:
            self.close()
        zone = zone_of_peer(opened)
        try:
            self._check(zone)  # a name may resolve to another address than it did in _check_host
        except SourceError:
            opened.close()
            raise
        self._zones.append(zone)
        return opened

    def _check_host(self, host: str, port: int) -> None:
        """Refuse what a redirect leads to before anything is sent there, not even a connection."""
        if self._zones:
            with contextlib.suppress(OSError):  # connecting says what is wrong
                for zone in zones_of_host(host, port):
                    self._check(zone)

    def _check(self, zone: Zone) -> None:
        outer = refused(self._zones, zone)
        if outer is not None:
            raise SourceError(
                f"from a {outer} to a {zone} address, which is not followed",
                hint="If you trust it, give the address that it redirects to.",
            )

    def close(self) -> None:
        """End all of them, and those to come."""
        self.closed = True
        for opened in self._opened:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
