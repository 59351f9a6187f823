r"""Traces of system calls: ``[pid 123] write(2, "goroutine 54 [chan send]:\n", 26) = 26``, of strace, truss and dtruss.

The runtime writes a dump with one write(2) a token, and the trace is what is left of a process whose standard error
went nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stackscan.sources.logs.wrapped import Note, Streams, Wrapped

#: A write: who does it (-f), when (-t, -tt, -ttt, -r), to which file (-y names it), and its strings.
_WRITE: Final = re.compile(
    rb"\s{0,20}(?:\[pid +(?P<thread>\d+)\] +|(?P<pid>\d+)(?:/0x[0-9a-f]+)?:? +)?"
    rb"(?:(?:\d[\d:.]*[:.][\d:.]*|\d\d:\d\d:\d\d|\(\+ *[\d.]+\))\s+){0,3}"
    rb"(?P<call>write|writev|pwrite64|sendto|write_nocancel)"
    rb"\((?P<file>\d+|0x[0-9a-f]+)(?:<[^\n]{0,4096}?>)?, ?(?P<rest>.*)",
    re.DOTALL,
)
_STRING: Final = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\.\.\.)?')
_VECTOR: Final = re.compile(rb'iov_base="((?:[^"\\]|\\.)*+)"(\.\.\.)?')
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_SIMPLE: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}
_RESULT: Final = re.compile(rb"\)\s+= (?P<written>-?\d+)(?: (?P<error>E[A-Z]+))?[^\n]*\Z")
#: Writes that did nothing, and are tried again.
_AGAIN: Final = frozenset({b"EAGAIN", b"EINTR", b"ERESTARTSYS"})
_STANDARD_ERROR: Final = frozenset({b"2", b"0x2"})
_LONGEST_NAME: Final = 40
_CUT: Final = "strace shortened {} to its -s bytes (32), so names are incomplete; trace with strace -f -s 65536"


def strace(text: bytes) -> Wrapped | None:
    """What the writes of a trace wrote, a stream for each thread and file."""
    if b"write" not in text:
        return None
    streams = Streams()
    cut, cut_line = 0, 0
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
        found = _WRITE.match(line) if b"write" in line or b"sendto" in line else None
        if found is None:
            continue
        written, shortened = _written(found["call"], found["rest"])
        if shortened:
            cut, cut_line = cut + 1, number
        if shortened and b"\n" in written:
            written += b"\n"  # several lines at once: the last one is broken off, and what comes next begins a line
        if written:
            streams.add(written, number, stream=_stream(found), ends=False)
    pieces = streams.pieces()
    if not pieces:
        return None
    strings = f"{cut:,} {'string' if cut == 1 else 'strings'}"
    return Wrapped(("strace",), pieces, (Note(cut_line, _CUT.format(strings)),) if cut else ())


def _stream(found: re.Match[bytes]) -> str:
    """``pid 4711``, with the file where it is not standard error."""
    who = (found["thread"] or found["pid"] or b"").decode()
    file = "" if found["file"] in _STANDARD_ERROR else f"file {found['file'].decode()}"
    return " ".join(part for part in (f"pid {who}" if who else "", file) if part)[:_LONGEST_NAME]


def _written(call: bytes, rest: bytes) -> tuple[bytes, bool]:
    """The bytes that a call wrote, as far as the trace has them, and whether it left some out."""
    strings = list(_strings(call, rest))
    text = b"".join(string for string, _ in strings)
    result = _RESULT.search(rest[-200:])
    if result is not None and result["error"] in _AGAIN:
        return b"", False
    shortened = any(cut for _, cut in strings)
    if result is not None and not shortened and len(result["written"]) < 12 and int(result["written"]) >= 0:
        text = text[: int(result["written"])]  # the rest is written again
    return text, shortened


def _strings(call: bytes, rest: bytes) -> Iterator[tuple[bytes, bool]]:
    if call != b"writev":
        found = _STRING.match(rest)
        if found is not None:
            yield _ESCAPE.sub(_unescaped, found[1].removesuffix(b"\\0")), found[2] is not None  # dtruss ends it so
        return
    for found in _VECTOR.finditer(rest):
        yield _ESCAPE.sub(_unescaped, found[1]), found[2] is not None


def _unescaped(found: re.Match[bytes]) -> bytes:
    byte, octal, simple = found.groups()
    if byte:
        return bytes([int(byte, 16)])
    return bytes([int(octal, 8) & 0xFF]) if octal else _SIMPLE.get(simple, simple)
