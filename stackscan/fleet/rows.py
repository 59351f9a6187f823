"""The bytes of one file → rows of plain values, and such rows → the answer: what any engine may run.

``rows`` reads nothing but the bytes that it gets, and keeps nothing of them: any engine may call it anywhere.
``answer_of`` makes of all rows together what ``stackscan fleet`` shows (docs/fleet.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from stackscan.errors import StackscanError
from stackscan.fleet.answer import answer
from stackscan.fleet.gather import Gathering
from stackscan.fleet.model import Fleet
from stackscan.fleet.observe import Observe
from stackscan.fleet.pattern import Origin, read_pattern
from stackscan.fleet.row import Row, Seen, Spot, Unread, Workers
from stackscan.fleet.survey import Survey
from stackscan.knowledge.configuration import load
from stackscan.report.capture import Options
from stackscan.sources.parts import Part, groups_of_bytes
from stackscan.sources.sent import Sent

#: A place in the code, in the order of its parts.
_PLACE = ("function", "created_by", "wait_reason")


def rows(
    name: str,
    data: bytes,
    *,
    pattern: str | None = None,
    threshold: int = 10_000,
    configuration: Path | None = None,
) -> list[dict[str, Any]]:
    """What the captures in the bytes of a file say: a row for each, and for each that cannot be read.

    ``name`` is the file's path or address, of which the last parts are compared with the ``pattern``; ``threshold`` is
    how many goroutines at one line are too many; ``configuration`` the path of a stackscan.toml (None: what ships).
    Values are texts, numbers, bytes, times in UTC, None, and lists of such rows (fleet/arrow.py has their types). Of a
    capture that cannot be read, ``reason`` says why. Raises StackscanError for a wrong pattern or configuration only.
    """
    survey = _survey(pattern, threshold, configuration)
    found: list[Row | Unread] = []
    try:
        for group in groups_of_bytes(name, data):
            found += survey.of_group(group)
    except StackscanError as error:
        found.append(survey.observe.lost(Part(Sent.of(name), ""), error))
    return [_flat(one) for one in found]


def answer_of(found: Iterable[Mapping[str, Any]], *, threshold: int = 10_000, since: datetime | None = None) -> Fleet:
    """The answer over rows, in any order; ``threshold`` is the one that they were made with, ``since`` the time from
    which on findings are new."""
    gathering = Gathering()
    for row in found:
        gathering.take(_row(row))
    return answer(gathering, threshold=threshold, since=since)


@lru_cache(maxsize=4)
def _survey(pattern: str | None, threshold: int, configuration: Path | None) -> Survey:
    """What is done with each group, made once in each process."""
    observe = Observe(None if pattern is None else read_pattern(pattern), threshold)
    return Survey(observe, Options(load(configuration), projected=False))


def _flat(one: Row | Unread) -> dict[str, Any]:
    named = {**asdict(one.origin), "where": one.where}
    if isinstance(one, Unread):
        return {**_NOTHING, **named, "reason": one.reason, "other": one.other}
    return {
        **_NOTHING,
        **named,
        "digest": one.digest,
        "format": one.format,
        "goroutines": one.goroutines,
        "complete": one.complete,
        "leak_profile": one.leak_profile,
        "seconds": one.seconds,
        "seen": [_listed(asdict(each)) for each in one.seen],
        "spots": [_spot(each) for each in one.spots],
        "crowds": [_spot(each) for each in one.crowds],
        "pools": [asdict(each) for each in one.pools],
    }


#: A row of which nothing is known.
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("service", "host", "version", "time", "where")),
    "reason": None,
    "other": False,
    "digest": b"",
    "format": "",
    "goroutines": 0,
    "complete": False,
    "leak_profile": False,
    "seconds": 0.0,
    "seen": [],
    "spots": [],
    "crowds": [],
    "pools": [],
}


def _spot(spot: Spot) -> dict[str, Any]:
    values = _listed(asdict(spot))
    place = values.pop("place")
    return {**dict(zip(_PLACE, place, strict=True)), **values}


def _listed(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "packages": list(values["packages"])}


def _row(values: Mapping[str, Any]) -> Row | Unread:
    origin = Origin(values["service"], values["host"], values["version"], values["time"])
    if values["reason"] is not None:
        return Unread(origin, values["where"], values["reason"], values["other"])
    return Row(
        origin=origin,
        where=values["where"],
        digest=bytes(values["digest"]),
        format=values["format"],
        goroutines=values["goroutines"],
        complete=values["complete"],
        leak_profile=values["leak_profile"],
        seen=tuple(Seen(**_packed(each)) for each in values["seen"]),
        spots=tuple(_made(each) for each in values["spots"]),
        crowds=tuple(_made(each) for each in values["crowds"]),
        pools=tuple(Workers(**each) for each in values["pools"]),
        seconds=values["seconds"],
    )


def _made(values: Mapping[str, Any]) -> Spot:
    others = {name: value for name, value in _packed(values).items() if name not in _PLACE}
    function, created_by, wait_reason = (values[name] for name in _PLACE)
    return Spot(place=(function, created_by, wait_reason), **others)


def _packed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "packages": tuple(values["packages"])}
