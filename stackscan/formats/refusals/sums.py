"""The tables of ``go tool pprof`` (-top, -text, -tree, -peek): sums by function, of which no stack can be made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from stackscan.errors import UnsupportedFormatError, visible
from stackscan.formats import profile_kinds
from stackscan.formats.goroutine_pprof.symbols import shorten_type_arguments
from stackscan.formats.refusals import hints
from stackscan.formats.symbol import origin
from stackscan.model.snapshot import Frame

_HEAD: Final = re.compile(rb"(?m)^[ \t>]{0,40}flat +flat% +sum% +cum +cum%")
_TYPE: Final = re.compile(rb"(?m)^[ \t>]{0,40}Type: (\w{1,40})")
_TOTAL: Final = re.compile(rb"Showing nodes accounting for \S+, [\d.]+% of (\S+) total")
_ROW: Final = re.compile(
    rb"(?m)^[ \t>]{0,40}(-?[\d.]+\w{0,6}) +[\d.]+%? +[\d.]+%? +(\d{1,18}) +[\d.]+%? {1,40}\|? ?(\S[^\n]{0,400})$"
)
_INLINE: Final = re.compile(r" \((?:partial-)?inline\)\Z")
_GOROUTINES: Final = frozenset({"goroutine", "goroutines", "goroutineleak"})
_MOST_ROWS: Final = 5000
_SHOWN: Final = 3
_LONGEST: Final = 120  # characters of a name that are shown
_SEARCH: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Sums:
    """A table: what it counts, its total as printed, and the functions of most goroutines outside the library."""

    kind: str | None
    total: str | None
    largest: tuple[tuple[int, str], ...]


def read(data: bytes) -> Sums | None:
    """The first table in a text; None where it holds none."""
    head = _HEAD.search(data, 0, _SEARCH)
    if head is None:
        return None
    kinds = [match[1] for match in _TYPE.finditer(data, 0, head.start())]
    totals = [match[1] for match in _TOTAL.finditer(data, 0, head.start())]
    found: dict[str, int] = {}
    for place, row in enumerate(_ROW.finditer(data, head.end(), _SEARCH)):
        name = shorten_type_arguments(_INLINE.sub("", row[3].decode("utf-8", "replace").strip()))
        if place >= _MOST_ROWS:
            break
        if origin(Frame(name, "", 0)).kind != "std":
            found.setdefault(name, int(row[2]))
    largest = sorted(((count, name) for name, count in found.items()), key=lambda pair: (-pair[0], pair[1]))
    return Sums(
        kinds[-1].decode() if kinds else None,
        totals[-1].decode("utf-8", "replace") if totals else None,
        tuple(largest[:_SHOWN]),
    )


def refuse(data: bytes, *, where: str) -> None:
    """Raise for a text that holds such a table. The error names the functions in which most goroutines are."""
    table = read(data)
    if table is None:
        return
    if table.kind is not None and table.kind not in _GOROUTINES:
        kind = profile_kinds.kind_of({table.kind})
        article = "an" if kind[0] in "aeiou" else "a"
        raise UnsupportedFormatError(
            f"{where} is what go tool pprof prints of {article} {kind}, not of goroutines",
            hint=profile_kinds.hint_of(kind),
        )
    shown = ""
    if table.largest and table.kind is not None:
        counts = ", ".join(f"{count:,} in {visible(name[:_LONGEST])}" for count, name in table.largest)
        shown = f" ({counts}; {table.total or 'unknown'} goroutines in all)"
    raise UnsupportedFormatError(
        f"{where} is a table of go tool pprof, with sums by function and no stacks{shown}", hint=hints.RAW
    )
