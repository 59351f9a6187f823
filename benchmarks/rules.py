"""What the rules cost: `report` of one dump with the whole catalogue and with an empty one, as processes.

    python benchmarks/rules.py FILE [RUNS]

Prints the median times of whole processes, and how much the catalogue adds. Runs alternate, so that what else the
machine does falls on both alike; processor time is of all threads together.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

_SCRIPT = """
import gc, sys
gc.set_threshold(100_000, 50, 100)  # as the program does
from stackscan.knowledge.configuration import Configuration
from stackscan.pipeline import Options, scan
from stackscan.render import renderer
rules = ()
pools = ()
if sys.argv[2] == "all":
    from stackscan.knowledge.configuration import shipped
    rules, pools = shipped().rules, shipped().pools
renderer("report", "text")(scan([sys.argv[1]], options=Options(Configuration(rules, pools))), sys.stdout)
gc.freeze()
"""


def main() -> None:
    """Measure and print a line for each of the two, and what the catalogue adds."""
    path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 9
    measured: dict[str, list[tuple[float, float]]] = {"none": [], "all": []}
    for _ in range(runs):
        for which, times in measured.items():
            times.append(_run(path, which))
    medians = {
        which: [statistics.median(column) for column in zip(*times, strict=True)] for which, times in measured.items()
    }
    for which, title in (("none", "no rules and pools"), ("all", "the whole catalogue")):
        wall, processor = medians[which]
        print(f"{title:<20} {wall * 1e3:7.0f} ms, {processor * 1e3:7.0f} ms of processors")
    added = [everything / none - 1 for everything, none in zip(medians["all"], medians["none"], strict=True)]
    print(f"{'the catalogue adds':<20} {added[0]:7.1%}   , {added[1]:7.1%}")


def _run(path: str, which: str) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    start, used = time.perf_counter(), _processor_seconds()
    subprocess.run([sys.executable, "-c", _SCRIPT, path, which], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, _processor_seconds() - used


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
