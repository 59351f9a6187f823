"""The export tables: every column with its type and meaning; docs/tables.md is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

_TEXT: Final = pl.String()
_NUMBER: Final = pl.UInt32()
_ID: Final = pl.UInt64()
_FLAG: Final = pl.Boolean()
_SHARE: Final = pl.Float64()
#: Pairs of texts, as a list: the map type of Parquet is read by fewer tools.
_MAP: Final = pl.List(pl.Struct({"key": pl.String(), "value": pl.String()}))
_MOMENT: Final = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type, its meaning, and what null means (None: it is never null)."""

    name: str
    type: pl.DataType
    says: str
    null: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what one row is, and its columns in order, those that all tables share first."""

    name: str
    row: str
    own: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The shared columns and the table's own."""
        return (*SHARED, *self.own)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Types by column name, as polars takes them."""
        return {column.name: column.type for column in self.columns}


SHARED: Final = (
    Column("snapshot_id", _TEXT, "16 hex digits that name one snapshot of one capture: the key of all joins"),
    Column("source", _TEXT, "the input as given: a path, `-`"),
    Column("member", _TEXT, "the file inside a bundle", "the input is not a bundle"),
    Column("stream", _TEXT, "whose lines of a log", "the dump was in no log, or in one with a single writer"),
    Column("position", _NUMBER, "which dump of its file (of its stream), from 1"),
    Column("format", _TEXT, "`goroutine-text`, `goroutine-counts` or `goroutine-pprof`"),
    Column("second_view", _FLAG, "true: the profile of a process whose text is here too; leave it out when adding up"),
    Column(
        "leak_profile",
        _FLAG,
        "true: Go's goroutineleak profile, of leaked goroutines that full dumps have too; leave it out when adding up",
    ),
    Column(
        "captured_at",
        _MOMENT,
        "when the dump was taken",
        "neither the dump nor its name has it, and --captured-at is not given",
    ),
    Column("host", _TEXT, "where it was taken", "the bundle's name does not have it, and --host is not given"),
)

_STACK_ID: Final = Column("stack_id", _NUMBER, "the stack, within the snapshot")
_SIGNATURE: Final = Column(
    "signature", _TEXT, "12 hex digits over wait reason and functions: the same across captures, hosts and rebuilds"
)
_REASON: Final = Column("wait_reason", _TEXT, "the runtime's own text: `chan receive`", "the format does not say")

SNAPSHOTS: Final = Table(
    "snapshots",
    "one dump",
    (
        Column("goroutines", _NUMBER, "goroutines that were read"),
        Column("header_lines", _NUMBER, "lines that look like a goroutine's header"),
        Column("distinct_stacks", _NUMBER, "different stacks"),
        Column("complete", _FLAG, "false: the dump was cut, or a goroutine was lost"),
        Column("problems", _NUMBER, "damaged or doubtful places"),
        Column("longest_wait_minutes", _NUMBER, "the longest wait in whole minutes; 0 for less than one"),
        Column("dialect", _TEXT, "the Go versions that print like this", "not told"),
        Column(
            "cause", _TEXT, "what the process printed when it crashed", "the process did not crash, or did not print it"
        ),
        Column("level", _TEXT, "the worst verdict: `error`, `warning`, `info` or `ok`"),
        Column("verdict", _TEXT, "the first line of the report"),
    ),
)

GOROUTINES: Final = Table(
    "goroutines",
    "one goroutine",
    (
        Column("goroutine_id", _ID, "the runtime's id", "counted formats have none"),
        _STACK_ID,
        _SIGNATURE,
        _REASON,
        Column("wait_minutes", _NUMBER, "whole minutes of waiting, a lower bound", "less than one, or not known"),
        Column("creator_id", _ID, "the goroutine that started it", "before Go 1.21, or not known"),
        Column("locked", _FLAG, "locked to its thread", "not told"),
        Column("leaked", _FLAG, "marked by the runtime's leak detector", "not told"),
        Column("attributes", _TEXT, "what else its header says: `(durable), synctest bubble 1`", "nothing"),
        Column("thread", _TEXT, "`gp=0x… m=3 mp=0x…` of crash dumps", "not told"),
        Column("labels", _TEXT, "profiler labels as Go 1.27 prints them: `{job: 7}`", "none"),
        Column("line", _NUMBER, "line of its header in the file, from 1", "protobuf has no lines"),
        Column("label_map", _MAP, "the same labels, a key and a value each; JSON text in CSV", "none"),
    ),
)

STACKS: Final = Table(
    "stacks",
    "one distinct stack of a snapshot",
    (
        _STACK_ID,
        Column("goroutines", _NUMBER, "goroutines in it"),
        Column("depth", _NUMBER, "frames that are listed"),
        Column("elided", _NUMBER, "frames left out of the middle; 0 for none", "some, the dump does not say how many"),
        Column("unavailable", _FLAG, "true: running on another thread, no frames"),
        Column("top", _TEXT, "the innermost function", "there are no frames"),
        Column("deciding", _TEXT, "the function to look at first: by the rule, else the innermost of non-library code",
               "there are no frames"),
        Column("root", _TEXT, "the outermost function", "there are no frames"),
        Column("created_by", _TEXT, "the function that started the goroutine", "not told"),
        Column("rules", _TEXT, "rules that caught it, with commas between", "none did"),
    ),
)  # fmt: skip

FRAMES: Final = Table(
    "frames",
    "one frame of one distinct stack",
    (
        _STACK_ID,
        Column("depth", _NUMBER, "0 is the innermost", "this is the `go` statement that created the goroutine"),
        Column("frame_id", _NUMBER, "equal frames of a snapshot have the same"),
        Column("function", _TEXT, "the symbol as Go prints it, arguments off"),
        Column("package", _TEXT, "its import path", "it has none: `panic`, C functions"),
        Column("receiver", _TEXT, "the method's type, with its star", "a function"),
        Column("name", _TEXT, "the rest of the symbol"),
        Column("file", _TEXT, "the file", "the runtime did not know"),
        Column("line", pl.Int64(), "the line, from 1; 0 or less: the runtime did not know"),
        Column("pc_offset", _ID, "bytes from the function's entry", "inlined, or not known"),
        Column("kind", _TEXT, "`std`, `module` or `main`: whose code it is"),
        Column("module", _TEXT, "the module's path", "the file's path does not say"),
        Column("version", _TEXT, "the module's version", "the file's path does not say"),
    ),
)

BUCKETS: Final = Table(
    "buckets",
    "goroutines of a snapshot with the same stack and wait reason; add up by `signature`",
    (
        _SIGNATURE,
        _STACK_ID,
        _REASON,
        Column("count", _NUMBER, "goroutines in it"),
        Column("min_wait_minutes", _NUMBER, "shortest wait; 0 for less than a minute"),
        Column("max_wait_minutes", _NUMBER, "longest wait; 0 for less than a minute"),
        Column("deciding", _TEXT, "the function to look at first", "there are no frames"),
        Column("created_by", _TEXT, "the function that started them", "not told"),
        Column("rules", _TEXT, "rules that caught it, with commas between", "none did"),
    ),
)

FINDINGS: Final = Table(
    "findings",
    "what one rule caught in a snapshot",
    (
        Column("rule", _TEXT, "the rule's name"),
        Column("severity", _TEXT, "`error`, `warning` or `info`"),
        Column("title", _TEXT, "what it is"),
        Column("count", _NUMBER, "number of stuck goroutines, without their companions"),
        Column("noun", _TEXT, "what is counted: `workers`, `goroutines`"),
        Column("pool", _TEXT, "whose workers", "the rule is about no pool"),
        Column("evidence", _TEXT, "a JSON object: numbers by name"),
        Column("goroutine_ids", _TEXT, "a JSON list: the first 20 ids"),
        Column("cause", _TEXT, "the root cause: `lock-order-cycle`, `leak`", "the rule names none"),
        Column("confidence", _TEXT, "`proved`, `likely` or `possible`: how sure the cause is", "no cause is named"),
    ),
)

POOLS: Final = Table(
    "pools",
    "the workers of one pool that are in one state; each pool has a row for each of its states",
    (
        Column("pool", _TEXT, "the pool's name"),
        Column("workers", _NUMBER, "all workers of the pool: the same in each of its rows"),
        Column("occupancy", _SHARE, "share of the workers that are not idle, 0 to 1: the same in each of its rows"),
        Column("state", _TEXT, "what the workers of this row do"),
        Column("idle", _FLAG, "whether workers in this state are idle"),
        Column("count", _NUMBER, "workers in this state; over the states they add up to `workers`"),
        Column("stall_load_erlangs", _SHARE, "projected: mean number of blocked workers", "no projection"),
        Column("utilization", _SHARE, "projected: load over capacity", "no projection"),
        Column("wait_probability", _SHARE, "projected: share of tasks that find no idle worker",
               "no projection, or saturated"),
        Column("saturated", _FLAG, "projected: more work arrives than the pool can do", "no projection"),
    ),
)  # fmt: skip

#: In the order in which an export writes them; `snapshots` last: where it stands, the others stand.
TABLES: Final = {table.name: table for table in (GOROUTINES, STACKS, FRAMES, BUCKETS, FINDINGS, POOLS, SNAPSHOTS)}
