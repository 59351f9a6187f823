"""Multistream-select on the wire: tokens, their frames, and the writes in which Go's client sends them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.reproduce.wire import (
    BITSWAP,
    LONGEST_TOKEN,
    MULTISTREAM,
    NOT_AVAILABLE,
    HandshakeError,
    buffered,
    framed,
    read_token,
    take_token,
)

tokens = st.binary(max_size=LONGEST_TOKEN - 1)


def reader(data: bytes, most: int = 1 << 20) -> Callable[[int], bytes]:
    """A stream that holds these bytes and hands out at most so many at once."""
    left = bytearray(data)

    def read(limit: int) -> bytes:
        piece = bytes(left[: min(limit, most)])
        del left[: len(piece)]
        return piece

    return read


@pytest.mark.parametrize(
    ("token", "frame"),
    [
        (MULTISTREAM, b"\x13/multistream/1.0.0\n"),
        (BITSWAP, b"\x14/ipfs/bitswap/1.2.0\n"),
        (NOT_AVAILABLE, b"\x03na\n"),
        (b"x" * 200, b"\xc9\x01" + b"x" * 200 + b"\n"),
    ],
)
def test_a_token_is_its_length_itself_and_a_newline(token: bytes, frame: bytes) -> None:
    """The length counts the newline, and is an unsigned LEB128 number."""
    assert frame == framed(token)


@given(st.lists(tokens, max_size=5), st.integers(1, 7))
def test_what_is_framed_is_read_again(sent: list[bytes], most: int) -> None:
    """Any tokens come out as they went in, however the stream is cut into pieces."""
    read = reader(b"".join(map(framed, sent)), most)
    assert sent == [read_token(read) for _ in sent]
    with pytest.raises(EOFError):
        read_token(read)


@given(st.lists(tokens, min_size=1, max_size=4), st.binary(max_size=20))
def test_tokens_are_taken_off_what_has_arrived(sent: list[bytes], rest: bytes) -> None:
    """A server takes whole tokens only, and leaves the message behind them untouched."""
    whole = b"".join(map(framed, sent))
    received = bytearray()
    taken = []
    for byte in whole:
        received.append(byte)
        if (token := take_token(received)) is not None:
            taken.append(token)
    assert (sent, bytearray()) == (taken, received)
    received += framed(sent[0]) + rest
    assert (sent[0], rest) == (take_token(received), bytes(received))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x03nax", "trailing newline"),
        (b"\x00", "trailing newline"),
        (b"\x81\x08" + b"x" * 1024 + b"\n", "too large"),
        (b"\x80\x00", "minimally"),
        (b"\xff" * 9, "uint63"),
    ],
)
def test_what_is_no_token_is_refused(data: bytes, why: str) -> None:
    """The same things as in Go: no newline, too long, a length spelt longer than it need be or beyond 63 bits."""
    with pytest.raises(HandshakeError, match=why):
        read_token(reader(data))


def test_the_longest_token_is_read() -> None:
    """A frame of 1024 bytes is still one."""
    token = b"x" * (LONGEST_TOKEN - 1)
    assert token == read_token(reader(framed(token)))


def test_a_small_message_leaves_with_its_tokens_in_one_write() -> None:
    """The 48 bytes of boxo #1142: two tokens and seven bytes."""
    writes = list(buffered((framed(MULTISTREAM), framed(BITSWAP), b"PAYLOAD")))
    assert [b"\x13/multistream/1.0.0\n\x14/ipfs/bitswap/1.2.0\nPAYLOAD"] == writes
    assert 48 == len(writes[0])


@pytest.mark.parametrize(
    ("payload", "sizes"),
    [
        (0, [41]),
        (4055, [4096]),
        (4056, [4096, 1]),
        (8151, [4096, 4096]),
        (8152, [4096, 4097]),
        (300_000, [4096, 295_945]),
    ],
)
def test_a_large_message_fills_the_buffer_first_and_goes_past_it_then(payload: int, sizes: list[int]) -> None:
    """As a Go bufio.Writer of 4096 bytes: the first write is full, the next carries all the rest."""
    writes = buffered((framed(MULTISTREAM), framed(BITSWAP), b"x" * payload))
    assert sizes == list(map(len, writes))


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 16))
def test_buffering_loses_nothing_and_writes_nothing_empty(pieces: list[bytes], size: int) -> None:
    """Whatever is written comes out in order, in writes of at least a buffer each, the last one aside."""
    writes = list(buffered(pieces, size))
    assert b"".join(pieces) == b"".join(writes)
    assert all(writes)
    assert all(len(write) >= size for write in writes[:-1])
