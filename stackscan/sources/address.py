"""Addresses of dumps on the web: what to send to whom, and how to show them without what is secret in them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

from stackscan.errors import SourceError

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_ANY_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
#: Parameters whose values are nobody's business.
_SECRET: Final = re.compile(r"token|secret|passw|key|auth|sig|credential|session|jwt|code", re.IGNORECASE)
_HIDDEN: Final = "***"
#: kubo's RPC takes POST only, against cross-site requests; everything else that serves dumps takes GET.
_RPC: Final = "/api/v0/"


def is_url(source: str) -> bool:
    """Whether a source is fetched from the web."""
    return _URL.match(source) is not None


def is_other_url(source: str) -> bool:
    """Whether a source looks like an address of a kind that is not fetched."""
    return _ANY_URL.match(source) is not None and not is_url(source)


def shown(source: str) -> str:
    """A source as it may be printed: an address without passwords and tokens, anything else as it is."""
    if not is_url(source):
        return source
    try:
        parts = urlsplit(source)
        host = _host(parts)
    except ValueError:
        return re.sub(r"//[^/]*@", "//", source).partition("?")[0]
    query = parts.query
    if _SECRET.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(k, _HIDDEN if _SECRET.search(k) else v) for k, v in pairs], safe="*/:")
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _host(parts: SplitResult) -> str:
    """Host and port, without user and password."""
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port is None else f"{name}:{parts.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """An http or https address; ``url`` is without user and password, which are in ``login`` (``user:password``)."""

    url: str
    login: str | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """The address that a user gave. Raises SourceError when it is none."""
        try:
            parts = urlsplit(url)
            host = _host(parts)
        except ValueError as error:
            raise SourceError(f"{shown(url)} is no address: {error}", hint="") from None
        if not parts.hostname or re.search(r"[\s\x00-\x1f]", url):
            raise SourceError(f"{shown(url)!r} is no address: it names no host", hint="Write http://HOST:PORT/PATH.")
        login = None
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, "")), login)

    @property
    def shown(self) -> str:
        """As it may be printed."""
        return shown(self.url)

    @property
    def path(self) -> str:
        """The path, without a query."""
        return urlsplit(self.url).path

    @property
    def origin(self) -> str:
        """Scheme, host and port: ``http://localhost:6060``."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def method(self) -> str:
        """How it is asked."""
        return "POST" if self.path.startswith(_RPC) else "GET"

    @property
    def authorization(self) -> dict[str, str]:
        """The header that carries user and password, if there are any."""
        if self.login is None:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(self.login.encode()).decode()}

    def redirected(self, location: str) -> Address:
        """Where a redirect leads; user and password stay with the server that they were given for.

        Raises SourceError for anything but http and https.
        """
        target = urljoin(self.url, location.strip())
        if not location.strip() or not is_url(target):
            scheme = re.sub(r"[^\w+.-]", "?", target.partition(":")[0])[:20]
            where = f"to a {scheme}: address" if location.strip() else "to nowhere"
            raise SourceError(f"{self.shown} redirects {where}, which is not followed", hint="")
        found = Address.parse(target)
        kept = self.login if found.origin == self.origin and found.login is None else found.login
        return replace(found, login=kept)
