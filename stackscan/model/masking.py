"""Masks secrets in addresses: user and password are left out, values are hidden.

An address is shown with the values of parameters that are known to be harmless (``debug=2``); every other value is
``***``. A list of harmless names fails on the safe side; a list of secret names would not.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

HIDDEN: Final = "***"

#: With one slash, too: so it is left of an address that was taken for a path.
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://|(?:h?t?tps?|ftps?):/", re.IGNORECASE)
#: An address in object storage, which begins with the name of a bucket: so no login can be in it, and an @ is of a key.
_BUCKET: Final = re.compile(r"(?:s3|gs|az|abfss?)://[\w.-]+(?=/|\Z)", re.IGNORECASE | re.ASCII)
#: Host and port.
_HOST: Final = re.compile(r"(?:\[[0-9a-z:.%-]+\]|[^\s:@\[\]\\]+)(?::\d{0,5})?", re.IGNORECASE)
_PORT: Final = re.compile(r"[0-9]{1,5}")
#: What is certainly a host and no version (``app@v1.2``): it has a port, or is an IP address, or a name of parts.
_CLEARLY_HOST: Final = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}|[\w.-]+(?=:\d))(?::\d+)?",
    re.IGNORECASE,
)
#: ``user:password@host/…`` without a scheme, as curl takes it; C:/mod@v1 is none.
_BARE_LOGIN: Final = re.compile(r"([\s'\"(]*)[^\s/\\@:]+:[^\s/\\@]*@(?=[^\s/@]+/)")
#: Names of secret values.
_SECRET: Final = re.compile(
    r"token|secret|pass|pwd|auth|bearer|sas\b|sig|key|credential|session|jwt|code|cookie|nonce|otp|\bpin\b|saml|assertion",
    re.IGNORECASE,
)
#: Parameters of profiles, and names of places, which distinguish captures.
_HARMLESS: Final = frozenset(
    """
    all block-profile-rate captured collectors container count date datacenter dc debug delay delta deployment duration
    end env environment format from full gc gid goroutine host hostname instance interval job kind labels level limit
    mode mutex-profile-fraction n namespace node ns offset output page pid pod port pretty profile profile-time
    profile-type profile_type rate raw region replica seconds service since size sort stack-timeout start stream svc
    target task time timeout timestamp to top ts type unit until v verbose version wait zone
    """.split()
)
_PLAIN: Final = re.compile(r"(?!.*//)[\w.:,/+ -]{0,100}", re.ASCII)
#: Values that are too short to be a secret.
_SWITCH: Final = re.compile(r"\d|true|false|yes|no|on|off", re.IGNORECASE)
_NAME: Final = re.compile(r"[a-z_][\w.\[\]-]{0,39}", re.IGNORECASE | re.ASCII)
#: ``;jsessionid=…`` in a path, and ``&token=…`` where a ``?`` was forgotten.
_IN_PATH: Final = re.compile(r"(?<=[;&])[^;&/]*")
#: ``/token/VALUE``, and JSON web tokens anywhere.
_PATH_SECRET: Final = re.compile(
    r"(?<=/)((?:access[_-]?)?token|secret|api[_-]?key|password|passwd)/(?!debug(?:/|\Z))[^/;&]+", re.IGNORECASE
)
_WEB_TOKEN: Final = re.compile(r"eyJ[\w-]{5,}\.[\w.-]+", re.ASCII)
#: A parameter of something that is no address: a file that wget named after one.
_PARAMETER: Final = re.compile(r"(?<=[?&;#])([^=&;#\s]+)=([^&;#\s]*)")
_WORD: Final = re.compile(r"\S+")
_AROUND: Final = "()[]{}<>'\"`,.;:!?"


def masked(source: str) -> str:
    """A source without the secrets of an address, or of parameters in a file's name. A masked one stays the same."""
    found = _SCHEME.search(source)
    if found is None:
        login = _BARE_LOGIN.match(source)
        if login is not None:
            return f"{login[1]}{HIDDEN}@{_rest(source[login.end() :])}"
        return _PARAMETER.sub(_loose, source)
    before = _PARAMETER.sub(_loose, source[: found.start()])
    bucket = _BUCKET.match(source, found.start())
    if bucket is not None:
        return before + bucket[0] + _key(source[bucket.end() :])
    return before + found[0] + _rest(source[found.end() :])


def masked_text(text: str) -> str:
    """A message with every address in it masked."""
    return _WORD.sub(_word, text)


def hidden_values(query: str) -> list[str]:
    """The values in a query that :func:`masked` hides, as they stand there."""
    parts = (part for part in re.split("[&;]", query) if part and _parameter(part) != part)
    return [part.partition("=")[2] or part for part in parts]


def _word(match: re.Match[str]) -> str:
    word = match[0]
    if not any(mark in word for mark in (":/", "?", "@")):
        return word
    bare = word.strip(_AROUND)
    start = word.find(bare)
    return word[:start] + masked(bare) + word[start + len(bare) :]


def _loose(match: re.Match[str]) -> str:
    return f"{match[1]}={HIDDEN}" if _SECRET.search(unquote_plus(match[1])) else match[0]


def _rest(rest: str) -> str:
    """The text behind ``://`` without secrets; also without its query where no host is recognised."""
    authority, tail = _divided(rest, "/?#\\")
    host = authority.rpartition("@")[2]
    if not _HOST.fullmatch(host):
        return _unclear(rest)
    path, query = _divided(tail, "?#")
    _, at, last = path.rpartition("@")
    beyond = _divided(last, "/;")[0]
    if at and _CLEARLY_HOST.fullmatch(beyond):  # a password with a slash in it
        host, path = beyond, last[len(beyond) :]
    elif at and ":" in authority:
        path = f"/{HIDDEN}@{last}"
    query = query.partition("#")[0]
    return host + _path(path) + ("?" + _query(query[1:]) if query[:1] == "?" else "")


def _key(path: str) -> str:
    """A key without secrets. What follows a ? is of a signed address, or of the key."""
    path, query = _divided(path, "?")
    return _PARAMETER.sub(_loose, _path(path)) + ("?" + _query(query[1:]) if query else "")


def _unclear(rest: str) -> str:
    """An address that cannot be parsed, without all before its last @, which may be a password."""
    authority, tail = _divided(rest.rpartition("@")[2], "/?#\\")
    if not authority.startswith("["):
        name, colon, port = authority.partition(":")
        authority = name + colon + (port if not port or _PORT.fullmatch(port) else HIDDEN)
    return authority + _path(_divided(tail, "?#")[0])


def _divided(text: str, marks: str) -> tuple[str, str]:
    """The text before the first of some characters, and the rest from there on."""
    place = min((at for mark in marks if (at := text.find(mark)) >= 0), default=len(text))
    return text[:place], text[place:]


def _path(path: str) -> str:
    path = _WEB_TOKEN.sub(HIDDEN, path)
    path = _PATH_SECRET.sub(rf"\1/{HIDDEN}", path)
    return _IN_PATH.sub(lambda match: _parameter(match[0]) if "=" in match[0] else match[0], path)


def _query(query: str) -> str:
    return "".join(part if part in ("&", ";") else _parameter(part) for part in re.split("([&;])", query))


def _parameter(part: str) -> str:
    """``name=value``, with the value hidden unless it is known to be harmless; a value without a name all the more."""
    name, equals, value = part.partition("=")
    name, plain = unquote_plus(name), unquote_plus(value)
    if not part or (name.lower() in _HARMLESS and _PLAIN.fullmatch(plain)):
        return part
    is_name = _NAME.fullmatch(name) is not None
    if is_name and _SWITCH.fullmatch(plain) and not _SECRET.search(name):
        return part
    return f"{name}={HIDDEN}" if equals and is_name and value.strip("=") else HIDDEN
