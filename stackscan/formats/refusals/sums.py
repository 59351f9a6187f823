"""Tables of ``go tool pprof`` (-top, -text, -tree, -peek) that are not of goroutines, or do not say so."""

from __future__ import annotations

import re
from typing import Final

from stackscan.errors import UnsupportedFormatError
from stackscan.formats import profile_kinds
from stackscan.formats.refusals import hints

_HEAD: Final = re.compile(rb"(?m)^[ \t>]{0,40}flat +flat% +sum% +cum +cum%")
_TYPE: Final = re.compile(rb"(?m)^[ \t>]{0,40}Type: (\w{1,40})")
_GOROUTINES: Final = frozenset({"goroutine", "goroutines", "goroutineleak"})
_SEARCH: Final = 16 << 20


def refuse(data: bytes, *, where: str) -> None:
    """Raise for a text that holds such a table. The error names what it counts."""
    head = _HEAD.search(data, 0, _SEARCH)
    if head is None:
        return
    kinds = [match[1].decode() for match in _TYPE.finditer(data, 0, head.start())]
    if kinds and kinds[-1] not in _GOROUTINES:
        kind = profile_kinds.kind_of({kinds[-1]})
        article = "an" if kind[0] in "aeiou" else "a"
        raise UnsupportedFormatError(
            f"{where} is what go tool pprof prints of {article} {kind}, not of goroutines",
            hint=profile_kinds.hint_of(kind),
        )
    why = "without any count of goroutines" if kinds else "that does not say what it counts"
    raise UnsupportedFormatError(f"{where} is a table of go tool pprof {why}", hint=hints.RAW)
