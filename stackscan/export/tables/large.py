"""The goroutines of a large snapshot as an export has them: polars columns, never Python's values."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from stackscan.export.tables.schema import GOROUTINES
from stackscan.model import bucket
from stackscan.model.snapshot import Snapshot
from stackscan.render.words import UNPRINTABLE, plain

#: Keys and values of a text of labels.
LabelMap = Callable[[str], list[dict[str, str]] | None]


def goroutines(snapshot: Snapshot, label_map: LabelMap) -> pl.DataFrame:
    """The snapshot's rows with the signature of each, and its labels as keys and values; all texts are printable."""
    table = _with_label_map(snapshot.rows, label_map)
    places = table.select("stack_id", "wait_reason").unique()
    signatures = [bucket.signature(reason, snapshot.stacks[stack_id]) for stack_id, reason in places.iter_rows()]
    places = places.with_columns(pl.Series("signature", signatures, pl.String))
    joined = table.join(places, on=["stack_id", "wait_reason"], how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(
        plained for column in joined.columns if (plained := _printable(joined[column])) is not None
    )


def _with_label_map(table: pl.DataFrame, label_map: LabelMap) -> pl.DataFrame:
    """The rows with their labels as keys and values; each distinct text of labels is read once."""
    texts = table["labels"].drop_nulls().unique()
    kind = GOROUTINES.schema["label_map"]
    maps = pl.DataFrame({"labels": texts, "label_map": pl.Series(map(label_map, texts), dtype=kind)})
    return table.join(maps, on="labels", how="left", maintain_order="left")


def _printable(column: pl.Series) -> pl.Series | None:
    """The column with what is unprintable escaped; None where it needs no change."""
    if column.dtype != pl.String() or not column.str.contains(UNPRINTABLE.pattern).any():
        return None
    return column.map_elements(plain, return_dtype=pl.String)
