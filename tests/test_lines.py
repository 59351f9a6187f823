"""The lines of a chunk: numbers in them, eight digits at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stackscan.formats.goroutine_text import lines

#: What may stand around a number: also bytes just below and above the digits, and such that are no ASCII.
_AROUND = st.binary(min_size=1, max_size=3).filter(lambda text: not any(byte in b"0123456789" for byte in text))
_DIGITS = st.text("0123456789", max_size=25).map(str.encode)


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(st.tuples(_AROUND, _DIGITS), min_size=1, max_size=20), _AROUND)
def test_numbers_are_read_to_their_last_digit(pieces: list[tuple[bytes, bytes]], end: bytes) -> None:
    """From their first digit on or back from their last one, at the edges of a text, too; 19 digits at most."""
    text, begins, ends = b"", [], []
    for around, digits in pieces:
        text += around
        begins.append(len(text))
        text += digits
        ends.append(len(text))
    data = np.frombuffer(text + end, dtype=np.uint8)
    most = lines.MOST_DIGITS
    for at, backwards in ((begins, False), (ends, True)):
        shown = [digits[-most:] if backwards else digits[:most] for _, digits in pieces]
        value, length = lines.number(data, np.array(at), backwards=backwards)
        assert [len(digits) for digits in shown] == length.tolist()
        assert [int(digits or b"0") for digits in shown] == value.tolist()


def test_lines_are_found_across_blocks() -> None:
    """A chunk is searched block by block: an end of line at an edge is found once, and each parenthesis before it."""
    text = b"x(\n" * (lines._BLOCK // 2)
    ends, parens = lines.ends_and_parens(np.frombuffer(text, dtype=np.uint8))
    assert list(range(2, len(text), 3)) == ends.tolist()
    assert list(range(1, len(text), 3)) == parens.tolist()
