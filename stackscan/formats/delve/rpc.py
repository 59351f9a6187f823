"""Reads answers of Delve's JSON API: ListGoroutines and Stacktrace, one after the other, also from its own log.

Defined by service/api/types.go (Goroutine, Stackframe) and service/rpc2/server.go. A Stacktrace does not say whose it
is: its request does, by the id of both, or the order of the answers, where the innermost frames agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from stackscan.formats.delve import grammar
from stackscan.formats.delve.gathered import GROUP_NOT_LISTED, Goroutine, Moment, Trace
from stackscan.formats.labels import label_text
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Frame
from stackscan.sources import limits

_BEGIN: Final = re.compile(r"[{\[]")
_GOROUTINE: Final = re.compile(r'\{\s{0,99}"id":\s{0,9}\d{1,20},\s{0,99}"(?:currentLoc|userCurrentLoc)"')
_RESULTS: Final = ("Goroutines", "Locations")
_STATES: Final = {1: "runnable", 2: "running", 3: "syscall", 6: "dead", 8: "copystack", 9: "preempted"}
_WAITING: Final = 4
_PLACES: Final = {
    "currentLoc": "Runtime", "userCurrentLoc": "User", "goStatementLoc": "Go", "startLoc": "Start"
}  # fmt: skip
_MOST_NUMBER: Final = (1 << 63) - 1
_MOST_LINE: Final = (1 << 31) - 1
_DECODER: Final = json.JSONDecoder()


def read_answers(text: str) -> list[Moment]:
    """The moments in a text, at least one: each list of all goroutines begins one."""
    reader = _Reader()
    for line, value in _documents(text, reader):
        reader.take(value, line)
    return reader.finish()


def _documents(text: str, reader: _Reader) -> Iterator[tuple[int, Any]]:
    """The JSON values in a text and the lines on which they begin; other text between them is passed over."""
    at, line, counted = 0, 1, 0
    while (found := _BEGIN.search(text, at)) is not None:
        begin = found.start()
        line += text.count("\n", counted, begin)
        counted = begin
        try:
            value, at = _DECODER.raw_decode(text, begin)
        except json.JSONDecodeError as error:
            at = max(error.pos, begin + 1)
            if any(f'"{name}"' in text[begin:at] for name in _RESULTS):
                reader.moment.problem(line, "an answer that is no whole JSON", _first_line(text, begin))
                yield from _whole_goroutines(text, begin, at, line)
        except (RecursionError, ValueError):  # deeper than any answer of Delve's; a number of too many digits
            reader.moment.problem(line, "JSON that cannot be read; the rest is skipped", _first_line(text, begin))
            return
        else:
            yield line, value


def _whole_goroutines(text: str, begin: int, end: int, line: int) -> Iterator[tuple[int, Any]]:
    """The goroutines of a list that is cut, as far as they are whole."""
    at = counted = begin
    while (found := _GOROUTINE.search(text, at, end)) is not None:
        try:
            value, at = _DECODER.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            return
        line += text.count("\n", counted, found.start())
        counted = found.start()
        yield line, value


def _first_line(text: str, begin: int) -> str:
    return text[begin : begin + EXCERPT].split("\n", maxsplit=1)[0]


class _Reader:
    def __init__(self) -> None:
        self.moments: list[Moment] = [Moment(1)]
        self.asked: dict[str, int] = {}  # ids of requests, of which goroutine the stack is wanted
        self.next_asked: int | None = None  # by the request in front, in Delve's log
        self.turn = 0  # the goroutine of the list whose stack should come next

    @property
    def moment(self) -> Moment:
        """The moment that the answers are about."""
        return self.moments[-1]

    def take(self, value: Any, line: int) -> None:
        """Take the next JSON value."""
        if isinstance(value, list):
            if value and isinstance(value[0], dict) and "userCurrentLoc" in value[0]:
                self._list(value, line)
            else:
                for each in value:
                    if isinstance(each, dict):
                        self.take(each, line)
            return
        if not isinstance(value, dict):
            return
        result = value.get("result")
        if isinstance(result, dict):
            self._result(result, line, self.asked.get(str(value.get("id"))))
        elif "params" in value or "method" in value:
            self._request(value)
        else:
            self._result(value, line, None)

    def finish(self) -> list[Moment]:
        """The moments, when all was taken."""
        for moment in self.moments:
            moment.settle()
        return [moment for moment in self.moments if moment.goroutines or moment.problems] or self.moments[:1]

    def _request(self, value: dict[str, Any]) -> None:
        parameters = value.get("params")
        first = parameters[0] if isinstance(parameters, list) and parameters else parameters
        number = _number(first.get("Id")) if isinstance(first, dict) else None
        if number is not None:
            self.asked[str(value.get("id"))] = number

    def _result(self, value: dict[str, Any], line: int, asked: int | None) -> None:
        if isinstance(value.get("Goroutines"), list):
            self._list(value["Goroutines"], line)
            self._groups(value.get("Groups"), line)
            if (_number(value.get("Nextg")) or -1) > 0:
                return  # the next answer goes on
            self.moment.listed = True
        elif isinstance(value.get("Locations"), list):
            self._stack(value["Locations"], line, asked if asked is not None else self.next_asked)
            self.next_asked = None
        elif set(value) >= {"Id", "Depth"}:  # arguments of Stacktrace, as the log prints them
            self.next_asked = _number(value["Id"])
        elif "userCurrentLoc" in value or ("currentLoc" in value and "id" in value):
            self._list([value], line)

    def _list(self, values: list[Any], line: int) -> None:
        known = self.moment.by_id
        if self.moment.goroutines and any(
            isinstance(value, dict) and _number(value.get("id")) in known for value in values
        ):
            self.moments.append(Moment(line))
            self.turn = 0
        for value in values:
            goroutine = _goroutine(value, line)
            if goroutine is None:
                reason = "Delve could not read this goroutine" if _unreadable(value) else "a damaged goroutine; skipped"
                self.moment.problem(line, reason, str(_unreadable(value))[:EXCERPT].replace("\n", " "))
            else:
                self.moment.add(goroutine)

    def _groups(self, groups: Any, line: int) -> None:
        """The goroutines that are counted in a group and not listed."""
        for group in groups if isinstance(groups, list) else ():
            if not isinstance(group, dict):
                continue
            total, listed = _number(group.get("Total")) or 0, _number(group.get("Count")) or 0
            if total > listed:
                self.moment.problem(line, GROUP_NOT_LISTED, f"Total: {total}", lost=False)
                self.moment.add(Goroutine(line, count=total - listed))

    def _stack(self, values: list[Any], line: int, asked: int | None) -> None:
        trace = _trace(values, line, self.moment)
        if asked is not None:
            self.moment.add(Goroutine(line, asked)).take(trace)
            return
        in_turn = self.moment.goroutines[self.turn : self.turn + 1]
        if in_turn and in_turn[0].trace is None and "Runtime" in in_turn[0].places and trace.fits(in_turn[0]):
            in_turn[0].take(trace)
            self.turn += 1
        else:
            self.moment.loose.append(trace)


def _goroutine(value: Any, line: int) -> Goroutine | None:
    """A goroutine of a list; None for one that Delve could not read or that is none."""
    if not isinstance(value, dict) or (number := _number(value.get("id"))) is None or _unreadable(value):
        return None
    places = {kind: place for key, kind in _PLACES.items() if (place := _place(value.get(key))) is not None}
    status, thread = _number(value.get("status")), _number(value.get("threadID"))
    since = _number(value.get("waitSince"))
    found = value.get("labels")
    labels = label_text((_text(key), _text(each)) for key, each in found.items()) if isinstance(found, dict) else None
    too_long = labels is not None and len(labels) > limits.MAX_LABEL_BYTES
    return Goroutine(
        line,
        number,
        places,
        None,
        f"thread {thread}" if thread else None,
        since=str(since) if since and status in (3, _WAITING) else None,
        labels=None if too_long else labels,
        number=_number(value.get("waitReason")) if status == _WAITING else None,
        state=_STATES.get(status or 0),
    )


def _unreadable(value: Any) -> str:
    said = value.get("unreadable") if isinstance(value, dict) else None
    return _text(said) if said else ""


def _trace(values: list[Any], line: int, moment: Moment) -> Trace:
    trace = Trace(line)
    for value in values[: limits.MAX_FRAMES]:
        place = _place(value)
        if place is None:
            trace.damaged = True
            said = _text(value.get("Err")) if isinstance(value, dict) and value.get("Err") else ""
            moment.problem(line, "a frame of a stack cannot be read; skipped", said[:EXCERPT].replace("\n", " "))
        else:
            trace.frames.append(place)
    last = values[-1] if values else None
    ends = isinstance(last, dict) and (bool(last.get("Bottom")) or _is_root(last))
    trace.cut = bool(values) and not ends
    return trace


def _is_root(value: dict[str, Any]) -> bool:
    place = _place(value)
    return place is not None and place.function == "runtime.goexit"


def _place(value: Any) -> Frame | None:
    """A Location; None for one without a function."""
    if not isinstance(value, dict) or not isinstance(value.get("function"), dict):
        return None
    name, line = value["function"].get("name"), _number(value.get("line"))
    if not isinstance(name, str) or not name:
        return None
    return Frame(grammar.symbol(_text(name)), grammar.short(_text(value.get("file"))), min(line or 0, _MOST_LINE))


def _text(value: Any) -> str:
    """A text without halves of surrogate pairs, which cannot be written anywhere."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    """A whole number of 63 bits; None for anything else."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= _MOST_NUMBER else None
