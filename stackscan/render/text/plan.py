"""The output of ``pool plan``: how many workers meet a target."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Plan, Target
from stackscan.render import plan_words
from stackscan.render.pool_words import aligned


def render(demand: Demand, target: Target, found: Plan, out: TextIO) -> None:
    """Write the verdict, then a table, then what the pool of now bears."""
    facts = (plan_words.load(demand), plan_words.limits(demand, found), plan_words.near(found), found.method)
    lines = [
        plan_words.headline(demand, target, found),
        "",
        *(f"  {line}" for line in aligned(plan_words.table(found))),
        "",
        *(f"  {fact}" for fact in facts if fact),
    ]
    out.write("\n".join(lines) + "\n")
