"""Pointer arguments: goroutines that wait on the same thing, or have a pointer in common.

What tracebacks print are words: of registers and of the stack, of which some are pointers to what goroutines share and
many are not (addresses of types and of code, values that happen to be large). A word that very many frames of unlike
functions carry says nothing, and a word behind a ``?`` may be stale; neither counts here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, cast

import polars as pl

from stackscan.knowledge.language.index import Index

#: Below: small numbers, offsets, and (on 64-bit systems) the program's own code and data, at which interface tables,
#: types and package variables lie: everything of a type has them in common.
_LOWEST_HEAP: Final = 1 << 32


def arguments(index: Index) -> pl.DataFrame | None:
    """The reliable words that may be pointers into the heap; None where the format prints no arguments."""
    if "arguments" not in index.answers:
        table = None if index.read_arguments is None else index.read_arguments(None)
        index.answers["arguments"] = None if table is None else _pointers(table)
    return cast("pl.DataFrame | None", index.answers["arguments"])


def _arguments_of(index: Index, wanted: Collection[int]) -> pl.DataFrame | None:
    """The same for the wanted goroutines, and for all that have a frame in common with one of them."""
    if "arguments" in index.answers or index.read_arguments is None:
        return arguments(index)
    stacks = (index.stacks[number] for number in {index.row_stack[row] for row in wanted})
    return _pointers(index.read_arguments({frame for stack in stacks for frame in stack.frames}))


def _pointers(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("reliable") & (pl.col("word") >= _LOWEST_HEAP))


def instances(index: Index) -> list[int]:
    """A number for what each goroutine waits on: the first pointer of its innermost frame with one; -1: none."""
    found = [-1] * len(index.table)
    table = arguments(index)
    if table is None or table.is_empty():
        return found
    first = (
        table.filter(pl.col("position") == 0)
        .sort("goroutine", "frame")
        .group_by("goroutine", maintain_order=True)
        .first()
        .with_columns(pl.col("word").rank("dense").cast(pl.Int64).alias("number"))
    )
    for row, number in first.select("goroutine", "number").iter_rows():
        found[row] = number
    return found


def sharing(index: Index, rows: Collection[int], others: Collection[int]) -> set[int] | None:
    """Those of ``rows`` that share a pointer with another goroutine of ``others``; None: none is printed."""
    if index.read_arguments is not None and not others:
        return set()
    table = _arguments_of(index, {*others, *rows})
    if table is None:
        return None
    words = table.select("goroutine", "word").unique()
    theirs = words.filter(pl.col("goroutine").is_in(list(others)))
    owners = theirs.group_by("word").agg(pl.col("goroutine").n_unique().alias("owners"), pl.col("goroutine").first())
    joined = words.join(owners, on="word", how="inner", suffix="_owner")
    other = joined.filter((pl.col("owners") > 1) | (pl.col("goroutine") != pl.col("goroutine_owner")))
    return set(other["goroutine"].to_list()).intersection(rows)
