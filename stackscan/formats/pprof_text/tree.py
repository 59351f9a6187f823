"""Puts stacks together from the calls that ``go tool pprof -tree`` and ``-peek`` print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from stackscan.formats.pprof_text.flow import Path, paths
from stackscan.formats.pprof_text.grammar import Call
from stackscan.formats.pprof_text.listing import Listing
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Problem

MIXED: Final = "put together from sums: where several callers lead to several callees, they may be paired wrongly"
LOOPED: Final = (
    "put together from sums: functions call each other in a circle, how often and in which order is not known"
)


@dataclass(slots=True)
class Pieces:
    """What was put together: the samples in the listing's tables, of which those in ``partial`` (their locations) lack
    frames; ``about``: all goroutines are those with this function on their stacks, and where they are is not known;
    ``hidden``: some functions are shown only as callers or callees of others."""

    partial: set[tuple[int, ...]] = field(default_factory=set)
    about: Call | None = None
    hidden: bool = False
    problems: list[Problem] = field(default_factory=list)


def put_together(listing: Listing) -> Pieces:
    """The stacks, as samples of the listing's tables. Each goroutine is in one of them at most."""
    calls = listing.calls
    functions = list(dict.fromkeys([*listing.nodes, *(call for pair in calls for call in pair)]))
    number = {call: place for place, call in enumerate(functions)}
    nodes = [listing.nodes.get(call) for call in functions]
    found = list(
        paths(
            [node.flat if node else 0 for node in nodes],
            [node.cum if node else None for node in nodes],
            {(number[source], number[target]): weight for (source, target), weight in calls.items()},
        )
    )
    pieces = Pieces(hidden=not all(nodes))
    kept = [path for path in found if path.ends]
    if not kept and any(nodes):  # -peek of functions that no goroutine is in now
        most = max(range(len(nodes)), key=lambda n: (-1 if (node := nodes[n]) is None else node.cum or 0, -n))
        pieces.about = functions[most]
        kept = [path for path in found if most in path.functions]
    whole = listing.left_out is None and listing.total is not None and not pieces.hidden
    _take(listing, kept, functions, pieces, whole=whole)
    return pieces


def _take(listing: Listing, kept: Iterable[Path], functions: list[Call], pieces: Pieces, *, whole: bool) -> None:
    doubts: dict[str, Call] = {}
    for path in sorted(kept, key=lambda path: -path.count):
        calls = [functions[number] for number in path.functions]
        places = tuple(listing.tables.place_of((call,)) for call in calls)
        listing.tables.take(_line(listing, *calls), (path.count,), places, ())
        if path.looped is not None or not whole:
            pieces.partial.add(places)
        for reason, number in ((MIXED, path.mixed), (LOOPED, path.looped)):
            if number is not None:
                doubts.setdefault(reason, functions[number])
    pieces.problems += [Problem(_line(listing, call), why, call.function[:EXCERPT]) for why, call in doubts.items()]


def _line(listing: Listing, *calls: Call) -> int:
    """The line of the row of the first of these functions that has one."""
    return next((node.line for call in calls if (node := listing.nodes.get(call))), 1)
