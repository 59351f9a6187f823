"""The rows of one capture in every table, as plain lists: small between processes, and made without polars.

:mod:`stackscan.export.tables.build` makes polars tables of many captures at once of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from stackscan.export.tables.identity import identify, identify_as_before, taken_of
from stackscan.formats.labels import read_labels, without_surrogates
from stackscan.formats.symbol import deciding_frame, origin, read_symbol
from stackscan.model import bucket
from stackscan.model.capture import Taken
from stackscan.model.snapshot import Frame, Snapshot
from stackscan.render.words import UNPRINTABLE, plain
from stackscan.report import CaptureReport, FrameReport, StackReport, pools_json

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
#: Columns of goroutines as the snapshot has them.
_AS_READ: Final = tuple(
    "goroutine_id stack_id wait_reason wait_minutes creator_id locked leaked attributes thread labels line".split()
)
#: Goroutines of which polars keeps the columns: as Python's values they would take many times the memory.
_LARGE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table, of one capture: its own columns, each a list, or as polars has them; all texts printable.
    ``counts``: each row so many times (None: once)."""

    columns: Mapping[str, Sequence[Any]] | pl.DataFrame
    height: int
    counts: Sequence[int] | None = None

    @property
    def total(self) -> int:
        """The rows of the table in the end."""
        return self.height if self.counts is None else sum(self.counts)


@dataclass(frozen=True, slots=True)
class CaptureRows:
    """The rows of one capture by table, and the values that all of them share, by column. ``former_id`` is another id
    under which a folder may hold it already."""

    shared: Row
    tables: Mapping[str, Rows]
    former_id: str | None = None


@dataclass(frozen=True, slots=True)
class MakeRows:
    """Makes the rows of each capture of an input. ``override`` replaces its own time and host; ``formerly``: also the
    id that earlier releases gave."""

    override: Taken = field(default_factory=Taken)
    formerly: bool = False

    def __call__(self, _: str, captures: list[CaptureReport], __: object) -> list[CaptureRows]:
        """The rows of the captures of one input."""
        return [rows_of(each, self.override, formerly=self.formerly) for each in captures]


def rows_of(examined: CaptureReport, override: Taken | None = None, *, formerly: bool = False) -> CaptureRows:
    """The rows of a capture; characters that act on a terminal become escapes. ``override`` replaces the capture's own
    time and host."""
    override = override or Taken()
    snapshot, report = examined.capture.snapshot, examined.report
    deciding = {id(found.bucket.stack): _deciding(found) for found in report.buckets}
    rules = {id(found.bucket.stack): ",".join(found.rules) or None for found in report.buckets}
    tables = {
        "goroutines": _goroutines(examined),
        "stacks": _columns(_stacks(snapshot, deciding, rules)),
        "frames": _frames(snapshot),
        "buckets": _columns(_buckets(examined)),
        "findings": _columns(_findings(examined)),
        "pools": _columns(_pools(examined)),
        "snapshots": _columns([_snapshot(examined)]),
    }
    former = identify_as_before(examined, override) if formerly else None
    return CaptureRows(_shared(examined, override), tables, former)


def _columns(rows: Iterable[Row]) -> Rows:
    """Rows of named values as columns."""
    listed = list(rows)
    if not listed:
        return Rows({}, 0)
    return Rows({name: printable([row[name] for row in listed]) for name in listed[0]}, len(listed))


def printable(values: list[Any]) -> list[Any]:
    """The values of a column; of texts, what is unprintable is escaped."""
    if not any(isinstance(value, str) for value in values) or not UNPRINTABLE.search(" ".join(filter(None, values))):
        return values
    return [None if value is None else plain(value) for value in values]


def _shared(examined: CaptureReport, override: Taken) -> Row:
    report, taken = examined.report, taken_of(examined, override)
    return {
        "snapshot_id": identify(examined, override),
        "source": _text(report.source),
        "member": None if report.member is None else _text(report.member),
        "stream": _text(report.stream) or None,
        "position": report.position,
        "format": report.format,
        "second_view": examined.capture.second_view,
        "leak_profile": examined.report.leak_profile,
        "captured_at": taken.captured_at,
        "host": None if taken.host is None else _text(taken.host),
    }


def _text(text: str) -> str:
    """A name from the command line or an archive: it may hold bytes that are no text at all."""
    return plain(text).encode("utf-8", "backslashreplace").decode()


def _snapshot(examined: CaptureReport) -> Row:
    report = examined.report
    worst = report.verdicts[0]
    return {
        "goroutines": report.goroutines,
        "header_lines": report.header_lines,
        "distinct_stacks": report.distinct_stacks,
        "complete": report.complete,
        "problems": len(report.problems),
        "longest_wait_minutes": report.longest_wait_minutes,
        "dialect": report.dialect,
        "cause": report.cause,
        "level": worst.level,
        "verdict": worst.text,
    }


def _goroutines(examined: CaptureReport) -> Rows:
    snapshot = examined.capture.snapshot
    if len(snapshot.table) > _LARGE:
        from stackscan.export.tables.large import goroutines

        return Rows(goroutines(snapshot, label_map), len(snapshot.table), snapshot.counts)
    places = zip(snapshot.column("stack_id"), snapshot.column("wait_reason"), strict=True)
    signatures = {place: bucket.signature(place[1], snapshot.stacks[place[0]]) for place in dict.fromkeys(places)}
    columns = {name: printable(snapshot.column(name)) for name in _AS_READ}
    places = zip(snapshot.column("stack_id"), snapshot.column("wait_reason"), strict=True)
    columns["signature"] = [signatures[place] for place in places]
    labels = snapshot.column("labels")
    maps = {text: label_map(text) for text in set(labels)}
    columns["label_map"] = [maps[text] for text in labels]
    return Rows(columns, len(snapshot.table), snapshot.counts)


def label_map(text: str | None) -> list[dict[str, str]] | None:
    """``{job: 7}`` → ``[{"key": "job", "value": "7"}]``; None for no labels."""
    if text is None:
        return None
    return [{"key": _shown(key), "value": _shown(value)} for key, value in read_labels(text)]


def _shown(text: str) -> str:
    return plain(without_surrogates(text))


def _deciding(found: StackReport) -> str | None:
    lines = (line for line in found.lines if isinstance(line, FrameReport) and line.deciding)
    return next((line.frame.function for line in lines), None)


def _stacks(snapshot: Snapshot, deciding: dict[int, str | None], rules: dict[int, str | None]) -> Iterator[Row]:
    counts = snapshot.counts_by("stack_id")
    for stack_id, stack in enumerate(snapshot.stacks):
        innermost = stack.frames[deciding_frame(stack)].function if stack.frames else None
        yield {
            "stack_id": stack_id,
            "goroutines": counts.get((stack_id,), 0),
            "depth": len(stack.frames),
            "elided": stack.elided,
            "unavailable": stack.unavailable,
            "top": stack.frames[0].function if stack.frames else None,
            "deciding": deciding.get(id(stack)) or innermost,  # an ancestor's stack has no goroutines
            "root": stack.frames[-1].function if stack.frames else None,
            "created_by": stack.created_by.function if stack.created_by else None,
            "rules": rules.get(id(stack)),
        }


_FRAME: Final = "function package receiver name file line pc_offset kind module version".split()


@lru_cache(maxsize=1 << 16)
def _frame(frame: Frame) -> tuple[Any, ...]:
    """The values of a frame in the columns of _FRAME, all printable."""
    symbol, owner = read_symbol(frame.function), origin(frame)
    names = (frame.function, symbol.package or None, symbol.receiver, symbol.name, frame.file or None)
    whose = (owner.kind, owner.module, owner.version)
    return (*printable([*names]), frame.line, frame.pc_offset, *printable([*whose]))


def _frames(snapshot: Snapshot) -> Rows:
    ids: dict[Frame, int] = {}
    stack_ids: list[int] = []
    depths: list[int | None] = []
    frames: list[Frame] = []
    for stack_id, stack in enumerate(snapshot.stacks):
        depths += range(len(stack.frames))
        frames += stack.frames
        if stack.created_by is not None:
            depths.append(None)
            frames.append(stack.created_by)
        stack_ids += [stack_id] * (len(frames) - len(stack_ids))
    columns: dict[str, Sequence[Any]] = {
        "stack_id": stack_ids,
        "depth": depths,
        "frame_id": [ids.setdefault(frame, len(ids)) for frame in frames],
    }
    columns.update(zip(_FRAME, zip(*map(_frame, frames), strict=True), strict=False))
    return Rows(columns if frames else {}, len(frames))


def _buckets(examined: CaptureReport) -> Iterator[Row]:
    ids = {id(stack): stack_id for stack_id, stack in enumerate(examined.capture.snapshot.stacks)}
    for found in examined.report.buckets:
        creator = found.bucket.stack.created_by
        yield {
            "signature": found.bucket.signature,
            "stack_id": ids[id(found.bucket.stack)],
            "wait_reason": found.bucket.wait_reason,
            "count": found.bucket.count,
            "min_wait_minutes": found.bucket.min_wait_minutes,
            "max_wait_minutes": found.bucket.max_wait_minutes,
            "deciding": _deciding(found),
            "created_by": creator.function if creator else None,
            "rules": ",".join(found.rules) or None,
        }


def _findings(examined: CaptureReport) -> Iterator[Row]:
    for finding in examined.report.findings:
        yield {
            "rule": finding.rule.name,
            "severity": finding.severity,
            "title": finding.title,
            "count": finding.count,
            "noun": finding.rule.noun,
            "pool": finding.rule.pool,
            "evidence": json.dumps(finding.evidence, allow_nan=False),
            "goroutine_ids": json.dumps(finding.goroutine_ids),
            "cause": finding.cause,
            "confidence": finding.confidence,
        }


def _pools(examined: CaptureReport) -> Iterator[Row]:
    pools = pools_json(examined.report)  # their load as the report's JSON has it
    for sample, pool in zip(examined.report.pools, pools, strict=True):
        projection = _projected(pool["projection"] or {})
        for state, count in sample.states.items():
            yield {
                "pool": sample.pool.name,
                "workers": sample.workers,
                "occupancy": sample.occupancy,
                "state": state,
                "idle": state in sample.idle_states,
                "count": count,
                **projection,
            }


def _projected(projection: Row) -> Row:
    """``stall_load_erlangs``, and the numbers of the pool as it is (``synchronous``)."""
    pool = projection.get("synchronous") or {}
    return {
        "stall_load_erlangs": projection.get("stall_load_erlangs"),
        **{name: pool.get(name) for name in ("utilization", "wait_probability", "saturated")},
    }
