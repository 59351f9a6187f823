"""Goroutines with whole lines of a log inside their stacks, or behind them: read without these, as whole ones are.

That is the damage of most logs. The careful reader looks at each line of such a goroutine; here, only at those that are
no part of a stack, and at each stack once. Whatever may be more than a log's line, or less than a whole stack, is left
to that reader, which finds the same: the tests compare both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from stackscan.formats.goroutine_text import grammar, header, surroundings
from stackscan.formats.goroutine_text.assembly import spliced
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.reading import Reading, ScatteredCalls, Span
from stackscan.formats.goroutine_text.rows import Row, is_after_blank
from stackscan.formats.goroutine_text.segments import HINT, TORN_CALL, may_be_frame, written_between
from stackscan.formats.goroutine_text.signatures import Signatures
from stackscan.model.snapshot import Frame, Problem
from stackscan.sources import limits

_HEADER: Final = len("goroutine ")
_CREATED_BY: Final = "created by "
_IN_GOROUTINE: Final = " in goroutine "
#: Digits of an id from which on it may be too big.
_MANY_DIGITS: Final = 19
#: What may begin a panic's message, or hold a stack with its line ends escaped.
_DOUBTFUL: Final = ("\\", "panic")
#: A line of a log is what it is whatever its numbers are. Only in addresses a digit is part of a word.
_ADDRESS: Final = "0x"
_DIGITS: Final = str.maketrans("023456789", "1" * 9)
_LONGEST: Final = 500
#: What stands above the scheduler's own stack.
_SCHEDULER: Final = "runtime stack:"


class _Mended(NamedTuple):
    """A goroutine without the lines of a log.

    Its id, its header's text behind that, the signature of its stack, the digits of its creator's id, its lines below
    the header, and of these the places of the stack's, the places around each run of others inside it (-1: the header),
    and the place where other text begins behind it, if a mark says so.
    """

    goroutine_id: int
    tail: str
    signature: int
    parent: bytes
    lines: list[str]
    kept: list[int]
    runs: list[tuple[int, int]]
    text: int | None


def read_rows(data: bytes, spans: Iterable[Span], reading: Reading) -> tuple[list[Row], list[Span]]:
    """The goroutines of those parts of a text that need no more care, and the other parts.

    What else the former hold goes to ``reading``.
    """
    signatures = Signatures()
    found: list[tuple[Span, _Mended]] = []
    left: list[Span] = []
    for span in spans:
        low, high, _ = span
        one = None if high == len(data) else _mended(data[low:high].decode(), signatures)
        if one is None:
            left.append(span)
        else:
            found.append((span, one))
    stacks = signatures.stacks(reading.interned)
    entries = {tail: _entry(tail, reading.interned) for tail in {one.tail for _, one in found}}
    firsts = {one.signature: one for _, one in reversed(found)}
    agreed = {signature for signature, one in firsts.items() if _agrees(one, stacks[signature], reading.interned)}
    rows: list[Row] = []
    for span, one in found:
        stack_id, entry = stacks[one.signature], entries[one.tail]
        if stack_id is None or entry is None or one.signature not in agreed:
            left.append(span)
            continue
        low, _, line = span
        reading.problems += _problems(one, line + 1)
        if one.text is not None:
            reading.marks.append(surroundings.Mark(line + 1 + one.text, "text", ""))
        calls = [line + 1 + place for place in one.kept[: 2 * len(reading.interned.stacks[stack_id].frames) : 2]]
        reading.scattered_calls.append(ScatteredCalls(line, calls, low, line))
        creator_id = int(one.parent) if one.parent else None
        rows.append((line, one.goroutine_id, entry, stack_id, creator_id, is_after_blank(data, low)))
    return rows, left


def _mended(text: str, signatures: Signatures) -> _Mended | None:
    """A goroutine with lines of a log inside its stack; None where these are not all that is unusual."""
    head, _, body = text.partition("\n")
    digits, _, tail = head[_HEADER:].partition(" ")
    lines = body[:-1].split("\n")
    end = lines.index("") if "" in lines else len(lines)
    kept = [place for place, line in enumerate(lines[:end]) if _is_of_stack(line)]
    if not kept or _is_doubtful(text, head):
        return None
    runs = [(low, high) for low, high in pairwise((-1, *kept)) if high - low > 1]
    after = list(filter(None, lines[kept[-1] + 1 :]))
    if not all(_is_log(lines, *run) for run in runs) or (after and not _is_text(after, lines[end:])):
        return None
    signature, parent = signatures.of(("\n".join([lines[place] for place in kept]) + "\n").encode(), len(kept))
    if signature < 0 or max(len(digits), len(parent)) >= _MANY_DIGITS:
        return None
    marked = next((place for place in range(end, len(lines)) if _kind_of(lines[place]) == "other"), None)
    return _Mended(int(digits), tail, signature, parent, lines, kept, runs, marked)


def _is_doubtful(text: str, head: str) -> bool:
    """Whether there may be more to a goroutine than lines inside its stack; ``head`` is its first line."""
    if not (surroundings.HEADER_LIKE.match(head) and head.endswith(":") and text.endswith("\n")):
        return True
    if text.count("oroutine") > 1 + (_IN_GOROUTINE in text):
        return True  # perhaps another header
    return len(text) > limits.MAX_NAME or any(word in text for word in _DOUBTFUL)


def _is_log(lines: list[str], low: int, high: int) -> bool:
    """Whether all lines between two of a stack are a log's, and their problem would be told in their order."""
    kinds = list(map(_kind_of, lines[low + 1 : high]))
    waits = low >= 0 and lines[low][0] != "\t"  # a call, for its location
    return all(kinds) and (waits or len(kinds) == 1 or "bare" not in kinds)


def _is_text(after: list[str], behind: list[str]) -> bool:
    """Whether all lines ``after`` a stack are a log's, with no more than one of them ``behind`` a blank line."""
    return all(map(_kind_of, after)) and sum(map(bool, behind)) <= 1


def _is_of_stack(line: str) -> bool:
    """Whether a line looks like one of a stack: a location, a call, a creator."""
    return line[:1] == "\t" or line[-1:] == ")" or line.startswith(_CREATED_BY)


def _kind_of(line: str) -> Literal["other", "bare"] | None:
    """What a line is that is nothing but text, and does not even look like a part of a stack; None for all others."""
    if len(line) > _LONGEST or not line or line[0].isspace() or line[-1].isspace() or line == _SCHEDULER:
        return None
    return None if "oroutine" in line or _ADDRESS in line else _kind_of_text(line.translate(_DIGITS))


@lru_cache(maxsize=4096)
def _kind_of_text(line: str) -> Literal["other", "bare"] | None:
    """What the careful reader would take a line inside a stack for: ``bare`` might be a function without parentheses,
    if a location followed."""
    is_bare = grammar.read_call(line) is not None
    is_stack = (
        grammar.read_location(f"\t{line}") is not None
        or (is_bare and "(" in line)
        or grammar.read_elided(line)[0]
        or grammar.is_unavailable(line)
        or TORN_CALL.match(line) is not None
        or " fp=" in line
    )
    is_more = surroundings.mark(line, 0) is not None or written_between(line) is not None
    if is_stack or is_more or HINT.search(line) or may_be_frame(line):
        return None
    return "bare" if is_bare else "other"


def _agrees(one: _Mended, stack_id: int | None, interned: Interned) -> bool:
    """Whether the careful reader would find the same stack in the lines of one."""
    if stack_id is None:
        return False
    stack = interned.stacks[stack_id]
    lines = [one.lines[place] for place in one.kept]
    frames = [*stack.frames, *([stack.created_by] if stack.created_by else [])]
    return len(lines) == 2 * len(frames) and all(map(_is_frame, frames, lines[::2], lines[1::2]))


def _is_frame(frame: Frame, call: str, place: str) -> bool:
    """Whether the grammar reads these two lines as a frame, whose name cannot be another word of a text."""
    name = frame.function
    if " " in name or not name[:1].isalpha() or name.startswith("snip") or grammar.read_location(f"\t{call}"):
        return False
    found = grammar.read_creator(call) if call.startswith(_CREATED_BY) else (grammar.read_call(call), None)
    return found is not None and found[0] == name and grammar.read_location(place) == (
        frame.file, frame.line, frame.pc_offset,
    )  # fmt: skip


def _entry(tail: str, interned: Interned) -> int | None:
    """The entry of a header; None where something is wrong with it."""
    value, damage = header.read_readable(tail)
    return None if damage else interned.header_id(value)


def _problems(one: _Mended, first_line: int) -> Iterator[Problem]:
    """The lines of the log, told where the next location of the stack follows."""
    between: list[tuple[int, str]] = []
    following = [low for low, _ in one.runs[1:]]
    for (low, high), next_low in zip(one.runs, [*following, -1], strict=False):
        between += [(first_line + place, one.lines[place]) for place in range(low + 1, high)]
        if next_low != high or one.lines[high][0] == "\t":
            yield spliced(between)
            between = []
