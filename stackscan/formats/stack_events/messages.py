"""What a log says of the stack below: its level, its message, the value of a panic."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from stackscan.formats.stack_events.event import Said, one_line

#: Lines above a stack among which its message stands.
REACH: Final = 10
_LEVELS: Final = r"DEBUG|INFO|WARN(?:ING)?|ERROR|ERR|DPANIC|PANIC|FATAL|CRITICAL"
_LEVEL: Final = re.compile(rf"(?:\x1b\[\d+m)?({_LEVELS})(?:\x1b\[0m)?", re.IGNORECASE)
_STAMP: Final = re.compile(
    r"\[?\d{2,4}[-/]\d\d[-/]\d{2,4}[T ]?(?:- )?(?:\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t:]*"
    r"|<nil> |\d{1,2}:\d\d[AP]M |\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?[ \t]*"
    r"|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6}\s+\d+ \S+\] "
)
_WORD_OF_LEVEL: Final = re.compile(rf"\[?(?:{_LEVELS})\]?[ \t:]+", re.IGNORECASE)
_PANIC: Final = re.compile(r"(?:.*\s)?panic(?: recovered|ked)?: ?(?P<value>.*)", re.IGNORECASE)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]{0,20}m")
_ARROW: Final = re.compile(r"->|\[signal |\[Recovery\]")


def is_dated(line: str) -> bool:
    """Whether a line begins like a log record of its own: with a time or a level."""
    line = _COLOUR.sub("", line).strip()
    return _STAMP.match(line) is not None or _WORD_OF_LEVEL.match(line) is not None or _of_zap(line) is not None


def said_above(lines: Sequence[str]) -> tuple[Said, int]:
    """What the lines directly above a stack say (the nearest is the last one), and how many of them belong to it."""
    clean = [_COLOUR.sub("", line).strip() for line in lines]
    panicked = next((at for at in reversed(range(len(clean))) if _PANIC.fullmatch(clean[at])), None)
    if panicked is not None and _reaches(clean[panicked + 1 :]):
        found = _PANIC.fullmatch(clean[panicked])
        value = found["value"].strip() if found else ""
        below = next((line for line in clean[panicked + 1 :] if line), "")
        return Said(one_line(value or below), "panic", "a recovery handler"), len(clean) - panicked
    nearest = next((at for at in reversed(range(len(clean))) if clean[at]), None)
    if nearest is None:
        return Said(), 0
    return Said(_of_zap(clean[nearest]) or _without_stamps(clean[nearest])), len(clean) - nearest


def _reaches(lines: Sequence[str]) -> bool:
    """Whether a panic's message goes on down to its stack: at most one other line, and arrows to its place."""
    return sum(bool(line) and not _ARROW.match(line) for line in lines) <= 1


def _of_zap(line: str) -> str | None:
    """The message of zap's console encoder: columns with tabs between (time, level, logger, caller, message, JSON)."""
    columns = line.split("\t")
    at = next((n for n, column in enumerate(columns[:3]) if _LEVEL.fullmatch(column)), None)
    if at is None or len(columns) < at + 2:
        return None
    rest = columns[at + 1 :]
    fields = rest.pop() if rest[-1].startswith("{") else ""
    message = rest[-1] if rest else ""
    return one_line(with_error(message, _error_in(fields)))


def _error_in(fields: str) -> str:
    try:
        found = json.loads(fields) if fields else {}
    except (ValueError, RecursionError):
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, str) else ""


def with_error(message: str, error: str) -> str:
    """``cannot load: no such cart``, each part once."""
    if not message or not error or error in message:
        return message or error
    return error if message in error else f"{message}: {error}"


def _without_stamps(line: str) -> str:
    for _ in range(4):
        found = _STAMP.match(line) or _WORD_OF_LEVEL.match(line)
        if found is None or not found.end():
            break
        line = line[found.end() :]
    return one_line(line)
