"""Dumps in which each token of the runtime stands on a separate line.

The runtime writes a dump with one write(2) a token. A reader that makes a record of whatever each read returns (old
docker-compose, a log library used as an io.Writer) tears it apart: golang/go#32002.
"""

from __future__ import annotations

import re
from array import array
from typing import Final

from stackscan.sources.logs.prefixes import generalised
from stackscan.sources.logs.wrapped import Piece, Wrapped

#: ``goroutine ``, its id, and `` [`` on three lines, with something before each.
_TORN: Final = re.compile(rb"(?m)^([^\n]{0,200}?)goroutine ?\n[^\n]{0,200}?\d+\n[^\n]{0,200}? ?\[\n")
_HEADER: Final = re.compile(rb"goroutine \d+ .*\]:")


def fragments(text: bytes) -> Wrapped | None:
    """The lines of such a dump, put together again.

    A token that is only a newline is an empty line here. One that ends with a newline looks like any other, so the
    newlines after a header and before a location follow from the text there.
    """
    torn = _TORN.search(text)
    if torn is None:
        return None
    prefix = re.compile(generalised(torn[1]) or re.escape(torn[1]))
    rows: list[tuple[bytes, int]] = []
    line, began = b"", 1
    for number, raw in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
        found = prefix.match(raw)
        token = raw[found.end() :] if found else raw
        if line and (not token or token.startswith(b"\t") or _HEADER.fullmatch(line)):
            rows.append((line, began))
            line = b""
            if not token:
                continue
        if not line:
            began = number
        if not token:
            rows.append((b"", number))
        line += token
    rows.append((line, began))
    lines, numbers = zip(*rows, strict=True)
    return Wrapped(("torn lines",), (Piece("", b"\n".join(lines) + b"\n", array("q", numbers)),))
