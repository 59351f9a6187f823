r"""Restores what forges and people take off counted text: the ``#`` of frame lines, addresses of count lines.

Markdown makes headings of lines that begin with ``#`` (their copies have none), lists of others, and escapes it as
``\#``; people shorten ``3 @ 0x47db8a 0x4151ee`` to ``3 @ …`` or ``3``. Lines stay where they are.
"""

from __future__ import annotations

import re
from typing import Final

#: What may stand before the address of a frame, other than ``#`` and a blank: marks of headings, lists and bold text.
_BEFORE: Final = re.compile(
    rb"(?m)^(?!#[ \t]+0x)[ \t]*(?:(?:\\?#{1,6}|[*_>+-]{1,3}|\xe2\x80\xa2|\d{1,4}[.)])[ \t]*){0,4}"
    rb"(?=0x[0-9a-f]{1,16}[ \t]+[^\s])"
)
_END: Final = re.compile(rb":-?\d{1,10}[*_ \t\r]{0,8}\Z")
_BOLD: Final = re.compile(rb"(?m)^(#[ \t]+0x[^\n]*:-?\d+)[*_]{1,3}[ \t\r]*$")
_LABELS: Final = re.compile(rb"(?m)^[ \t]*(?:\\?#{0,6}[ \t]*)(?=labels: \{\")")
#: A count whose addresses are gone, above a frame.
_COUNT: Final = re.compile(
    rb"(?m)^(\d{1,9})(?: @)?[ \t]*(?:\.\.\.|\xe2\x80\xa6|:)?[ \t\r]*$(?=\n[\n\r]{0,4}#[ \t]+(?:0x|labels))"
)
_LONGEST: Final = 1 << 17


def repaired(data: bytes) -> bytes:
    """The text as the runtime printed it, as far as that is certain."""
    data = _BEFORE.sub(_with_hash, data)
    if b"labels: {" in data:
        data = _LABELS.sub(b"# ", data)
    if b"*\n" in data or b"_\n" in data or data.endswith((b"*", b"_")):
        data = _BOLD.sub(rb"\1", data)
    return _COUNT.sub(rb"\1 @ ...", data) if b" @\n" not in data else data


def _with_hash(found: re.Match[bytes]) -> bytes:
    """The beginning of a frame line; what stands there where the line is none."""
    text = found.string
    end = text.find(b"\n", found.end())
    end = len(text) if end < 0 else end
    is_frame = (
        end - found.end() < _LONGEST
        and text.find(b"+0x", found.end(), end) >= 0
        and _END.search(text, max(found.end(), end - 40), end) is not None
    )
    return b"#\t" if is_frame else found[0]
