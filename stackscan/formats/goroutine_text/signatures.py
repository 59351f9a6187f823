"""What distinguishes the stacks of regular goroutines: their lines without the arguments and the creator's id."""

from __future__ import annotations

from typing import Final

from stackscan.formats.goroutine_text import known_frames
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.model.snapshot import Stack
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
        signature = self._keys.setdefault((*beginnings, outermost), len(self._keys))
        if outermost == (b"%b\n%b" % (before, place) if named else place):  # the id was where it is looked for
            self._guesses[ends] = beginnings, opened, signature
        return signature, parent

    def stacks(self, interned: Interned) -> list[int | None]:
        """The stack of each signature; None where a line is not what it is taken for."""
        lines = list(map(_lines, self._keys))
        distinct = list(dict.fromkeys(line for of_key in lines for line in of_key))
        frames = dict(zip(distinct, known_frames.read_frames(distinct), strict=True))
        found: list[int | None] = []
        for key, of_key in zip(self._keys, lines, strict=True):
            read = [frame for line in of_key if (frame := frames[line]) is not None]
            if not read or len(read) < len(of_key):
                found.append(None)
                continue
            created_by = read.pop() if len(of_key) == len(key) else None  # the outermost location has no other name
            found.append(interned.stack_id(Stack(tuple(read), created_by)))
        return found


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
