"""What an answer says of its input: the snapshots, and what is missing or damaged in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from stackscan.integrations.mcp.captures import Loaded, Shown
from stackscan.integrations.mcp.quoting import escaped, quoted
from stackscan.render.words import count

_SHORT: Final = 80
_MOST: Final = 4


def losses_of(loaded: Sequence[Loaded]) -> list[str]:
    """A sentence for each loss, the first few; the last says how many more there are."""
    found = [each for one in loaded for each in _losses(one)]
    more = len(found) - _MOST
    return found[:_MOST] + ([f"{count(more, 'further losses')} are not listed."] if more > 0 else [])


def _losses(one: Loaded) -> Iterator[str]:
    for shown in one.shown:
        yield from _of_capture(shown)
    members = () if one.bundle is None else one.bundle.members
    for member in members:
        if member.cut:
            yield f"The end of {quoted(member.name, _SHORT)} is missing."


def _of_capture(shown: Shown) -> Iterator[str]:
    report = shown.capture.report
    first = report.problems[0] if report.problems else None
    where = ""
    if first is not None:
        places = count(len(report.problems), "damaged or doubtful places")
        where = f" {places}, the first at line {first.line:,}: {quoted(first.reason, _SHORT)}."
    if not report.complete:
        yield f"Snapshot {shown.id} is incomplete: goroutines may be missing.{where}"
    elif where:
        yield f"Snapshot {shown.id}:{where}"
    if report.cut:
        yield f"Snapshot {shown.id}: the end of its file is missing."
    if report.leak_profile:
        yield f"Snapshot {shown.id} is a leak profile: it has leaked goroutines only."


def snapshot_values(loaded: Sequence[Loaded]) -> list[dict[str, Any]]:
    """The snapshots of the answer that are no second views of the same process."""
    return [
        {
            "id": shown.id,
            "source": escaped(one.name, _SHORT),
            "member": None if shown.capture.report.member is None else escaped(shown.capture.report.member, _SHORT),
            "format": shown.capture.report.format,
            "goroutines": shown.capture.report.goroutines,
            "complete": shown.capture.report.complete,
        }
        for one in loaded
        for shown in one.chosen(None)
    ]
