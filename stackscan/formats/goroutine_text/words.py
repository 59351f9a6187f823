"""What stands in argument lists: words that may be pointers, found and decoded a whole text at a time."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from stackscan.formats.goroutine_text.calls import LEAST_POINTER
from stackscan.formats.goroutine_text.lines import Bytes, Mask, Positions, Words, unaligned_words

_MOST_DIGITS: Final = 16
#: Bytes before the first list that the decoder may touch: no word is longer.
MARGIN: Final = b" " * _MOST_DIGITS

_EMPTY: Final = int.from_bytes(b"{}", "little")
_CLOSED_TWICE: Final = int.from_bytes(b"}}", "little")
_X, _COMMA, _OPEN, _CLOSE, _QUESTION, _ZERO, _SPACE, _PAREN = b"x,{}?0 ("
#: A text, and where argument lists begin and end in it.
Lists = tuple[bytes, npt.NDArray[np.signedinteger], npt.NDArray[np.signedinteger]]
#: Of each word: its list, its position in it, its value, and whether it is reliable.
FoundWords = tuple[Positions, Positions, Words, Mask]
_NO_WORDS: Final[FoundWords] = (
    np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.bool_)
)  # fmt: skip


def words(
    text: bytes, paren: npt.NDArray[np.signedinteger], end: npt.NDArray[np.signedinteger], *, first: bool = False
) -> FoundWords:
    """The words of at least LEAST_POINTER in argument lists: of each its list, its position in it, its value, and
    whether it is reliable. ``first``: only those in position 0.

    List k is ``text[paren[k]:end[k]]`` with its parentheses; lists ascend, and len(MARGIN) bytes stand before the
    first.
    """
    if not len(paren):
        return _NO_WORDS
    data = np.frombuffer(text, dtype=np.uint8)
    marks = _marks(data)
    is_comma = data[marks] == _COMMA
    before = np.searchsorted(marks, paren)  # marks before each list
    begun = np.cumsum(np.bincount(before, minlength=len(marks) + 1))  # lists that begin before each mark
    index = np.flatnonzero(~is_comma & (begun[:-1] > 0))
    index = index[_may_be_long(text, marks[index])]
    call = begun[index] - 1
    begin = marks[index] + 1  # of the digits
    before_word = data[begin - 3]
    inside = (before_word == _PAREN) | (before_word == _SPACE) | (before_word == _OPEN)
    inside &= begin < end[call]
    index, call, begin = index[inside], call[inside], begin[inside]
    commas = np.flatnonzero(is_comma)
    is_comma[commas[_behind_empty(text, data, marks[commas])]] = False
    places = np.append(0, np.cumsum(is_comma))  # words that end before each mark
    position = places[index] - places[before[call]]
    if first:
        wanted = np.flatnonzero(position == 0)
        index, call, begin, position = index[wanted], call[wanted], begin[wanted], position[wanted]
    limit = np.minimum(np.append(marks, len(text))[index + 1], end[call] - 1)
    stop, reliable = _digits_end(data, limit)
    word, sound = _decode(text, begin, stop)
    sound &= data[limit] != _X
    kept = sound & (word >= LEAST_POINTER)
    return call[kept], position[kept], word[kept], reliable[kept]


def _marks(data: Bytes) -> Positions:
    """Where each ``x`` behind a zero stands, and each comma."""
    marked = data == _X
    marked[1:] &= data[:-1] == _ZERO
    marked |= data == _COMMA
    return np.flatnonzero(marked)


def _may_be_long(text: bytes, at: Positions) -> Mask:
    """Whether four bytes that may be digits follow each x: a first sieve, which lets too many through."""
    four = _fours(text)[np.minimum(at + 1, len(text) - 4)]
    four |= four >> np.uint32(2)
    four &= np.uint32(0x10101010)
    may: Mask = four == 0x10101010
    return may


def _fours(text: bytes) -> npt.NDArray[np.uint32]:
    """The text as overlapping 4-byte little-endian words."""
    return np.ndarray(shape=(len(text) - 3,), dtype="<u4", buffer=text, strides=(1,))


def _digits_end(data: Bytes, end: Positions) -> tuple[Positions, Mask]:
    """Where the digits of words end that stand before a comma or the last parenthesis, and which have no ``?``."""
    end = end.copy()
    braced = np.flatnonzero(data[end - 1] == _CLOSE)
    while len(braced):
        end[braced] -= 1
        braced = braced[data[end[braced] - 1] == _CLOSE]
    doubtful = data[end - 1] == _QUESTION
    return end - doubtful, ~doubtful


def _behind_empty(text: bytes, data: Bytes, commas: Positions) -> Positions:
    """Which commas (their indices) stand behind an empty aggregate, ``{}`` or ``{{}}``, and so behind no word."""
    twos = np.ndarray(shape=(len(text) - 1,), dtype="<u2", buffer=text, strides=(1,))[commas - 2]
    braced = np.flatnonzero((twos == _EMPTY) | (twos == _CLOSED_TWICE))
    at = commas[braced] - 1
    while (closing := data[at] == _CLOSE).any():
        at -= closing
    empty: Positions = braced[data[at] == _OPEN]
    return empty


def _last(digits: int, of: int) -> int:
    """A mask over the last ``digits`` bytes of ``of``, as a little-endian number."""
    return (1 << 8 * of) - (1 << 8 * (of - min(max(digits, 0), of)))


#: Masks by the number of a word's digits: over its last eight, the four before these, and the four before those.
_EIGHT: Final = np.array([_last(n, 8) for n in range(_MOST_DIGITS + 1)], dtype=np.uint64)
_TWELVE: Final = np.array([_last(n - 8, 4) for n in range(_MOST_DIGITS + 1)], dtype=np.uint32)
_SIXTEEN: Final = np.array([_last(n - 12, 4) for n in range(_MOST_DIGITS + 1)], dtype=np.uint32)


def _decode(text: bytes, begin: Positions, stop: Positions) -> tuple[Words, Mask]:
    """The hexadecimal numbers text[begin:stop], and which of them are such numbers."""
    length = stop - begin
    sound = (length > 0) & (length <= _MOST_DIGITS)
    if not sound.all():
        length = np.where(sound, length, 0)
    eights, fours = unaligned_words(text), _fours(text)
    digit, exact = _digits(eights[stop - 8], _EIGHT[length])
    sound &= exact
    for shift, pairs in ((4, 0x00FF00FF00FF00FF), (8, 0x0000FFFF0000FFFF), (16, 0xFFFFFFFF)):
        digit = ((digit << np.uint64(shift)) | (digit >> np.uint64(2 * shift))) & np.uint64(pairs)
    word = digit
    longest = int(length.max(initial=0))
    for digits, mask in ((12, _TWELVE), (16, _SIXTEEN)):
        if longest > digits - 4:  # no address needs more than twelve
            four, exact = _digits(fours[stop - digits], mask[length])
            sound &= exact
            four = ((four << np.uint32(4)) | (four >> np.uint32(8))) & np.uint32(0x00FF00FF)
            four = ((four << np.uint32(8)) | (four >> np.uint32(16))) & np.uint32(0xFFFF)
            word |= four.astype(np.uint64) << np.uint64(4 * (digits - 4))
    return word, sound


_Digits = TypeVar("_Digits", npt.NDArray[np.uint64], npt.NDArray[np.uint32])


def _digits(text: _Digits, mask: _Digits) -> tuple[_Digits, Mask]:
    """The values of the hexadecimal digits that the masked bytes spell, and whether all of these are digits."""
    kind = text.dtype.type
    every = 0x0101010101010101 & int(np.iinfo(text.dtype).max)  # 1 in each byte
    text = text & mask
    digit = text >> kind(6)
    digit &= kind(every)  # letters
    digit *= kind(9)
    digit += text & kind(every * 0x0F)
    # Spelt again, the digits must give the text, so no other byte passes; "g" to "o" would spell themselves.
    spelt = digit + kind(every * 6)
    spelt >>= kind(4)
    spelt &= kind(every)
    spelt *= kind(0x27)
    spelt += digit
    spelt += kind(every * 0x30)
    spelt &= mask
    return digit, (spelt == text) & (digit & kind(every * 0x10) == 0)
