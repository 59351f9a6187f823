"""A table a few rows at a time: polars reads ahead of who takes rows, as far as memory goes, but not beyond a slice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

#: Rows of a slice, and of a group of rows within a file, which is read as a whole.
ROWS: Final = 2_000


def slices(table: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """The rows of a table as it was opened, in slices."""
    import polars as pl

    every: int = table.select(pl.len()).collect().item()
    return (table.slice(first, ROWS) for first in range(0, every, ROWS))
