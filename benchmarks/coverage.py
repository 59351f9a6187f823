"""How often the 90 % interval of a load from captures holds the load that made them.

    python benchmarks/coverage.py [--runs 200] [--processes 2] [--markdown]

A pool of twelve workers with Poisson arrivals and holds of 10 s is played through in continuous time, by a loop that
shares nothing with the model. Dumps are taken of it as far apart as the row says, and given to the product as a folder
of captures would be: with the goroutine ids that a process of so many new goroutines a second would show and no times
(``ids``), with times (``times``), and with neither (``neither``). The exit code is 1 when an interval covers less than
88 % within what so many runs can tell (two standard errors).
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

WORKERS, HOLD_SECONDS = 12, 10.0
UTILISATIONS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
#: Number of dumps, seconds apart, what is known of their times, new goroutines a second.
ROWS = (
    (1, 0.0, "one", 200.0),
    (5, 2.0, "ids", 200.0),
    (12, 5.0, "ids", 8.0),
    (12, 5.0, "times", 200.0),
    (60, 1.0, "ids", 200.0),
    (60, 1.0, "ids", 5.0),
    (60, 1.0, "times", 200.0),
    (60, 1.0, "neither", 200.0),
    (10, 11.0, "times", 200.0),
    (20, 11.0, "ids", 200.0),
    (20, 60.0, "ids", 8.0),
    (60, 60.0, "times", 200.0),
)
LEAST = 0.88


@dataclass(frozen=True)
class Case:
    """One cell of the table."""

    dumps: int
    apart: float
    ids_a_second: float
    utilisation: float
    known: str


def main() -> int:
    """Print the table, and say whether every cell covers enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200, help="pools played through for each cell [200]")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    allowed = LEAST - 2 * (LEAST * (1 - LEAST) / chosen.runs) ** 0.5
    head = ["dumps", "apart", "known", *(f"{100 * u:g} %" for u in UTILISATIONS)]
    if chosen.markdown:
        print(f"| {' | '.join(head)} |\n|{'---:|' * len(head)}")
    else:
        print("  ".join(f"{cell:>9}" for cell in head))
    worst = 1.0
    with ProcessPoolExecutor(chosen.processes) as pool:
        for dumps, apart, known, ids in ROWS:
            cases = [Case(dumps, apart, ids, u, known) for u in UTILISATIONS]
            found = list(pool.map(partial(covered, runs=chosen.runs), cases))
            worst = min(worst, *found)
            named = f"{ids:g} ids/s" if known == "ids" else known
            cells = [f"{dumps}", f"{apart:g} s", named, *(f"{100 * share:.0f} %" for share in found)]
            print(f"| {' | '.join(cells)} |" if chosen.markdown else "  ".join(f"{c:>9}" for c in cells), flush=True)
    print(f"\nlowest: {100 * worst:.1f} % of {chosen.runs} runs; at least {100 * allowed:.1f} % expected")
    return 0 if worst >= allowed else 1


def covered(case: Case, *, runs: int) -> float:
    """The share of runs whose interval holds the load."""
    from stackscan.load.times import moments_of
    from stackscan.queueing.calibration import Series, load_of_workers

    load, good = case.utilisation * WORKERS, 0
    for seed in range(runs):
        captures = played(case, random.Random(f"{case} {seed}"))  # noqa: S311 - a simulation
        moments = moments_of(captures, apart_seconds=None, holding_seconds=HOLD_SECONDS)
        series = [Series(tuple(captures[place].shown.held for place in places), at) for places, at in moments]
        found = load_of_workers(series, workers=WORKERS)
        good += found.low <= load and (found.high is None or load <= found.high)
    return good / runs


def played(case: Case, draw: random.Random) -> Sequence[object]:
    """The captures of one pool."""
    from stackscan.knowledge.pool_model import Model
    from stackscan.load.projections import Held
    from stackscan.load.times import PoolCapture

    rate = case.utilisation * WORKERS / HOLD_SECONDS
    settle = HOLD_SECONDS * (10 + 10 * case.utilisation / WORKERS / (1 - case.utilisation) ** 2)
    times = [settle + place * case.apart for place in range(case.dumps)]
    free = [(0.0, worker) for worker in range(WORKERS)]  # when, who
    holds, now = [], 0.0
    while now < times[-1]:
        now += draw.expovariate(rate)
        first = min(free)
        start = max(now, first[0])
        free[free.index(first)] = start + HOLD_SECONDS, first[1]
        holds.append((start, first[1]))
    began, model = (
        datetime(2026, 1, 1, tzinfo=UTC),
        Model(("stalled-close",), HOLD_SECONDS, 30.0, "", "", "", "", "", ""),
    )
    captures = []
    for time in times:
        held = [(start, worker) for start, worker in holds if start <= time < start + HOLD_SECONDS]
        base, newest = 1_000, 1_000 + round(case.ids_a_second * time)
        pairs = frozenset((worker, base + round(case.ids_a_second * start)) for start, worker in held)
        ids = frozenset(range(300)) | {newest} | {child for _, child in pairs}
        with_ids = case.known == "ids"
        captures.append(
            PoolCapture(
                shown=Held(model, WORKERS, len(held), beside=0, is_beside=False, endless=False),
                holds=pairs if with_ids else frozenset(),
                ids=frozenset(ids) if with_ids else frozenset(),
                newest=newest if with_ids else 0,
                where="",
                when=began + timedelta(seconds=time) if case.known == "times" else None,
            )
        )
    return captures


if __name__ == "__main__":
    sys.exit(main())
