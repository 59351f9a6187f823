"""The functions of most goroutines in a table of ``go tool pprof``, for the first line of a report."""

from __future__ import annotations

from collections import Counter
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_pprof.symbols import shorten_type_arguments
from stackscan.formats.pprof_text.listing import Listing
from stackscan.formats.symbol import origin, unescape_path
from stackscan.model.snapshot import Frame

#: Functions that are named.
_MOST: Final = 10
_RUNTIME: Final = ("runtime.", "runtime/")


def largest(listing: Listing) -> tuple[tuple[str, int], ...]:
    """Functions and on how many stacks they are, most first: the program's own, or where the table has none of those,
    the library's, or the runtime's."""
    sums: Counter[str] = Counter()
    for call, node in listing.nodes.items():
        sums[_name(call.function)] += node.cum or 0
    own = [name for name in sums if origin(Frame(name, "", 0)).kind != "std"]
    named = own or [name for name in sums if not name.startswith(_RUNTIME)] or list(sums)
    most = listing.total if listing.total is not None else max(sums.values(), default=0)
    ranked = sorted(named, key=lambda name: (-sums[name], ".func" in name))  # a method says more than its closure
    return tuple((name, min(sums[name], most)) for name in ranked[:_MOST] if sums[name])


def _name(function: str) -> str:
    name = bounds.shortened(function) if bounds.is_long(function) else function
    return unescape_path(shorten_type_arguments(name))
