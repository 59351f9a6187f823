"""A plan as a page for a browser: workers needed for this target and for others, and how late tasks are otherwise."""

from __future__ import annotations

import math
from typing import Any, Final, TextIO

from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Plan, Target
from stackscan.queueing.targets import Targets, targets
from stackscan.render import plan_words
from stackscan.render.html.charts import LEFT, RIGHT, TOP, Chart, Level, Line, Scale, Tick, path, rule, ticks
from stackscan.render.html.page import data, page
from stackscan.render.json.plan import as_json
from stackscan.render.numbers import duration, share
from stackscan.report.model import Verdict

_BOTTOM: Final = 196.0
#: Decades below the target that the chart shows, and the fewest in all.
_BELOW: Final = 2
_DECADES: Final = 3


def render(demand: Demand, target: Target, found: Plan, out: TextIO) -> None:
    """Write it: the verdict, the table, other targets, and the share of late tasks by workers."""
    beside = targets(demand, target, found)
    page(
        "pool",
        "plan",
        out,
        title=f"Plan: workers so that {plan_words.aim(target)}",
        verdicts=[Verdict("ok" if found.holds_now else "error", plan_words.headline(demand, target, found))],
        table=plan_words.table(found),
        facts=[
            ("load", plan_words.load(demand)),
            ("now", plan_words.limits(demand, found)),
            *([("doubt", plan_words.near(found))] if found.near else []),
            ("method", found.method),
        ],
        others=_others(beside),
        late=_late(demand, target, found, beside) if beside.late else None,
        report=data(as_json(demand, target, found)),
    )


def _others(beside: Targets) -> dict[str, Any] | None:
    """Workers needed by wait and share; None where they would take simulations."""
    if not beside.needed:
        return None
    header = ["Longest wait", *(f"{_exact(part)} of tasks" for part in beside.probabilities)]
    rows = [
        [duration(wait), *map(plan_words.workers, needed)]
        for wait, needed in zip(beside.waits_seconds, beside.needed, strict=True)
    ]
    return {"header": header, "rows": rows}


def _exact(part: float) -> str:
    """A share near 1, with all its nines."""
    return f"{part * 100:.7g}%"


def _late(demand: Demand, target: Target, found: Plan, beside: Targets) -> dict[str, Any]:
    """The share of late tasks over the workers: a chart with powers of ten upward, and its rows."""
    most = 1 - target.probability
    lowest = min(-_DECADES, math.floor(math.log10(max(most, 1e-12))) - _BELOW)
    first, last = beside.late[0][0], beside.late[-1][0]
    x, y = Scale(first, max(last, first + 1), LEFT + 8, RIGHT - 8), Scale(lowest, 0.25, _BOTTOM, TOP)
    points = [(workers, _power(part, lowest)) for workers, part in beside.late]
    needed = found.workers_needed or last
    rules = [rule("mark", x.at(needed), f"needed: {needed:,}")]
    if first <= demand.workers <= last and demand.workers != needed:
        rules.append(rule("now", x.at(demand.workers), f"now: {demand.workers:,}"))
    aim = f"target: {share(most)}"
    chart = Chart(
        title=f"Tasks that wait longer than {duration(target.wait_seconds)}",
        says=f"Closed in the worker, {share(beside.late[0][1])} of tasks wait longer than "
        f"{duration(target.wait_seconds)} with {first:,} workers and {share(beside.late[-1][1])} with {last:,}; "
        f"the target of {share(most)} is met from {needed:,} workers on.",
        x_label="workers",
        bottom=_BOTTOM,
        x_ticks=ticks(x, lambda value: f"{value:,.0f}", whole=True),
        y_ticks=_decades(y, lowest),
        lines=(Line("within", path(x, y, points), "", 0.0),),
        levels=(Level("target", y.at(_power(most, lowest)), aim),),
        rules=tuple(rules),
        dots=tuple(("point", x.at(across), y.at(up)) for across, up in points if up > lowest),
    )
    return {"chart": chart, "rows": [[f"{workers:,}", share(part)] for workers, part in beside.late]}


def _power(part: float, lowest: int) -> float:
    return math.log10(part) if part > 10.0**lowest else float(lowest)


def _decades(y: Scale, lowest: int) -> tuple[Tick, ...]:
    """Powers of ten: as many as have room."""
    step = math.ceil(-lowest / 6)
    return tuple(Tick(y.at(power), f"{10.0**power * 100:.7g}%") for power in range(0, lowest - 1, -step))
