"""Rows of the fleet as records of the store's tables, and back again, without loss.

Text that Arrow cannot hold (names of files that are no UTF-8) is kept as its escape sequence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from stackscan.analysis.proposals import Crew
from stackscan.fleet.pattern import Origin
from stackscan.fleet.row import Row, Seen, Spot, Unread, Workers
from stackscan.fleet.store.columns import CAPTURE, OTHER, UNREADABLE

Record = dict[str, Any]
#: What ``places`` says of an id: function, created by, wait reason, location, idle, caught, packages.
Place = tuple[str | None, str | None, str | None, str, bool, bool, tuple[str, ...]]


@dataclass(slots=True)
class PlaceIds:
    """Ids of places. An id is a hash, so that writers who know nothing of each other give the same one."""

    written: set[int] = field(default_factory=set)
    _known: dict[Place, int] = field(default_factory=dict)
    _new: dict[int, tuple[Place, str]] = field(default_factory=dict)

    def of(self, spot: Spot) -> int:
        """The id of a spot's place."""
        function, created_by, wait_reason = map(_text, spot.place)
        packages = tuple(map(sound, spot.packages))
        place = function, created_by, wait_reason, sound(spot.location), spot.idle, spot.caught, packages
        found = self._known.get(place)
        if found is None:
            digest = blake2b(json.dumps(place).encode(), digest_size=8).digest()
            found = self._known[place] = int.from_bytes(digest, "little", signed=True)
            if found not in self.written:
                self._new[found] = place, sound(spot.stack)
        return found

    def unwritten(self) -> list[tuple[object, ...]]:
        """Places that the table does not have yet: id, what is known of it, and the stack of the first spot."""
        return [(number, *place, stack) for number, (place, stack) in self._new.items()]

    def wrote(self) -> None:
        """Note that the table has them now."""
        self.written.update(self._new)
        self._new.clear()


def record(row: Row | Unread, ids: PlaceIds) -> Record:
    """What a capture is in the table ``captures``, without the columns that say how it was read."""
    origin = row.origin
    found: Record = {
        "capture": sound(row.where),
        "service": _text(origin.service),
        "host": _text(origin.host),
        "version": _text(origin.version),
        "captured_at": origin.time,
    }
    if isinstance(row, Unread):
        return found | {"status": OTHER if row.other else UNREADABLE, "reason": sound(row.reason)}
    return found | {
        "status": CAPTURE,
        "digest": row.digest,
        "format": row.format,
        "goroutines": row.goroutines,
        "complete": row.complete,
        "leak_profile": row.leak_profile,
        "places": _spots(row.spots, ids),
        "lines": _spots(row.crowds, ids),
        "findings": [
            {
                "rule": one.rule,
                "cause": one.cause,
                "severity": one.severity,
                "title": sound(one.title),
                "fix": sound(one.fix),
                "function": _text(one.place),
                "location": sound(one.location),
                "goroutines": one.count,
                "packages": [*map(sound, one.packages)],
            }
            for one in row.seen
        ],
        "pools": [
            {
                "pool": sound(one.pool),
                "known": one.known,
                "workers": one.workers,
                "busy": one.busy,
                "created_by": sound(one.creator),
                "idle_at": sound(one.idle_at),
            }
            for one in row.pools
        ],
        "crews": [*map(_crew, row.crews)],
    }


def _crew(one: Crew) -> Record:
    waits = [{"at": sound(at), "goroutines": count} for at, count in one.waits]
    return {"root": sound(one.root), "created_by": sound(one.creator), "workers": one.workers, "waits": waits}


def _spots(spots: Iterable[Spot], ids: PlaceIds) -> list[Record]:
    return [
        {"place_id": ids.of(spot), "goroutines": spot.count, "wait_minutes": spot.minutes} for spot in spots
    ]  # fmt: skip


def _text(text: str | None) -> str | None:
    return None if text is None else sound(text)


def sound(text: str) -> str:
    """Text as Arrow can hold it."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def restored(columns: Mapping[str, Any], places: Mapping[int, Place]) -> Row | Unread:
    """The row of a record. Raises KeyError for a place that the table ``places`` does not have."""
    origin = Origin(columns["service"], columns["host"], columns["version"], columns["captured_at"])
    if columns["status"] != CAPTURE:
        return Unread(origin, columns["capture"], columns["reason"], columns["status"] == OTHER)
    return Row(
        origin=origin,
        where=columns["capture"],
        digest=columns["digest"],
        format=columns["format"],
        goroutines=columns["goroutines"],
        complete=columns["complete"],
        leak_profile=columns["leak_profile"],
        seen=tuple(map(_seen, columns["findings"])),
        spots=_restored(columns, "places", places),
        crowds=_restored(columns, "lines", places),
        pools=tuple(map(_pool, columns["pools"])),
        crews=tuple(map(_crew_of, columns["crews"])),
    )


def _seen(one: Mapping[str, Any]) -> Seen:
    return Seen(
        rule=one["rule"],
        cause=one["cause"],
        severity=one["severity"],
        title=one["title"],
        fix=one["fix"],
        place=one["function"],
        location=one["location"],
        count=one["goroutines"],
        packages=tuple(one["packages"]),
    )


def _pool(one: Mapping[str, Any]) -> Workers:
    return Workers(one["pool"], one["workers"], one["busy"], one["known"], one["created_by"], one["idle_at"])


def _crew_of(one: Mapping[str, Any]) -> Crew:
    waits = tuple((wait["at"], wait["goroutines"]) for wait in one["waits"])
    return Crew(one["root"], one["created_by"], one["workers"], waits)


def _restored(columns: Mapping[str, Any], name: str, places: Mapping[int, Place]) -> tuple[Spot, ...]:
    lists = (columns[f"{name}.{each}"] for each in ("place_id", "goroutines", "wait_minutes"))
    numbers = zip(*lists, strict=True)
    return tuple(_spot(places[place], count, minutes) for place, count, minutes in numbers)


def _spot(place: Place, count: int, minutes: int) -> Spot:
    function, created_by, wait_reason, location, idle, caught, packages = place
    return Spot((function, created_by, wait_reason), location, count, minutes, idle, caught, packages)
