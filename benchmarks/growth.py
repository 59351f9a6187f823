"""Measures how the cost of `stackscan report` grows with what an input holds more of: is everything linear?

    python benchmarks/growth.py [CASE ...] [--steps 1 4 16 64] [--keep FOLDER]

Each case is made of real goroutines in four sizes, 1, 4, 16 and 64 times a first one, and read by a process a size
(`report --format json`). Seconds are of the processor, all threads and processes together, without what a report on
next to nothing takes, the least of three runs. A cell is what a piece costs (a goroutine, a stack, a dump, a member, a
capture) as a multiple of what it costs in the largest size: linear shows numbers that do not grow from left to right.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
REAL: Final = ROOT / "fixtures" / "go" / "go1.27" / "bigserver.txt.gz"
_RUNS: Final = 3


def blocks() -> list[str]:
    """The goroutines of a real dump."""
    return [
        block.rstrip("\n") + "\n"
        for block in gzip.decompress(REAL.read_bytes()).decode().split("\n\n")
        if block.startswith("goroutine ") and "created by " in block
    ]


def renumbered(block: str, number: int) -> str:
    """A goroutine with another id."""
    return re.sub(r"^goroutine \d+", f"goroutine {number}", block)


def goroutines(folder: Path, count: int) -> list[Path]:
    """One dump of so many goroutines, on the stacks of a real program."""
    real = blocks()
    path = folder / f"goroutines-{count}.txt"
    path.write_text("\n".join(renumbered(real[n % len(real)], n + 1) for n in range(count)))
    return [path]


def stacks(folder: Path, count: int) -> list[Path]:
    """One dump of so many goroutines, no two on one stack."""
    real = blocks()
    made = (re.sub(r"\.go:\d+", f".go:{n + 10}", renumbered(real[n % len(real)], n + 1), count=1) for n in range(count))
    path = folder / f"stacks-{count}.txt"
    path.write_text("\n".join(made))
    return [path]


def dumps(folder: Path, count: int) -> list[Path]:
    """One log with so many dumps of a goroutine each."""
    real = blocks()
    path = folder / f"dumps-{count}.txt"
    path.write_text("\n".join(f"dump {n}\n{renumbered(real[n % 40], 7)}" for n in range(count)))
    return [path]


def members(folder: Path, count: int) -> list[Path]:
    """One archive with so many dumps of twenty goroutines."""
    path = folder / f"members-{count}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(count):
            archive.writestr(f"{n:05}/goroutines.stacks", _small(n))
    return [path]


def captures(folder: Path, count: int) -> list[Path]:
    """So many files of twenty goroutines."""
    inside = folder / f"captures-{count}"
    inside.mkdir(exist_ok=True)
    paths = [inside / f"{n:05}.txt" for n in range(count)]
    for n, path in enumerate(paths):
        path.write_text(_small(n))
    return paths


def _small(number: int) -> str:
    real = blocks_kept()
    return "\n".join(renumbered(real[(number + at) % len(real)], 100 * number + at + 1) for at in range(20))


_KEPT: list[str] = []


def blocks_kept() -> list[str]:
    """The same as :func:`blocks`, read once."""
    if not _KEPT:
        _KEPT.extend(blocks())
    return _KEPT


#: Of each case how it is made, and its first size.
CASES: Final[dict[str, tuple[Callable[[Path, int], list[Path]], int]]] = {
    "goroutines": (goroutines, 2_000),
    "stacks": (stacks, 1_000),
    "dumps": (dumps, 100),
    "members": (members, 15),
    "captures": (captures, 10),
}


def seconds(paths: list[Path]) -> float:
    """Processor seconds of a report on these files, the least of several runs."""
    command = [sys.executable, "-m", "stackscan", "report", "--no-source", "--format", "json", *map(str, paths)]
    least = float("inf")
    for _ in range(_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=os.environ)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return least


def main() -> None:
    """Print a row a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--steps", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        nothing = folder / "nothing.txt"
        nothing.write_text(blocks()[0])
        start = seconds([nothing])
        print(f"{'':12} {'first':>7} " + " ".join(f"{f'x{step}':>8}" for step in chosen.steps) + f" {'ms a piece':>11}")
        for name in chosen.cases or CASES:
            make, first = CASES[name]
            costs = [max(seconds(make(folder, first * step)) - start, 0.0) / step / first for step in chosen.steps]
            cells = " ".join(f"{cost / costs[-1]:>8.2f}" for cost in costs)
            print(f"{name:12} {first:>7,} {cells} {1000 * costs[-1]:>11.3f}", flush=True)


if __name__ == "__main__":
    main()
