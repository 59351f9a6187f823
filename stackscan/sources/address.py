"""Sources as users name them, and addresses of dumps on the web; their text holds no secrets.

Secrets leave a :class:`Source` only by ``with_secrets`` and an :class:`Address` only by ``request_with_secrets``.
:mod:`stackscan.model.masking` decides what is secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Self
from urllib.parse import SplitResult, quote, quote_plus, unquote, unquote_plus, urljoin, urlsplit, urlunsplit

from stackscan.errors import SourceError, UsageError
from stackscan.sources import limits

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_OBJECT: Final = re.compile(r"(?:s3|gs|az|abfss?)://", re.IGNORECASE)
_ANY_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
#: kubo's RPC takes POST only, against cross-site requests; everything else that serves dumps takes GET.
_RPC: Final = "/api/v0/"
_ESCAPES: Final = "In a user name or password write / as %2F, @ as %40, ? as %3F, # as %23."


def masked(source: str) -> str:
    """The same as :func:`stackscan.model.masking.masked`, which is loaded for what may be an address, or a file that is
    named after one: any other source is its own masked text."""
    if ":/" not in source and not any(mark in source for mark in "@?&;#"):
        return source
    from stackscan.model.masking import masked as without_secrets

    return without_secrets(source)


class _Masked:
    """A value whose copies and pickles are its masked text."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def __getstate__(self) -> None:
        """No state."""


class Source(_Masked, str):
    """A path, ``-``, or an address, as a user gave it, and how long an address may take to answer.

    Its text, also in a ``repr``, JSON, a copy or a pickle, is masked.
    ``timeout_seconds`` bounds the whole request of an address (None: the defaults of limits.py).
    """

    __slots__ = ("__given", "timeout_seconds")
    __given: str
    timeout_seconds: float | None

    def __new__(cls, given: str, *, timeout_seconds: float | None = None) -> Self:
        """The source of a text, or the same source with another time. Raises UsageError for a time out of bounds."""
        bounds = limits.MIN_TIMEOUT_SECONDS, limits.MAX_TIMEOUT_SECONDS
        if timeout_seconds is not None and not bounds[0] <= timeout_seconds <= bounds[1]:
            raise UsageError(
                f"a request cannot have a time-out of {timeout_seconds:g} s",
                hint=f"It may be from 1ms to {limits.MAX_TIMEOUT_SECONDS / 3600:g}h.",
            )
        if isinstance(given, Source):
            timeout_seconds = given.timeout_seconds if timeout_seconds is None else timeout_seconds
            given = given.with_secrets()
        source = super().__new__(cls, masked(given))
        source.__given = given
        source.timeout_seconds = timeout_seconds
        return source

    def with_secrets(self) -> str:
        """The text as given, with secrets: only to open a file or send a request."""
        return self.__given

    def hide(self, text: str) -> str:
        """A text without the secrets of this address."""
        try:
            return Address.parse(self.with_secrets()).hide(text, shortest=8) if self.is_url else text
        except SourceError:
            return text

    @property
    def is_url(self) -> bool:
        """Whether it is fetched from the web."""
        return _URL.match(self) is not None

    @property
    def is_object(self) -> bool:
        """Whether it is in object storage."""
        return _OBJECT.match(self) is not None

    @property
    def is_other_url(self) -> bool:
        """Whether it looks like an address of another scheme, which is not read."""
        return _ANY_URL.match(self) is not None and not (self.is_url or self.is_object)


class Address(_Masked):
    """An http or https address. Its text is masked."""

    __slots__ = ("__login", "__others", "__parts", "__shown")

    def __init__(self, url: str, *, login: str | None = None, others: frozenset[str] = frozenset()) -> None:
        self.__parts, own = _split(url)
        self.__login = own if own is not None else login  # ``user:password``, which the parts are without
        self.__others = others  # secrets of the addresses that led here
        self.__shown = _without(masked(url), others)

    @classmethod
    def parse(cls, url: str) -> Address:
        """The address that a user gave. Raises SourceError when it is none."""
        return cls(url)

    def __str__(self) -> str:
        return self.__shown

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __url(self) -> str:
        return urlunsplit(self.__parts)

    @property
    def path(self) -> str:
        """The masked path, without a query."""
        return urlsplit(self.__shown).path

    @property
    def origin(self) -> str:
        """Scheme, host and port: ``http://localhost:6060``."""
        return _without(f"{self.__parts.scheme}://{self.__parts.netloc}", self.__others)

    def request_with_secrets(self) -> tuple[str, str, dict[str, str]]:
        """Method, address and headers of the request, with secrets: only to send it."""
        method = "POST" if self.__parts.path.startswith(_RPC) else "GET"
        headers = {} if self.__login is None else {"Authorization": f"Basic {_basic(self.__login)}"}
        return method, self.__url(), headers

    def without_tls(self) -> str:
        """The masked address with http."""
        return f"http://{self.__shown.partition('://')[2]}"

    def redirected(self, location: str) -> Address:
        """The target of a redirect; user and password are sent to the same server only.

        Raises SourceError for anything but http and https, and for http where this is https.
        """
        location = location.strip()
        try:
            target = urljoin(self.__url(), location)
        except ValueError:
            target = location
        if not location or not _URL.match(target):
            scheme = re.sub(r"[^\w+.-]", "?", self.hide(target.partition(":")[0]))[:20]
            where = f"to a {scheme}: address" if location else "to nowhere"
            raise SourceError(f"{self} redirects {where}, which is not followed", hint="")
        if self.__parts.scheme == "https" and target[:5].lower() == "http:":
            raise SourceError(
                f"{self} redirects from https to http, which is not followed",
                hint="Others could read and change the answer on its way. If that is meant, give its http address.",
            )
        known = self.__others | self.__secrets()
        try:
            found = Address(target, others=known)
            same = found.__parts[:2] == self.__parts[:2]
            return Address(target, login=self.__login, others=known) if same else found
        except SourceError:
            raise SourceError(
                f"{self} redirects to {self.hide(masked(target))}, which is not an address", hint=""
            ) from None

    def hide(self, text: str, *, shortest: int = 4) -> str:
        """A server's text without our secrets of at least ``shortest`` characters; shorter ones occur in any text."""
        secrets = {secret for secret in self.__others | self.__secrets() if len(secret) >= shortest}
        from stackscan.model.masking import masked_text

        return masked_text(_without(text, secrets))

    def __secrets(self) -> frozenset[str]:
        from stackscan.model.masking import HIDDEN, hidden_values

        found = hidden_values(self.__parts.query)
        if self.__login is not None:
            found += [self.__login, _basic(self.__login), *self.__login.split(":", 1)]
        spelt = {write(text) for text in found for write in (str, unquote_plus, quote, quote_plus)}
        return frozenset(text for text in spelt if len(text) > len(HIDDEN))


def _without(text: str, secrets: Iterable[str]) -> str:
    spelt = "|".join(map(re.escape, sorted(secrets, key=len, reverse=True)))
    from stackscan.model.masking import HIDDEN

    return re.sub(spelt, HIDDEN, text, flags=re.IGNORECASE) if spelt else text


def _basic(login: str) -> str:
    import base64

    return base64.b64encode(login.encode("utf-8", "surrogateescape")).decode()


def _host(parts: SplitResult) -> str:
    """Host and port, without user and password."""
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port is None else f"{name}:{parts.port}"


def _split(url: str) -> tuple[SplitResult, str | None]:
    """The parts of an address without its user, and ``user:password``. Raises SourceError when it is none."""
    address = masked(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SourceError(f"{address} is not an address: its host is invalid", hint="") from None
    try:
        host = _host(parts)
    except ValueError:  # its message quotes what may be a password
        hint = _ESCAPES if "@" in url else ""
        raise SourceError(f"{address} is not an address: its port is not a number from 0 to 65535", hint=hint) from None
    if not parts.hostname or re.search(r"[\s\x00-\x1f]", url):
        raise SourceError(f"{address!r} is not an address: it has no host", hint="Write http://HOST:PORT/PATH.")
    login = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return SplitResult(parts.scheme.lower(), host, parts.path or "/", parts.query, ""), login
