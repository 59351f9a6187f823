"""A plan in words: a headline, a table, what the pool of now bears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackscan.queueing.checks import MOST_WORKERS
from stackscan.render import words
from stackscan.render.numbers import duration, number, share, size

if TYPE_CHECKING:
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.planning import Plan, Target


def aim(target: Target) -> str:
    """``99% of tasks wait at most 0.1 s``."""
    return f"{share(target.probability)} of tasks wait at most {duration(target.wait_seconds)}"


def headline(demand: Demand, target: Target, found: Plan) -> str:
    """How many workers are needed, and whether the pool of now meets the target."""
    noun = "worker" if found.workers_needed == 1 else "workers"
    now = "meets this target" if found.holds_now else "does not"
    needed = workers(found.workers_needed)
    return f"{needed} {noun} needed so that {aim(target)}; the pool of {demand.workers:,} {now}"


def table(found: Plan) -> tuple[tuple[str, ...], ...]:
    """A header, and a row for each place where streams may be closed."""
    return (
        ("streams are closed", "workers needed", "tasks that wait", "mean wait", "closers at p99.9"),
        (
            "in the worker",
            workers(found.workers_needed),
            "" if found.wait_probability is None else share(found.wait_probability),
            "" if found.mean_wait_seconds is None else duration(found.mean_wait_seconds),
            "0",
        ),
        (
            "outside the pool",
            workers(found.writers_needed),
            "",
            "",
            f"{found.closers.p999:,} ({size(found.closers.memory_bytes_p999)})",
        ),
    )


def load(demand: Demand) -> str:
    """The offered load, and how much of it silent peers are."""
    silent = number(demand.stall_load_erlangs)
    return f"offered load {number(demand.load_erlangs)} erlangs, of it silent peers {silent}"


def limits(demand: Demand, found: Plan) -> str:
    """Up to where the pool of now meets the target."""
    pool = words.count(demand.workers, "workers")
    if found.largest_silent_fraction is None or found.longest_deadline_seconds is None:
        return f"{pool} do not meet it at any share of silent peers: the writes alone are too many"
    deadline, silent = found.longest_deadline_seconds, share(found.largest_silent_fraction)
    unchanged = deadline >= demand.close_deadline_seconds
    longest = "the current deadline" if unchanged else f"a deadline of {deadline:.3g} s"
    return (
        f"{pool} meet it up to a silent share of {silent} (now {share(demand.silent_fraction)}), "
        f"or up to {longest} (now {duration(demand.close_deadline_seconds)})"
    )


def near(found: Plan) -> str:
    """Numbers of workers that the simulation cannot decide; empty where there are none."""
    if not found.near:
        return ""
    listed = " and ".join(f"{count:,}" for count in found.near)
    return f"{listed}: too close to the target to be sure"


def workers(needed: int | None) -> str:
    """A number of workers, or that it is beyond what the model takes."""
    return f"more than {MOST_WORKERS:,}" if needed is None else f"{needed:,}"
