"""The output of ``pool plan``: how many workers meet a target."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.checks import MOST_WORKERS
from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Plan, Target
from stackscan.render import words
from stackscan.render.numbers import duration, number, share, size
from stackscan.render.pool_words import aligned


def render(demand: Demand, target: Target, found: Plan, out: TextIO) -> None:
    """Write the verdict, then a table, then what the pool of now bears."""
    out.write("\n".join(_lines(demand, target, found)) + "\n")


def _lines(demand: Demand, target: Target, found: Plan) -> tuple[str, ...]:
    aim = f"{share(target.probability)} of tasks wait at most {duration(target.wait_seconds)}"
    now = "meets this target" if found.holds_now else "does not"
    pool = words.count(demand.workers, "workers")
    noun = "worker" if found.workers_needed == 1 else "workers"
    rows = (
        ("streams are closed", "workers needed", "tasks that wait", "mean wait", "closers at p99.9"),
        (
            "in the worker",
            _workers(found.workers_needed),
            "" if found.wait_probability is None else share(found.wait_probability),
            "" if found.mean_wait_seconds is None else duration(found.mean_wait_seconds),
            "0",
        ),
        (
            "outside the pool",
            _workers(found.writers_needed),
            "",
            "",
            f"{found.closers.p999:,} ({size(found.closers.memory_bytes_p999)})",
        ),
    )
    return (
        f"{_workers(found.workers_needed)} {noun} needed so that {aim}; the pool of {demand.workers:,} {now}",
        "",
        *(f"  {line}" for line in aligned(rows)),
        "",
        f"  offered load {number(demand.load_erlangs)} erlangs, of it silent peers {number(demand.stall_load_erlangs)}",
        f"  {pool} {_limits(demand, found)}",
        *_near(found),
        f"  {found.method}",
    )


def _near(found: Plan) -> tuple[str, ...]:
    """Numbers of workers that the simulation cannot decide."""
    if not found.near:
        return ()
    listed = " and ".join(f"{workers:,}" for workers in found.near)
    return (f"  {listed}: too close to the target to be sure",)


def _limits(demand: Demand, found: Plan) -> str:
    if found.largest_silent_fraction is None or found.longest_deadline_seconds is None:
        return "do not meet it at any share of silent peers: the writes alone are too many"
    deadline, silent = found.longest_deadline_seconds, share(found.largest_silent_fraction)
    unchanged = deadline >= demand.close_deadline_seconds
    longest = "the current deadline" if unchanged else f"a deadline of {deadline:.3g} s"
    return (
        f"meet it up to a silent share of {silent} (now {share(demand.silent_fraction)}), "
        f"or up to {longest} (now {duration(demand.close_deadline_seconds)})"
    )


def _workers(needed: int | None) -> str:
    return f"more than {MOST_WORKERS:,}" if needed is None else f"{needed:,}"
