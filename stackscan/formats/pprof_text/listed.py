"""Makes the snapshot of a table of ``go tool pprof``, and says what it cannot have."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

from stackscan.formats import counted
from stackscan.formats.goroutine_pprof.reader import snapshot_of
from stackscan.formats.goroutine_pprof.schema import Profile
from stackscan.formats.pprof_text import sums, tree
from stackscan.formats.pprof_text.listing import Listing
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Problem, Snapshot

_RAW: Final = "print them with: go tool pprof -raw FILE > goroutines.txt"
_TOP: Final = f"pprof -top shows sums by function and no stacks; {_RAW}"
_PEEK: Final = f"the table has no innermost frames (-peek): only goroutines in its largest function are counted; {_RAW}"
_NO_TOTAL: Final = "the text is cut before this table: how many goroutines there are is not known"
_LEFT_OUT: Final = f"pprof left out functions: frames are missing; {_RAW}"
_FEW: Final = f"pprof left out functions: of {{total:,}} goroutines {{read:,}} are in those shown; {_RAW}"
_HIDDEN: Final = f"pprof left out functions: some are there only as callers or callees of others; {_RAW}"
_MORE: Final = "the rows add up to {read:,} goroutines, the first lines say {total:,}"


def snapshot(listing: Listing, name: str) -> Snapshot:
    """The snapshot of a table. Raises UnrecognisedFormatError where its type is none."""
    pieces = tree.put_together(listing) if listing.is_tree else _innermost(listing)
    read = snapshot_of(cast("Profile", listing.tables), name=name, lines=listing.tables.lines, partial=pieces.partial)
    doubts = [*pieces.problems, *_doubts(listing, pieces, read.total)]
    is_whole = listing.is_tree and pieces.about is None and not pieces.hidden and listing.left_out is None
    return replace(
        read,
        problems=(*read.problems, *doubts),
        complete=read.complete and is_whole and not listing.tables.damaged and listing.total == read.total,
        header_lines=max(read.header_lines, min(listing.total or 0, counted.MOST_GOROUTINES)),
        sums=() if listing.is_tree and pieces.about is None else sums.largest(listing),
    )


def _innermost(listing: Listing) -> tree.Pieces:
    """Of a table without calls: the innermost frame of each goroutine."""
    pieces = tree.Pieces()
    for call, node in listing.nodes.items():
        if node.flat:
            places = (listing.tables.place_of((call,)),)
            listing.tables.take(node.line, (node.flat,), places, ())
            pieces.partial.add(places)
    return pieces


def _doubts(listing: Listing, pieces: tree.Pieces, read: int) -> list[Problem]:
    """What the table itself does not show."""
    found = []
    line, excerpt = listing.left_out or (1, "")
    if pieces.about is not None:
        return [Problem(1, _PEEK, pieces.about.function[:EXCERPT])]
    if not listing.is_tree:
        found.append(Problem(1, _TOP))
    if listing.total is None:
        found.append(Problem(1, _NO_TOTAL))
    elif listing.total < read:
        found.append(Problem(1, _MORE.format(read=read, total=listing.total)))
    elif listing.total > read and listing.is_tree:
        found.append(Problem(line, _FEW.format(read=read, total=listing.total), excerpt[:EXCERPT]))
    elif listing.left_out is not None and listing.is_tree:
        found.append(Problem(line, _LEFT_OUT, excerpt[:EXCERPT]))
    elif pieces.hidden:
        found.append(Problem(1, _HIDDEN))
    return found
