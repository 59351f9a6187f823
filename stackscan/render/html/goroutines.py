"""What a page holds beside the JSON report: links and modules of frames, and every goroutine, written short.

Numbers that grow are written as differences, and a column with one value as that value: a hundred thousand goroutines
take a megabyte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from stackscan.model.snapshot import Frame
    from stackscan.report import SnapshotReport
    from stackscan.report.individuals import Group, Individuals
    from stackscan.report.links import Links

#: The largest whole number that a browser knows exactly.
_EXACT: Final = 2**53


def beside(snapshot: SnapshotReport, links: Links) -> dict[str, Any]:
    """What the scripts need beyond the JSON of a snapshot.

    ``frames`` are the distinct ones: function, file, line, module (its place in ``modules``), link, link for an editor.
    ``stacks`` has for each bucket the places of its frames and of the frame that created it (null: none).
    """
    places: dict[Frame, int] = {}
    stacks = [
        [
            [places.setdefault(frame, len(places)) for frame in stack.frames],
            None if stack.created_by is None else places.setdefault(stack.created_by, len(places)),
        ]
        for stack in (found.bucket.stack for found in snapshot.buckets)
    ]
    modules: dict[str, int] = {}
    frames = [
        [
            frame.function,
            frame.file,
            frame.line,
            modules.setdefault(links.module(frame), len(modules)),
            links.url(frame),
            links.editor_url(frame),
        ]
        for frame in places
    ]
    values = {"frames": frames, "stacks": stacks, "modules": list(modules)}
    return values if snapshot.individuals is None else values | _individuals(snapshot.individuals)


def _individuals(found: Individuals) -> dict[str, Any]:
    return {
        "groups": [_group(group) for group in found.groups],
        "labels": [[list(pair) for pair in group.labels] for group in found.groups],
        "parts": [{"buckets": list(part.buckets), "ids": _numbers(part.ids)} for part in found.findings],
        "waiters": [_numbers(ids) for ids in found.waiters],
        "remarks": {str(number): remark for number, remark in found.remarks},
    }


def _group(group: Group) -> list[Any]:
    creators = [0 if number is None else number for number in group.creators]
    return [_numbers(group.ids), _one(group.minutes), _one(_numbers(creators)) if creators else []]


def _one(values: Sequence[Any]) -> Any:
    """The values, or the one that all have."""
    return values[0] if values and all(value == values[0] for value in values) else list(values)


def _numbers(values: Sequence[int | None]) -> list[Any]:
    """Numbers as differences; as text where one is too large, or unknown, for a browser to add up."""
    if any(value is None or value >= _EXACT for value in values):
        return [None if value is None else str(value) for value in values]
    known = [value for value in values if value is not None]
    return [value - before for before, value in zip([0, *known], known, strict=False)]
