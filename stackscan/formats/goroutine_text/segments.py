"""Types of the careful reader (segment, goroutine, trace), and the shapes of damaged lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar
from stackscan.formats.goroutine_text.grammar import Header
from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE, Mark
from stackscan.model.snapshot import Frame, Problem, Stack
from stackscan.sources import limits

#: A call line that lost its end to another writer: its name is still whole.
TORN_CALL: Final = re.compile(r"""(?P<name>[^\s"'{(\[]+(?:\(\*[^\s"'()]+\)[^\s"'(]*)?)\((?:0x[0-9a-f]|_|\{|\.\.\.)""")
#: A function's name in front of a file's, which no runtime prints on one line; a path may hold blanks, too.
_CALL_BEFORE: Final = re.compile(
    r"(?:[└├│─|*•·+-]+[ \t]+)*(?![/\\<?]|\.{1,3}[/\\]|[A-Za-z]:[/\\])\S*[A-Za-z_)\]]\.[\w(]\S*[ \t]"
)
#: In a location that lost its tab, but in no clock time.
PATH_LIKE: Final = re.compile(r"[/\\<?]|\.(?:go|s|c)\b| \+0x")
#: The end of a location line that was cut with the head of the file.
_FRAGMENT: Final = re.compile(r":\d+ \+0x[0-9a-f]+(?: fp=.*)?\Z|\A\+?(?:0x)?[0-9a-f]{1,16}\Z")
#: A header that the end of the file cut short after "goroutine ".
CUT_HEADER: Final = re.compile(r"goroutine \d*(?: [^\[]*)?\Z")
#: The addresses of a frame that go on in the next line, where a terminal wrapped them.
WRAPPED_ADDRESSES: Final = re.compile(r" fp=0x[0-9a-f]*(?: s?p?=?(?:0x[0-9a-f]*)?(?: p?c?=?(?:0x?)?)?)?\Z")
#: A whole header at the end of a line that something else began.
_EMBEDDED_HEADER: Final = re.compile(r"goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[[^\[\]]+\](?: \{.*\})?:\Z")
#: A stack that a logger wrote as one escaped line.
_ESCAPED_STACK: Final = re.compile(r"goroutine \d+ \[[^\[\]\\]+\](?: \{[^\n]{0,4096}?\})?:\\n")
#: The rest of a header whose first token another writer cut off: `7 [select]:`.
TORN_HEADER: Final = re.compile(r"(?:(?P<id>\d+) )?(?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[[^\[\]]+\](?: \{.*\})?:\Z")
#: What Markdown puts around a header: a list's mark, emphasis, code.
_DECORATION: Final = re.compile(r"\A(?:(?:[-*+>•]|\d+[.)]|#{1,6})[ \t]+)*[*_`]*|[*_`]+\Z")
#: How elisions and remarks begin.
_WRITTEN: Final = re.compile(r"[-.…<\[(*^/←⟵⇐—👈]|snip|\d+ ")
#: What hardly anything but a frame holds: an offset behind a place, an argument list, a creator.
_PART_OF_FRAME: Final = re.compile(r"\.(?:go|s|c):\d+ \+0x|\((?:0x[0-9a-f]|\{0x|\.\.\.\))|\Acreated by ")
#: What a line that is part of a stack holds, however it is written: a dotted name, or a file with a line number.
HINT: Final = re.compile(r"\w\.[\w(]|[\w)]\.\w")
#: The beginning or the end of a block of code.
FENCE: Final = re.compile(r"(?:`{3,}|~{3,})[\w-]*\Z")
_LONGEST_RETYPED: Final = 1000
#: Functions at the outer end of stacks that nothing created.
ENDS_STACK: Final = frozenset({"main.main", "runtime.main", "runtime.goexit", "runtime.mstart"})


@dataclass(slots=True)  # not frozen: many are made, and that would take three times as long
class Segment:
    """The lines from one header up to the next (or the text before the first header).

    They are ``lines`` from ``begin`` on; the first has number ``first_line`` (1-based), and is replaced by ``header``
    where it is damaged or retyped, perhaps with its id ``withheld``.
    ``at_end``: the file ends here; ``unterminated``: without a newline.
    """

    lines: list[str]
    first_line: int
    at_end: bool = False
    unterminated: bool = False
    begin: int = 0
    header: str | None = None
    withheld: bool = False

    @property
    def ends_in_header(self) -> bool:
        """Whether the last line is the beginning of a header."""
        last = self.lines[-1] if self.lines else ""
        return CUT_HEADER.match(last) is not None or (bool(last) and "goroutine ".startswith(last))


@dataclass(slots=True)
class Goroutine:
    """One goroutine as the careful reader found it. ``call_lines`` has one entry a frame: the 1-based line that holds
    its argument list, 0 where it has none that is whole."""

    goroutine_id: int | None
    line: int
    header: Header
    stack: Stack
    creator_id: int | None
    ancestors: tuple[tuple[int, Stack], ...]
    call_lines: tuple[int, ...]


@dataclass(slots=True)
class SegmentResult:
    """The content of a segment: one goroutine, none (text before the first), or more (a header behind other text).

    ``unread`` are lines that were not understood, ``skipped`` those of them that may be frames, and ``quoted`` the
    header lines of stacks that a person wrote. ``hidden`` are header lines behind other text, ``lost`` the lines of
    goroutines that were not read, ``marks`` the lines about the whole process (panic, signal, thread separator).
    """

    goroutines: list[Goroutine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    quoted: list[int] = field(default_factory=list)
    cut: bool = False


@dataclass(slots=True)
class Trace:
    """The frames of one stack while its lines come in."""

    frames: list[Frame] = field(default_factory=list)
    call_lines: list[int] = field(default_factory=list)
    created_by: Frame | None = None
    creator_id: int | None = None
    elided: int | None = 0
    unavailable: bool = False

    @property
    def closed(self) -> bool:
        """Whether the creator, which ends a stack, was read."""
        return self.created_by is not None

    def add(self, frame: Frame, call_line: int) -> str | None:
        """Add a frame and the line of its arguments (0: none); returns the problem to report at the first frame too
        many."""
        if len(self.frames) < limits.MAX_FRAMES:
            self.frames.append(frame)
            self.call_lines.append(call_line)
        elif self.elided == 0:
            self.elided = None
            return bounds.too_deep()
        return None

    def keep(self, pending: Pending) -> None:
        """Keep a function whose location is lost."""
        if pending.creator:
            self.created_by, self.creator_id = Frame(pending.function, "", 0), pending.creator_id
        else:
            self.add(Frame(pending.function, "", 0), pending.call_line)

    def ends_whole(self) -> bool:
        """Whether the last location may be whole although its newline is missing."""
        last = self.created_by or (self.frames[-1] if self.frames else None)
        if last is None or last.pc_offset is None:
            return False
        return self.closed or last.function in ENDS_STACK

    def stack(self) -> Stack:
        """The stack as far as it was read."""
        return Stack(tuple(self.frames), self.created_by, self.elided, self.unavailable)


@dataclass(slots=True)
class Pending:
    """A call or creator line that waits for its location."""

    function: str
    line: int
    text: str
    creator: bool = False
    creator_id: int | None = None
    bare: bool = False  # no parentheses (gccgo, C): only a location after it makes it a call
    torn: bool = False

    @property
    def call_line(self) -> int:
        """The line of a whole argument list; 0 for none."""
        return 0 if self.bare or self.torn else self.line


@dataclass(frozen=True, slots=True)
class Retyped:
    """A header that somebody retyped, as the runtime would print it (with id 0 where the id is withheld)."""

    text: str
    withheld: bool


def loose_header(lines: list[str], offset: int) -> Retyped | None:
    """The header in a line that only a person would write so, when a frame follows; None otherwise."""
    if "oroutine" not in lines[offset] or len(lines[offset]) > _LONGEST_RETYPED:
        return None
    from stackscan.formats.quoted_stacks.grammar import read_header  # a whole dump never comes here

    text = _DECORATION.sub("", lines[offset].strip())
    found = None if text == lines[offset].lstrip() and HEADER_LIKE.match(text) else read_header(text)
    if found is None:  # also a whole header that is only indented: the text of a panic's message, perhaps
        return None
    following = (line.strip() for line in lines[offset + 1 : offset + 4])
    below = next((line for line in following if line and not FENCE.match(line)), "")
    if not any(map(_is_frame, (found.rest, below))):
        return None
    rest = f" {found.rest}" if found.rest else ""
    return Retyped(f"goroutine {found.goroutine_id or 0} [{found.state}]:{rest}", found.goroutine_id is None)


def is_path(file: str) -> bool:
    """Whether what stands in front of a line number can be a file, and is not a call with its file behind it."""
    return " " not in file or _CALL_BEFORE.match(file) is None


def written_between(text: str) -> str | None:
    """``elision`` or ``remark`` for a line that a person wrote between frames (``[...]``, ``<-- here``); None for
    others."""
    if not _WRITTEN.match(text):
        return None
    from stackscan.formats.quoted_stacks.grammar import read_line

    line = read_line(text)
    return line.kind if line is not None and line.kind in ("elision", "remark") else None


def _is_frame(text: str) -> bool:
    """Whether a person may have written a frame so."""
    from stackscan.formats.quoted_stacks.grammar import read_line, without_markdown

    line = read_line(without_markdown(text)) if text else None
    return line is not None and line.kind in ("frames", "creator", "elision")


def may_be_frame(text: str) -> bool:
    """Whether a line that was not understood looks like a part of a stack, and not like a log's."""
    return _PART_OF_FRAME.search(text) is not None or _is_frame(text)


def is_symbol(function: str) -> bool:
    """Whether a text in front of parentheses is a function's name, and not words of a log."""
    return " " not in function and "." in function


def is_double_spaced(lines: list[str], header: int) -> bool:
    """Whether a blank line and then text follow the header: so does one follow every line of the text."""
    below = lines[header + 1 : header + 3]
    return len(below) == 2 and not below[0].strip() and bool(below[1].strip())


def header_behind_text(line: str) -> str | None:
    """The whole header at the end of a line that something else began; None when there is none."""
    at = line.rfind("goroutine ")
    match = _EMBEDDED_HEADER.match(line, at) if at > 0 else None
    return match[0] if match else None


def escaped_stacks(line: str) -> int:
    """How many stacks a line holds with their line ends escaped (a JSON or quoted log entry)."""
    return len(_ESCAPED_STACK.findall(line)) if ":\\n" in line else 0


def embedded_header(lines: list[str], offset: int) -> str | None:
    """The header at the end of a line that other text began, when a call and its location follow; None otherwise."""
    found = header_behind_text(lines[offset].rstrip())
    if found is None or len(lines) < offset + 3 or not lines[offset + 1].endswith(")"):
        return None
    follows = grammar.read_call(lines[offset + 1]) is not None and grammar.read_location(lines[offset + 2]) is not None
    return found if follows else None


def begins_with_fragment(lines: list[str]) -> bool:
    """Whether a text begins with the rest of a location line, after which the next goroutine follows."""
    first = lines[0].rstrip()
    ends_goroutine = len(lines) > 1 and not lines[1].strip()
    return ends_goroutine and not first.startswith("\t") and _FRAGMENT.search(first) is not None


def begins_stack(below: list[str]) -> bool:
    """Whether the lines below a header may be the first of a stack, a blank one before it or none."""
    first = next((line for line in map(str.rstrip, below) if line), "")
    return first.endswith((")", "stack unavailable"))


def shortened(line: str) -> str | None:
    """A line of a stack with its name shortened, before the grammar spends time on it; None where none is too long."""
    if not bounds.is_long(line):
        return None
    name, mark, rest = line.rpartition("(") if line.endswith(")") else line.rpartition(":")
    begins = "created by " if name.startswith("created by ") else name[: len(name) - len(name.lstrip())]
    name = name[len(begins) :]
    return f"{begins}{bounds.shortened(name)}{mark}{rest}" if bounds.is_long(name) else None
