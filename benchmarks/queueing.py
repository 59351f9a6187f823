"""Simulates M/D/12 at 8 erlangs with stackscan, simpy and ciw, in one run: tasks a second, and the same answer.

    python benchmarks/queueing.py [--tasks 200000]

Needs the development dependencies (simpy, ciw). All simulate the same queue, of which the exact values are printed as
well; each gives the mean wait with its 90 % interval over its replications. stackscan simulates many
more tasks than the others, since it would be over before a clock sees it: once by the recursion for equal holding
times, once by the one for any.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from scipy import special

WORKERS, LOAD, HOLDING = 12, 8.0, 10.0
WARM_UP = 1000
RATE = LOAD / HOLDING


def main() -> int:
    """Run all three, print the table, and say whether they agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tasks", type=int, default=200_000, help="tasks of simpy and of ciw, in all [200000]")
    parser.add_argument("--replications", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.tasks // chosen.replications < 1000:
        parser.error("give at least 1,000 tasks a replication")

    from stackscan.queueing.deterministic import DeterministicQueue

    exact = DeterministicQueue(WORKERS, LOAD, HOLDING)
    print(f"M/D/{WORKERS}, {LOAD:g} erlangs, holding time {HOLDING:g} s")
    print(f"exact mean wait {exact.mean_wait_seconds:.5f} s\n")
    print(f"{'':<20}{'tasks':>12}{'seconds':>10}{'tasks/s':>14}   mean wait, 90% interval")
    rows: dict[str, tuple[float, float, float]] = {}
    for name, simulate, tasks, replications in (
        ("stackscan", stackscan, 100 * chosen.tasks, 200),
        ("stackscan, general", general, 20 * chosen.tasks, 1000),
        ("simpy", with_simpy, chosen.tasks, chosen.replications),
        ("ciw", with_ciw, chosen.tasks, chosen.replications),
    ):
        each = tasks // replications
        if name.startswith("stackscan"):
            simulate(each, replications)  # once before: its libraries are loaded and its memory is there
        begin = time.perf_counter()
        means = simulate(each, replications)
        seconds = time.perf_counter() - begin
        simulated = replications * (each + WARM_UP)
        low, high = interval(means)
        rows[name] = simulated / seconds, low, high
        print(f"{name:<20}{simulated:>12,}{seconds:>10.2f}{simulated / seconds:>14,.0f}   {low:.4f} to {high:.4f} s")
    print()
    for ours in ("stackscan", "stackscan, general"):
        ratios = (
            f"{rows[ours][0] / rows[name][0]:,.0f} × as many tasks a second as {name}" for name in ("simpy", "ciw")
        )
        print(f"{ours}: {', '.join(ratios)}")
    apart = [name for name, (_, low, high) in rows.items() if not overlaps((low, high), rows["stackscan"][1:])]
    print("all intervals meet" if not apart else f"these do not agree: {', '.join(apart)}")
    return 1 if apart else 0


def stackscan(tasks: int, replications: int) -> list[float]:
    """The mean wait of each replication, by our recursion."""
    from plain_simulation import simulate_deterministic

    done = simulate_deterministic(
        WORKERS, LOAD, holding_seconds=HOLDING, tasks=tasks, warm_up=WARM_UP, replications=replications, seed=1
    )
    means: list[float] = done.waits_seconds.mean(axis=1).tolist()
    return means


def general(tasks: int, replications: int) -> list[float]:
    """The same by the recursion for any holding times, which is what mixed loads are simulated by."""
    from plain_simulation import simulate
    from stackscan.queueing.demand import Demand

    done = simulate(
        Demand(WORKERS, RATE, 1.0, HOLDING, 0.0), tasks=tasks, warm_up=WARM_UP, replications=replications, seed=2
    )
    means: list[float] = done.waits_seconds.mean(axis=1).tolist()
    return means


def with_simpy(tasks: int, replications: int) -> list[float]:
    """The same by simpy: a process a task, a resource of twelve."""
    import simpy

    means = []
    for seed in range(replications):
        draw, waits = random.Random(seed), []  # noqa: S311 - a simulation

        def task(environment: simpy.Environment, pool: simpy.Resource, waits: list[float] = waits) -> Iterator[object]:
            arrived = environment.now
            with pool.request() as request:
                yield request
                waits.append(environment.now - arrived)
                yield environment.timeout(HOLDING)

        def arrivals(
            environment: simpy.Environment, pool: simpy.Resource, draw: random.Random = draw, task: Callable = task
        ) -> Iterator[object]:
            for _ in range(tasks + WARM_UP):
                yield environment.timeout(draw.expovariate(RATE))
                environment.process(task(environment, pool))

        environment = simpy.Environment()
        environment.process(arrivals(environment, simpy.Resource(environment, WORKERS)))
        environment.run()
        means.append(statistics.fmean(waits[WARM_UP:]))
    return means


def with_ciw(tasks: int, replications: int) -> list[float]:
    """The same by ciw."""
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(RATE)],
        service_distributions=[ciw.dists.Deterministic(HOLDING)],
        number_of_servers=[WORKERS],
    )
    means = []
    for seed in range(replications):
        ciw.seed(10_000 + seed)  # both draw from Python's generator: not the same draws
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(tasks + WARM_UP, method="Finish")
        records = sorted(simulation.get_all_records(only=["service"]), key=lambda record: record.arrival_date)
        means.append(statistics.fmean(record.waiting_time for record in records[WARM_UP:]))
    return means


def interval(means: list[float]) -> tuple[float, float]:
    """Student's 90 % interval."""
    half = special.stdtrit(len(means) - 1, 0.95) * statistics.stdev(means) / len(means) ** 0.5
    return statistics.fmean(means) - half, statistics.fmean(means) + half


def overlaps(one: tuple[float, float], other: tuple[float, ...]) -> bool:
    """Whether two intervals meet."""
    return one[0] <= other[1] and other[0] <= one[1]


if __name__ == "__main__":
    sys.exit(main())
