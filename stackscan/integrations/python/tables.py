"""The polars tables of results, with declared types: an empty result has all columns too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import polars as pl

from stackscan.checks.model import CaptureResult, CheckFinding, CheckResult
from stackscan.comparison.model import BucketChange, Comparison, FindingChange
from stackscan.export.tables.build import frames_of
from stackscan.export.tables.rows import printable, rows_of
from stackscan.export.tables.schema import TABLES
from stackscan.model.snapshot import Frame
from stackscan.queueing.projection import Projection
from stackscan.report import CaptureReport

Schema = dict[str, pl.DataType]

_TEXT: Final = pl.String()
_NUMBER: Final = pl.UInt32()
_FLAG: Final = pl.Boolean()
_REAL: Final = pl.Float64()
_COUNTS: Final = pl.List(pl.UInt32)

_WHERE: Final[Schema] = {"source": _TEXT, "member": _TEXT, "position": _NUMBER, "format": _TEXT}
CHECK: Final[dict[str, Schema]] = {
    "findings": {
        **_WHERE,
        "name": _TEXT,
        "kind": _TEXT,
        "severity": _TEXT,
        "status": _TEXT,
        "fails": _FLAG,
        "message": _TEXT,
        "count": _NUMBER,
        "allowed": _NUMBER,
        "baseline": _NUMBER,
        "cause": _TEXT,
        "confidence": _TEXT,
        "function": _TEXT,
        "file": _TEXT,
        "line": _NUMBER,
    },
    "captures": {**_WHERE, "goroutines": _NUMBER, "complete": _FLAG, "fails": _FLAG},
}
COMPARISON: Final[dict[str, Schema]] = {
    "captures": {
        **_WHERE,
        "goroutines": _NUMBER,
        "complete": _FLAG,
        "captured_at": pl.Datetime("us", "UTC"),
        "longest_wait_minutes": _NUMBER,
    },
    "buckets": {
        "signature": _TEXT,
        "verdict": _TEXT,
        "change": pl.Int64(),
        "counts": _COUNTS,
        "stayed": _NUMBER,
        "wait_reason": _TEXT,
        "function": _TEXT,
        "file": _TEXT,
        "line": _NUMBER,
    },
    "findings": {
        "rule": _TEXT,
        "severity": _TEXT,
        "verdict": _TEXT,
        "change": pl.Int64(),
        "counts": _COUNTS,
        "stayed": _NUMBER,
        "cause": _TEXT,
        "confidence": _TEXT,
    },
}
PROJECTION: Final[dict[str, Schema]] = {
    "what_ifs": {
        "name": _TEXT,
        "workers": _NUMBER,
        "stall_load_erlangs": _REAL,
        "saturated": _FLAG,
        "wait_probability": _REAL,
        "mean_wait_seconds": _REAL,
        "probe_timeout_probability": _REAL,
    }
}


def of_captures(captures: Sequence[CaptureReport]) -> dict[str, pl.DataFrame]:
    """The export tables of captures."""
    if not captures:
        return {name: pl.DataFrame(schema=table.schema) for name, table in TABLES.items()}
    return frames_of([rows_of(each) for each in captures])


def of_check(found: CheckResult) -> dict[str, pl.DataFrame]:
    """The tables of CHECK."""
    captures = found.captures
    findings = (_finding(each, finding) for each in captures for finding in each.findings)
    return {
        "findings": _frame(CHECK["findings"], findings),
        "captures": _frame(CHECK["captures"], (_named(each, CHECK["captures"]) for each in captures)),
    }


def of_comparison(found: Comparison) -> dict[str, pl.DataFrame]:
    """The tables of COMPARISON."""
    tables = COMPARISON
    return {
        "captures": _frame(tables["captures"], (_named(each, tables["captures"]) for each in found.captures)),
        "buckets": _frame(tables["buckets"], map(_bucket, found.buckets)),
        "findings": _frame(tables["findings"], map(_change_of_finding, found.findings)),
    }


def of_projection(found: Projection) -> dict[str, pl.DataFrame]:
    """The tables of PROJECTION."""
    return {"what_ifs": _frame(PROJECTION["what_ifs"], _cases(found))}


def _frame(schema: Schema, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a table; characters that act on a terminal become escapes."""
    listed = list(rows)
    columns = {name: printable([row[name] for row in listed]) for name in schema}
    return pl.DataFrame(columns, schema=schema, strict=False)  # a number too large for its column is null


def _named(thing: object, schema: Schema) -> dict[str, Any]:
    """The attributes that a schema names."""
    return {name: getattr(thing, name) for name in schema}


def _finding(capture: CaptureResult, finding: CheckFinding) -> dict[str, Any]:
    own = [name for name in CHECK["findings"] if name not in (*_WHERE, "function", "file", "line")]
    return _named(capture, _WHERE) | {name: getattr(finding, name) for name in own} | _place(finding.frame)


def _bucket(found: BucketChange) -> dict[str, Any]:
    return {
        "signature": found.signature,
        "verdict": found.change.verdict,
        "change": found.change.change,
        "counts": found.change.counts,
        "stayed": None if found.stayed is None else found.stayed.goroutines,
        "wait_reason": found.stack.bucket.wait_reason,
        **_place(found.stack.deciding_frame),
    }


def _change_of_finding(found: FindingChange) -> dict[str, Any]:
    change = found.change
    measured = {"verdict": change.verdict, "change": change.change, "counts": change.counts}
    named = ("rule", "severity", "stayed", "cause", "confidence")
    return measured | {name: getattr(found, name) for name in named}


def _place(frame: Frame | None) -> dict[str, Any]:
    if frame is None:
        return dict.fromkeys(("function", "file", "line"))
    return {"function": frame.function, "file": frame.file or None, "line": frame.line or None}


def _cases(found: Projection) -> Iterator[dict[str, Any]]:
    now = found.synchronous
    known = {"saturated", "wait_probability", "mean_wait_seconds", "probe_timeout_probability"}
    yield {
        "name": "now",
        "workers": found.workers,
        "stall_load_erlangs": found.stall_load_erlangs,
        **{name: getattr(now, name) for name in known},
    }
    yield from (_named(case, PROJECTION["what_ifs"]) for case in found.what_ifs)
