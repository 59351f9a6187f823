"""Shared by all wrappers: headers in a text, and the text that is left, with the lines it came from."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

#: How the name of a JSON document begins.
DOCUMENT: Final = "JSON document"
#: Headers by which a wrapper is detected.
SAMPLE: Final = 200
#: The beginning of a dump: a goroutine's header, or the first line of counted text.
HEADER: Final = re.compile(rb"goroutine(?:leak)?(?: \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[[a-zA-Z?]| profile: total \d)")
#: How the reports of other tools begin: the race detector, goleak and other leak checks, go-deadlock, Delve, lists of
#: equal goroutines, pprof.
_TOOL: Final = (
    rb"WARNING: DATA RACE|\[Goroutine \d+ in state |found unexpected goroutines:|POTENTIAL DEADLOCK:"
    rb"|Goroutine \d+ - (?:User|Runtime|Go|Start): |leaktest: (?:leaked goroutine|timed out checking)"
    rb"|Leaked goroutine: goroutine \d|\d+ goroutines? \[[a-z]|(?:Period)?Type: goroutine"
)
#: Literals of which each of these holds one.
_TOOL_LITERALS: Final = (
    b"WARNING: DATA RACE", b"oroutine ", b"oroutines:", b"POTENTIAL DEADLOCK:", b"leaktest: ", b" goroutines [",
    b"Type: goroutine",
)  # fmt: skip
_TOOL_OR_DUMP: Final = re.compile(HEADER.pattern + rb"|" + _TOOL)
#: In a text with none of these: the first line of a crash that printed no goroutine, and the second line of a frame.
_CRASH: Final = re.compile(rb"(?:panic|fatal error): (?=[^\n]*\S)")
_PLACE: Final = re.compile(
    rb"(?m)\t[^\s:\"\\]{1,1000}\.go:\d+(?=[ \t\r]*$)|(?<=\")\\t[^\s:\"\\]{1,1000}\.go:\d+(?=(?:\\n)?\")"
)
#: The same of a whole value of a record.
_IN_RECORD: Final = re.compile(_TOOL_OR_DUMP.pattern + rb"|\A\t[^\s:]{1,1000}\.go:\d+\s*\Z")
#: What tools put before these words themselves: ``    leak_test.go:30: found unexpected goroutines:``.
_LEAD: Final = re.compile(
    rb"(?:[\w./-]{1,100}\.go:\d{1,9}: )?(?:goleak: Errors on successful test run: |\* )?\Z"
    rb"|[\w./-]{1,100}\.go:\d{1,9}: Leaked goroutine: \Z"
)
_LONGEST_LEAD: Final = 300
#: A goroutine with its first call, or a counted profile with its first record: more than a line that speaks of one.
_DUMP: Final = re.compile(
    rb"(?m)^[ \t]*goroutine \d+ [^\n]{0,4096}:\s*\n(?:[^\n]*\n)?[^\n]*\)\s*\n|"
    rb"^[ \t]*goroutine(?:leak)? profile: total \d+\s*\n\d+ @"
)
#: A string that debug.Stack printed, or a tracer: nothing stands above the goroutine.
_REPORTED: Final = re.compile(rb'"goroutine \d+ \[running\]:\\n(?:runtime/debug\.Stack|go\.opentelemetry\.io/)')
_INDENTED: Final = re.compile(rb"[ \t]*+")
#: A goroutine's header as the runtime prints it, from its first word to the end of its line. Strangers write the labels
#: (Go 1.26 prints them inside the bracket, Go 1.27 behind it), but Go quotes them: nothing in quotes ends anything.
_WHOLE: Final = re.compile(
    rb"goroutine(?:leak)? (?:profile: total \d+|\d+ [^\[\"\n]{0,99}"
    rb'\[(?:[^\]\"\n]|"(?:[^"\\\n]|\\.)*+")*+\]'
    rb'(?: \{(?:[^}\"\n]|"(?:[^"\\\n]|\\.)*+")*+\})?:)'
)
#: The same, with nothing behind it.
_PLAIN_HEADER: Final = re.compile(_WHOLE.pattern + rb"[ \t\r]*$", re.MULTILINE)
#: What follows a header on its own line, where newlines are escaped: ``\\n``, ``#012``.
_ESCAPED: Final = re.compile(rb"\\+[nr]|#012")
#: How a JSON record begins, also one of a sequence or of server-sent events.
_RECORD: Final = (b"{", b"\x1e{", b"data: {", b" ", b"\t", b",")
#: The line below a header: a call, a C frame, that there is no stack, or a counted profile's first record.
_BELOW: Final = re.compile(rb"\)\s*$|stack unavailable|\d+ @|non-Go function")

Lines = Sequence[int]


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one stream of a log; ``lines`` are the original numbers of its lines (None: they are their own)."""

    stream: str
    text: bytes
    lines: Lines | None = None

    def within(self, outer: Piece) -> Piece:
        """The same piece with the names and line numbers of the text that it was found in."""
        stream = " ".join(part for part in (outer.stream, self.stream) if part)
        return Piece(stream, self.text, self.lines if outer.lines is None else outer.original(self.lines))

    def original(self, lines: Lines | None) -> Lines | None:
        """The original numbers of some lines of this piece; all of them for None."""
        if self.lines is None or lines is None:
            return self.lines if lines is None else lines
        last = len(self.lines)
        return array("q", [self.lines[min(line, last) - 1] for line in lines])


@dataclass(frozen=True, slots=True)
class Note:
    """A statement of a log on itself, such as lost lines, with its original line."""

    line: int
    reason: str
    excerpt: str = ""

    def at(self, outer: Piece) -> Note:
        """The same note with the line number of the text that it was found in."""
        if outer.lines is None:
            return self
        return Note(outer.lines[min(self.line, len(outer.lines)) - 1], self.reason, self.excerpt)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The names of removed wrappers, outermost first (``("docker json-file", "ANSI colours")``), and the text left."""

    names: tuple[str, ...]
    pieces: tuple[Piece, ...]
    notes: tuple[Note, ...] = ()

    @property
    def is_document(self) -> bool:
        """Whether the text is one JSON document, whose fields may quote a dump's words and hold none."""
        return any(name.startswith(DOCUMENT) for name in self.names)


@dataclass(slots=True)
class _Stream:
    chunks: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    open: bool = False  # the last chunk ends in the middle of a line


@dataclass(slots=True)
class Streams:
    """Collects the lines of a log by stream (process, container, package), in order."""

    found: dict[str, _Stream] = field(default_factory=dict)
    last: str = ""

    def add(self, text: bytes, line: int, *, stream: str = "", ends: bool = True) -> None:
        """Add some text that stands in this original line; ``ends`` closes its last line if it has no newline."""
        at = self.found.setdefault(stream, _Stream())
        self.last = stream
        if ends and not text.endswith(b"\n"):
            text += b"\n"
        at.chunks.append(text)
        begun = text.count(b"\n") + (not text.endswith(b"\n"))
        at.lines += [line] * (begun - 1 if at.open and text else begun)
        at.open = not text.endswith(b"\n") if text else at.open

    def continue_last(self, text: bytes, line: int) -> None:
        """Add a line that carries no wrapper: it goes on in the stream of the line before."""
        self.add(text, line, stream=self.last)

    def pieces(self) -> tuple[Piece, ...]:
        """The streams that hold a dump."""
        built = ((name, b"".join(at.chunks), at.lines) for name, at in self.found.items())
        return tuple(Piece(name, text, array("q", lines)) for name, text, lines in built if is_hidden(text))


def headers(text: bytes) -> list[tuple[int, int]]:
    """Where the first headers stand: the start of each one's line, and its own.

    Only the first header of a line counts, and only where a dump goes on below it, unless there is none of these: a
    label or a log line may mention goroutines.
    """
    begin = list(islice((place for place in _by_line(text) if _begins_dump(text, place[1])), SAMPLE))
    return begin or list(islice(_by_line(text), SAMPLE))


def bare_headers(text: bytes) -> list[tuple[int, int]]:
    """The first of those that stand at the start of a line, or behind blanks only, which a bare dump has."""
    found = list(islice((place for place in _of_dumps(text) if _is_bare_at(text, *place)), SAMPLE))
    return found or list(islice((place for place in _by_line(text) if _is_bare_at(text, *place)), SAMPLE))


def _is_bare_at(text: bytes, line: int, at: int) -> bool:
    return at == line or _INDENTED.fullmatch(text, line, at) is not None


def first_header(line: bytes) -> int | None:
    """Where the first header of a line stands; None where it has none."""
    return next((at for _, at in _lines_with(line, _TOOL_OR_DUMP)), None)


def in_record(value: bytes) -> bool:
    """Whether a value of a record is part of a dump or of a tool's report."""
    return _IN_RECORD.search(value) is not None


def _pattern(text: bytes) -> re.Pattern[bytes]:
    """What headers look like in a text: where there are dumps or reports, nothing else is one."""
    if any(literal in text for literal in _TOOL_LITERALS) and _TOOL_OR_DUMP.search(text):
        return _TOOL_OR_DUMP
    if HEADER.search(text):
        return HEADER
    if (b"panic: " in text or b"fatal error: " in text) and _CRASH.search(text):
        return _CRASH
    return _PLACE if b".go:" in text else HEADER


def only_crashes(text: bytes) -> bool:
    """Whether the first lines of crashes are all there is: words that may stand in any text."""
    return _pattern(text) is _CRASH


def _by_line(text: bytes) -> Iterator[tuple[int, int]]:
    """The first header of each line that holds any."""
    return _lines_with(text, _pattern(text))


def _of_dumps(text: bytes) -> Iterator[tuple[int, int]]:
    """The same of the runtime's headers alone, which are found faster."""
    return _lines_with(text, HEADER)


def _lines_with(text: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    at = 0
    while (found := pattern.search(text, at)) is not None:
        line = text.rfind(b"\n", 0, found.start()) + 1
        lead = _LEAD.search(text, max(line, found.start() - _LONGEST_LEAD), found.start())
        at = next_line(text, found.start())
        words = lead[0] if lead else b""
        is_prefix = b".go:" in words and words in line_at(text, at)  # of each line: no tool's own words
        yield line, found.start() - (0 if is_prefix else len(words))


def _begins_dump(text: bytes, at: int) -> bool:
    """Whether a dump follows the header there: on its line, or on the next."""
    line = text[text.rfind(b"\n", 0, at) + 1 : next_line(text, at)]
    in_line = line.startswith(_RECORD) or (not is_plain(text, at) and _ESCAPED.search(line) is not None)
    return in_line or _BELOW.search(line_at(text, next_line(text, at))) is not None


def is_plain(text: bytes, at: int) -> bool:
    """Whether the header that stands there ends with its line, as the runtime prints it."""
    return _PLAIN_HEADER.match(text, at) is not None


def header_end(text: bytes, at: int) -> int | None:
    """Where the header that stands there ends; None where it is no whole one."""
    found = _WHOLE.match(text, at)
    return found.end() if found else None


def is_hidden(text: bytes) -> bool:
    """Whether there is a header at all."""
    return _pattern(text).search(text) is not None


def holds_dump(text: bytes) -> bool:
    """Whether there is more than a line that speaks of a goroutine; yes also where another wrapper is around it."""
    return _DUMP.search(text) is not None or not is_bare(text)


def is_bare(text: bytes) -> bool:
    """Whether a header stands at the start of a line, or behind blanks only: then the text is a dump as it is."""
    found = any(_is_bare_at(text, *place) for place in _of_dumps(text))
    return found or any(_is_bare_at(text, *place) for place in _by_line(text))


def is_reported(text: bytes) -> bool:
    """Whether all headers are of stacks that the program printed of itself into a field of an event, one in each: the
    event says what for, so it is read as a whole."""
    if _REPORTED.search(text) is None:
        return False
    return len(_REPORTED.findall(text)) == len(HEADER.findall(text))


def line_at(text: bytes, start: int) -> bytes:
    """The line that begins there, without its newline."""
    end = text.find(b"\n", start)
    return text[start : end if end >= 0 else len(text)]


def next_line(text: bytes, start: int) -> int:
    """Where the line after begins; the end of the text if there is none."""
    end = text.find(b"\n", start)
    return end + 1 if end >= 0 else len(text)
