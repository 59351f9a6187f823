"""What distinguishes the stacks of regular goroutines: their lines without the arguments and the creator's id."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, compress
from typing import Final, cast

from stackscan.formats.goroutine_text import known_frames
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.model.snapshot import Frame, Stack
from stackscan.sources import limits

_CALL_ENDS: Final = b")\n\t"
_CREATED_BY: Final = "created by "
_CREATOR: Final = b"\ncreated by "
_IN_GOROUTINE: Final = b" in goroutine "
#: How other lines begin that end with a parenthesis.
_NO_NAMES: Final = (" ", "\t", ".", "[", "goroutine ", _CREATED_BY)
#: The innermost call's name, then each call's location with the name of the next call below it; the outermost location,
#: with the creator's two lines below it if there is one.
_Key = tuple[bytes, ...]
#: How the pieces of a stack begin, each up to an argument list; how many parentheses open in the stack; its signature.
_Guess = tuple[list[bytes], int, int]
#: How many calls and lines a stack has, and its outermost lines: whether they name the creator's goroutine, what stands
#: before that, and behind its id.
_Ends = tuple[int, int, bytes, bytes, bytes]

#: The function and the location of each frame of all keys, the creator's last of its key's; of how many each key has.
_Lines = tuple[list[known_frames.Line], list[int]]


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
        lines, counts = _all_lines(keys) or _lines_one_by_one(keys)
        distinct = list(dict.fromkeys(lines))
        frames = dict(zip(distinct, known_frames.read_frames(distinct), strict=True))
        read = list(map(frames.__getitem__, lines))
        all_read = all(frames.values())
        found: list[int | None] = []
        high = 0
        for key, count in zip(keys, counts, strict=True):
            low, high = high, high + count
            if not count or not (all_read or all(read[low:high])):
                found.append(None)
                continue
            own = high - (count == len(key))  # the outermost location has no other name: the last frame is the creator
            stack = Stack(tuple(cast("list[Frame]", read[low:own])), None if own == high else read[own])
            found.append(interned.stack_id(stack))
        return found


def _all_lines(keys: Sequence[_Key]) -> _Lines | None:
    """The same as :func:`_lines_one_by_one`, found in all keys at once; None where one has a line of another kind.

    The cut pieces are put together such that each frame is one line, ``NAME(<tab>LOCATION``, also the creator's. Where
    there are as many lines and tabs as there are frames, each key has its own number of them.
    """
    created = [key[-1].count(b"\n\t") for key in keys]
    if max(created, default=0) > 1:
        return None
    text = b"".join([b"\t".join(key) for key in keys]).decode().replace("\n\t", "(\t")
    *whole, rest = text.split("\n")
    counts = [len(key) - 1 + more for key, more in zip(keys, created, strict=True)]
    ends = list(accumulate(counts))
    creators = sum(line.startswith(_CREATED_BY) for line in whole)
    if rest or sum(counts) != len(whole) or text.count("\t") != len(whole) or creators != sum(created):
        return None
    if creators and not all(whole[end - 1].startswith(_CREATED_BY) for end in compress(ends, created)):
        return None
    lines = {line: _one_line(line) for line in dict.fromkeys(whole)}
    if None in lines.values():
        return None
    return cast("list[known_frames.Line]", list(map(lines.__getitem__, whole))), counts


def _one_line(line: str) -> known_frames.Line | None:
    """``main.f(<tab>/src/f.go:7 +0x1d`` → ("main.f", "/src/f.go:7 +0x1d")."""
    name, opened, place = line.partition("(\t")
    if name.startswith(_NO_NAMES):
        if not name.startswith(_CREATED_BY) or name[-1] in " \t":
            return None
        name = name[len(_CREATED_BY) :]
    return (name, place) if opened and name else None


def _lines_one_by_one(keys: Sequence[_Key]) -> _Lines:
    """The lines of each key (0 where one is of another kind)."""
    found = list(map(_lines, keys))
    return list(chain.from_iterable(found)), list(map(len, found))


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
    """The function and the location of each frame of a key, the creator's last; nothing where a line is of another
    kind."""
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
    return text != "" and not text.startswith(_NO_NAMES)
