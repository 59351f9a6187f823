"""Names of files and folders for the captures of a process: safe on any file system, without secrets."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

from stackscan.live.target import Target

#: Where most processes serve the counts of their goroutines.
_USUAL: Final = ("/debug/pprof/goroutine", "debug=0")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")
#: Characters of a host in a name: a file's name has at most 255 bytes.
_MOST: Final = 120


def label(target: Target) -> str:
    """Host and port (``node-1_5001``); for another path, or a host with other characters, with a hash of the address.

    The address is hashed without its secrets: nobody can find them by trying.
    """
    shown = urlsplit(str(target.goroutines("profile")))
    host = (shown.hostname or "").lower()
    name = _UNSAFE.sub("-", host).strip(".-")[:_MOST] or "host"
    try:
        port = "" if shown.port is None else f"_{shown.port}"
    except ValueError:  # out of range
        port = ""
    if name == host and (shown.path, shown.query) == _USUAL:
        return f"{name}{port}"
    where = f"{host}\n{shown.path}\n{shown.query}".encode("utf-8", "surrogatepass")
    return f"{name}{port}-{hashlib.blake2b(where, digest_size=4).hexdigest()}"
