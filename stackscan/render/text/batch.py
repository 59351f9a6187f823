"""The output of ``pool replay``: how much of a batch was done."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.batches import Batch, Outcomes
from stackscan.render.batch_words import basis, headline, most_frequent, table
from stackscan.render.pool_words import aligned


def render(batch: Batch, outcomes: Outcomes, out: TextIO) -> None:
    """Write the verdict, then the table of boxo #1142."""
    out.write("\n".join(_lines(batch, outcomes)) + "\n")


def _lines(batch: Batch, outcomes: Outcomes) -> tuple[str, ...]:
    rows = (f"  {line}" for line in aligned(table(outcomes)))
    lines = [headline(batch, outcomes), "", *rows, "", *(f"  {line}" for line in basis(batch, outcomes))]
    likely = most_frequent(outcomes)
    return (*lines, f"  most frequent: {likely}") if likely else tuple(lines)
