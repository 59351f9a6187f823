"""What went wrong between us and a web server, in words, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from stackscan.errors import SourceError
from stackscan.sources import limits
from stackscan.sources.address import Address

_DUMP: Final = "/debug/pprof/goroutine?debug=2"
FULL_TEXT_HINT: Final = f"A Go program with net/http/pprof has its dump at http://HOST:PORT{_DUMP}"
_EXCERPT: Final = 160
_HTML: Final = re.compile(rb"\s*<", re.IGNORECASE)
_UNREACHABLE: Final = (
    "Check the host, the port, and that the process is alive; without memory or threads it cannot answer."
)
_SILENT: Final = "The process may be too stuck to answer: send it SIGQUIT and keep its output (this ends it)."
_NO_TLS: Final = "This port does not speak TLS"
_INDEX: Final = re.compile(r"(.*/debug/pprof)/?\Z")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing more comes from a server, in words, and what to do ("": what the caller says)."""

    reason: str
    hint: str = ""


def failure(error: Exception, address: Address, *, silence_seconds: float) -> Failure:
    """What an exception of urllib3 means. Nothing of our secrets is in it, whatever the server repeats."""
    text = str(error)
    hint = _SILENT if _silent(error) else ""
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        hint = f"{_NO_TLS}: {address.without_tls()}"
    elif "CERTIFICATE_VERIFY_FAILED" in text:
        hint = "Set SSL_CERT_FILE to the certificate of its authority, or fetch it with curl and read the file."
    return Failure(address.hide(_reason(error, silence_seconds)), hint)


def late(reason: str) -> Failure:
    """What it means that the time is over."""
    return Failure(reason, f"Give it more time with --timeout. {_SILENT}")


def _reason(error: Exception, silence_seconds: float) -> str:
    """Why a transfer failed, for people."""
    from urllib3 import exceptions

    told = re.search(r"timeout=([\d.]+)", str(error))  # in a TLS handshake it is the time to connect
    silence = float(told[1]) if told else silence_seconds
    cause = getattr(error.__cause__, "strerror", None) or "it cannot be reached"
    said = (
        (exceptions.NameResolutionError, "unknown host"),
        (exceptions.NewConnectionError, cause.lower()),
        (exceptions.ConnectTimeoutError, f"no connection within {limits.CONNECT_SECONDS:g} s"),
        (exceptions.ReadTimeoutError, f"silent for {silence:g} s"),
        (exceptions.SSLError, f"TLS failed: {_tls(error)}"),
        (exceptions.ProtocolError, f"the connection broke ({_innermost(error)})"),
    )
    return next((text for kind, text in said if isinstance(error, kind)), str(error) or type(error).__name__)


def _silent(error: Exception) -> bool:
    from urllib3 import exceptions

    return isinstance(error, exceptions.ReadTimeoutError)


def unreachable(given: Address, asked: Address, failure: Failure) -> SourceError:
    """The error for a server of which nothing came; ``asked`` is where the redirects of the ``given`` one led."""
    where = str(given) if asked is given else f"{given} (which redirects to {asked})"
    hint = failure.hint
    if asked is not given and hint.startswith(_NO_TLS) and _same_place(given, asked):
        hint = (
            "It redirects from http to https, but does not speak TLS there: correct its redirect, or use another port."
        )
    return SourceError(f"{where} cannot be read: {failure.reason}", hint=hint or _UNREACHABLE)


def _same_place(given: Address, asked: Address) -> bool:
    """Whether both are on one host and port, whatever is spoken there."""
    return given.origin.partition("://")[2] == asked.origin.partition("://")[2]


def refuse_status(status: int, page: bytes, address: Address) -> NoReturn:
    """Raise for an answer that is an error."""
    said = address.hide(_first_line(page))
    message = f"{address} answers {status}" + (f": {said}" if said else "")
    if status in (401, 403, 407):
        hint = "It requires a login: http://USER:PASSWORD@HOST/…, or fetch it with curl and read the file."
    elif status == 404 and "/debug/" not in address.path:
        hint = f"Try {address.origin}{_DUMP} (net/http/pprof) or {address.origin}/debug/stack (kubo)."
    elif status == 404:
        hint = (
            "Nothing serves this path: the program must import net/http/pprof and serve it on this port. "
            + FULL_TEXT_HINT
        )
    elif status >= 500:
        hint = "The server failed; its log may say why. SIGQUIT makes a Go process print its dump (this ends it)."
    else:
        hint = FULL_TEXT_HINT
    raise SourceError(message, hint=hint)


def refuse_page(address: Address) -> NoReturn:
    """Raise for a web page, with the address that was meant if it can be told."""
    index = _INDEX.match(address.path)
    if index:
        hint = f"This is the list of profiles. The dump is at {address.origin}{index[1]}/goroutine?debug=2"
    else:
        hint = f"Try {address.origin}{_DUMP}."
    raise SourceError(f"{address} is a web page, not a goroutine dump", hint=hint)


def _first_line(page: bytes) -> str:
    """The first words of an error's page, if they are text."""
    if _HTML.match(page):
        title = re.search(rb"<title>([^<]*)", page, re.IGNORECASE)
        page = title[1] if title else b""
    line = page.strip().split(b"\n")[0].decode("utf-8", "replace").strip()
    return line if len(line) <= _EXCERPT else line[:_EXCERPT] + "…"


def _tls(error: Exception) -> str:
    text = str(error)
    found = re.search(r"certificate verify failed: ([^(\n]*)", text)
    if found:
        return f"its certificate is not trusted ({found[1].strip()})"
    named = re.search(r"\[SSL[^\]]*\] ([^(\n]*)", text)
    return named[1].strip() if named else text[:_EXCERPT]


def _innermost(error: BaseException) -> str:
    """What the deepest cause says."""
    inner = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], BaseException) else error
    if type(inner).__name__ in ("IncompleteRead", "InvalidChunkLength"):
        return "before its announced end"
    return str(getattr(inner, "strerror", None) or inner).lower()[:_EXCERPT]
