"""A batch as a page for a browser: how many tasks were completed, over all runs."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any, Final, TextIO

from stackscan.queueing.batches import Batch, Outcome, Outcomes
from stackscan.render import batch_words
from stackscan.render.html.charts import LEFT, RIGHT, TOP, Bar, Chart, Scale, rule, ticks
from stackscan.render.html.page import data, page
from stackscan.render.json.batch import as_json
from stackscan.render.numbers import share
from stackscan.report.model import Level, Verdict

_BOTTOM: Final = 150.0
_MOST_BARS: Final = 40
_GAP: Final = 1.0

#: Counts of completed tasks, from the first to the last, with the share of runs that completed so many.
Bin = tuple[int, int, float]


def render(batch: Batch, outcomes: Outcomes, out: TextIO) -> None:
    """Write it: the verdict, the table of boxo #1142, and the distributions."""
    page(
        "pool",
        "batch",
        out,
        title=f"Replay of {batch.tasks:,} tasks on {batch.workers:,} workers",
        verdicts=[Verdict(_level(batch, outcomes), batch_words.headline(batch, outcomes))],
        table=batch_words.table(outcomes),
        basis=batch_words.basis(batch, outcomes),
        likely=batch_words.most_frequent(outcomes),
        kinds=_kinds(outcomes),
        report=data(as_json(batch, outcomes)),
    )


def _level(batch: Batch, outcomes: Outcomes) -> Level:
    """Whether all tasks are done in nearly every run, in some, or in hardly any."""
    done = outcomes.synchronous.completed_at_budget
    if done.p05 >= batch.tasks:
        return "ok"
    return "warning" if done.p95 >= batch.tasks else "error"


def _kinds(outcomes: Outcomes) -> list[dict[str, Any]]:
    """A chart for each kind of pool, over the same counts, and its bins for the table."""
    both = (("within", "in the worker", outcomes.synchronous), ("beside", "outside the pool", outcomes.detached))
    counts = [count for _, _, found in both for count, _ in found.before_counts]
    low, high = min(counts), max(counts)
    width = max(1, math.ceil((high - low + 1) / _MOST_BARS))
    x = Scale(low, low + width * math.ceil((high - low + 1) / width), LEFT, RIGHT)
    kinds = []
    for name, where, found in both:
        bins = _bins(found, low, width)
        kinds.append({"where": where, "chart": _chart(name, where, found, bins, x), "rows": _rows(bins)})
    return kinds


def _bins(found: Outcome, low: int, width: int) -> list[Bin]:
    """The counts in groups of ``width``; those that no run had are left out."""
    counts = sorted(found.before_counts)
    grouped = groupby(counts, key=lambda pair: (pair[0] - low) // width)
    return [(low + n * width, low + (n + 1) * width - 1, sum(part for _, part in group)) for n, group in grouped]


def _rows(bins: list[Bin]) -> list[tuple[str, str]]:
    return [(_counts(first, last), share(part)) for first, last, part in bins]


def _counts(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def _chart(name: str, where: str, found: Outcome, bins: list[Bin], x: Scale) -> Chart:
    y = Scale(0.0, 1.1 * max(part for _, _, part in bins), _BOTTOM, TOP)
    bars = []
    for first, last, part in bins:
        at, top = x.at(first), y.at(part)
        width = max(x.at(last + 1) - at - _GAP, 1.0)
        says = f"{_counts(first, last)} tasks: {share(part)} of runs"
        bars.append(Bar(name, at, top, round(width, 1), round(_BOTTOM - top, 1), says))
    spread = batch_words.spread(found.completed_before_budget)
    return Chart(
        title=f"Closed {where}",
        says=f"Tasks completed before the budget when streams are closed {where}: {spread}, in {len(bins):,} bars.",
        x_label="tasks completed before the budget",
        bottom=_BOTTOM,
        x_ticks=ticks(x, lambda value: f"{value:,.0f}", whole=True),
        y_ticks=ticks(y, share, most=4),
        bars=tuple(bars),
        rules=(rule("mark", x.at(found.completed_before_budget.p50 + 0.5), f"median (p5 to p95): {spread}"),),
    )
