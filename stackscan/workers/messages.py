"""Messages over a pipe between two processes: a kind, a length, and so many bytes."""

from __future__ import annotations

from typing import IO, Final

GIVEN, RESULT, FAILURE, PROGRESS = b"g", b"r", b"f", b"p"
#: In the place of a result: the process that worked on it ended.
LOSS: Final = b"l"
#: Before each message: its kind, and in so many bytes how long it is.
_LENGTH_BYTES: Final = 8


def send(pipe: IO[bytes], kind: bytes, content: bytes) -> None:
    """Write a message."""
    pipe.write(kind + len(content).to_bytes(_LENGTH_BYTES, "little"))
    pipe.write(content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """The next message. Raises EOFError when the other side is gone."""
    head = pipe.read(1 + _LENGTH_BYTES)
    if len(head) <= _LENGTH_BYTES:
        raise EOFError
    kind, length = head[:1], int.from_bytes(head[1:], "little")
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return kind, content
