"""The result of a batch in words: a headline, a table, what it is based on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.render import words
from stackscan.render.numbers import duration, number, share

if TYPE_CHECKING:
    from stackscan.queueing.batches import Batch, Outcomes, Spread

_LIKELY: Final = 5


def headline(batch: Batch, outcomes: Outcomes) -> str:
    """How much is done within the budget, and how much faster the detached pool is."""
    ratio = (
        "" if outcomes.throughput_ratio is None else f"; detached is {number(outcomes.throughput_ratio)} times as fast"
    )
    head = f"{spread(outcomes.synchronous.completed_before_budget)} of {batch.tasks:,} tasks done before the budget of "
    return head + f"{duration(batch.budget_seconds)} ends{ratio}"


def table(outcomes: Outcomes) -> tuple[tuple[str, ...], ...]:
    """The table of boxo #1142: a header, and a row for each kind of pool."""
    return (
        ("", "before budget", "at budget", "tasks a second", "all done after"),
        *(
            (
                name,
                spread(found.completed_before_budget),
                spread(found.completed_at_budget),
                number(found.tasks_per_second),
                duration(found.makespan_seconds),
            )
            for name, found in (("synchronous", outcomes.synchronous), ("detached", outcomes.detached))
        ),
    )


def basis(batch: Batch, outcomes: Outcomes) -> tuple[str, ...]:
    """The pool, the silent peers, and the runs."""
    text = f"{words.count(batch.workers, 'workers')}, {spread(outcomes.silent)} silent peers "
    text += f"({duration(batch.close_deadline_seconds)} each), {duration(batch.service_seconds)} per write"
    if outcomes.seed is None:
        return (text,)
    return text, f"{outcomes.replications:,} runs, seed {outcomes.seed}: median (p5 to p95)"


def most_frequent(outcomes: Outcomes) -> str:
    """The most frequent counts of the synchronous pool; empty where there is one count only."""
    counts = outcomes.synchronous.before_counts
    if len(counts) < 2:
        return ""
    likely = sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:_LIKELY]
    return ", ".join(f"{n:,} ({share(part)})" for n, part in likely)


def spread(found: Spread) -> str:
    """``84 (72 to 96)``: the median, and the 5th and 95th percentile where they differ."""
    middle = f"{found.p50:,.0f}"
    return middle if found.p05 == found.p95 else f"{middle} ({found.p05:,.0f} to {found.p95:,.0f})"
