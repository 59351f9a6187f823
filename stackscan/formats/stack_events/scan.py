"""Finds the events of a text: in JSON documents, in lines of JSON or logfmt, and in plain lines."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final

from stackscan.formats.stack_events.event import Event, Found, Said, covers
from stackscan.formats.stack_events.frames import loads
from stackscan.formats.stack_events.lines import Run, Text, runs
from stackscan.formats.stack_events.messages import REACH, is_dated, said_above, with_error
from stackscan.formats.stack_events.records import events_in
from stackscan.model.snapshot import Problem
from stackscan.sources import limits

#: Bytes of a text whose lines are looked at one by one.
_SMALL: Final = 1 << 18
#: Documents that end nowhere, after which no more are looked for.
_MOST_FAILURES: Final = 32
_PAIR: Final = re.compile(r'([\w.@-]{1,80})=("(?:[^"\\]|\\.)*+"|\[\{.*\}\]|[^\s"]*)')
#: Literals of which a line with a record holds one, beside a file's name.
_IN_LINE: Final = (b'{"', b'="', b"=[{")
_SOURCE: Final = re.compile(rb"\.go\b")
_BROKEN: Final = "a JSON document begins here and ends nowhere: only parts of it are read"
_DECODER: Final = json.JSONDecoder()


def _text_of(data: bytes) -> Text:
    """The lines of a text, by columns where there are many."""
    if len(data) <= _SMALL:
        return Text(data)
    from stackscan.formats.stack_events.wide_lines import WideText

    return WideText(data)


def scan(data: bytes) -> list[Found]:
    """The events of a text by where they stand, in order."""
    if b".go" not in data:
        return []
    text = _text_of(data)
    found = list(_documents(text))
    found += _record_lines(text, [(part.begin, part.end) for part in found])
    found.sort(key=lambda part: part.begin)
    return _with_runs(text, found)


def _documents(text: Text) -> Iterator[Found]:
    """Documents of several lines, also behind each other."""
    data, failures, at = text.data, 0, 0
    broken: int | None = None  # where the document begins that ends nowhere
    letters: str | None = None
    for begin in _openings(text):
        if begin < at or failures >= _MOST_FAILURES:
            continue
        letters = data.decode("latin-1") if letters is None else letters  # one character a byte
        try:
            _, end = _DECODER.raw_decode(letters, begin)
        except (ValueError, RecursionError):
            failures += 1
            broken = begin if broken is None else broken
            continue
        number = bisect_left(text.ends, begin)
        at = end
        found = events_in(loads(data[begin:end]), number + 1)
        if found.events:
            last = bisect_left(text.ends, end)
            found.begin, found.end = text.starts[number], _after(text, min(last, len(text) - 1))
            if broken is not None:
                first = bisect_left(text.ends, broken)
                found.begin, broken = text.starts[first], None
                found.problems.append(Problem(first + 1, _BROKEN, text.line(first)))
            yield found


def _openings(text: Text) -> Iterator[int]:
    """Where a line stands that is the beginning of an object or a list, and no more."""
    for number in text.ending_in(b"{["):
        line = text.raw(number)
        words = line.strip()
        if words in (b"{", b"[", b"[{"):
            yield text.starts[number] + len(line) - len(line.lstrip())


def _record_lines(text: Text, taken: list[tuple[int, int]]) -> Iterator[Found]:
    """Records of a line each. A line within a document of several is none."""
    numbers = {bisect_left(text.ends, at) for literal in _IN_LINE for at in _once_a_line(text.data, literal)}
    place = 0
    for number in sorted(numbers):
        begin, end = text.starts[number], text.ends[number]
        while place < len(taken) and taken[place][1] <= begin:
            place += 1
        if place < len(taken) and taken[place][0] <= begin:
            continue
        line = text.data[begin:end]
        if len(line) <= limits.MAX_LINE_BYTES and _SOURCE.search(line):
            found = _record_line(line, number + 1)
            if found is not None and found.events:
                found.begin, found.end = begin, _after(text, number)
                yield found


def _once_a_line(data: bytes, literal: bytes) -> Iterator[int]:
    at = data.find(literal)
    while at >= 0:
        yield at
        end = data.find(b"\n", at)
        at = data.find(literal, end) if end >= 0 else -1


def _record_line(line: bytes, number: int) -> Found | None:
    opening = line.find(b"[{") if line.lstrip().startswith(b"[{") else line.find(b"{")
    closing = line.rfind(b"]" if line[opening : opening + 1] == b"[" else b"}") + 1
    if opening >= 0 and (value := loads(line[opening:closing])) is not None:
        before = line[:opening].decode("utf-8", "replace").strip()
        found = events_in(value, number)
        if before and not _has_words(value):
            found.events = [_behind(event, before) for event in found.events]
        return found
    words = line.decode("utf-8", "replace")
    pairs = {key: _unquoted(value) for key, value in _PAIR.findall(words)}
    if not pairs:
        return None
    first = _PAIR.search(words)
    before = words[: first.start()].strip() if first else ""
    return events_in({"msg": said_above([before])[0].message, **pairs} if before else pairs, number)


def _has_words(value: Any) -> bool:
    """Whether a record has a message of its own: what stands before it is a collector's."""
    return isinstance(value, dict) and any(str(key).lower() in ("msg", "message", "event") for key in value)


def _unquoted(value: str) -> Any:
    if value.startswith('"'):
        found = loads(value)
        return found if isinstance(found, str) else value.strip('"')
    found = loads(value) if value.startswith("[") else None
    return value if found is None else found


def _behind(event: Event, before: str) -> Event:
    """An event with the words that stand before its record on the line."""
    if event.said is None:
        return event
    message = with_error(said_above([before + "\t{}" if "\t" in before else before])[0].message, event.said.message)
    said = Said(message, event.said.kind, event.said.tool, event.said.crashed)
    return Event(event.line, event.frames, said, event.created_by, event.goroutine_id, event.state, event.partial)


# -- plain lines -------------------------------------------------------------------------------------------------------


def _with_runs(text: Text, found: list[Found]) -> list[Found]:
    """The parts with those of plain stacks between them."""
    records, place, last = [*found], 0, None
    out: list[Found] = []
    for run in runs(text):
        begin = text.starts[run.first]
        while place < len(records) and records[place].begin <= begin:
            last = records[place]
            out.append(last)
            place += 1
        last = _take(text, run, last, out)
    return out + records[place:]


def _take(text: Text, run: Run, last: Found | None, out: list[Found]) -> Found:
    """Add a plain stack: as part of the error before it, or as an event."""
    end = _after(text, run.after - 1)
    first = 0 if last is None else bisect_left(text.starts, last.end)
    numbers = range(max(first, run.first - REACH), run.first)
    above = [text.line(number) for number in numbers]
    raw = [text.raw(number)[: limits.MAX_NAME].decode("utf-8", "replace") for number in numbers]
    if last is not None and last.events and _goes_on(last.events[-1], run, above, beyond=run.first - first):
        previous = last.events[-1]
        words = " ".join(line for line in above if line)
        said = previous.said
        if said is not None and words:
            said = Said(with_error(words, said.message), said.kind, said.tool, said.crashed)
        last.events[-1] = _of_run(run, previous.line, said, previous) if said else previous
        last.end = end
        last.problems += run.problems
        return last
    said, reach = said_above(raw)
    part = Found(text.starts[run.first - reach], end, [_of_run(run, run.first + 1, said, None)], run.problems)
    out.append(part)
    return part


def _goes_on(previous: Event, run: Run, above: list[str], *, beyond: int) -> bool:
    """Whether a stack is one of the same error: pkg/errors prints one for each wrapping, zap its own below."""
    if (previous.frames == run.frames and beyond) or not covers(previous.frames, run.frames):
        return False
    return beyond <= 5 and not any(map(is_dated, above)) and all(above)


def _of_run(run: Run, line: int, said: Said, before: Event | None) -> Event:
    """The event of a plain stack; the stack is the one that was read first where both are one error's."""
    frames = run.frames if before is None else before.frames
    created_by = run.created_by if before is None else before.created_by
    partial = run.partial or (before is not None and before.partial)
    return Event(line, frames, said, created_by, partial=partial)


def _after(text: Text, number: int) -> int:
    return min(text.ends[number] + 1, len(text.data))
