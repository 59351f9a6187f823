"""What would hold a target, for a terminal or a pipe."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.checks import MOST_WORKERS
from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Plan, Target
from stackscan.render import words
from stackscan.render.projection import aligned, duration, number, share, size


def render(demand: Demand, target: Target, found: Plan, out: TextIO) -> None:
    """Write the verdict, then a table, then what the pool of now bears."""
    out.write("\n".join(_lines(demand, target, found)) + "\n")


def _lines(demand: Demand, target: Target, found: Plan) -> tuple[str, ...]:
    aim = f"{share(target.probability)} of tasks wait at most {duration(target.wait_seconds)}"
    now = "holds it" if found.holds_now else "does not hold it"
    pool = words.count(demand.workers, "workers")
    noun = "worker" if found.workers_needed == 1 else "workers"
    rows = (
        ("", "workers needed", "tasks that wait", "mean wait", "closes in flight, 99.9%"),
        (
            "closes in the worker",
            _workers(found.workers_needed),
            "" if found.wait_probability is None else share(found.wait_probability),
            "" if found.mean_wait_seconds is None else duration(found.mean_wait_seconds),
            "0",
        ),
        (
            "closes beside it",
            _workers(found.writers_needed),
            "",
            "",
            f"{found.closers.p999:,} ({size(found.closers.memory_bytes_p999)})",
        ),
    )
    return (
        f"{_workers(found.workers_needed)} {noun} needed so that {aim}; a pool of {demand.workers:,} {now}",
        "",
        *(f"  {line}" for line in aligned(rows)),
        "",
        f"  stall load {number(demand.stall_load_erlangs)} erlangs, all work {number(demand.load_erlangs)}",
        f"  {pool} {_limits(demand, found)}",
        *_near(found),
        f"  {found.method}",
    )


def _near(found: Plan) -> tuple[str, ...]:
    """What the simulation leaves open of the number of workers."""
    if not found.near:
        return ()
    listed = " and ".join(f"{workers:,}" for workers in found.near)
    return (f"  {listed}: too close to the target to be certain",)


def _limits(demand: Demand, found: Plan) -> str:
    if found.largest_silent_fraction is None or found.longest_deadline_seconds is None:
        return "do not hold it at any share of silent peers: writing alone is too much"
    deadline, silent = found.longest_deadline_seconds, share(found.largest_silent_fraction)
    unchanged = deadline >= demand.close_deadline_seconds
    longest = "the deadline as it is" if unchanged else f"a deadline of {deadline:.3g} s"
    return (
        f"hold it up to a silent share of {silent} (now {share(demand.silent_fraction)}), "
        f"or up to {longest} (now {duration(demand.close_deadline_seconds)})"
    )


def _workers(needed: int | None) -> str:
    return f"more than {MOST_WORKERS:,}" if needed is None else f"{needed:,}"
