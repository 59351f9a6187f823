"""A hook that is an address: what changed is posted to it. Its path and query may be secrets, and are never shown."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from stackscan import __version__
from stackscan.errors import SourceError, UsageError
from stackscan.live.hooks.courier import Parcel, UndeliveredError
from stackscan.sources import Source, web_errors
from stackscan.sources.address import Address
from stackscan.sources.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that a post may take in all.
SECONDS: Final = 10.0
ATTEMPTS: Final = 6
#: Bytes of an answer that are looked at, and seconds for which a server may put us off.
_ANSWER: Final = 400
_LONGEST_PUT_OFF: Final = 300.0
#: Answers after which another attempt may succeed, beside those of 500 and more.
_AGAIN: Final = frozenset({408, 425, 429})
_LONGEST_URL: Final = 8192


def address_of(text: str) -> Address:
    """The address of a hook: http(s), or ``@FILE`` for a file that holds it. Raises UsageError."""
    given = Source(text).with_secrets()
    url = _read(Path(given[1:])) if given.startswith("@") else given
    if not Source(url).is_url:
        raise UsageError("the address of a webhook is none", hint="Give http(s)://…, or @FILE with one in it.")
    try:
        return Address.parse(url)
    except SourceError:
        raise UsageError(
            "the address of a webhook is none", hint="Give http(s)://…, or @FILE with one in it."
        ) from None


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_URL).strip()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="Give @FILE with the address in it.") from None


class Webhook:
    """Posts a body, which ``spell`` makes of what is delivered. Redirects are not followed."""

    def __init__(self, address: Address, spell: Callable[[object], bytes], *, seconds: float = SECONDS) -> None:
        self._address = address
        self._spell = spell
        self._seconds = seconds
        self._open: Connections | None = None

    def __call__(self, parcel: Parcel) -> None:
        """Post it. Raises UndeliveredError, with no part of the address but its server."""
        body = self._spell(parcel.body)
        connections = self._open = Connections()
        late = threading.Timer(self._seconds, connections.close)  # whatever the server sends, however slowly
        late.daemon = True
        late.start()
        try:
            self._post(body, connections)
        except UndeliveredError:
            raise
        except Exception as error:  # noqa: BLE001 - what urllib3 raises, without its traceback, which holds the address
            reason = web_errors.failure(error, self._address, silence_seconds=self._seconds).reason
            late_too = f"no answer after {self._seconds:g} s" if connections.closed else reason
            raise UndeliveredError(self._hide(late_too)) from None
        finally:
            late.cancel()
            connections.close()
            self._open = None

    def end(self) -> None:
        """End what is being posted, from any thread."""
        opened = self._open
        if opened is not None:
            opened.close()

    def _post(self, body: bytes, connections: Connections) -> None:
        _, url, headers = self._address.request_with_secrets()
        headers |= {
            "User-Agent": f"stackscan/{__version__}",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        with connections.pool(connect=self._seconds, read=self._seconds) as pool:
            response = pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
            with closing(response):
                if 200 <= response.status < 300:
                    return
                page = response.read(_ANSWER).decode("utf-8", "replace").split("\n")[0].strip()
                raise self._refused(response.status, page, response.headers.get("Retry-After", ""))

    def _hide(self, text: str) -> str:
        """A text without the address: its path is a secret, too."""
        path = urlsplit(self._address.request_with_secrets()[1]).path
        shown = text.replace(path, "/***") if len(path) > 1 else text
        return self._address.hide(shown)

    def _refused(self, status: int, page: str, put_off: str) -> UndeliveredError:
        if 300 <= status < 400:
            return UndeliveredError(f"answers {status}: redirects are not followed", again=False)
        after = None
        with suppress(ValueError):
            after = min(max(float(put_off), 0.0), _LONGEST_PUT_OFF) if put_off else None
        said = self._hide(page)[:160]
        text = f"answers {status}" + (f": {said}" if said else "")
        return UndeliveredError(text, again=status >= 500 or status in _AGAIN, after_seconds=after)
