"""Connections to web servers that another thread can end while they wait for the server."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from typing import TYPE_CHECKING, Final

from stackscan.model.masking import masked_text

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
    """The connections of one request. :meth:`close` may be called by any thread, at any time."""

    def __init__(self) -> None:
        self._opened: list[socket.socket] = []
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
        noted = self._noted

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return noted(super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
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
        return opened

    def close(self) -> None:
        """End all of them, and those to come."""
        self.closed = True
        for opened in self._opened:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
