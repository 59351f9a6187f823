"""Splits the labels off many headers at once, as columns."""

from __future__ import annotations

from typing import Final

import polars as pl

from stackscan.formats.goroutine_text import header
from stackscan.sources import limits

_NO_TEXT: Final = pl.lit(None, dtype=pl.String)


def split_labels(tails: pl.Series) -> pl.DataFrame:
    """``[select, 3 minutes] {job: 7}:`` → bracket ``[select, 3 minutes]:`` and labels ``{job: 7}``, for many at once.

    Null where a header has no labels, is not that simple, or has more labels than the limit.
    """
    table = tails.to_frame("tail").with_columns(bracket=_NO_TEXT, labels=_NO_TEXT)
    for literal, split in ((header.BEHIND, _with_labels_behind), (header.INNER, _with_inner_labels)):
        if tails.str.contains(literal, literal=True).any():
            table = split(table)
    short = pl.col("labels").str.len_bytes() <= limits.MAX_LABEL_BYTES
    return table.select(bracket=pl.when(short).then("bracket"), labels=pl.when(short).then("labels"))


def _with_labels_behind(table: pl.DataFrame) -> pl.DataFrame:
    """With the labels that Go 1.27 prints behind the bracket."""
    before, behind = _halves("tail", header.BEHIND)
    table = table.with_columns(before=before, behind=behind)
    ends = pl.col("behind").str.ends_with("}:")
    return table.select(
        "tail",
        bracket=pl.when(ends).then(pl.col("before") + "]:"),
        labels=pl.when(ends).then("{" + pl.col("behind").str.strip_suffix(":")),
    )


def _with_inner_labels(table: pl.DataFrame) -> pl.DataFrame:
    """With the labels that Go 1.26 prints inside the bracket: ``[select labels:{"job": "7"}, 3 minutes]:``.

    They are cut out at literals, then checked by the grammar's pattern, which is cheaper than a search for it. The
    pattern matches in one way only, so a full match is what the search would have found.
    """
    before, inside = _halves("tail", f'{header.INNER}"')
    labels, behind = _halves("inside", '"}')
    table = table.with_columns(before=before, inside=inside)
    table = table.with_columns(behind=behind, inner=pl.lit('{"') + labels + '"}')
    proven = (
        pl.col("before").str.contains(r"^\[[^\]{]+$")
        & pl.col("behind").str.contains("^[],]")
        & pl.col("inner").str.contains(f"(?s)^{header.inner_form()}$")
    )
    return table.with_columns(proven=proven).select(
        bracket=pl.when("proven").then(pl.col("before") + pl.col("behind")).otherwise("bracket"),
        labels=pl.when("proven").then("inner").otherwise("labels"),
    )


def _halves(column: str, literal: str) -> tuple[pl.Expr, pl.Expr]:
    """The text before and behind the first ``literal``; the second is null where there is none."""
    parts = pl.col(column).str.splitn(literal, 2).struct
    return parts.field("field_0"), parts.field("field_1")
