"""Every goroutine of a snapshot by bucket, for outputs in which a reader can ask for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackscan.report.facets import Facet, facets

if TYPE_CHECKING:
    from stackscan.analysis.analyse import Analysis
    from stackscan.analysis.locks import Lock
    from stackscan.model.bucket import Bucket
    from stackscan.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Group:
    """The goroutines of one bucket, in the order of the dump: ids, whole minutes of waiting, ids of their creators
    (None: the dump does not say), and how many have each text of labels. In counted formats there are no ids, and
    ``counts`` says how many goroutines each row stands for (empty: one). ``label_places`` has for each row the place of
    its text in ``labels`` (None: it has no labels)."""

    ids: tuple[int | None, ...]
    minutes: tuple[int | None, ...]
    creators: tuple[int | None, ...]
    labels: tuple[tuple[str, int], ...]
    label_places: tuple[int | None, ...]
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The goroutines of a finding: all of some buckets, by their places, and single ones of others by their ids."""

    buckets: tuple[int, ...]
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Individuals:
    """All goroutines: ``groups`` has one for each bucket of the report, ``findings`` a part for each finding, and
    ``waiters`` the ids of those that wait for each lock of the JSON. ``remarks`` say what else the headers of single
    goroutines say, by their ids. ``facets`` are what a reader may narrow all that by."""

    groups: tuple[Group, ...]
    findings: tuple[Part, ...]
    waiters: tuple[tuple[int, ...], ...]
    remarks: tuple[tuple[int, str], ...]
    facets: tuple[Facet, ...]


def individuals(analysis: Analysis, buckets: Sequence[Bucket], locks: Iterable[Lock]) -> Individuals:
    """The goroutines of these buckets, which are of the capture of this analysis."""
    snapshot = analysis.capture.snapshot
    ids = snapshot.column("goroutine_id")
    place = {(bucket.stack, bucket.wait_reason): n for n, bucket in enumerate(buckets)}
    rows: list[list[int]] = [[] for _ in buckets]
    of_row = [-1] * len(ids)
    for (stack_id, reason), found in snapshot.cells.items():
        at = place.get((snapshot.stacks[stack_id], reason))
        if at is not None:
            rows[at] += found
            for row in found:
                of_row[row] = at
    return Individuals(
        tuple(_group(snapshot, found) for found in rows),
        tuple(_part(finding.rows, of_row, rows, ids) for finding in analysis.stuck),
        tuple(_known(ids[row] for row in lock.rows) for lock in locks),
        tuple(_remarks(snapshot, ids)),
        tuple(facets(analysis, rows)),
    )


def _group(snapshot: Snapshot, rows: Sequence[int]) -> Group:
    ids, minutes, creators = (
        tuple([column[row] for row in rows])
        for column in map(snapshot.column, ("goroutine_id", "wait_minutes", "creator_id"))
    )
    labels: dict[str, int] = {}
    column, counts = snapshot.column("labels"), snapshot.counts
    for row in rows:
        if column[row]:
            labels[column[row]] = labels.get(column[row], 0) + (1 if counts is None else counts[row])
    if counts is not None:
        ids = minutes = creators = ()
    text_place = {text: place for place, text in enumerate(labels)}
    return Group(
        ids,
        minutes,
        creators,
        tuple(labels.items()),
        tuple(text_place.get(column[row]) for row in rows),
        () if counts is None else tuple(counts[row] for row in rows),
    )


def _part(
    found: Sequence[int], of_row: Sequence[int], rows: Sequence[Sequence[int]], ids: Sequence[int | None]
) -> Part:
    counts: dict[int, int] = {}
    for row in found:
        counts[of_row[row]] = counts.get(of_row[row], 0) + 1
    whole = {at for at, count in counts.items() if at >= 0 and count == len(rows[at])}
    return Part(tuple(sorted(whole)), _known(ids[row] for row in found if of_row[row] not in whole))


def _known(ids: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(one for one in ids if one is not None)


def _remarks(snapshot: Snapshot, ids: Sequence[int | None]) -> Iterable[tuple[int, str]]:
    """What headers say beyond state and minutes."""
    columns = map(snapshot.column, ("locked", "leaked", "attributes", "thread", "labels"))
    for number, locked, leaked, attributes, thread, labels in zip(ids, *columns, strict=True):
        said = [
            "locked to a thread" if locked else "",
            "leaked, says the runtime" if leaked else "",
            attributes or "",
            thread or "",
            f"labels: {labels}" if labels else "",
        ]
        if number is not None and any(said):
            yield number, ", ".join(filter(None, said))
