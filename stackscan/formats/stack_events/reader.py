"""Reads reported stacks into one snapshot, a row for all equal goroutines; each panic is a separate snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from stackscan.formats import counted
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.problems import bounded
from stackscan.formats.stack_events.event import Event, Said
from stackscan.formats.stack_events.scan import scan
from stackscan.model.conclusion import LOGGED_ERROR, Conclusion, Role
from stackscan.model.counting import EVENTS
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress, limits

NAME: Final = EVENTS
#: The kind of a conclusion about an error that a program reported.
#: Each stack names a file of Go's.
MARKS: Final = (b".go",)
#: Panics that are separate snapshots; a thousand users may have sent one each.
_MOST_PANICS: Final = 8
#: What another format's text begins with: a part of the text ends above it.
_OTHERS: Final = re.compile(
    rb"goroutine \d+ [^\n\"]*\[|goroutine(?:leak)? profile: total|WARNING: DATA RACE|POTENTIAL DEADLOCK"
    rb"|\[Goroutine \d|Goroutine \d+ - |\d+ goroutines? \[|^(?:panic|fatal error): ",
    re.MULTILINE,
)


def spans(data: bytes) -> list[tuple[int, int]]:
    """Where events stand; what lies between them belongs to them, unless it is another format's."""
    found: list[tuple[int, int]] = []
    for part in scan(data):
        if found and not _OTHERS.search(data, found[-1][1], part.begin):
            found[-1] = (found[-1][0], part.end)
        else:
            found.append((part.begin, part.end))
    return found


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a text: one of all errors that were reported, and one of each different panic that ended a
    program."""
    parts = scan(data)
    crashed, logged = _sorted_out(event for part in parts for event in part.events)
    problems = [problem for part in parts for problem in part.problems]
    built = [_snapshot(events, [], message=_message(said)) for said, events in crashed]
    if logged or problems or not built:
        built.append(_snapshot(logged, problems, message=()))
    if progress is not None:
        progress(len(data), len(data))
    return built


def _sorted_out(events: Iterable[Event]) -> tuple[list[tuple[Said, list[Event]]], list[Event]]:
    """Panics that ended a program, equal ones together, and all other events."""
    panics: dict[tuple[Said, int], tuple[Said, list[Event]]] = {}
    others: list[Event] = []
    into: list[Event] = others
    for event in events:
        if event.said is not None and event.said.crashed:
            key = (event.said, hash(event.frames))
            if key in panics or len(panics) < _MOST_PANICS:
                into = panics.setdefault(key, (event.said, []))[1]
            else:
                into = others
        elif event.said is not None:
            into = others
        into.append(event)  # a thread without words is the process's of the event before it
    return list(panics.values()), others


def _message(said: Said) -> tuple[str, ...]:
    """The message of a panic as the runtime would print it."""
    if said.message.startswith(("panic: ", "fatal error: ")):
        return (said.message,)
    return (f"panic: {said.message or said.kind}",)


def _snapshot(events: Sequence[Event], problems: Sequence[Problem], *, message: tuple[str, ...]) -> Snapshot:
    stacks = Stacks()
    counts: dict[tuple[object, ...], int] = {}
    firsts: dict[tuple[object, ...], Event] = {}
    ids: dict[tuple[object, ...], int] = {}
    too_many = False
    for event in events:
        stack = stacks.id_of(event.frames, partial=event.partial, created_by=event.created_by)
        words = None if event.said is None or message else event.said.words
        key = (stack, words, event.goroutine_id, event.state)
        if len(firsts) >= limits.MAX_GOROUTINES:
            too_many = True
            continue
        ids.setdefault(key, stack)
        firsts.setdefault(key, event)
        counts[key] = counts.get(key, 0) + 1
    records = [
        Record(counts[key], ids[key], line=event.line, goroutine_id=event.goroutine_id, wait_reason=event.state)
        for key, event in firsts.items()
    ]
    if too_many:
        problems = [*problems, Problem(1, "more goroutines than a process can have; not read")]
    if not records and not problems:
        problems = [Problem(1, "no stack in this text")]
    table, numbers = counted.rows(records)
    return Snapshot(
        format=NAME,
        table=table,
        counts=numbers,
        stacks=stacks.all(),
        problems=bounded(problems),
        complete=not problems,
        header_lines=sum(counts.values()),
        cause=message[0] if message else None,
        message=message,
        conclusions=() if message else tuple(_conclusions(firsts.values())),
    )


def _conclusions(events: Iterable[Event]) -> Iterable[Conclusion]:
    """What was reported, one conclusion a row."""
    for row, event in enumerate(events):
        if event.said is not None:
            frame = 0 if event.frames else None
            yield Conclusion(LOGGED_ERROR, event.said.tool, event.line, (Role(row, "failed", frame),), event.said.words)
