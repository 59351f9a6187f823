"""The tables of a snapshot as polars has them: columns, data types and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl

#: Columns of :attr:`Snapshot.rows` and :attr:`Snapshot.goroutines`, in the order of the dump.
#: ``stack_id`` indexes :attr:`Snapshot.stacks`. Null means that the dump does not say.
GOROUTINE_SCHEMA: Final[dict[str, pl.DataType]] = {
    "goroutine_id": pl.UInt64(),  # ids were int64 up to Go 1.19, uint64 since
    "stack_id": pl.UInt32(),
    "wait_reason": pl.String(),  # the runtime's own text, without minutes and attributes: "chan receive"
    "wait_minutes": pl.UInt32(),  # a lower bound: the clock starts at the first garbage collection after parking
    "creator_id": pl.UInt64(),  # "in goroutine N", Go 1.21 and later
    "locked": pl.Boolean(),  # locked to its operating-system thread
    "leaked": pl.Boolean(),  # marked by the runtime's leak detector, Go 1.26 and later
    "attributes": pl.String(),  # what else the header says, as printed: "(durable), synctest bubble 1"
    "thread": pl.String(),  # "gp=0x… m=3 mp=0x…", crash dumps of Go 1.22 and later; Delve's "thread 4711"
    "labels": pl.String(),  # profiler labels as printed, "{job: 7}", Go 1.26 and later
    "line": pl.UInt32(),  # 1-based line of the header in the source
}

#: Columns of :attr:`Snapshot.ancestors`: one row a printed ancestor (GODEBUG=tracebackancestors=N, Go 1.11 and later).
ANCESTOR_SCHEMA: Final[dict[str, pl.DataType]] = {
    "goroutine_id": pl.UInt64(),
    "depth": pl.UInt32(),  # 1 is the parent
    "ancestor_id": pl.UInt64(),
    "stack_id": pl.UInt32(),
}

#: Columns of :meth:`Snapshot.arguments`: one row a word of an argument list that may be a pointer (0x1000 or more), by
#: goroutine, frame and position. Words are what stood in registers and on the stack, not values: a string is two.
ARGUMENT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "goroutine": pl.UInt32(),  # row of Snapshot.rows
    "frame": pl.UInt16(),  # index in the frames of its stack, 0 the innermost
    "position": pl.UInt16(),  # of the word in the list, braces undone, words left out here counted
    "word": pl.UInt64(),
    "reliable": pl.Boolean(),  # false behind a "?": the register may hold something else by now (Go 1.18 and later)
}

#: The schemas by kind of table (:data:`stackscan.model.table.Kind`).
SCHEMAS: Final[dict[str, dict[str, pl.DataType]]] = {"goroutines": GOROUTINE_SCHEMA, "ancestors": ANCESTOR_SCHEMA}


def frame_of(kind: str, lists: Mapping[str, list[object]]) -> pl.DataFrame:
    """Columns of a table as polars has them."""
    schema = SCHEMAS[kind]
    return pl.DataFrame([pl.Series(name, values, dtype=schema[name], strict=False) for name, values in lists.items()])


def words_of(columns: Iterable[Sequence[object]]) -> pl.DataFrame:
    """Columns of words as polars has them."""
    return pl.DataFrame(dict(zip(ARGUMENT_SCHEMA, columns, strict=True)), schema=ARGUMENT_SCHEMA)
