"""Errors of object storage in words: what failed, where, and what to do.

The library's own text is not shown: it is long, and may hold a signature. What is taken from it is the code that the
server gave, its HTTP status, and the reason why a connection failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from stackscan.errors import SourceError
from stackscan.sources.address import masked
from stackscan.sources.objects.address import ObjectAddress

_CODE: Final = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS: Final = re.compile(r"non-2xx status code: (\d{3})")
#: An address that was asked: its scheme, host and port, and the rest.
_URL: Final = re.compile(r"(https?://[^\s/?#\"]+)[^\s,\"]*")
#: The key in front of what went wrong with it.
_LOCATION: Final = re.compile(r"\A(?:Object at location .*? not found|.* to complete for path .*?): Error", re.DOTALL)
_ILLEGAL: Final = re.compile(r'(?:\A|: )(?:Error parsing )?Path "(?P<key>.*?)"(?:: Enc| contained)', re.DOTALL)
#: The variable that sets the endpoint, by how variables of the store begin.
ENDPOINTS: Final = {"AWS": "AWS_ENDPOINT_URL", "GOOGLE": "GOOGLE_BASE_URL", "AZURE": "AZURE_STORAGE_ENDPOINT"}
_NO_CREDENTIALS: Final = re.compile(
    r"Missing(?:AccessKeyId|SecretAccessKey|Account)|Account must be specified|169\.254\.16\d\.\d+|metadata\.google|"
    r"token request|Missing AccessKeyId|Missing SecretAccessKey|no credentials found|while loading credentials",
)
_ACCESS_HINT: Final = (
    "The credentials may read neither the object nor, perhaps, the list of the bucket: grant s3:GetObject and "
    "s3:ListBucket, or their like. Of a public bucket: AWS_SKIP_SIGNATURE=true."
)
_CLOCK_HINT: Final = "Signatures hold the time: set the clock of this machine (timedatectl), or that of the server."
_KEY_HINT: Final = (
    "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, and that they are for this server."
)
#: Codes for an object that is not there; an answer without a body has none.
_MISSING: Final = frozenset({"NoSuchKey", "BlobNotFound", "PathNotFound"})


@dataclass(frozen=True, slots=True)
class _Cause:
    """What happened, as a sentence of the address, and what to do."""

    reason: str
    hint: str


#: By the code that a server gives (of S3 and what is like it, and of Azure).
_CODES: Final[Mapping[str, _Cause]] = {
    "NoSuchBucket": _Cause("there is no such bucket", "Check its name, AWS_REGION and AWS_ENDPOINT_URL."),
    "ContainerNotFound": _Cause("there is no such container", "Check its name and AZURE_STORAGE_ACCOUNT_NAME."),
    "AccessDenied": _Cause("access is denied", _ACCESS_HINT),
    "AllAccessDisabled": _Cause("access is denied", _ACCESS_HINT),
    "AuthorizationPermissionMismatch": _Cause("access is denied", _ACCESS_HINT),
    "InvalidAccessKeyId": _Cause("the server does not know this access key", _KEY_HINT),
    "SignatureDoesNotMatch": _Cause("the secret key is wrong (the signature does not match)", _KEY_HINT),
    "AuthenticationFailed": _Cause("the credentials are wrong", ""),
    "ExpiredToken": _Cause("the session token has expired", "Get new credentials (aws sso login, or assume the role)."),
    "InvalidToken": _Cause("the session token is invalid", _KEY_HINT),
    "RequestTimeTooSkewed": _Cause("the clocks of this machine and the server differ too much", _CLOCK_HINT),
    "RequestExpired": _Cause("the clocks of this machine and the server differ too much", _CLOCK_HINT),
    "PermanentRedirect": _Cause("the bucket is in another region", "Set AWS_REGION to the region of the bucket."),
    "AuthorizationHeaderMalformed": _Cause("the bucket is in another region", "Set AWS_REGION to the bucket's region."),
    "IllegalLocationConstraintException": _Cause("the bucket is in another region", "Set AWS_REGION to its region."),
    "InvalidObjectState": _Cause("the object is archived", "Restore it from its archive tier first."),
    "SlowDown": _Cause("the server asks for fewer requests", "Try again later, or with fewer --jobs."),
    "InvalidBucketName": _Cause("this cannot be the name of a bucket", "Check its name."),
}
#: By the HTTP status, where no code is known.
_STATUSES: Final[Mapping[int, _Cause]] = {
    301: _CODES["PermanentRedirect"],
    401: _CODES["AuthenticationFailed"],
    403: _CODES["AccessDenied"],
    404: _CODES["NoSuchBucket"],
    429: _CODES["SlowDown"],
    503: _CODES["SlowDown"],
}


def failed(error: BaseException, address: ObjectAddress) -> SourceError:
    """The error for an exception of the library. It quotes nothing that may be secret."""
    text = str(error)
    cause = _cause_of(text, address) or _Cause(f"the request failed ({type(error).__name__})", "")
    return SourceError(f"{address} cannot be read: {cause.reason}", hint=cause.hint or address.credentials_hint)


def reason_of(text: str, address: ObjectAddress) -> tuple[str, str] | None:
    """What the text of an error says happened, and what to do, in our words; None where it says nothing known."""
    cause = _cause_of(text, address)
    return None if cause is None else (cause.reason, cause.hint or address.credentials_hint)


def _cause_of(text: str, address: ObjectAddress) -> _Cause | None:
    cause = _of_key(text)
    if cause is not None:
        return cause
    bare = _LOCATION.sub("", _URL.sub(r"\1", text))  # a key may read like anything
    return next((found for look in _LOOKS if (found := look(bare, address)) is not None), None)


def is_missing(error: FileNotFoundError) -> bool:
    """Whether it is the object that is not there, and not its bucket, or the user."""
    code = _CODE.search(str(error))
    return code is None or code[1] in _MISSING


def is_unreachable(error: BaseException) -> bool:
    """Whether no answer came, or not the whole of it."""
    text = str(error)
    return _STATUS.search(text) is None and ("HttpError" in text or "reqwest" in text)


def late(address: ObjectAddress) -> SourceError:
    """The error for a request whose time is over."""
    return SourceError(
        f"{address} cannot be read: no answer in time",
        hint="Check the endpoint and the network, or give it more time with --timeout.",
    )


def wrong_setting(address: ObjectAddress, name: str, reason: str) -> SourceError:
    """The error for a variable of the environment with a value that cannot be used."""
    return SourceError(f"{address} cannot be read: {name} {reason}", hint=f"Correct {name}, or unset it.")


def missing(address: ObjectAddress) -> SourceError:
    """The error for a key that is neither an object nor has objects below it."""
    what = "no key matches it" if address.is_glob else "there is no such object, and none below it"
    return SourceError(
        f"{address} cannot be read: {what}",
        hint="Keys are case-sensitive. * stays within one part of a key, and ** stands for any number of parts.",
    )


def _of_code(text: str, _: ObjectAddress) -> _Cause | None:
    found = _CODE.search(text)
    return None if found is None else _CODES.get(found[1])


def _of_credentials(text: str, _: ObjectAddress) -> _Cause | None:
    if _NO_CREDENTIALS.search(text) is None:
        return None
    return _Cause("no credentials were found", "")


def _of_status(text: str, _: ObjectAddress) -> _Cause | None:
    found = _STATUS.search(text)
    if found is None:
        return None
    code = _CODE.search(text)
    if code is None and int(found[1]) in _STATUSES:
        return _STATUSES[int(found[1])]
    answer = found[1] if code is None else f"{found[1]} {code[1]}"
    return _Cause(f"the server answers {answer}", "Check the endpoint, and that the credentials are for this server.")


def _of_connection(text: str, address: ObjectAddress) -> _Cause | None:
    """Why no answer came. ``text`` names the endpoint that was asked."""
    where = _endpoint(text)
    check = f"Check {ENDPOINTS[address.settings]}, the host and its port."
    allow = f"{address.settings}_ALLOW_HTTP=true"
    for mark, reason, hint in (
        ("BadScheme", f"{where} has no TLS, which is not allowed", f"Set {allow} if it is meant."),
        ("scheme is not allowed", f"{where} has no TLS, which is not allowed", f"Set {allow} if it is meant."),
        ("dns error", f"{where} is an unknown host", check),
        ("onnection refused", f"{where} refuses the connection", check),
        ("certificate", f"the certificate of {where} is not trusted", "Set AWS_CA_BUNDLE to that of its authority."),
        ("InvalidContentType", f"{where} does not speak TLS", f"{check} http:// needs {allow}."),
        ("imed out", f"{where} did not answer in time", f"{check} --timeout gives it more time."),
        ("TimedOut", f"{where} did not answer in time", f"{check} --timeout gives it more time."),
        ("HttpError", f"the connection to {where} broke", f"{check} The server may have stopped."),
        ("reqwest", f"the connection to {where} broke", f"{check} The server may have stopped."),
    ):
        if mark in text:
            return _Cause(reason, hint)
    return None


def _of_settings(text: str, _: ObjectAddress) -> _Cause | None:
    if "Generic Config error" in text or "InvalidUri" in text or "UnknownConfigurationKey" in text:
        return _Cause("a setting of the environment is wrong", "Check AWS_…, GOOGLE_… and AZURE_… in the environment.")
    return None


def _of_key(text: str) -> _Cause | None:
    """A key that the library does not take; one such key keeps its whole page of a list from being read."""
    found = _ILLEGAL.search(text)
    if found is None:
        return None
    return _Cause(
        f"the key {masked(found['key'])!r} has an empty part, a part . or .., or control characters, which the library "
        "does not read",
        "Give a prefix without such keys, or copy what is below it to other keys.",
    )


_LOOKS: Final[tuple[Callable[[str, ObjectAddress], _Cause | None], ...]] = (
    _of_code, _of_credentials, _of_settings, _of_status, _of_connection,
)  # fmt: skip


def _endpoint(text: str) -> str:
    """Scheme, host and port that a request went to, masked."""
    found = _URL.search(text)
    if found is None:
        return "the endpoint"
    try:
        parts = urlsplit(masked(found[1]))
    except ValueError:
        return "the endpoint"
    return f"{parts.scheme}://{parts.netloc}"
