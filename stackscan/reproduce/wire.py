"""Multistream-select on the wire: tokens, their frames, and the writes in which Go's client sends them.

A token is an unsigned LEB128 length (of the token and its newline), the token, and a newline. Defined by
https://github.com/multiformats/multistream-select, as read and written by go-multistream v0.6.1 (``multistream.go``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

#: The token with which both sides begin.
MULTISTREAM: Final = b"/multistream/1.0.0"
#: The protocol that is negotiated here.
BITSWAP: Final = b"/ipfs/bitswap/1.2.0"
#: What a server says of a protocol that it does not speak.
NOT_AVAILABLE: Final = b"na"
#: The longest frame that is read, in bytes (``lpReadBuf``).
LONGEST_TOKEN: Final = 1024
#: The buffer through which Go's client writes, in bytes (``bufio.NewWriter``).
BUFFER_BYTES: Final = 4096
_LONGEST_VARINT: Final = 9  # go-varint, MaxLenUvarint63

#: Reads at least one byte and at most as many as asked for; nothing at the end of the stream.
Read = Callable[[int], bytes]


class HandshakeError(Exception):
    """The other side does not speak multistream-select, or not this protocol."""


def framed(token: bytes) -> bytes:
    r"""One token as it is sent: ``b"na"`` is ``b"\x03na\n"``."""
    return _uvarint(len(token) + 1) + token + b"\n"


def buffered(pieces: Iterable[bytes], size: int = BUFFER_BYTES) -> Iterator[bytes]:
    """The writes of a Go ``bufio.Writer`` of ``size`` bytes when ``pieces`` are written and flushed.

    Little becomes one write; of much, the first write fills the buffer and the next carries all the rest at once.
    """
    held = b""
    for written in pieces:
        piece = written
        while len(piece) > size - len(held):
            if not held:  # nothing is waiting, so the buffer is passed by
                yield piece
                piece = b""
            else:
                room = size - len(held)
                yield held + piece[:room]
                held, piece = b"", piece[room:]
        held += piece
    if held:
        yield held


def read_token(read: Read) -> bytes:
    """The next token, without its newline. Raises EOFError when the stream ends, HandshakeError for what is none.

    The length is read byte by byte, as in Go: a stream that is never answered waits in a read of one byte.
    """
    length = _read_uvarint(read)
    if length > LONGEST_TOKEN:
        raise HandshakeError("incoming message was too large")
    token = _read_full(read, length)
    if not token.endswith(b"\n"):
        raise HandshakeError("message did not have trailing newline")
    return token[:-1]


def take_token(received: bytearray) -> bytes | None:
    """Take the first token off what was received so far; None while it is not whole. Raises HandshakeError."""
    position = 0

    def read(limit: int) -> bytes:
        nonlocal position
        piece = bytes(received[position : position + limit])
        position += len(piece)
        return piece

    try:
        token = read_token(read)
    except EOFError:
        return None
    del received[:position]
    return token


def _uvarint(number: int) -> bytes:
    low = bytearray()
    while number >= 0x80:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(low) + bytes([number])


def _read_uvarint(read: Read) -> int:
    number = 0
    for place in range(_LONGEST_VARINT):
        (byte,) = read(1) or _ended()
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if byte == 0 and place:
                raise HandshakeError("varint not minimally encoded")
            return number
    raise HandshakeError("varints larger than uint63 not supported")


def _read_full(read: Read, length: int) -> bytes:
    whole = b""
    while len(whole) < length:
        whole += read(length - len(whole)) or _ended()
    return whole


def _ended() -> bytes:
    raise EOFError("the stream ended within a token")
