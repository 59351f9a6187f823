"""A root cause: what stands still, why, who is to blame, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from stackscan.analysis.finding import Confidence, Step
from stackscan.analysis.wait_graph import MakeTies

Name = Literal[
    "self-deadlock",
    "missing-unlock",
    "lock-order-cycle",
    "rwmutex-recursive-read",
    "blocked-while-holding-lock",
    "waitgroup-never-done",
    "channel-never-served",
    "cond-never-signalled",
    "data-race",
    "leak",
]


@dataclass(frozen=True, slots=True)
class Cause:
    """One root cause.

    ``steps`` begin with the culprit; ``rows`` are all goroutines that stand still because of it, the culprit's first;
    ``waiting`` of these goroutines wait behind it. ``argument`` says in one clause why it is believed; ``stuck``:
    something has not moved for long, or cannot. ``deciding`` has the index of the frame to look at, by stack;
    ``culprits`` are the rows of those who are to blame, in the dump at least. ``harmless``: it may well be
    meant so. ``change`` says what to change in the source, where it was read.
    ``concluded``: the tool that printed the text says so. ``ties`` find who waits for what in it; ``alike``: the same
    is wrong with so many things, of which they show the first.
    """

    name: Name
    confidence: Confidence
    title: str
    argument: str
    steps: tuple[Step, ...]
    rows: tuple[int, ...]
    waiting: int
    stuck: bool
    deciding: dict[int, int] = field(default_factory=dict)
    culprits: tuple[int, ...] = ()
    harmless: bool = False
    change: str = ""
    concluded: bool = False
    ties: tuple[MakeTies, ...] = ()
    alike: int = 1

    def with_more(self, rows: tuple[int, ...], remark: str = "") -> Cause:
        """The same cause with more goroutines that it explains, and a remark about them behind its title."""
        more = tuple(dict.fromkeys((*self.rows, *rows)))
        title = f"{self.title}; {remark}" if remark else self.title
        return replace(self, title=title, rows=more, waiting=self.waiting + len(more) - len(self.rows))
