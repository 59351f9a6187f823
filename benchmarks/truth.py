"""Makes the figures that the pool model is judged by: benchmarks/truth.json, truth_plans.json, truth_jumps.json.

    python benchmarks/truth.py steady|plan|jump|all [--effort 1] [--worse-than 0.005] [--points 1,7]
    python benchmarks/truth.py again [--count 5]     # repeats the cheapest points of truth.json: the same answer?
    python benchmarks/truth.py check                 # the Go program beside simpy and ciw, on mixed tasks

Needs Go (standard library only), ``check`` the development dependencies as well. The simulation is benchmarks/gomodel,
which shares no code with stackscan; its own tests (``go test``, in that folder) hold it to what is known exactly. It
runs at the lowest priority. ``--effort`` multiplies the processor time of each point.

Each point has the half-width of its 99 % interval beside the value; 0.5 % of mean wait and P(wait) is what is aimed at.
Rare waits, pools near saturation and very many tasks a deadline reach less: read the half-widths.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
FILES = {
    name: FOLDER / f"truth{ending}.json" for name, ending in (("steady", ""), ("plan", "_plans"), ("jump", "_jumps"))
}
DEADLINE = 10.0

#: workers, share of silent peers, service time in s, utilisation, seconds of processor time
STEADY = (
    # healthy work that matters, near saturation or in big pools
    (128, 0.01, 1.0, 0.97, 12),
    (12, 0.01, 1.0, 0.975, 15),
    (32, 0.01, 0.01, 0.95, 20),
    (12, 0.01, 0.01, 0.97, 20),
    (1000, 0.1, 0.01, 0.909, 20),
    (12, 0.5, 0.01, 0.97, 15),
    # the pools of which one output contradicted itself
    (12, 0.1, 1.0, 10 / 12, 8),
    (13, 0.01, 1.0, 11 / 13, 8),
    (6, 0.0, 1.0, 5 / 6, 8),
    # next to no healthy work
    (1, 1.0, 0.0003, 0.2, 8),
    (1, 0.1, 0.0003, 0.5, 8),
    (4, 0.5, 0.0003, 0.6, 8),
    (12, 0.1, 0.0003, 0.417, 20),
    (12, 0.1, 0.0003, 0.9, 12),
    (32, 0.1, 0.0003, 0.8, 12),
    (32, 1.0, 1.0, 0.85, 8),
    (128, 0.1, 0.0003, 0.9, 20),
    # a small share of silent peers: healthy work is little, but not beside theirs
    (1, 1e-5, 0.0003, 0.012, 20),
    (128, 0.01072, 0.0003, 933 * 0.1075 / 128, 25),
    # what was simulated
    (1, 0.01, 0.01, 0.8, 10),
    (12, 0.1, 1.0, 0.9, 10),
    (4, 0.01, 1.0, 0.7, 8),
    (12, 0.01, 0.0003, 0.8, 15),
    (128, 0.5, 0.01, 0.95, 12),
    # all other kinds
    (12, 0.0, 0.1, 0.8, 6),
    (2, 0.0, 0.01, 0.5, 6),
    (64, 0.0, 1.0, 0.95, 8),
    (8, 1e-5, 0.1, 0.9, 15),
    (2, 1e-4, 0.01, 0.6, 15),
    (4, 1e-4, 0.0003, 0.9, 20),
    (8, 0.001, 0.01, 0.5, 12),
    (32, 0.001, 0.1, 0.9, 15),
    (64, 1e-4, 1.0, 0.95, 12),
    (2, 0.1, 0.1, 0.95, 10),
    (8, 0.5, 1.0, 0.8, 8),
    (64, 0.1, 0.01, 0.7, 12),
    (64, 0.01, 0.1, 0.98, 20),
    (4, 1.0, 0.01, 0.98, 12),
    (1, 0.5, 1.0, 0.98, 12),
    # 100,000 tasks and more in one deadline: never precise
    (128, 0.001, 0.0003, 0.9, 30),
    (12, 1e-5, 0.0003, 0.9, 30),
    (128, 1e-5, 0.01, 0.8, 20),
)

#: tasks a second, share of silent peers, service time in s; 99 % of tasks wait at most 0.1 s
PLANS = (
    (5, 0.0, 1.0),
    (5, 0.01, 1.0),
    (10, 0.01, 1.0),
    (50, 0.01, 1.0),
    (1000, 1e-4, 0.005),
    (100, 0.01, 0.02),
    (5, 0.1, 0.0003),
    (10, 0.1, 0.1),
    (1000, 0.001, 0.00121),
    (20000, 1e-5, 0.0003),
    (0.1, 1.0, 0.0003),
    (0.5, 0.0, 1.0),
    (0.5, 0.5, 1.0),
    (1, 0.0, 0.1),
    (1, 0.01, 0.1),
    (1, 0.1, 0.01),
    (1, 1.0, 0.01),
    (2, 0.05, 1.0),
    (2, 0.2, 0.1),
    (3, 0.001, 1.0),
    (5, 0.001, 0.1),
    (5, 0.02, 0.01),
    (5, 0.15, 1.0),
    (5, 0.5, 1.0),
    (5, 1.0, 0.0003),
    (8, 0.01, 0.5),
    (10, 0.0, 0.1),
    (10, 0.01, 0.0003),
    (10, 0.05, 1.0),
    (10, 0.15, 0.0003),
    (10, 0.5, 0.1),
    (15, 0.001, 1.0),
    (20, 0.01, 0.1),
    (20, 0.1, 0.01),
    (30, 0.001, 0.01),
    (30, 0.05, 0.1),
    (50, 0.0, 0.1),
    (50, 0.02, 0.0003),
    (100, 0.0, 0.01),
    (100, 0.001, 0.1),
)

#: workers, tasks a second, share before, share within, service time in s, deadline in s, lasting s
JUMPS = (
    (12, 100, 0.001, 0.01, 0.05, 10, 60),
    (12, 5, 0.01, 0.2, 1.0, 10, 60),
    (12, 10, 0.01, 0.15, 0.0003, 10, 60),
    (12, 10, 0.108, 0.15, 0.0003, 10, 60),
    (12, 10, 0.114, 0.15, 0.0003, 10, 60),
    (12, 10, 0.1176, 0.15, 0.0003, 10, 60),
    (4, 2, 0.05, 0.6, 0.0003, 5, 120),
    (32, 40, 0.02, 0.1, 0.0003, 10, 300),
)
RUNS = 10_000


def main() -> int:
    """Make what is asked for, file by file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", choices=(*FILES, "all", "again", "check"))
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--worse-than", type=float, default=0.0, help="only points known less precisely, such as 0.005")
    parser.add_argument("--points", default="", help="only these, such as 1,7")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--count", type=int, default=5, help="points that are repeated by `again` [5]")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        if chosen.what == "check":
            return check(program, chosen.parallel)
        if chosen.what == "again":
            return again(program, chosen.parallel, chosen.count)
        only = {int(number) for number in chosen.points.split(",") if number}
        for name in FILES if chosen.what == "all" else (chosen.what,):
            make(program, name, chosen.parallel, chosen.effort, chosen.worse_than, only)
    return 0


def build(folder: Path) -> Path:
    """The Go program, built without a network."""
    program = folder / "gomodel"
    subprocess.run(("go", "build", "-o", program, "."), cwd=FOLDER / "gomodel", check=True)
    return program


def points(name: str, effort: float) -> list[dict[str, Any]]:
    """The questions, as the Go program reads them."""
    if name == "steady":
        return [
            {
                "c": c,
                "p": p,
                "s": s,
                "D": DEADLINE,
                "utilisation": u,
                "seed": n,
                "target": 0.005,
                "seconds": effort * cpu,
            }
            for n, (c, p, s, u, cpu) in enumerate(STEADY, 1)
        ]
    if name == "plan":
        return [
            {"rate": rate, "p": p, "s": s, "D": DEADLINE, "allowed": 0.01, "seed": 100 * n, "seconds": effort * 40}
            for n, (rate, p, s) in enumerate(PLANS, 1)
        ]
    return [
        {"c": c, "rate": rate, "before": before, "p": p, "s": s, "D": d, "lasting": lasting, "runs": RUNS, "seed": n}
        for n, (c, rate, before, p, s, d, lasting) in enumerate(JUMPS, 1)
    ]


def ask(program: Path, name: str, questions: list[dict[str, Any]], parallel: int) -> Iterator[dict[str, Any]]:
    """The answers of the Go program, as they come."""
    command = ("nice", "-n", "19", program, "-parallel", str(parallel), name)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - for the type checker
        process.stdin.write(json.dumps(questions))
        process.stdin.close()
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"gomodel {name}: exit code {process.returncode}")


def make(program: Path, name: str, parallel: int, effort: float, worse_than: float, only: set[int]) -> None:
    """Ask the points of one file that are not known as precisely, and put each answer into it as it comes."""
    begin, path, asked = time.perf_counter(), FILES[name], points(name, effort)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    kept = kept if len(kept) == len(asked) else [None] * len(asked)
    places = [
        place
        for place, answer in enumerate(kept)
        if (not worse_than or looseness(answer) > worse_than) and (not only or place + 1 in only)
    ]
    for place, answer in zip(places, ask(program, name, [asked[place] for place in places], parallel), strict=True):
        if not worse_than or looseness(answer) < looseness(kept[place]):
            kept[place] = answer
        print(f"{name} {place + 1}: {answer['cpu_seconds']:.1f} s, ± {looseness(answer):.2%}", flush=True)
        write(path, [one for one in kept if one is not None])
    spent = sum(answer["cpu_seconds"] for answer in kept)
    print(f"{path.name}: {spent:.0f} s of processor time, {time.perf_counter() - begin:.0f} s in all")


def looseness(answer: dict[str, Any] | None) -> float:
    """The larger of the relative half-widths of mean wait and P(wait); of a plan, whether it is a near call."""
    if answer is None:
        return math.inf
    if "clear" in answer:
        return float(not answer["clear"])
    if "mean_wait_seconds" not in answer:
        return 0.0
    pairs = (answer["mean_wait_seconds"], answer["wait_probability"])
    return max(pair["half_width"] / pair["value"] if pair["value"] else math.inf for pair in pairs)


def write(path: Path, answers: list[dict[str, Any]]) -> None:
    """One point a line, so that a changed one is one changed line."""
    lines = ",\n".join(json.dumps(rounded(answer)) for answer in answers)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """The same with eight digits; none of these figures has more."""
    if isinstance(value, dict):
        return {key: item if key == "rate" else rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def again(program: Path, parallel: int, count: int) -> int:
    """Repeat the points with the fewest tasks: the same seed and number of tasks give the same figures anywhere."""
    kept = sorted(json.loads(FILES["steady"].read_text(encoding="utf-8")), key=lambda point: point["tasks"])[:count]
    questions = [{key: point[key] for key in ("c", "p", "s", "D", "rate", "seed", "tasks")} for point in kept]
    unlike = 0
    for before, now in zip(kept, map(rounded, ask(program, "steady", questions, parallel)), strict=True):
        same = all(before[key] == now[key] for key in ("mean_wait_seconds", "wait_probability"))
        unlike += not same
        print(f"{before['c']} workers, seed {before['seed']}: {'the same' if same else f'{before} but {now}'}")
    return 1 if unlike else 0


# -- beside simpy and ciw ---------------------------------------------------------------------------------------------

#: workers, share of silent peers, service time in s, utilisation
BESIDE = ((12, 0.1, 1.0, 0.8), (4, 0.3, 0.5, 0.7), (1, 0.2, 1.0, 0.6))


def check(program: Path, parallel: int, *, tasks: int = 30_000, replications: int = 20) -> int:
    """Three programs on the same queues of two kinds of tasks: mean wait and P(wait), with 99 % intervals."""
    apart = 0
    for number, (c, p, s, utilisation) in enumerate(BESIDE):
        rate = utilisation * c / (s + p * DEADLINE)
        question = {"c": c, "p": p, "s": s, "D": DEADLINE, "rate": rate, "seed": 9 + number, "tasks": 40_000_000}
        answer = next(ask(program, "steady", [question], parallel))
        rows = {"gomodel": tuple(tuple(answer[key].values()) for key in ("mean_wait_seconds", "wait_probability"))}
        for name, simulate in (("simpy", with_simpy), ("ciw", with_ciw)):
            found = [simulate(c, p, s, rate, tasks, 1000 * number + seed) for seed in range(replications)]
            waits = [run[tasks // 5 :] for run in found]
            rows[name] = (
                interval([statistics.fmean(run) for run in waits]),
                interval([sum(wait > 1e-9 for wait in run) / len(run) for run in waits]),
            )
        print(f"{c} workers, {p:.0%} silent, service {s:g} s, utilisation {utilisation:g}")
        for name, pairs in rows.items():
            print(f"  {name:<8}" + "   ".join(f"{value:.5f} ± {half:.5f}" for value, half in pairs))
            meet = all(
                abs(value - truth) <= half + other
                for (value, half), (truth, other) in zip(pairs, rows["gomodel"], strict=True)
            )
            apart += not meet
    print("columns: mean wait (s), P(wait), 99 % intervals;", f"{apart} do not meet" if apart else "all meet gomodel's")
    return 1 if apart else 0


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half of Student's 99 % interval."""
    from scipy import special

    half = special.stdtrit(len(values) - 1, 0.995) * statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values), float(half)


def with_simpy(c: int, p: float, s: float, rate: float, tasks: int, seed: int) -> list[float]:
    """Waits by simpy: a process a task, a resource of c."""
    import simpy

    draw, waits = random.Random(seed), []  # noqa: S311 - a simulation

    def task(environment: simpy.Environment, pool: simpy.Resource) -> Iterator[object]:
        arrived = environment.now
        with pool.request() as request:
            yield request
            waits.append(environment.now - arrived)
            yield environment.timeout(s + (DEADLINE if draw.random() < p else 0))

    def arrivals(environment: simpy.Environment, pool: simpy.Resource) -> Iterator[object]:
        for _ in range(tasks):
            yield environment.timeout(draw.expovariate(rate))
            environment.process(task(environment, pool))

    environment = simpy.Environment()
    environment.process(arrivals(environment, simpy.Resource(environment, c)))
    environment.run()
    return waits


def with_ciw(c: int, p: float, s: float, rate: float, tasks: int, seed: int) -> list[float]:
    """Waits by ciw, in the order of arrival."""
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate)],
        service_distributions=[ciw.dists.Pmf([s, s + DEADLINE], [1 - p, p])],
        number_of_servers=[c],
    )
    ciw.seed(10_000 + seed)  # both draw from Python's generator: not the same draws
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(tasks, method="Finish")
    records = sorted(simulation.get_all_records(only=["service"]), key=lambda record: record.arrival_date)
    return [record.waiting_time for record in records]


if __name__ == "__main__":
    sys.exit(main())
