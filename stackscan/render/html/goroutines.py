"""What the page of a report holds beside its JSON: links and modules of frames, and every goroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackscan.analysis.breakdown import MOST_VALUES, is_label
from stackscan.render import words
from stackscan.render.breakdown_words import rows_by
from stackscan.render.html.packed import Frames, differences, one

if TYPE_CHECKING:
    from stackscan.report import SnapshotReport
    from stackscan.report.facets import Facet
    from stackscan.report.individuals import Group, Individuals
    from stackscan.report.links import Links


def beside(snapshot: SnapshotReport, links: Links) -> dict[str, Any]:
    """What the scripts need beyond the JSON of a snapshot.

    ``frames`` are the distinct ones: function, file, line, module (its place in ``modules``), link, link for an editor.
    ``stacks`` has for each bucket the places of its frames and of the frame that created it (null: none).
    """
    frames = Frames(links)
    stacks = [frames.stack(found.bucket.stack) for found in snapshot.buckets]
    values = {"stacks": stacks, **frames.values()}
    if snapshot.individuals is None:
        return values
    of = [_facet(found, snapshot) for found in snapshot.individuals.facets]
    return values | _individuals(snapshot.individuals) | {"facets": of}


def _individuals(found: Individuals) -> dict[str, Any]:
    return {
        "groups": [_group(group) for group in found.groups],
        "labels": [[list(pair) for pair in group.labels] for group in found.groups],
        "parts": [{"buckets": list(part.buckets), "ids": differences(part.ids)} for part in found.findings],
        "waiters": [differences(ids) for ids in found.waiters],
        "remarks": {str(number): remark for number, remark in found.remarks},
    }


def _facet(found: Facet, snapshot: SnapshotReport) -> dict[str, Any]:
    """A key: each value as it is and in words, its goroutines, its findings and pools in words; and for each bucket the
    places of its goroutines' values."""
    shares = found.breakdown.shares
    rows = list(rows_by(found.breakdown, snapshot, MOST_VALUES))
    key = found.breakdown.key
    return {
        "key": key,
        "name": "label " + (words.plain(key.partition(":")[2]) or '""') if is_label(key) else key.replace("_", " "),
        "values": [
            [share.value, row.value, row.goroutines, row.says] for share, row in zip(shares, rows, strict=False)
        ],
        "others": [[row.value, row.goroutines] for row in rows[len(shares) :]],
        "places": [one(places) for places in found.places],
    }


def _group(group: Group) -> list[Any]:
    creators = [0 if number is None else number for number in group.creators]
    return [
        differences(group.ids),
        one(group.minutes),
        one(differences(creators)) if creators else [],
        one(group.label_places) if group.labels else None,
        list(group.counts),
    ]
