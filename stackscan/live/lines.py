"""What changed, as JSON values: a line for each change, in the shape that scripts rely on. Fields are added, never
renamed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from stackscan.render.words import plain

if TYPE_CHECKING:
    from datetime import datetime

    from stackscan.live.standing import Standing
    from stackscan.live.watch import News


def values_of(news: News) -> list[dict[str, Any]]:
    """What is to be told of a request: an object for each event, nothing where nothing changed.

    ``findings`` are as in the JSON of a report, each with ``since``, the time when it was first seen. A process that
    falls silent has an ``error``, and the findings that stood; one that answers again has those that stand now.
    """
    history = news.history
    if news.reached is False and history.failure is not None:
        failure = history.failure
        found = _line(news, failure.at, "changed", history.standing.values())
        return [{**found, "error": {"reason": failure.reason, "hint": failure.hint}}]
    if history.last is None:
        return []
    at = history.last.at
    lines = [_line(news, at, change.event, change.findings) for change in news.changes]
    if news.reached and not lines:
        lines = [_line(news, at, "changed", history.standing.values())]
    return lines


def _line(news: News, at: datetime, event: str, findings: Iterable[Standing]) -> dict[str, Any]:
    history = news.history
    return {
        "time": at.isoformat(timespec="milliseconds"),
        "target": str(history.target),
        "event": event,
        "level": history.level,
        "verdict": history.verdict,
        "findings": [{**one.values, "since": one.since.isoformat(timespec="milliseconds")} for one in findings],
    }


def text_of(values: dict[str, Any]) -> str:
    """A JSON object in one line, without its end. All that is not ASCII is escaped: it is the same in each encoding,
    and acts on no terminal."""
    return json.dumps(values, allow_nan=False).replace("\x7f", "\\u007f")


def plain_text_of(values: dict[str, Any]) -> str:
    """The same for people, in one line: when, where, what."""
    found = [f"{one['rule']}: {one['title']}" for one in values["findings"]]
    silent, target = "error" in values, values["target"]
    what = values["verdict"] if silent or not found else "; ".join(found)
    if silent and what.startswith(target):  # the line has the address already
        what = what.partition(" ")[2]
    return plain(f"{values['time']} {target} {'silent' if silent else values['event']}: {what}")
