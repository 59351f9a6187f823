"""Builds the rows of one snapshot in every table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from stackscan.errors import UsageError
from stackscan.export.tables.schema import SHARED, TABLES
from stackscan.formats.symbol import origin, read_symbol
from stackscan.model import bucket
from stackscan.model.capture import Taken
from stackscan.model.snapshot import Frame, Snapshot, Stack
from stackscan.redaction import Redaction
from stackscan.render.words import UNPRINTABLE, plain
from stackscan.report import CaptureReport, FrameReport, Report, StackReport, as_json
from stackscan.report.folding import deciding_frame
from stackscan.sources.names import first_known, read_moment

Row = dict[str, Any]
_ID_DIGITS: Final = 16
_AT_ONCE: Final = 1 << 16  # goroutines of one count that are written down at once
#: Two dumps of one process differ at least in these columns.
_DISTINCTIVE: Final = ("goroutine_id", "stack_id", "wait_minutes", "creator_id", "line")


def override(
    *, captured_at: str | None = None, host: str | None = None, sources: int = 1, redaction: Redaction | None = None
) -> Taken:
    """Time and host from a command line. Raises UsageError for an invalid time, or one time for several sources."""
    moment = None if captured_at is None else read_moment(captured_at)
    if captured_at is not None and moment is None:
        raise UsageError(
            f"{captured_at!r} is not a time with an offset from UTC",
            hint="Write it as 2026-11-24T09:30:00Z or …+01:00.",
        )
    if captured_at is not None and sources > 1:
        raise UsageError("one time for several inputs", hint="Export them one by one, with --partition.")
    taken = Taken(moment, host)
    return taken if redaction is None else redaction.taken(taken)


def build(examined: CaptureReport, override: Taken | None = None) -> dict[str, pl.DataFrame]:
    """Every table, by name, with all its declared columns; characters that act on a terminal become escapes.

    ``override`` replaces the capture's own time and host.
    """
    shared = _shared(examined, override or Taken())
    deciding = {id(found.bucket.stack): _deciding(found) for found in examined.report.buckets}
    rules = {id(found.bucket.stack): ",".join(found.rules) or None for found in examined.report.buckets}
    rows = {
        "snapshots": [_snapshot(examined)],
        "stacks": list(_stacks(examined.capture.snapshot, deciding, rules)),
        "frames": list(_frames(examined.capture.snapshot)),
        "buckets": list(_buckets(examined)),
        "findings": list(_findings(examined)),
        "pools": list(_pools(examined)),
    }
    tables = {}
    for name, found in rows.items():
        schema = {column.name: column.type for column in TABLES[name].own}
        tables[name] = _declared(name, pl.DataFrame(found, schema, orient="row"), shared)
    tables["goroutines"] = _declared(
        "goroutines", _goroutines(examined.capture.snapshot), shared, examined.capture.snapshot.counts
    )
    return {name: tables[name] for name in TABLES}


def identify(examined: CaptureReport, override: Taken) -> str:
    """The snapshot_id: equal for equal bytes, host and time, whatever the file's name, compression and bundle."""
    report, taken = examined.report, first_known((override, examined.capture.taken))
    fingerprint = examined.capture.fingerprint()
    known = (fingerprint, report.stream, report.position, report.format, taken.captured_at, taken.host)
    return hashlib.blake2b(repr(known).encode(), digest_size=_ID_DIGITS // 2).hexdigest()


def identify_as_before(examined: CaptureReport, override: Taken) -> str:
    """The snapshot_id that releases up to 0.1 gave, by the name of the source; their folders still hold it."""
    report, snapshot = examined.report, examined.capture.snapshot
    digest = hashlib.blake2b(digest_size=_ID_DIGITS // 2)
    taken = first_known((override, examined.capture.taken))
    where = (report.source, report.member, report.stream, report.position, report.format)
    digest.update(repr((*where, taken.captured_at, taken.host)).encode())
    for name in _DISTINCTIVE:
        for part in _expanded(snapshot.rows[name].fill_null(0), snapshot.counts):
            digest.update(part)
    for stack in snapshot.stacks:
        digest.update(repr(stack.functions).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _expanded(column: pl.Series, counts: Sequence[int] | None) -> Iterator[bytes]:
    """The values of a column, one a goroutine, in pieces."""
    if counts is None:
        yield column.to_numpy().tobytes()
        return
    for value, count in zip(column.to_numpy(), counts, strict=True):
        whole, rest = divmod(count, _AT_ONCE)
        piece = value.tobytes() * min(count, _AT_ONCE)
        for _ in range(whole):
            yield piece
        yield piece[: rest * value.itemsize]


def _shared(examined: CaptureReport, override: Taken) -> Row:
    report, taken = examined.report, first_known((override, examined.capture.taken))
    return {
        "snapshot_id": identify(examined, override),
        "source": report.source,
        "member": report.member,
        "stream": report.stream or None,
        "position": report.position,
        "format": report.format,
        "second_view": examined.capture.second_view,
        "leak_profile": examined.report.leak_profile,
        "captured_at": taken.captured_at,
        "host": taken.host,
    }


def _declared(name: str, table: pl.DataFrame, shared: Row, counts: Sequence[int] | None = None) -> pl.DataFrame:
    """The table with the shared columns before its own, all texts printable; ``counts``: each row so many times."""
    table = table.with_columns(
        plained for column in table.columns if (plained := _printable(table[column])) is not None
    )
    if counts is not None:  # late: until here the table is as small as the dump
        table = table[np.repeat(np.arange(len(table), dtype=np.uint32), counts)]
    constants = [
        pl.lit(_text(value) if isinstance(value, str) else value, column.type).alias(column.name)
        for column in SHARED
        for value in (shared[column.name],)
    ]
    return table.select(*constants, *(column.name for column in TABLES[name].own))


def _text(text: str) -> str:
    """A name from the command line or an archive: it may hold bytes that are no text at all."""
    return plain(text).encode("utf-8", "backslashreplace").decode()


def _printable(column: pl.Series) -> pl.Series | None:
    """The column with what is unprintable escaped; None where it needs no change."""
    if column.dtype != pl.String() or not column.str.contains(UNPRINTABLE.pattern).any():
        return None
    return column.map_elements(plain, return_dtype=pl.String)


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


def _goroutines(snapshot: Snapshot) -> pl.DataFrame:
    table = snapshot.rows
    places = table.select("stack_id", "wait_reason").unique()
    signatures = [bucket.signature(reason, snapshot.stacks[stack_id]) for stack_id, reason in places.iter_rows()]
    places = places.with_columns(pl.Series("signature", signatures, pl.String))
    return table.join(places, on=["stack_id", "wait_reason"], how="left", nulls_equal=True, maintain_order="left")


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


def _frames(snapshot: Snapshot) -> Iterator[Row]:
    ids: dict[Frame, int] = {}
    for stack_id, stack in enumerate(snapshot.stacks):
        for depth, frame in _with_creator(stack):
            symbol, owner = read_symbol(frame.function), origin(frame)
            yield {
                "stack_id": stack_id,
                "depth": depth,
                "frame_id": ids.setdefault(frame, len(ids)),
                "function": frame.function,
                "package": symbol.package or None,
                "receiver": symbol.receiver,
                "name": symbol.name,
                "file": frame.file or None,
                "line": frame.line,
                "pc_offset": frame.pc_offset,
                "kind": owner.kind,
                "module": owner.module,
                "version": owner.version,
            }


def _with_creator(stack: Stack) -> Iterable[tuple[int | None, Frame]]:
    yield from enumerate(stack.frames)
    if stack.created_by is not None:
        yield None, stack.created_by


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
    small = replace(examined.report, buckets=(), shown=(), problems=())
    pools = as_json(Report((small,)))["snapshots"][0]["pools"]  # their load as the report's JSON has it
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
