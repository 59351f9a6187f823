"""The one door to obstore: stores of buckets, with time limits and bounded retries.

Credentials, endpoints and regions are those of the environment (``AWS_*``, ``GOOGLE_*``, ``AZURE_*``) or the machine's
role, as the library finds them.
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from stackscan import __version__
from stackscan.errors import MissingExtraError, SourceError
from stackscan.sources import limits, network
from stackscan.sources.objects.address import ObjectAddress
from stackscan.sources.objects.failures import ENDPOINTS, failed, is_missing, is_unreachable, late, wrong_setting

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Answer = TypeVar("Answer")
#: How often a request is tried again: of a store that nobody reached yet, one that answered the last request, and one
#: that did not. So a wrong address is an error at once, an outage of half a minute is waited for once, and what is left
#: of a long list does not wait for it again and again.
_RETRIES: Final[dict[bool | None, int]] = {None: 3, True: 20, False: 0}
_OUTAGE_SECONDS: Final = 30.0
_SWITCHES: Final = ("allow_http", "allow_invalid_certificates")
_TEXTS: Final = ("proxy_url", "proxy_ca_certificate", "proxy_excludes")
_YES: Final = frozenset({"1", "true", "on", "yes", "y"})
_ENDPOINT: Final = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_CERTIFICATES: Final = ("AWS_CA_BUNDLE", "SSL_CERT_FILE")


class _Bucket(NamedTuple):
    """A bucket, and the environment, which the library reads itself: with another one it is another bucket."""

    scheme: str
    name: str
    environment: tuple[tuple[str, str], ...]


#: Whether a bucket answered the last request of this process.
_answered: Final[dict[_Bucket, bool]] = {}


def open_store(address: ObjectAddress) -> ObjectStore:
    """The store of an address's bucket. Raises MissingExtraError without the library, and SourceError for a
    wrong setting."""
    network.check(str(address))
    _check_endpoint(address)
    certificates = _certificates(address)
    found = _bucket(address)
    try:
        return _store(found, address.timeout_seconds, certificates, _RETRIES[_answered.get(found)])
    except ModuleNotFoundError:
        raise MissingExtraError(f"{address}: object storage", library="obstore", extra="objects") from None
    except Exception as error:  # noqa: BLE001  # whatever the library says of a setting
        raise failed(error, address) from None


def _bucket(address: ObjectAddress) -> _Bucket:
    names = (name for name in os.environ if name.startswith(address.settings))
    return _Bucket(address.scheme, address.bucket, tuple(sorted((name, os.environ[name]) for name in names)))


@lru_cache(maxsize=8)
def _store(place: _Bucket, timeout: float | None, certificates: str | None, retries: int) -> ObjectStore:
    from obstore.store import AzureStore, GCSStore, S3Store

    silence = limits.SILENCE_SECONDS if timeout is None else timeout
    total = limits.TOTAL_SECONDS if timeout is None else timeout
    client: Any = {
        **_client(dict(place.environment), certificates),
        "connect_timeout": timedelta(seconds=min(limits.CONNECT_SECONDS, total)),
        "read_timeout": timedelta(seconds=silence),
        "timeout": timedelta(seconds=total),
        "user_agent": f"stackscan/{__version__}",
    }
    retry: Any = {
        "max_retries": retries,
        "retry_timeout": timedelta(seconds=min(_OUTAGE_SECONDS, total / 2)),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=2),
            "base": 2,
        },
    }
    if place.scheme == "s3":
        return S3Store(place.name, client_options=client, retry_config=retry)
    if place.scheme == "gs":
        return GCSStore(place.name, client_options=client, retry_config=retry)
    return AzureStore(place.name, client_options=client, retry_config=retry)


def _client(environment: Mapping[str, str], certificates: str | None) -> dict[str, object]:
    """What the environment says of connections; the library ignores that where it is given any of it."""
    found: dict[str, object] = {}
    for variable, value in environment.items():
        name = variable.partition("_")[2].lower()
        if value and name in (*_SWITCHES, *_TEXTS):
            found[name] = value.lower() in _YES if name in _SWITCHES else value
    if certificates is not None:
        found["root_certificate"] = Path(certificates).read_bytes()
    return found


def _check_endpoint(address: ObjectAddress) -> None:
    """Raise for an endpoint that is no address: the library panics over it."""
    for name in ENDPOINTS[address.settings], f"{address.settings}_ENDPOINT":
        endpoint = os.environ.get(name)
        if endpoint and not _ENDPOINT.fullmatch(endpoint):
            raise wrong_setting(address, name, "is not an address like https://HOST:PORT")


def _certificates(address: ObjectAddress) -> str | None:
    """The file with certificates of authorities that are trusted, too."""
    for name in _CERTIFICATES:
        if path := os.environ.get(name):
            if not os.access(path, os.R_OK):
                raise wrong_setting(address, name, "names a file that cannot be read")
            return path
    return None


def asked(address: ObjectAddress, seconds: float, call: Callable[[], Answer]) -> Answer:
    """What a call of the library returns, within so many seconds.

    The call runs in a separate thread: neither a server nor a resolver can hold us longer, and an interrupt ends it.
    Raises SourceError; FileNotFoundError where the library has no such object.
    """
    answers: queue.SimpleQueue[tuple[Answer] | SourceError | FileNotFoundError] = queue.SimpleQueue()
    threading.Thread(target=_answer, args=(address, call, answers), name="objects", daemon=True).start()
    try:
        found = answers.get(timeout=seconds) if seconds > 0 else None
    except queue.Empty:
        found = None
    if found is None:
        raise late(address)
    if isinstance(found, tuple):
        return found[0]
    raise found


def _answer(
    address: ObjectAddress,
    call: Callable[[], Answer],
    answers: queue.SimpleQueue[tuple[Answer] | SourceError | FileNotFoundError],
) -> None:
    """Only text of an error leaves this thread: the library's may hold an address with its signature."""
    reached = True
    try:
        answer: tuple[Answer] | SourceError | FileNotFoundError = (call(),)
    except FileNotFoundError as error:
        answer = FileNotFoundError() if is_missing(error) else failed(error, address)
    except BaseException as error:  # noqa: BLE001  # a panic of the library is no Exception
        answer, reached = failed(error, address), not is_unreachable(error)
    _answered[_bucket(address)] = reached
    answers.put(answer)
