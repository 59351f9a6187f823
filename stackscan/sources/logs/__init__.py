"""Dumps inside logs: removes what a log added to the lines of a dump.

A wrapper is a function from a text to a :class:`Wrapped`, or None when the text is not wrapped that way. Wrappers are
tried in order, and again on the result, since logs are nested: a container's JSON log inside a collector's records. A
text with a goroutine's header at the start of a line is a bare dump and keeps its lines. To add a wrapper: a function
in a module beside this one, and a line in WRAPPERS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stackscan.sources.logs.encodings import coloured_frames, colours, encoding, reversed_lines
from stackscan.sources.logs.escapes import escaped, octal
from stackscan.sources.logs.fragments import fragments
from stackscan.sources.logs.prefixes import common_prefix, known_prefix, quotation
from stackscan.sources.logs.records import document, json_lines
from stackscan.sources.logs.strace import strace
from stackscan.sources.logs.suffixes import common_suffix
from stackscan.sources.logs.wrapped import Note, Piece, Wrapped, is_bare, is_hidden, is_reported

__all__ = ["Note", "Piece", "Wrapped", "unwrap"]

Wrapper = Callable[[bytes], Wrapped | None]

#: Tried in this order on a text that holds a header, but none at the start of a line.
WRAPPERS: Final[tuple[Wrapper, ...]] = (
    strace,
    colours,
    json_lines,
    document,
    common_suffix,
    known_prefix,
    octal,
    escaped,
    common_prefix,
)
#: Tried on a text in which headers stand at the start of lines: its frames can still be changed.
ON_BARE: Final[tuple[Wrapper, ...]] = (reversed_lines, coloured_frames, octal, escaped, common_suffix, quotation)
#: Tried on a text without any header.
ON_OTHERS: Final[tuple[Wrapper, ...]] = (strace, fragments)
#: Wrappers within wrappers that are taken off.
MAX_DEPTH: Final = 6


def unwrap(data: bytes) -> Wrapped | None:
    """The log without its wrappers, a piece for each stream that holds a dump; None for a text without wrappers.

    Line numbers of the pieces are those of ``data``.
    """
    decoded = encoding(data)
    found = _off(decoded.pieces[0] if decoded else Piece("", data), depth=0)
    if decoded:
        names = decoded.names if found is None else (*decoded.names, *found.names)
        return Wrapped(names, found.pieces if found else decoded.pieces, found.notes if found else ())
    return found


def _off(piece: Piece, *, depth: int) -> Wrapped | None:
    """Take one wrapper off a text, and those below it."""
    wrapped = _recognise(piece.text) if depth < MAX_DEPTH else None
    if wrapped is None:
        return None
    names, notes = list(wrapped.names), [note.at(piece) for note in wrapped.notes]
    pieces: list[Piece] = []
    for inner in wrapped.pieces:
        outer = inner.within(piece)
        below = _off(outer, depth=depth + 1)
        pieces += below.pieces if below else [outer]
        notes += below.notes if below else []
        names += [name for name in (below.names if below else ()) if name not in names]
    return Wrapped(tuple(names), tuple(pieces), tuple(notes))


def _recognise(text: bytes) -> Wrapped | None:
    bare = is_bare(text)
    if not bare and is_reported(text):
        return None
    wrappers = ON_BARE if bare else WRAPPERS if is_hidden(text) else ON_OTHERS
    return next((wrapped for wrapper in wrappers if (wrapped := wrapper(text)) is not None), None)
