"""What distinguishes the stacks of regular goroutines: their lines without the arguments and the creator's id."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from typing import Final, cast

from stackscan.formats.goroutine_text import known_frames
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.model.snapshot import Frame, Stack
from stackscan.sources import limits

_CALL_ENDS: Final = b")\n\t"
_CREATED_BY: Final = "created by "
_CREATOR: Final = b"\ncreated by "
_IN_GOROUTINE: Final = b" in goroutine "
_HEADER: Final = "goroutine "
#: The innermost call's name, then each call's location with the name of the next call below it; the outermost location,
#: with the creator's two lines below it if there is one.
_Key = tuple[bytes, ...]
#: How the pieces of a stack begin, each up to an argument list; how many parentheses open in the stack; its signature.
_Guess = tuple[list[bytes], int, int]
#: How many calls and lines a stack has, and its outermost lines: whether they name the creator's goroutine, what stands
#: before that, and behind its id.
_Ends = tuple[int, int, bytes, bytes, bytes]


class Signatures:
    """Numbers the distinct stacks of a text.

    The lines below a header are cut behind each argument list. Most stacks were seen before: the pieces are compared
    with those of the last stack that has the same ends, which costs a third of making a key.
    """

    def __init__(self) -> None:
        self._keys: dict[_Key, int] = {}
        self._guesses: dict[_Ends, _Guess] = {}

    def of(self, body: bytes, lines: int) -> tuple[int, bytes]:
        """The signature of a goroutine's lines below its header, and the digits of its creator's id (b"" for none).

        ``lines`` is their number. The signature is -1 for what has not the form of a regular goroutine; what the lines
        hold is looked at when the stacks are made.
        """
        if body.endswith(b"\n\n"):
            body, lines = body[:-1], lines - 1
        pieces = body.split(_CALL_ENDS)
        outermost = pieces.pop()
        before, named, after = outermost.rpartition(_IN_GOROUTINE)
        parent, _, place = after.partition(b"\n") if named else (b"", b"", after)
        ends = len(pieces), lines, named, before, place
        opened = body.count(b"(")
        guess = self._guesses.get(ends)
        is_whole = not named or parent.isdigit()
        if guess is not None and is_whole and guess[1] == opened and all(map(bytes.startswith, pieces, guess[0])):
            return guess[2], parent
        return self._new(ends, pieces, outermost, opened)

    def _new(self, ends: _Ends, pieces: list[bytes], outermost: bytes, opened: int) -> tuple[int, bytes]:
        """The same for lines that are not those of the last stack with these ends."""
        count, lines, named, before, place = ends
        at = outermost.find(_CREATOR) + 1
        if not 0 < count <= limits.MAX_FRAMES or lines != 2 * count + (2 if at else 0):
            return -1, b""
        outermost, parent = _without_parent(outermost, at) if at else (outermost, b"")
        beginnings = [piece[: piece.rfind(b"(") + 1] for piece in pieces]
        if not all(beginnings):
            return -1, b""
        key = (*beginnings, outermost)
        signature = self._keys.get(key)
        if signature is None:  # perhaps no other goroutine is in this stack
            signature = self._keys[key] = len(self._keys)
        elif outermost == (b"%b\n%b" % (before, place) if named else place):  # the id was where it is looked for
            self._guesses[ends] = beginnings, opened, signature
        return signature, parent

    def stacks(self, interned: Interned) -> list[int | None]:
        """The stack of each signature; None where a line is not what it is taken for."""
        keys = list(self._keys)
        lines = _all_lines(keys) or list(map(_lines, keys))
        distinct = list(dict.fromkeys(chain.from_iterable(lines)))
        frames = dict(zip(distinct, known_frames.read_frames(distinct), strict=True))
        unread = {line for line, frame in frames.items() if frame is None}
        found: list[int | None] = []
        for key, of_key in zip(keys, lines, strict=True):
            if not of_key or not unread.isdisjoint(of_key):
                found.append(None)
                continue
            read = cast("list[Frame]", [frames[line] for line in of_key])
            created_by = read.pop() if len(of_key) == len(key) else None  # the outermost location has no other name
            found.append(interned.stack_id(Stack(tuple(read), created_by)))
        return found


def _all_lines(keys: Sequence[_Key]) -> list[list[known_frames.Line]] | None:
    """The same as :func:`_lines` of each key, found in all of them at once; None where one has a line of another kind.

    The cut pieces are put together such that each frame is one line, ``NAME(<tab>LOCATION``, also the creator's.
    """
    created = [key[-1].count(b"\n\t") for key in keys]
    if created != [_CREATOR in key[-1] for key in keys]:
        return None
    text = b"".join([b"\t".join(key) for key in keys]).decode().replace("\n\t", "(\t")
    *whole, rest = text.split("\n")
    ends = list(accumulate([len(key) - 1 + more for key, more in zip(keys, created, strict=True)], initial=0))
    creators = sum(line.startswith(_CREATED_BY) for line in whole)
    if rest or ends[-1] != len(whole) or text.count("\t") != len(whole) or creators != sum(created):
        return None
    if not all(whole[end - 1].startswith(_CREATED_BY) for end, more in zip(ends[1:], created, strict=True) if more):
        return None
    lines = {line: _one_line(line) for line in dict.fromkeys(whole)}
    if None in lines.values():
        return None
    found = cast("list[known_frames.Line]", list(map(lines.__getitem__, whole)))
    return [found[low:high] for low, high in pairwise(ends)]


def _one_line(line: str) -> known_frames.Line | None:
    """``main.f(<tab>/src/f.go:7 +0x1d`` → ("main.f", "/src/f.go:7 +0x1d")."""
    name, opened, place = line.partition("(\t")
    if line.startswith(_CREATED_BY):
        name = name[len(_CREATED_BY) :]
        return (name, place) if opened and name and name[-1] not in " \t" else None
    return (name, place) if opened and _is_name(name) else None


def _without_parent(outermost: bytes, at: int) -> tuple[bytes, bytes]:
    """The lines from the outermost location on without the creator's id, and its digits; the creator begins at ``at``.

    ``created by main.main in goroutine 1`` → ``created by main.main``, ``1``.
    """
    end = outermost.find(b"\n", at)
    name, _, parent = outermost[at:end].rpartition(_IN_GOROUTINE)
    if len(name) > len(_CREATED_BY) and parent.isdigit():
        return outermost[:at] + name + outermost[end:], parent
    return outermost, b""


def _lines(key: _Key) -> list[known_frames.Line]:
    """The function and the location of each frame, the creator's last; nothing where a line is of another kind."""
    innermost, *calls, outermost = (part.decode() for part in key)
    halves = [call[:-1].split("\n") for call in calls]
    last, *creator = outermost.removesuffix("\n").split("\n")
    if "\n" in innermost or any(len(half) != 2 for half in halves) or len(creator) not in (0, 2):
        return []
    names = [innermost[:-1], *(name for _, name in halves)]
    places = [*(place for place, _ in halves), last]
    if not all(map(_is_name, names)):
        return []
    if creator:
        name, place = creator
        if not name.startswith(_CREATED_BY) or name[-1] in " \t" or place[:1] != "\t":
            return []
        names.append(name.removeprefix(_CREATED_BY))
        places.append(place[1:])
    return list(zip(names, places, strict=True))


def _is_name(text: str) -> bool:
    """Whether a line that begins so may be a call: it is no other line that ends with a parenthesis."""
    return text[:1] not in " \t.[" and not text.startswith((_HEADER, _CREATED_BY))
