"""Judges stackscan's pool model by figures that were made without it: benchmarks/truth*.json.

    python benchmarks/model.py [steady|plan|jump ...] [--markdown] [--all] [--tolerance 0.01]

Each figure stands beside the true one with its 99 % interval. It is right when it is within the tolerance of that
interval or, where the model gives an interval too, when the two meet. A percentile of a simulated jump may be
off by what its number of runs explains (99 %). A share too small for the truth to see is right when it is below that.
``--all`` shows every figure, not the wrong ones alone. ``--markdown`` prints tables with one row a point.

The exit code is 1 when a figure is wrong. How benchmarks/truth.py makes the truth is told there; seconds a call are of
this process, the first call left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
#: Below these a difference is nothing: seconds and shares.
LEAST = 1e-6
Pair = tuple[float, float]


@dataclass
class Figure:
    """One number of the model beside the true one; None: without bound, or did not come."""

    name: str
    true: float | None
    true_interval: Pair | None
    ours: float | None
    our_interval: Pair | None
    right: bool
    seconds: bool = False

    @property
    def off(self) -> str:
        """How far off: a share of the true value, or a factor when it is large."""
        if self.true is None or self.ours is None or self.true == self.ours:
            return "" if self.true == self.ours else "one came, one did not"
        if not self.true or not self.ours:
            return "one is 0"
        ratio = self.ours / self.true
        if 0.5 <= ratio <= 2:
            return f"{ratio - 1:+.1%}"
        return f"{ratio:,.3g} ×" if ratio > 1 else f"1/{1 / ratio:,.3g}"

    @property
    def truth(self) -> str:
        """The true value with half of its interval, or its ends where they lie unevenly."""
        if self.true is None:
            return "-"
        if self.true_interval is None:
            return spelt(self.true)
        low, high = self.true_interval
        return f"{spelt(self.true)} ± {spelt(max(high - self.true, self.true - low), 2)}"

    @property
    def product(self) -> str:
        """Our value, with the interval that the model gives."""
        if self.ours is None:
            return "-"
        between = (
            "" if self.our_interval is None else f" [{spelt(self.our_interval[0])}, {spelt(self.our_interval[1])}]"
        )
        return spelt(self.ours) + between


@dataclass
class Row:
    """One point: what it asks, the figures, how the model says it found them, and in how many seconds."""

    point: str
    figures: list[Figure]
    took: float
    method: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether every figure is."""
        return all(figure.right for figure in self.figures)


def main() -> int:
    """Judge what is asked for, print it, and say whether all is right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", nargs="*", metavar="steady|plan|jump", help="[all three]")
    parser.add_argument(
        "--full",
        choices=("found", "held", "told"),
        default="told",
        help="a pool is full when an arrival finds all workers held, or from the moment when they are; or as the model "
        "tells: from the moment on, writes of less than a millisecond left out [told]",
    )
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--all", action="store_true", help="every figure, not the wrong ones alone")
    parser.add_argument("--tolerance", type=float, default=0.01, help="share of the true value [0.01]")
    chosen = parser.parse_args()
    judges: dict[str, Callable[[float], Iterator[Row]]] = {
        "steady": steady,
        "plan": plans,
        "jump": lambda tolerance: jumps(tolerance, chosen.full),
    }
    if unknown := set(chosen.what) - set(judges):
        parser.error(f"not one of {', '.join(judges)}: {', '.join(sorted(unknown))}")
    warm_up()
    wrong = 0
    for name in chosen.what or judges:
        rows = list(judges[name](chosen.tolerance))
        wrong += sum(not figure.right for row in rows for figure in row.figures)
        (markdown if chosen.markdown else text)(name, rows, chosen.all)
    return 1 if wrong else 0


def warm_up() -> None:
    """Load what the first call loads."""
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.projecting import project

    project(Demand(2, 0.05, 0.5, 10.0))
    project(Demand(2, 0.5, 0.1, 10.0, 1.0))


# -- the steady state -------------------------------------------------------------------------------------------------


def steady(tolerance: float) -> Iterator[Row]:
    """`project` at the points of truth.json."""
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.projecting import project

    for point in read("truth.json"):
        demand = Demand(point["c"], point["rate"], point["p"], point["D"], point["s"])
        begin = time.perf_counter()
        found = project(demand)
        took = time.perf_counter() - begin
        now = found.synchronous
        ours = {
            "wait_probability": now.wait_probability,
            "mean_wait_seconds": now.mean_wait_seconds,
            **{f"wait_quantiles_seconds.{share:g}": value for share, value in now.wait_quantiles_seconds},
            "probe_timeout_probability": now.probe_timeout_probability,
        }
        intervals = dict(getattr(now, "intervals", None) or {})
        if "mean_wait_seconds" not in intervals and getattr(now, "mean_wait_interval", None):
            intervals["mean_wait_seconds"] = now.mean_wait_interval
        # 40 batches: so many times has the queue begun anew, and a share of fewer than some of them is not seen
        unseen = 5 / (40 * point["batch_memories"])
        figures = [
            judged(name, *truth_of(point, name), ours.get(name), intervals.get(name), tolerance, unseen)
            for name in ours
            if name != "wait_quantiles_seconds"
        ]
        about = f"{point['c']} workers, {point['p']:g} silent, {point['s']:g} s, utilisation {point['utilisation']:.3g}"
        yield Row(about, figures, took, found.method)


def truth_of(point: dict[str, Any], name: str) -> tuple[float, Pair]:
    """The true value and its interval, by the name of the model."""
    if name.startswith("wait_quantiles_seconds."):
        at = point["wait_quantiles_seconds"][name.removeprefix("wait_quantiles_seconds.")]
        return at["value"], (at["low"], at["high"])
    at = point["longer_than_30_s" if name == "probe_timeout_probability" else name]
    return at["value"], (at["value"] - at["half_width"], at["value"] + at["half_width"])


def judged(
    name: str,
    true: float,
    between: Pair,
    ours: float | None,
    our_interval: Any,
    tolerance: float,
    unseen: float,
) -> Figure:
    """The figure, and whether it is right."""
    slack = max(tolerance * true, LEAST)
    low, high = between[0] - slack, between[1] + slack
    if name.endswith("probability") and true < unseen:
        high = max(high, unseen)
    pair = (
        None
        if our_interval is None
        else (float(our_interval[0]), math.inf if our_interval[1] is None else float(our_interval[1]))
    )
    if ours is None:
        right = False
    elif pair is None:
        right = low <= ours <= high
    else:
        right = pair[0] <= high and low <= pair[1]
    return Figure(name, true, between, ours, pair, right, name.startswith(("mean", "wait_quantiles")))


# -- plans ------------------------------------------------------------------------------------------------------------


def plans(tolerance: float) -> Iterator[Row]:  # noqa: ARG001 - a number of workers is right or is not
    """`plan` at the points of truth_plans.json; where the truth is a near call, one worker more or fewer is right."""
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.planning import Target, plan

    for point in read("truth_plans.json"):
        demand = Demand(max(point["workers_needed"], 1), point["rate"], point["p"], point["D"], point["s"])
        begin = time.perf_counter()
        needed = plan(demand, Target(0.1, 1 - point["allowed"])).workers_needed
        took = time.perf_counter() - begin
        true, near = point["workers_needed"], not point["clear"]
        right = needed is not None and abs(needed - true) <= int(near)
        figure = Figure("workers_needed", true, None, needed, None, right)
        about = f"{point['rate']:g} tasks/s, {point['p']:g} silent, {point['s']:g} s"
        shares = ", ".join(
            f"{one['c']}: {one['longer_than_0.1_s']['value']:.3%} ± {one['longer_than_0.1_s']['half_width']:.2%}"
            for one in point["tried"]
            if one["longer_than_0.1_s"]["value"] < 1
        )
        agrees = Figure(
            "project agrees", 1.0, None, 1.0, None, right=needed is not None and confirmed(demand, needed, point)
        )
        yield Row(about, [figure, agrees], took, notes=["near call"] * near + [f"wait longer, by workers: {shares}"])


def confirmed(demand: Any, needed: int, point: dict[str, Any]) -> bool:
    """Whether ``project`` says that so many workers hold the target, and one fewer does not, within its interval."""
    from stackscan.queueing.projecting import project

    holds = []
    for workers in (needed, needed - 1):
        if not workers:
            holds.append((1.0, 1.0))
            continue
        found = project(dataclasses.replace(demand, workers=workers), probe_timeout_seconds=0.1).synchronous
        share = found.probe_timeout_probability
        holds.append(dict(found.intervals).get("probe_timeout_probability", (share, share)))
    return holds[0][0] <= point["allowed"] < holds[1][1]


# -- jumps ------------------------------------------------------------------------------------------------------------


#: Writes shorter than this are left out of a jump. The moment when silent sends alone hold all workers lies between the
#: one when anything does and the one when an arrival finds it so.
SHORT_WRITE = 1e-3


def jumps(tolerance: float, meaning_of_full: str = "told") -> Iterator[Row]:
    """`jump` at the points of truth_jumps.json. Full: an arrival *found* all workers held, or the moment they are."""
    from stackscan.errors import ModelError
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.transient import jump

    for point in read("truth_jumps.json"):
        demand = Demand(point["c"], point["rate"], point["p"], point["D"], point["s"])
        about = (
            f"{point['c']} workers, {point['rate']:g} tasks/s, {point['before']:g} → {point['p']:g} for "
            f"{point['lasting']:g} s, {point['s']:g} s, D {point['D']:g} s"
        )
        begin = time.perf_counter()
        try:
            found = jump(demand, silent_fraction_before=point["before"], lasting_seconds=point["lasting"])
        except ModelError as error:
            yield Row(about, [Figure("jump", None, None, None, None, right=False)], 0.0, notes=[str(error)])
            continue
        took = time.perf_counter() - begin
        said = re.search(r"([\d,]+) replications", found.method)
        runs = int(said[1].replace(",", "")) if said else 400
        figures = []
        for name in ("time_to_full", "time_to_drain"):
            ours, meant = getattr(found, name), name
            told = name == "time_to_full" and meaning_of_full == "told"
            if name == "time_to_full" and (meaning_of_full == "held" or (told and point["s"] >= SHORT_WRITE)):
                meant = "time_to_held"
            true = point[meant]
            if told and point["s"] < SHORT_WRITE:
                figures += between(name, point["time_to_held"], true, ours)
                continue
            count = runs if name == "time_to_full" else max(1, round(runs * found.time_to_full.share))
            figures.append(share_of(name, true, ours.share, count, point["runs"]))
            figures += [
                percentile(f"{name}.{key}", true, level, getattr(ours, key), count, point["runs"], tolerance)
                for key, level in (("p05", 0.05), ("p50", 0.5), ("p95", 0.95))
            ]
        yield Row(about, figures, took, found.method)


def between(name: str, early: dict[str, Any], late: dict[str, Any], ours: Any) -> Iterator[Figure]:
    """Percentiles that lie between two others, but for what chance explains (a twentieth)."""
    for key in ("p05", "p50", "p95"):
        low, high = 0.95 * early["seconds"][key]["low"], 1.05 * late["seconds"][key]["high"]
        value = getattr(ours, key)
        right = value is not None and low <= value <= high
        yield Figure(f"{name}.{key}", (low + high) / 2, (low, high), value, None, right=right, seconds=True)


def share_of(name: str, true: dict[str, Any], ours: float, runs: int, true_runs: int) -> Figure:
    """How often it came."""
    value, half = true["share"]["value"], true["share"]["half_width"]
    allowed = chance(value, runs, true_runs) + 0.5 / runs
    return Figure(f"{name}.share", value, (value - half, value + half), ours, None, abs(ours - value) <= allowed)


def percentile(
    name: str, true: dict[str, Any], level: float, ours: float | None, runs: int, true_runs: int, tolerance: float
) -> Figure:
    """A percentile of so many runs: right when it lies between those of the true law that chance explains."""
    at = true["seconds"][name.rpartition(".")[2]]
    law = [math.inf if value is None else value for value in true["law"]]
    allowed = chance(level, runs, true_runs)
    low, high = (law_at(law, level + sign * allowed) for sign in (-1, 1))
    mine = math.inf if ours is None else ours
    right = low * (1 - tolerance) - LEAST <= mine <= high * (1 + tolerance) + LEAST
    if at is None:
        return Figure(name, None, None, ours, None, right, seconds=True)
    return Figure(
        name, at["value"], (at["low"], math.inf if at["high"] is None else at["high"]), ours, None, right, seconds=True
    )


def chance(level: float, runs: int, true_runs: int) -> float:
    """How far a share of so many runs is from that of the others, in 99 of 100 cases."""
    return 2.5758 * math.sqrt(level * (1 - level) * (1 / runs + 1 / true_runs))


def law_at(law: list[float], level: float) -> float:
    """A percentile of the true law, by the two beside it."""
    at = min(max(level * (len(law) + 1) - 1, 0.0), len(law) - 1.0)
    below, above = law[math.floor(at)], law[math.ceil(at)]
    if math.isinf(above):
        return above if at > math.floor(at) else below
    return below + (at - math.floor(at)) * (above - below)


# -- output -----------------------------------------------------------------------------------------------------------


def read(name: str) -> list[dict[str, Any]]:
    """The points of one file."""
    path = FOLDER / name
    if not path.exists():
        sys.exit(f"{path} is missing: make it with `python benchmarks/truth.py all`")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def text(name: str, rows: list[Row], everything: bool) -> None:
    """A line a figure."""
    print(f"{name}: true value ± half of its 99 % interval, the model's [its interval], off by")
    for row in rows:
        shown = [figure for figure in row.figures if everything or not figure.right]
        print(
            f"  {'ok   ' if row.right else 'WRONG'} {row.point}  ({row.took:.2f} s)",
            row.method,
        )
        for figure in shown:
            mark = "     " if figure.right else "wrong"
            print(f"    {mark} {figure.name:<28}{figure.truth:<24}{figure.product:<34}{figure.off}")
        for note in row.notes if shown else ():
            print(f"          {note}")
    print(summary(rows) + "\n")


def summary(rows: list[Row]) -> str:
    """How many are right, and how long a call took."""
    figures = [figure for row in rows for figure in row.figures]
    took = [row.took for row in rows]
    said = (
        f"{sum(figure.right for figure in figures)} of {len(figures)} figures right, "
        f"{sum(row.right for row in rows)} of {len(rows)} points; "
        f"a call took {statistics.median(took):.2f} s (median), {max(took):.2f} s (longest)"
    )
    given = [figure for figure in figures if figure.our_interval is not None and figure.true]
    if given:
        covered = sum(figure.our_interval[0] <= figure.true <= figure.our_interval[1] for figure in given)
        widths = [(figure.our_interval[1] - figure.our_interval[0]) / 2 / figure.true for figure in given]
        said += f"; {covered} of {len(given)} intervals cover the true value, median ± {statistics.median(widths):.1%}"
    return said


#: The columns of the tables for docs: heading and figure.
COLUMNS = {
    "steady": {
        "P(wait)": "wait_probability",
        "mean wait, s": "mean_wait_seconds",
        "99 % wait below, s": "wait_quantiles_seconds.0.99",
        "P(wait > 30 s)": "probe_timeout_probability",
    },
    "plan": {"workers needed": "workers_needed"},
    "jump": {
        "share full": "time_to_full.share",
        "median until full, s": "time_to_full.p50",
        "median until free, s": "time_to_drain.p50",
        "95 % free after, s": "time_to_drain.p95",
    },
}


def markdown(name: str, rows: list[Row], everything: bool) -> None:
    """One row a point; in each cell the true figure above, the model's below, and how far off it is when wrong."""
    columns = COLUMNS[name]
    shown = [row for row in rows if everything or name != "plan" or not row.right] or rows
    print(f"| point | {' | '.join(columns)} | ok |")
    print(f"|---|{'---:|' * len(columns)}---|")
    for row in shown:
        by_name = {figure.name: figure for figure in row.figures}
        cells = []
        for column in columns.values():
            figure = by_name.get(column)
            wrong = "" if figure is None or figure.right else f" (**{figure.off}**)"
            cells.append("" if figure is None else f"{figure.truth}<br>{figure.product}{wrong}")
        print(f"| {row.point} | {' | '.join(cells)} | {'yes' if row.right else '**no**'} |")
    print(f"\n{summary(rows)}\n")


def spelt(value: float, digits: int = 4) -> str:
    """A number with so many digits."""
    return f"{value:.{digits}g}"


if __name__ == "__main__":
    sys.exit(main())
